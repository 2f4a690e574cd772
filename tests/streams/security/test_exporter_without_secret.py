"""The exporter is given no QUANZU_SECRET: it opens, recognises its Redis by the rest, and can hash no number."""

import pytest

from streams.channels.settings import ChannelSettings
from streams.installation import ACTING, Installation
from streams.runtime.settings import Settings, SettingsError, SettingsWithoutSecret
from streams.security.installation_keys import NEED_SECRET
from streams.security.rights import Component
from streams.state.shared_state import Marks, OtherInstallationError


def without(settings: Settings) -> Settings:
    given = {**settings.plain(), "embedded": False, "replication": 3}
    return SettingsWithoutSecret.model_validate({name: each for name, each in given.items() if name != "secret"})


async def test_an_installation_of_the_exporter_has_no_key_of_the_hashes(settings: Settings) -> None:
    line = Installation(without(settings), ChannelSettings(), component=Component.EXPORTER)
    try:
        assert line.exporter.settings.secret is None
        with pytest.raises(SettingsError, match="QUANZU_SECRET is not set"):
            _ = line.outgoing.households
    finally:
        await line.outgoing.client.aclose()
        await line.redis.aclose()


def test_a_process_without_the_secret_still_refuses_another_installations_redis(settings: Settings) -> None:
    marks, run = Marks(without(settings)), f"run_id:{'a' * 40}\r\nmaster_replid:{'b' * 40}\r\n".encode()
    own = (settings.app_id.encode(), b"abc", b"of a secret that it has not", str(settings.partitions).encode())
    marks.missing(run, own)
    with pytest.raises(OtherInstallationError, match="this Redis is of the installation 'another'"):
        marks.missing(run, (b"another", *own[1:]))
    with pytest.raises(OtherInstallationError, match="was filled for"):
        marks.missing(run, (*own[:3], b"999"))
    with pytest.raises(OtherInstallationError, match="another QUANZU_SECRET"):
        Marks(settings).missing(run, own)


def test_whoever_fills_the_store_has_the_secret() -> None:
    assert set(ACTING) <= NEED_SECRET
    assert set(Component) - NEED_SECRET == {Component.EXPORTER}

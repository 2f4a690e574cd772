"""Tables are restored from their topic while others change them: what Kafka and Redis have acknowledged stays."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from schemas.people.rosters import Officer, Role, Roster
from streams.messaging import reader
from streams.repositories.rosters import Rosters
from streams.runtime.settings import Settings
from streams.state import compacted_table
from tests.channel_rig import rigged

Change = Callable[[], Awaitable[object]]


def adds(officer: str) -> Callable[[Roster | None], Roster]:
    """Return the change that puts an officer on the roster."""

    def added(before: Roster | None) -> Roster:
        new = Officer(id=officer, name=officer, role=Role.OFFICER, division="220102")
        return Roster(station="race", officers=[*(before.officers if before else ()), new])

    return added


def interrupted(monkeypatch: pytest.MonkeyPatch, changes: list[Change]) -> None:
    """Whenever a reader of a topic has received a record of the roster, and has not copied it yet, make one change."""
    read_all = reader.read_all

    async def reads(*args: Any, **more: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as read_all
        async for record in read_all(*args, **more):
            if changes and record.key == b"station/race":
                await changes.pop(0)()
            yield record

    monkeypatch.setattr(compacted_table, "read_all", reads)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_restore_keeps_the_changes_that_are_acknowledged_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async with rigged(settings) as rig:
        table = Rosters(rig.settings, rig.redis, rig.producer).table
        console = Rosters(rig.settings, rig.redis, rig.producer).table
        await table.change("race", adds("one"))
        changes: list[Change] = [lambda name=name: console.change("race", adds(name)) for name in "abc"[:number]]  # type: ignore[misc]
        interrupted(monkeypatch, changes)
        await table.restore()
        assert not changes
        found = await console.get("race")
        assert found is not None
        assert [each.id for each in found.officers] == ["one", *"abc"[:number]]


async def test_a_restore_does_not_bring_back_what_is_deleted_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings) as rig:
        table = Rosters(rig.settings, rig.redis, rig.producer).table
        await table.change("race", adds("one"))
        interrupted(monkeypatch, [lambda: table.drop("race")])
        await table.restore()
        assert await table.get("race") is None

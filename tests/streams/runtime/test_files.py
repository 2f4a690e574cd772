"""A certificate that is exchanged is shown to who comes next; half of a new pair changes nothing."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette

from streams.runtime import tls as https
from streams.runtime.serving import serving
from streams.runtime.tls import Tls
from tests.channel_rig import until
from tests.tools.servers.certificates import Authority, Certificate

LOOK_SECONDS = 0.02


def put(made: Certificate, certificate: Path, key: Path | None = None) -> None:
    """As a renewal does it: each file is replaced as a whole."""
    for source, place in ((made.certificate, certificate), (made.key, key)):
        if place:
            shutil.copy(source, place.with_suffix(".new"))
            place.with_suffix(".new").replace(place)


@asynccontextmanager
async def served(tls: Tls) -> AsyncIterator[tuple[str, int]]:
    config = uvicorn.Config(Starlette(), log_config=None, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "PORT", tls) as address:
        parts = urlsplit(address)
        yield str(parts.hostname), int(parts.port or 0)


async def shown(where: tuple[str, int]) -> str:
    """The certificate that a new connection is shown."""
    return await asyncio.to_thread(ssl.get_server_certificate, where)


def leaf(made: Certificate) -> str:
    """The first certificate of the chain, as `shown` gives it."""
    head, end, _ = made.certificate.read_text().partition("-----END CERTIFICATE-----")
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(head + end))


@pytest.mark.timeout(60)
async def test_an_exchanged_certificate_is_shown_to_who_comes_next_and_half_of_a_pair_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(https, "RENEW_SECONDS", LOOK_SECONDS)
    authority = Authority(tmp_path)
    old, new = authority.issue("old"), authority.issue("new")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    put(old, certificate, key)
    async with served(Tls("QUANZU_INTAKE", certificate, key)) as where:
        assert await shown(where) == leaf(old)
        put(new, certificate)
        await until(lambda: any("stays in use" in record.getMessage() for record in caplog.records))
        assert await shown(where) == leaf(old)
        put(new, certificate, key)

        async def renewed() -> bool:
            return await shown(where) == leaf(new)

        await until(renewed)

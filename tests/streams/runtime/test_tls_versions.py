"""What our servers speak: TLS 1.2 and 1.3, with authenticated encryption and forward secrecy, and nothing older."""

import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette

from streams.runtime.serving import serving
from streams.runtime.tls import Tls
from tests.tools.servers.certificates import Authority

V10, V11, V12, V13 = (ssl.TLSVersion[name] for name in ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"))
EVERYTHING = "ALL:@SECLEVEL=0"  # so that the server's refusal is seen, and not the client's own
REFUSED = "EOF_WHILE_READING|ALERT_PROTOCOL_VERSION|ALERT_HANDSHAKE_FAILURE"  # by the server: it hangs up, or says why


@pytest_asyncio.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    made = Authority(tmp_path).issue("server")
    config = uvicorn.Config(Starlette(), log_config=None, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "PORT", Tls("QUANZU_INTAKE", made.certificate, made.key)) as address:
        yield int(urlsplit(address).port or 0)


async def spoken(port: int, first: ssl.TLSVersion, last: ssl.TLSVersion, ciphers: str = EVERYTHING) -> tuple[str, str]:
    """Return the version and the cipher suite that the server and a client of these versions agree on.

    Raises ssl.SSLError if they agree on none.
    """
    return await to_thread.run_sync(_spoken, port, first, last, ciphers)


def _spoken(port: int, first: ssl.TLSVersion, last: ssl.TLSVersion, ciphers: str) -> tuple[str, str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only the handshake is looked at
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions
        context.minimum_version, context.maximum_version = first, last
    context.set_ciphers(ciphers)
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain) as connection,
    ):
        found = connection.cipher()
        return str(connection.version()), found[0] if found else ""


async def test_the_newest_version_is_taken(port: int) -> None:
    version, suite = await spoken(port, V12, V13)
    assert (version, suite) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


async def test_versions_before_1_2_are_refused(port: int) -> None:
    with pytest.raises(ssl.SSLError, match=REFUSED):
        await spoken(port, V10, V11)


@pytest.mark.parametrize("suites", ["ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384", "AES256-GCM-SHA384", "aNULL"])
async def test_a_suite_that_is_not_authenticated_or_without_forward_secrecy_is_refused(port: int, suites: str) -> None:
    with pytest.raises(ssl.SSLError, match=REFUSED):
        await spoken(port, V12, V12, f"{suites}:@SECLEVEL=0")


async def test_a_browser_is_told_to_stay_with_tls(port: int) -> None:
    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501 - only the headers are looked at
        answer = await client.get(f"https://127.0.0.1:{port}/nowhere")
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_of_1_2_a_modern_suite_is_taken(port: int) -> None:
    version, suite = await spoken(port, V12, V12)
    assert version == "TLSv1.2"
    assert suite.startswith("ECDHE-")
    assert suite.endswith(("-GCM-SHA384", "-POLY1305"))

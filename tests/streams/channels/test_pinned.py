"""Webhooks' connections: to permitted addresses only, and by the host's name."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from streams.channels.pinned import ForbiddenDestinationError, ForbiddenPortError, PinnedTransport


@asynccontextmanager
async def answering(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers 204: its port, and what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"])
async def test_nothing_goes_to_this_machine_however_it_is_written(host: str) -> None:
    async with answering() as (port, heard), httpx.AsyncClient(transport=PinnedTransport((), trial=False)) as client:
        with pytest.raises(ForbiddenDestinationError):
            await client.post(f"http://{host}:{port}/hook", content=b"{}")
    assert heard == []


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
async def test_a_host_that_cannot_be_a_name_is_not_known(host: str) -> None:
    async with httpx.AsyncClient(transport=PinnedTransport((), trial=False)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(f"https://{host}/hook", content=b"{}")


async def test_a_slow_resolver_is_not_waited_for_longer_than_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> list[object]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", slow)
    transport = PinnedTransport((), trial=False)
    async with httpx.AsyncClient(transport=transport, timeout=0.2) as client, asyncio.timeout(5):
        with pytest.raises(httpx.ConnectTimeout):
            await client.post("https://bank.example/hook", content=b"{}")


async def test_the_certificate_is_verified_by_the_hosts_name_though_the_address_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with answering(context) as (port, heard), httpx.AsyncClient(transport=PinnedTransport((), True)) as client:
        assert (await client.post(f"https://localhost:{port}/hook", content=b"{}")).status_code == 204
        with pytest.raises(httpx.ConnectError):
            await client.post(f"https://127.0.0.1:{port}/hook", content=b"{}")  # the certificate names no address
    assert f"Host: localhost:{port}".encode().lower() in heard[0].lower()


async def test_nothing_goes_to_another_port_of_a_permitted_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def public(*_: object, **__: object) -> list[object]:
        return [(None, None, None, "", ("203.0.114.7", 25))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", public)
    async with httpx.AsyncClient(transport=PinnedTransport((), trial=False)) as client:
        with pytest.raises(ForbiddenPortError):
            await client.post("https://bank.example:25/hook", content=b"{}")

"""Syslog over TLS, to a real receiver with a certificate of its own authority."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from streams.security.syslog import MOST_WAITING, Syslog, framed, message

AT = datetime(2026, 3, 2, 8, 0, 0, 5000, tzinfo=UTC)


class Receiver:
    """Reads messages as RFC 5425 frames them."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                length = int(await reader.readuntil(b" "))
                self.heard.put_nowait(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def next(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.heard.get()


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[tuple[Receiver, int, Path]]:
    authority, context, receiver = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), Receiver()
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield receiver, server.sockets[0].getsockname()[1], folder / "ca.pem"
    finally:
        server.close()
        for writer in receiver.writers:
            writer.close()


def test_a_message_is_as_rfc_5424_writes_it() -> None:
    data = {"who": 'li "x" ] \\', "address": "198.18.0.1", "on": ""}
    raw = message(AT, 4, "password-wrong", data, "console-1", "17")
    assert raw == (
        b"<84>1 2026-03-02T08:00:00.005+00:00 console-1 quanzu-console 17 password-wrong "
        b'[quanzu@32473 who="li \\"x\\" \\] \\\\" address="198.18.0.1"]'
    )
    assert framed(b"abc") == b"3 abc"


async def test_messages_arrive_in_order_over_tls_and_again_after_a_break(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (receiver, port, ca):
        sender = Syslog("localhost", port, ca)
        running = asyncio.create_task(sender.run())
        try:
            for who in ("a", "b"):
                sender.put(AT, 4, "forbidden", {"who": who})
            assert [b'who="a"' in await receiver.next(), b'who="b"' in await receiver.next()] == [True, True]
            receiver.writers[-1].transport.abort()
            await asyncio.sleep(0.2)
            sender.put(AT, 4, "forbidden", {"who": "c"})
            assert b'who="c"' in await receiver.next()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_receiver_that_nobody_vouches_for_hears_nothing(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (receiver, port, _):
        sender = Syslog("localhost", port, None)
        sender.put(AT, 4, "forbidden", {"who": "a"})
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert receiver.heard.empty()


def test_what_waits_too_long_is_dropped_and_counted() -> None:
    sender = Syslog("localhost", 1, None)
    for _ in range(MOST_WAITING + 3):
        sender.put(AT, 4, "forbidden", {})
    assert sender.dropped == 3


def test_a_file_of_authorities_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Syslog("localhost", 1, tmp_path / "none.pem")

"""Syslog over TLS, to a real receiver with a certificate of its own authority."""

import asyncio
import gc
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from console.web.auth.security_log import receiver
from console.web.kit.settings import ConsoleSettings
from streams.runtime.credentials import authorities
from streams.runtime.settings import SettingsError
from streams.security.syslog import MOST_WAITING, PORT, Syslog, framed, message

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
    authority, context, hearing = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), Receiver()
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = await asyncio.start_server(hearing.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield hearing, server.sockets[0].getsockname()[1], folder / "ca.pem"
    finally:
        server.close()
        for writer in hearing.writers:
            writer.close()


@asynccontextmanager
async def running(sender: Syslog) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sender_to(port: int, ca: Path | None = None) -> Syslog:
    return Syslog("localhost", port, authorities("the file of a test", ca))


def test_a_message_is_as_rfc_5424_writes_it() -> None:
    data = {"who": 'li "x" ] \\', "address": "198.18.0.1", "on": ""}
    raw = message(AT, 4, "password-wrong", data, "console-1", "17")
    assert raw == (
        b"<84>1 2026-03-02T08:00:00.005+00:00 console-1 quanzu-console 17 password-wrong "
        b'[quanzu@32473 who="li \\"x\\" \\] \\\\" address="198.18.0.1"]'
    )
    assert framed(b"abc") == b"3 abc"


def test_no_value_begins_a_message_of_its_own_where_a_receiver_writes_lines() -> None:
    data = {"who": "li\n<84>1 2026-03-02T08:00:00Z console-1 quanzu-console 17 signed-in\r\x1b[2K\u2028王"}
    raw = message(AT, 4, "password-wrong", data, "console-1", "17").decode()
    assert len(raw.splitlines()) == 1
    assert raw.isprintable()
    assert raw.endswith('17 signed-in??[2K?王"]')


async def test_messages_arrive_in_order_over_tls_and_again_after_a_break(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (hearing, port, ca):
        sender = sender_to(port, ca)
        async with running(sender):
            for who in ("a", "b"):
                sender.put(AT, 4, "forbidden", {"who": who})
            assert [b'who="a"' in await hearing.next(), b'who="b"' in await hearing.next()] == [True, True]
            hearing.writers[-1].transport.abort()
            await asyncio.sleep(0.2)
            sender.put(AT, 4, "forbidden", {"who": "c"})
            assert b'who="c"' in await hearing.next()


async def test_a_connection_that_the_receiver_resets_is_logged_once_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(tmp_path) as (hearing, port, ca):
        sender, unhandled = sender_to(port, ca), list[dict[str, Any]]()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with running(sender):
            sender.put(AT, 4, "forbidden", {"who": "a"})
            assert b'who="a"' in await hearing.next()
            transport = hearing.writers[-1].transport
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            await asyncio.sleep(0.2)
            sender.put(AT, 4, "forbidden", {"who": "b"})
            assert b'who="b"' in await hearing.next()
        gc.collect()
    assert "the connection broke (ConnectionResetError)" in caplog.text
    assert unhandled == []


async def test_after_the_third_break_it_is_back_as_soon_as_after_the_first(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (hearing, port, ca):
        sender = sender_to(port, ca)
        async with running(sender):
            for number in range(4):
                sender.put(AT, 4, "forbidden", {"who": f"n{number}"})
                async with asyncio.timeout(3):
                    assert f'who="n{number}"'.encode() in await hearing.next()
                hearing.writers[-1].transport.abort()
                await asyncio.sleep(0.2)


async def test_a_receiver_that_nobody_vouches_for_hears_nothing(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (hearing, port, _):
        sender = sender_to(port)
        sender.put(AT, 4, "forbidden", {"who": "a"})
        async with running(sender):
            await asyncio.sleep(1)
    assert hearing.heard.empty()


def test_what_waits_too_long_is_dropped_and_counted() -> None:
    sender = sender_to(1)
    for _ in range(MOST_WAITING + 3):
        sender.put(AT, 4, "forbidden", {})
    assert sender.dropped == 3


async def test_what_is_dropped_while_it_is_written_takes_no_other_with_it() -> None:
    sender, written = sender_to(1), list[bytes]()

    class Slow(asyncio.StreamWriter):
        """Takes messages, and meanwhile another one comes."""

        def __init__(self) -> None:
            pass

        __del__ = __init__  # there is no connection to close

        def write(self, data: bytes | bytearray | memoryview) -> None:
            written.append(bytes(data))

        async def drain(self) -> None:
            if len(written) == 1:
                sender.put(AT, 4, "forbidden", {"who": "late"})

    for number in range(MOST_WAITING):
        sender.put(AT, 4, "forbidden", {"who": f"n{number}"})
    await sender._send(Slow())
    assert len(set(written)) == MOST_WAITING + 1


def test_a_file_of_authorities_that_is_not_there_is_told(tmp_path: Path) -> None:
    wrong = ConsoleSettings(syslog="siem.example", syslog_ca=tmp_path / "none.pem")
    with pytest.raises(SettingsError, match=r"QUANZU_CONSOLE_SYSLOG_CA = .*: No such file"):
        receiver(wrong)


@pytest.mark.parametrize("text", ["siem.example:port", "siem.example:65536", "https://siem.example", ":6514", "a@b:1"])
def test_what_is_no_address_of_a_receiver_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match=r"QUANZU_CONSOLE_SYSLOG = .*: write host:port"):
        receiver(ConsoleSettings(syslog=text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("siem.example", ("siem.example", PORT)),
        ("siem.example:7", ("siem.example", 7)),
        ("[fd00::7]:7", ("fd00::7", 7)),
        ("[fd00::7]", ("fd00::7", PORT)),
    ],
)
def test_the_port_of_a_receiver_may_be_left_out(text: str, place: tuple[str, int]) -> None:
    found = receiver(ConsoleSettings(syslog=text))
    assert found is not None
    assert (found._host, found._port) == place

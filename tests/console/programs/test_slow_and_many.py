"""Clients that are slow, many or send much: they are answered or ended, and the others are served."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from console.web.kit import limits
from console.web.kit.events import Places
from console.web.kit.pages import ZONE
from domain.visits import roster_file
from schemas.people.staff import StaffRole
from streams.runtime import serving as body
from tests.channel_rig import until
from tests.console.harness.stage import Client, Stage
from tests.console.programs.test_api import API

HELD = 1000
# Seconds in which others are served: on a machine that does nothing else (QUANZU_QUIET=1), and on any.
SERVED = 0.1 if os.environ.get("QUANZU_QUIET") else 0.5
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(limits, "BODY_SECONDS", 1.0)


async def test_forms_with_files_are_held_in_memory_so_many_at_once_and_small_ones_always() -> None:
    held, go = [], asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.append(scope["path"])
        await go.wait()
        await PlainTextResponse("done")(scope, receive, send)

    large, small = bytes(limits.BODY_BYTES + 1), b"x=1"
    transport = httpx.ASGITransport(limits.Bodies(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        forms = [
            asyncio.ensure_future(client.post("/call-in/c/danger", content=large)) for _ in range(limits.MOST_HELD)
        ]
        await until(lambda: len(held) == limits.MOST_HELD)
        refused = await client.post("/cases/c/evidence", content=large)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        go.set()
        assert (await client.post("/call-in/c/danger", content=small)).status_code == 200
        assert [(await form).status_code for form in forms] == [200] * limits.MOST_HELD
        assert (await client.post("/cases/c/evidence", content=large)).status_code == 200


async def _trickled(console: Stage, sent: bytes) -> tuple[bytes, float]:
    """What a client hears that sends this and then a byte every tenth of a second, and when it is ended."""
    address, begun = httpx.URL(console.address), time.monotonic()
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(sent)
    heard = asyncio.ensure_future(_all_of(reader))
    while not heard.done() and time.monotonic() - begun < 20:
        with suppress(ConnectionError):
            writer.write(b"x")
            await writer.drain()
        await asyncio.wait((heard,), timeout=0.1)
    writer.close()
    return await heard, time.monotonic() - begun


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other end closes, also if it resets the connection on a byte that comes too late."""
    heard = b""
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            heard += part
    return heard


@pytest.mark.usefixtures("hasty")
async def test_a_head_that_trickles_in_is_ended(console: Stage) -> None:
    heard, seconds = await _trickled(console, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    assert heard == b""
    assert seconds < 10


@pytest.mark.usefixtures("hasty")
async def test_a_body_that_trickles_in_is_answered_408_and_ended(console: Stage) -> None:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\nlogin="
    heard, seconds = await _trickled(console, b"POST /sign-in HTTP/1.1\r\nHost: x\r\n" + kind)
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert seconds < 10


async def test_while_a_thousand_connections_are_held_the_others_are_served(console: Stage) -> None:
    address = httpx.URL(console.address)
    async with AsyncExitStack() as held, httpx.AsyncClient(base_url=console.address) as client:
        for _ in range(HELD):
            _, writer = await asyncio.open_connection(address.host, address.port)
            held.callback(writer.close)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            assert (await client.get("/healthz")).status_code == 200
            took.append(time.perf_counter() - begun)
    middle = sorted(took)[len(took) // 2]
    print(f"{HELD} connections held: the others are served in {middle * 1000:.1f} ms (median of {len(took)})")
    assert middle < SERVED, took


@asynccontextmanager
async def listening(client: Client, path: str = "/news") -> AsyncIterator[httpx.Response]:
    async with client.stream("GET", path, headers=EVENTS) as stream:
        yield stream


async def test_the_next_stream_of_an_account_is_told_to_wait_and_others_get_theirs(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.services, "streams", Places(2, 3))
    async with (
        await console.signed_in(StaffRole.OPERATOR) as anna,
        await console.signed_in(StaffRole.OPERATOR) as ben,
        listening(anna) as first,
    ):
        assert first.status_code == 200
        async with listening(anna), listening(anna) as third, listening(ben) as his:
            assert (third.status_code, third.headers["retry-after"]) == (429, "30")
            assert his.status_code == 200
            async with listening(ben) as one_more:  # three are open in all
                assert one_more.status_code == 429
        async with asyncio.timeout(20):
            while await _status(anna) != 200:  # until the server notices that they were left
                continue


async def _status(client: Client) -> int:
    async with listening(client) as stream:
        return stream.status_code


async def test_a_program_follows_the_journal_a_few_times_and_is_then_told_to_wait(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.services, "journal_streams", Places(1, 9))
    async with await console.signed_in(StaffRole.OPERATOR) as client, listening(client, f"{API}/stream"):
        async with listening(client, f"{API}/stream") as second:
            assert second.status_code == 429
        assert await _status(client) == 200  # the pages' own streams are counted apart


async def test_a_large_roster_does_not_hold_the_pages_of_others(console: Stage) -> None:
    text = _roster(people=15, shifts=366)
    assert len(text.encode()) > 400_000
    begun = time.perf_counter()
    roster_file.parse(text, "2201", ZONE)
    alone = time.perf_counter() - begun
    pauses: list[float] = []
    async with await console.signed_in(StaffRole.SUPERVISOR) as client:
        beside = asyncio.create_task(_note_pauses(pauses))
        answer = await client.post("/rosters/import", files={"file": ("roster.csv", text.encode(), "text/csv")})
        beside.cancel()
    assert answer.status_code == 200, answer.text[:500]
    assert "新增班次" in answer.text
    print(f"a roster of {len(text.encode())} bytes, {alone:.2f} s to parse: the longest pause is {max(pauses):.3f} s")
    assert max(pauses) < max(0.1, alone / 2), (max(pauses), alone)


async def _note_pauses(pauses: list[float]) -> None:
    """Note how much longer than asked for each sleep of the event loop is."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        pauses.append(time.perf_counter() - begun - 0.005)


def _roster(people: int, shifts: int) -> str:
    first = datetime(2026, 3, 1, 8, tzinfo=ZONE)
    begins = [first + timedelta(days=day) for day in range(shifts)]
    hours = [f"{at:%Y-%m-%d %H:%M},{at + timedelta(hours=8):%Y-%m-%d %H:%M}" for at in begins]
    rows = [f"大名册,big-{number},测试{number},民警,220104,zh,{each}" for number in range(people) for each in hours]
    return "\n".join([",".join(roster_file.COLUMNS), *rows, ""])

"""Pages that stand open when the console stops: their streams end, and nothing is told of it but that."""

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Response

from console.web.kit import serve
from console.web.kit.events import Events, Places
from console.web.kit.settings import ConsoleSettings
from streams.runtime.embedded import free_port

STREAMS = 3


def application(left: asyncio.Queue[str]) -> FastAPI:
    """One stream that never ends by itself; `left`: what its end has told."""
    app = FastAPI()
    app.state.stopping = asyncio.Event()

    async def events() -> AsyncIterator[dict[str, str]]:
        try:
            yield {"event": "begin", "data": "1"}
            await asyncio.Event().wait()
        finally:
            left.put_nowait("cleaned up")

    @app.get("/events")
    async def stream() -> Response:
        return Events(events(), "anna", Places(STREAMS, STREAMS))

    return app


async def read(client: httpx.AsyncClient, address: str, begun: asyncio.Semaphore) -> list[str]:
    """A stream to its end, which must come as an answer ends."""
    found = []
    async with client.stream("GET", f"{address}/events") as answer:
        async for line in answer.aiter_lines():
            found.append(line)
            if line.startswith("event"):
                begun.release()
    return found


async def test_the_streams_of_open_pages_end_with_the_console_and_leave_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serve, "STOP_SECONDS", 60)
    left: asyncio.Queue[str] = asyncio.Queue()
    begun = asyncio.Semaphore(0)
    with caplog.at_level(logging.WARNING):
        async with httpx.AsyncClient(timeout=60) as client:
            async with serve.serving(application(left), ConsoleSettings(port=free_port())) as address:
                reading = [asyncio.create_task(read(client, address, begun)) for _ in range(STREAMS)]
                for _ in range(STREAMS):
                    await begun.acquire()
            told = await asyncio.gather(*reading)
    assert [lines[0] for lines in told] == ["event: begin"] * STREAMS
    assert left.qsize() == STREAMS, "each was cleaned up"
    # Kafka clients of other tests, which are still being closed, log in the same process.
    told_of_it = [each.getMessage() for each in caplog.records if not each.name.startswith(("aiokafka", "kafka"))]
    assert told_of_it == []


async def test_a_stream_whose_browser_leaves_is_cleaned_up_while_the_console_goes_on() -> None:
    left: asyncio.Queue[str] = asyncio.Queue()
    async with (
        httpx.AsyncClient(timeout=60) as client,
        serve.serving(application(left), ConsoleSettings(port=free_port())) as address,
    ):
        async with client.stream("GET", f"{address}/events") as answer:
            assert await anext(answer.aiter_lines()) == "event: begin"
        assert await asyncio.wait_for(left.get(), 60) == "cleaned up"

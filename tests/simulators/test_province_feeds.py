import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.world.feeds import FeedError, Feeders
from simulators.world.province import START, Province
from streams.runtime.clock import Clock

END = START + timedelta(minutes=20)
SPEED = 1200.0


class Intake:
    """A server that takes signals as intake does, and can be away, slow or choosy for a while."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.keys: set[tuple[str, str]] = set()
        self.away = 0  # requests to answer with 503
        self.silent = 0  # requests to take, and then not to answer in time
        self.refuse_every = 0
        self.status = 202

    async def post(self, request: Request) -> Response:
        if self.away > 0:
            self.away -= 1
            return JSONResponse({"error": "away"}, 503, {"Retry-After": "5"})
        if self.status != 202:
            return JSONResponse({"error": "no valid API key"}, self.status)
        items = [orjson.loads(line) for line in (await request.body()).splitlines()]
        self.keys |= {(item["source"], request.headers["authorization"]) for item in items}
        if self.refuse_every:
            items = items[:: self.refuse_every]
        self.taken += items
        if self.silent > 0:
            self.silent -= 1
            await asyncio.sleep(0.3)
        return JSONResponse({"accepted": len(items)}, 422 if self.refuse_every else 202)


@contextmanager
def serving(intake: Intake) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/signals", intake.post, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def expected(until: datetime = END) -> set[str]:
    return {signal.uid for signal in Province(7, residents=300).signals_until(until)}


async def fed(intake: Intake, faults: bool = True, patience: float = 10.0) -> Feeders:
    with serving(intake) as url:
        clock = Clock.starting(SPEED, START)
        feeders = Feeders(Province(7, residents=300), url, lambda source: f"key-{source}", clock, faults, patience)
        await feeders.run(END)
    return feeders


def uids(intake: Intake) -> list[str]:
    return [f"{item['source']}:{item['id']}" for item in intake.taken]


async def test_all_signals_arrive_and_are_counted_by_source() -> None:
    intake = Intake()
    feeders = await fed(intake)
    assert set(uids(intake)) == expected()
    assert feeders.accepted == Counter(item["source"] for item in intake.taken)
    assert feeders.waiting == 0


async def test_when_ended_sooner_what_has_happened_is_sent_and_no_more() -> None:
    intake = Intake()
    with serving(intake) as url:
        clock = Clock.starting(SPEED, START)
        feeders = Feeders(Province(7, residents=300), url, str, clock)
        running = asyncio.create_task(feeders.run(START + timedelta(days=1)))
        async with asyncio.timeout(20):
            while not intake.taken:  # noqa: ASYNC110 - a server tells nobody
                await asyncio.sleep(0.01)
            feeders.ended = True
            await running
        ended = clock.now()
    assert feeders.waiting == 0
    assert feeders.accepted.total() == len(intake.taken)
    assert set(uids(intake)) <= expected(ended)


async def test_each_source_uses_its_own_key() -> None:
    intake = Intake()
    await fed(intake)
    assert intake.keys == {(source, f"Bearer key-{source}") for source, _ in intake.keys}


async def test_some_come_twice_unless_the_feeds_are_faultless() -> None:
    faulty, faultless = Intake(), Intake()
    await fed(faulty)
    await fed(faultless, faults=False)
    assert len(faulty.taken) > len(faultless.taken)
    assert [item["id"] for item in faulty.taken if item["source"] == "bank-a"] != [
        item["id"] for item in faultless.taken if item["source"] == "bank-a"
    ]


async def test_what_is_not_accepted_is_kept_and_sent_again() -> None:
    intake = Intake()
    intake.away = 6
    feeders = await fed(intake)
    assert set(uids(intake)) == expected()
    assert feeders.sent.total() > feeders.accepted.total()
    assert feeders.accepted.total() == len(intake.taken)


async def test_a_request_without_an_answer_is_sent_again_with_the_same_ids() -> None:
    intake = Intake()
    intake.silent = 1
    feeders = await fed(intake, patience=0.1)
    assert feeders.unanswered.total() > 0
    assert set(uids(intake)) == expected()
    # on a busy machine a request may also have ended before the intake took it
    assert feeders.accepted.total() < len(intake.taken) <= feeders.accepted.total() + feeders.unanswered.total()


async def test_a_signal_that_is_refused_is_not_sent_again() -> None:
    intake = Intake()
    intake.refuse_every = 2
    feeders = await fed(intake)
    assert feeders.refused.total() > 0
    assert feeders.accepted.total() + feeders.refused.total() == feeders.sent.total()


async def test_a_wrong_key_ends_the_feeds_with_the_reason() -> None:
    intake = Intake()
    intake.status = 401
    with pytest.raises(FeedError, match="401"):
        await fed(intake)

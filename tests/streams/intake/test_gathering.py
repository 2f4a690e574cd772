"""Small requests that come at the same time share a record; one alone waits for nothing, and an urgent one never."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from schemas.risk.signals import Signal, signal_adapter
from streams.intake.gathering import Gathering
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import intake_client, transfer, until_ready

ONE_PAYER = "6222000000000001"


def signal(**more: object) -> Signal:
    return signal_adapter.validate_python(transfer(**more))


class Written:
    """What was written together; `fails`: the exception that a write raises; `seconds`: how long it takes."""

    def __init__(self, fails: Exception | None = None, seconds: float = 0.0) -> None:
        self.together: list[list[str]] = []
        self.began = asyncio.Event()
        self._fails, self._seconds = fails, seconds

    async def write(self, signals: Sequence[Signal]) -> None:
        self.together.append([each.id for each in signals])
        self.began.set()
        await asyncio.sleep(self._seconds)
        if self._fails:
            raise self._fails


async def test_a_request_alone_is_written_at_once() -> None:
    written = Written()
    gathering = Gathering(written.write, 3)
    for each in "ab":
        await gathering.write([signal(id=each)])
    assert written.together == [["a"], ["b"]]


async def test_requests_that_come_during_a_write_are_written_together_in_their_order() -> None:
    written = Written(seconds=0.005)
    gathering = Gathering(written.write, 3)
    first = asyncio.create_task(gathering.write([signal(id="a")]))
    await written.began.wait()
    await asyncio.gather(first, *(gathering.write([signal(id=each)]) for each in "bcd"))
    assert written.together == [["a"], ["b", "c", "d"]]


async def test_a_write_that_takes_long_holds_up_no_other() -> None:
    written = Written(seconds=2)
    gathering = Gathering(written.write, 3)
    first = asyncio.create_task(gathering.write([signal(id="a")]))
    await written.began.wait()
    written.began.clear()
    second = asyncio.create_task(gathering.write([signal(id="b")]))
    await asyncio.wait_for(written.began.wait(), 1)
    assert not first.done()
    await asyncio.gather(first, second)


async def test_what_fails_fails_for_all_that_went_together_and_for_nobody_else() -> None:
    gathering = Gathering(Written(ValueError("refused")).write, 3)
    await asyncio.gather(gathering.write([signal(id="a")]), return_exceptions=True)
    found = await asyncio.gather(*(gathering.write([signal(id=each)]) for each in "bc"), return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError]


async def test_a_write_without_an_end_is_given_up_and_the_next_is_tried() -> None:
    written = Written(seconds=60)
    gathering = Gathering(written.write, 0.05)
    for each in "ab":
        with pytest.raises(TimeoutError):
            await gathering.write([signal(id=each)])
    assert written.together == [["a"], ["b"]]


async def test_a_request_that_is_given_up_before_its_turn_is_not_written() -> None:
    written = Written(seconds=0.01)
    gathering = Gathering(written.write, 3)
    first = asyncio.create_task(gathering.write([signal(id="a")]))
    await written.began.wait()
    given_up, other = (asyncio.create_task(gathering.write([signal(id=each)])) for each in "bc")
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(first, other)
    assert written.together == [["a"], ["c"]]


async def test_under_load_intake_writes_ordinary_signals_in_fewer_records_and_each_once(settings: Settings) -> None:
    topics.create(settings)
    ordinary = [transfer(payer=ONE_PAYER, state="settled", amount_fen=100) for _ in range(200)]
    urgent = [transfer(at=datetime.now(UTC).isoformat()) for _ in range(20)]
    async with intake_client(settings) as client:
        await until_ready(client)
        answers = await asyncio.gather(*(client.post("/signals", json=each) for each in ordinary + urgent))
    assert {answer.status_code for answer in answers} == {202}
    records = {
        lane.name: [json.loads(each.value or b"[]") async for each in read_all(settings, lane.name)]
        for lane in topics.LANES
    }
    records = {lane: [each for each in found if isinstance(each, list)] for lane, found in records.items()}  # ours
    ids = {each["id"] for each in ordinary}
    mine = [[each["id"] for each in record if each["id"] in ids] for record in records[topics.SIGNALS.name]]
    found = [each for each in mine if each]
    assert sorted(name for each in found for name in each) == sorted(ids)
    assert len(found) < len(ids) / 2
    hurried = {each["id"] for each in urgent}
    alone = [record for record in records[topics.SIGNALS_URGENT.name] if record[0]["id"] in hurried]
    assert [len(each) for each in alone] == [1] * 20

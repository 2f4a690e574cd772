"""What a batch wrote may be missing in a Redis that has taken the place of the one it was written to."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.screening.positions import Positions, of_lane
from tests.streams.screening.screening_line import BULK, LANES, Line, call, packed, running

OTHER = "f" * 40 + "/" + "e" * 40


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


async def test_a_batch_that_began_on_another_redis_is_not_counted(line: Line) -> None:
    await line.screen([call()])
    positions = Positions(line.redis, line.settings.partitions)
    before, stands = await line.screening.state.tallies(), await positions.position(BULK, begin=True)
    assert stands.offset is not None
    batch = stands.offset + 1, Counter({"carrier|raised": 1})
    assert not await positions.count(BULK, replace(stands, asked=OTHER), *batch)
    assert await line.screening.state.tallies() == before
    assert await positions.position(BULK) == replace(stands, batch="")
    assert await positions.count(BULK, stands, *batch)


async def test_a_batch_is_not_counted_in_a_store_that_went_back_to_before_it_began(line: Line) -> None:
    await line.screen([call()])
    positions = Positions(line.redis, line.settings.partitions)
    before = await line.redis.dump(of_lane("began", BULK))
    began = await positions.position(BULK, begin=True)
    assert began.offset is not None
    await line.redis.restore(of_lane("began", BULK), 0, before, replace=True)
    assert not await positions.count(BULK, began, began.offset + 1, Counter())
    again = await positions.position(BULK, begin=True)
    assert await positions.count(BULK, again, began.offset + 1, Counter())


async def test_what_is_owed_is_not_paid_off_by_a_batch_that_began_on_another_redis(line: Line) -> None:
    await line.screen([call()])
    await line.lose()
    positions = Positions(line.redis, line.settings.partitions)
    owed = await positions.owed(BULK)
    assert owed is not None
    assert not await positions.count_owed(BULK, replace(owed, asked=OTHER), owed.first, Counter())
    again = await positions.owed(BULK)
    assert again is not None
    assert replace(again, batch=owed.batch) == owed
    assert not await positions.count_owed(BULK, owed, owed.first, Counter()), "another batch has begun since"
    assert await positions.count_owed(BULK, again, owed.first, Counter())
    assert await positions.owed(BULK) is None


async def test_where_nothing_is_owed_no_batch_begins(line: Line) -> None:
    await line.screen([call()])
    positions = Positions(line.redis, line.settings.partitions)
    assert await positions.owed(BULK) is None
    assert await line.redis.exists(of_lane("began-again", BULK)) == 0


async def test_a_lane_notices_that_redis_went_back_though_a_record_comes_before_the_next_look(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    async def look() -> None:
        looked.append(1)

    await line.screen([call(uid="c1")])
    await line.screen([call(uid="c2")])
    monkeypatch.setattr(line.screening.lanes._shared, "check_again", look)
    await line.redis.set(of_lane("screened", BULK), 0)  # as an image of the machine has it, under the same run id
    await line.screen([call(uid="c3")])
    assert looked
    assert (await line.screening.state.positions.position(BULK)).offset == 2


async def test_what_another_worker_counted_is_owed_if_the_store_is_lost_before_its_ack_is_committed(line: Line) -> None:
    await line.screen([call(uid="c1")])
    raws = await line.write(packed(call(uid="c2")))
    await line.another().lanes.screen(BULK, raws)  # in place of the owner, who stands still
    await line.screening.lanes.screen(BULK, raws)  # the owner goes on, and finds them counted
    before = await line.screening.state.tallies()
    await line.redis.flushall()
    await line.screening.lanes.catch_up(LANES)
    await line.commit(BULK, raws)
    await line.screening.lanes.catch_up(LANES)
    await line.screen_owed()
    assert (await line.screening.state.positions.position(BULK)).offset == raws[-1].offset
    assert await line.screening.state.tallies() == before


async def test_of_all_lanes_those_that_owe_are_found_at_once(line: Line) -> None:
    await line.screen([call()])
    positions = Positions(line.redis, line.settings.partitions)
    others = [BULK._replace(partition=number) for number in (1, 2)]
    assert await positions.owing([BULK, *others]) == []
    await line.lose()
    assert await positions.owing([*others, BULK]) == [BULK]
    assert await positions.owing([]) == []

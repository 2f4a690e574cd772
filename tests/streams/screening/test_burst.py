"""A flood of signals about one resident: one danger, told once, and what is kept of it stays small."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from schemas.risk.signals import BATCH_LIMIT, NumberClass
from streams.messaging import topics
from streams.messaging.record import Raw
from tests.streams.screening.screening_line import ANNA, Line, call, packed, running

RECORDS, AT_ONCE = 10, 5  # of as many signals as a record holds: 5,000


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


async def test_five_thousand_calls_to_one_resident_are_told_once_for_each_level(line: Line) -> None:
    values = [
        packed(*(call(uid=f"c{record}-{n}", number_class=NumberClass.GOIP) for n in range(BATCH_LIMIT)))
        for record in range(RECORDS)
    ]
    raws: list[Raw] = await line.write(*values, lane=topics.SIGNALS_URGENT)
    for start in range(0, RECORDS, AT_ONCE):
        tp = TopicPartition(topics.SIGNALS_URGENT.name, 0)
        await line.screening.lanes.screen(tp, raws[start : start + AT_ONCE])
    levels = await line.levels()
    assert len(levels) == len(set(levels)) <= 2
    assert (await line.tally())["raised"] == RECORDS * BATCH_LIMIT
    assert len(await line.evidence(ANNA)) == line.policy.risk.bound

"""Redis is emptied under a running worker: the line goes on, knows what it knew, and each signal counts once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from schemas.levels import Level
from streams.monitoring.report import conserved
from tests.end_to_end.harness.house import House, house
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, scam_sms

DAY = 24 * 60  # minutes


@pytest_asyncio.fixture(loop_scope="session")
async def a_house(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_a_line_whose_redis_is_emptied_knows_old_evidence_warns_nobody_again_and_counts_all_once(
    a_house: House,
) -> None:
    line = Line.begun(a_house)
    told, quiet = await line.resident(), await line.resident()
    await line.signal(scam_app(line, told))
    await line.signal(scam_sms(line, quiet), *(scam_sms(line, quiet, ago=60 + n) for n in range(3)))
    await line.settle()
    before = await a_house.line.screening.tallies()
    sent = len(line.carrier.kept)
    await a_house.line.redis.flushall()
    await line.signal(call(line, told, ago=1, ongoing=True))
    await line.settle()
    assert (await line.case(told)).level.rank >= Level.ORANGE.rank  # the call by itself is yellow at most
    after = await a_house.line.screening.tallies()
    accepted = {source: sum(counts.values()) for source, counts in before.items()}
    accepted["carrier"] += 1
    assert conserved(accepted, after)
    again = [each for each in line.carrier.kept[sent:] if each.to in {phone.value for phone in quiet.phones}]
    assert again == []

"""Waits until screening and casework have passed what was on its way when a person's entry was deleted.

Until then a signal may have been found to be about the person: its alert begins a case that nobody would be told of.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from aiokafka import TopicPartition

from schemas.people.residents import ResidentId
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.topics import home
from streams.state.keys import key, milliseconds

LOOK_SECONDS = 0.1
NOT_PASSED = "workers have not yet screened and decided everything from before the entry was deleted"
RUN_LATER = (
    "A case of the person may still begin. The keys and the register's entry are destroyed. Run this again once "
    "workers have caught up: it looks whether a case began"
)


async def until_passed(line: Installation, residents: Iterable[ResidentId], seconds: float) -> bool:
    """Wait until screening has counted all signals that Kafka has now, then until workers have looked once more whether
    these residents are in danger without a new signal, and then until casework has applied all inputs in the residents'
    partitions that Kafka has then.

    Returns True once all is so, and False if it is not within `seconds`. Errors of Redis and Kafka pass through.
    """
    erased = list(residents)
    try:
        async with asyncio.timeout(seconds):
            await _screened(line)
            await _assessed(line, erased)
            await _applied(line, {home(each, line.settings.partitions) for each in erased})
    except TimeoutError:
        return False
    return True


async def _screened(line: Installation) -> None:
    ends = {
        TopicPartition(lane.name, partition): end
        for lane in topics.LANES
        for partition, end in (await end_offsets(line.settings, lane.name)).items()
    }
    reached = {lane: end - 1 for lane, end in ends.items() if end}
    await _empty(lambda: line.screening.positions.not_current(list(reached), reached))


async def _assessed(line: Installation, residents: Sequence[ResidentId]) -> None:
    """Schedule the residents to be assessed again now, and return once a worker has done it. A worker assesses one
    after the other, so an alert about them that it was publishing is then on its topic.
    """
    at = line.clock.now()
    await line.screening.evidence.remember({}, dict.fromkeys(residents, at))
    await _empty(lambda: _scheduled(line, residents, at))


async def _scheduled(line: Installation, residents: Sequence[ResidentId], at: datetime) -> list[ResidentId]:
    """Return those of the residents who are to be assessed again at `at` or earlier."""
    found = [await line.redis.zscore(key("rescore", home(each, line.settings.partitions)), each) for each in residents]
    return [each for each, score in zip(residents, found, strict=True) if score and score <= milliseconds(at)]


async def _applied(line: Installation, partitions: set[int]) -> None:
    ends = await end_offsets(line.settings, topics.CASE_INPUTS.name)
    reached = {partition: end - 1 for partition, end in ends.items() if end and partition in partitions}
    await _empty(lambda: line.store.unsettled(sorted(reached), reached))


async def _empty(left: Callable[[], Awaitable[Sequence[object]]]) -> None:
    """Return once the function returns an empty list."""
    while await left():  # noqa: ASYNC110 - another process does it; no event announces it
        await asyncio.sleep(LOOK_SECONDS)

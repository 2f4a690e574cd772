"""A fault of retention: old inputs and signals are deleted on Kafka, and then Redis is wiped.

Retention deletes what was done a week ago. So nothing is deleted that the workers' group has not committed.
"""

import asyncio
from random import Random

from streams.messaging import topics
from tests.tools.chaos.faults.base import KILL_SECONDS, Fault, MissedError
from tests.tools.chaos.faults.redis import ALONE, wiped
from tests.tools.chaos.stage import Stage

DELETED = (topics.CASE_INPUTS.name, topics.OUTSIDE_INPUTS.name, *(topic.name for topic in topics.LANES))
SEEN_SECONDS = 5.0  # how long the observer may need for what is to be deleted
LOOK_SECONDS = 0.05


async def deleted_and_wiped(stage: Stage, chance: Random) -> None:
    """The journal and the topic of evidence are all that tells of what was deleted."""
    kafka = stage.servers.kafka
    assert kafka is not None
    committed = await asyncio.to_thread(kafka.committed, stage.running.line.settings.app_id)
    kept = {place: offset for place, offset in committed.items() if place[0] in DELETED and offset > 0}
    if not kept:
        raise MissedError("nothing was done yet that could be deleted")
    await _observed(stage, kept)
    await asyncio.to_thread(kafka.drop, kept)
    stage.dropped.update(kept)
    await wiped(stage, chance)


async def _observed(stage: Stage, kept: dict[tuple[str, int], int]) -> None:
    async with asyncio.timeout(SEEN_SECONDS):
        while any(stage.seen.reached.get(place, -1) < offset - 1 for place, offset in kept.items()):
            await asyncio.sleep(LOOK_SECONDS)
            stage.seen.look()


FAULTS = (Fault("retention_then_wiped", "redis", deleted_and_wiped, KILL_SECONDS, outage=True, houses=ALONE),)

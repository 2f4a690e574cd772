"""Faults of what is sent in: records that nobody can read, and feeds that repeat and shuffle."""

from random import Random

from streams.messaging import topics
from streams.messaging.producer import Record
from tests.tools.chaos.faults.base import Fault
from tests.tools.chaos.judging.seen import POISON
from tests.tools.chaos.stage import Stage

SHARE = 0.25


async def poison(stage: Stage, chance: Random) -> None:
    """A record that is no JSON on every topic of the installation."""
    line = stage.running.line
    await line.producer.send_all(
        [
            Record(topic.name, b"poison", POISON, chance.randrange(topic.partitions(line.settings)))
            for topic in topics.ALL
        ]
    )
    stage.poisoned += 1


async def repeated_and_shuffled(stage: Stage, chance: Random) -> None:
    """From here on each source sends a quarter of its signals twice, and a quarter late."""
    feeders = stage.running.feeders
    feeders.sent_twice = feeders.out_of_order = SHARE


FAULTS = (
    Fault("poison_records", "poison", poison),
    Fault("source_repeats_and_shuffles", "source", repeated_and_shuffled),
)

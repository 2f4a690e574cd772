"""Faults of Kafka's brokers: killed and started again, or leading something else."""

import asyncio
from random import Random

from streams.messaging import topics
from tests.tools.chaos.faults.base import KILL_SECONDS, REAL, RESTART_SECONDS, Fault
from tests.tools.chaos.stage import Stage
from tests.tools.servers.kafka import Kafka


async def one_killed(stage: Stage, chance: Random) -> None:
    """One of three: the others take over what it led."""
    await _away(_kafka(stage), chance, 1)


async def two_killed(stage: Stage, chance: Random) -> None:
    """Below min.insync.replicas, and without a quorum of controllers: nothing is written until one is back."""
    await _away(_kafka(stage), chance, 2)


async def leader_moved(stage: Stage, chance: Random) -> None:
    """The next replica of every partition leads."""
    await asyncio.to_thread(_kafka(stage).move_leaders, [topic.name for topic in topics.ALL])


async def _away(kafka: Kafka, chance: Random, count: int) -> None:
    struck = chance.sample(list(kafka.nodes), count)
    for node in struck:
        await asyncio.to_thread(kafka.kill, node)
    await asyncio.sleep(chance.uniform(1.0, 3.0))
    await asyncio.to_thread(kafka.start, *struck)


def _kafka(stage: Stage) -> Kafka:
    if stage.servers.kafka is None:
        raise TypeError("this round has no brokers that can be killed")
    return stage.servers.kafka


FAULTS = (
    Fault("broker_killed", "brokers", one_killed, KILL_SECONDS, houses=REAL),
    Fault("two_brokers_killed", "brokers", two_killed, KILL_SECONDS, outage=True, houses=REAL),
    Fault("leader_moved", "leaders", leader_moved, RESTART_SECONDS, houses=REAL),
)

"""Faults of the network between the workers and their servers: reset, or silent."""

import asyncio
from random import Random

from tests.chaos.faults.base import KILL_SECONDS, REAL, Fault
from tests.chaos.stage import Stage


async def from_brokers(stage: Stage, chance: Random) -> None:
    """No worker reaches a broker."""
    kafka = stage.servers.kafka
    if kafka is None:
        raise TypeError("this round has no proxy before its brokers")
    await asyncio.to_thread(chance.choice([kafka.cut, kafka.stall]))
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    await asyncio.to_thread(kafka.heal)


async def from_redis(stage: Stage, chance: Random) -> None:
    """No worker reaches Redis."""
    servers = stage.servers
    proxies = [
        each.proxy for each in ([servers.redis] if servers.redis else servers.pair.servers if servers.pair else [])
    ]
    stall = chance.random() < 0.5
    for proxy in proxies:
        await asyncio.to_thread(proxy.stall if stall else proxy.cut)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    for proxy in proxies:
        await asyncio.to_thread(proxy.heal)


FAULTS = (
    Fault("cut_from_broker", "brokers", from_brokers, KILL_SECONDS, outage=True, houses=REAL),
    Fault("cut_from_redis", "redis", from_redis, KILL_SECONDS, outage=True, houses=REAL),
)

"""Faults of the network between the workers and their servers: reset, or silent; for all, or one and in one way."""

import asyncio
from random import Random

from tests.tools.chaos.faults.base import KILL_SECONDS, REAL, Fault
from tests.tools.chaos.judging import bound
from tests.tools.chaos.stage import Stage
from tests.tools.chaos.workers import WatchedWorkers
from tests.tools.servers.proxy import Proxy, State


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
    proxies = _before_redis(stage)
    stall = chance.random() < 0.5
    for proxy in proxies:
        await asyncio.to_thread(proxy.stall if stall else proxy.cut)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    for proxy in proxies:
        await asyncio.to_thread(proxy.heal)


async def one_way_from_redis(stage: Stage, chance: Random) -> None:
    """What one worker sends does not reach Redis, or what Redis answers does not reach it."""
    await _one_way(stage, chance, _before_redis(stage))


async def one_way_from_broker(stage: Stage, chance: Random) -> None:
    """The same between one worker and one broker."""
    assert stage.servers.kafka is not None
    await _one_way(stage, chance, [chance.choice(list(stage.servers.kafka.proxies.values()))])


async def _one_way(stage: Stage, chance: Random, proxies: list[Proxy]) -> None:
    workers = stage.running.workers
    assert isinstance(workers, WatchedWorkers)
    source, state = bound.source(chance.choice(workers.numbers)), chance.choice([State.NO_REQUEST, State.NO_ANSWER])
    try:
        for proxy in proxies:
            await asyncio.to_thread(proxy.stall_one_way, source, state)
        await asyncio.sleep(chance.uniform(1.0, 6.0))
    finally:
        for proxy in proxies:
            await asyncio.to_thread(proxy.heal, source)


def _before_redis(stage: Stage) -> list[Proxy]:
    servers = stage.servers
    return [each.proxy for each in ([servers.redis] if servers.redis else servers.pair.servers if servers.pair else [])]


BOUND = (bound.NAME,)
FAULTS = (
    Fault("cut_from_broker", "brokers", from_brokers, KILL_SECONDS, outage=True, houses=REAL),
    Fault("cut_from_redis", "redis", from_redis, KILL_SECONDS, outage=True, houses=REAL),
    Fault("one_way_from_redis", "one_way", one_way_from_redis, KILL_SECONDS, houses=REAL, wrongs=BOUND),
    Fault("one_way_from_broker", "one_way", one_way_from_broker, KILL_SECONDS, houses=REAL, wrongs=BOUND),
)

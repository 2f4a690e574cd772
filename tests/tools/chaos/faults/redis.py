"""Faults of the store: older than it was, empty, or led by a replica that lagged; and one that raises."""

import asyncio
from random import Random

from tests.tools.chaos import raising
from tests.tools.chaos.faults.base import KILL_SECONDS, Fault, Strike
from tests.tools.chaos.houses import House
from tests.tools.chaos.stage import Stage
from tests.tools.servers.redis import RedisPair, RedisServer


async def tail_lost(stage: Stage, chance: Random) -> None:
    """Killed, and back with an append-only file that ends some seconds before."""
    redis = _alone(stage)
    await asyncio.to_thread(redis.lose_tail, seconds=chance.uniform(0.5, 3.0))
    await asyncio.sleep(chance.uniform(0.1, 1.0))
    await asyncio.to_thread(redis.start)


async def wiped(stage: Stage, chance: Random) -> None:
    """Flushed while it runs, or killed and back with nothing."""
    redis = _alone(stage)
    if chance.random() < 0.5:
        async with stage.servers.client() as client:
            await client.flushall()
        return
    await asyncio.to_thread(redis.wipe)
    await asyncio.sleep(chance.uniform(0.1, 1.0))
    await asyncio.to_thread(redis.start)


async def failed_over(stage: Stage, chance: Random) -> None:
    """The replica gets nothing for a while; then the primary dies, and the Sentinels let the replica lead."""
    pair = _pair(stage)
    await asyncio.to_thread(pair.stall_replication)
    await asyncio.sleep(chance.uniform(0.3, 2.0))
    await asyncio.to_thread(pair.fail_over)


async def two_primaries(stage: Stage, chance: Random) -> None:
    """The primary is cut off from its replicas and Sentinels; workers reach it still, and a replica leads as well."""
    await asyncio.to_thread(_pair(stage).isolate)
    await asyncio.sleep(chance.uniform(0.5, 2.0))


def _clock_off(sign: int) -> Strike:
    async def strike(stage: Stage, chance: Random) -> None:
        """The clock of Redis' machine is off by minutes, until a time server sets it right."""
        assert stage.redis_clock is not None
        try:
            stage.redis_clock.set(sign * chance.uniform(60.0, 600.0))
            await asyncio.sleep(chance.uniform(3.0, 10.0))
        finally:
            stage.redis_clock.set(0)

    return strike


async def out_of_memory(stage: Stage, chance: Random) -> None:
    """It may have no more memory than it uses, or a little more or less: it refuses writes, and answers reads."""
    async with stage.servers.client() as client:
        before = (await client.config_get("maxmemory"))["maxmemory"]
        used = (await client.info("memory"))["used_memory"]
        try:
            await client.config_set("maxmemory", used + chance.randint(-NEAR_BYTES, NEAR_BYTES))
            await asyncio.sleep(chance.uniform(1.0, 4.0))
        finally:
            await client.config_set("maxmemory", before)


async def raises(stage: Stage, chance: Random) -> None:
    """Workers whose every hundredth call raises: see tests/tools/chaos/raising.py. Nothing more happens."""


def _alone(stage: Stage) -> RedisServer:
    if stage.servers.redis is None:
        raise TypeError("this round has no Redis that stands alone")
    return stage.servers.redis


def _pair(stage: Stage) -> RedisPair:
    if stage.servers.pair is None:
        raise TypeError("this round has no Redis with a replica")
    return stage.servers.pair


ALONE, PAIR = frozenset({House.REDIS}), frozenset({House.SENTINEL})
NEAR_BYTES = 200_000
RAISES = "redis_raises"
REDIS_CLOCK = ("redis_clock_ahead", "redis_clock_behind")
FAULTS = (
    Fault("redis_tail_lost", "redis", tail_lost, KILL_SECONDS, outage=True, houses=ALONE),
    Fault("redis_wiped", "redis", wiped, KILL_SECONDS, outage=True, houses=ALONE),
    Fault("redis_failed_over", "redis", failed_over, KILL_SECONDS, outage=True, houses=PAIR),
    Fault("redis_two_primaries", "redis", two_primaries, KILL_SECONDS, outage=True, houses=PAIR),
    Fault("redis_clock_ahead", "redis", _clock_off(+1), houses=ALONE, early=True),
    Fault("redis_clock_behind", "redis", _clock_off(-1), houses=ALONE, early=True),
    Fault("redis_out_of_memory", "redis", out_of_memory, KILL_SECONDS, outage=True),
    Fault(RAISES, "raises", raises, wrongs=(raising.NAME,)),
)

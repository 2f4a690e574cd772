"""Troubles of Redis: unavailable, without an append-only file or a replica, full, or a replica itself."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.monitoring.status.page import Trouble, danger, missed
from streams.runtime.settings import Settings
from streams.state.redis_settings import KEPT

REACH_SECONDS = 4.0


async def check_redis(settings: Settings, redis: "Redis") -> tuple[bool, list[Trouble]]:
    """Return a pair: True if Redis answers within 4 s, else False; and Redis's troubles, an empty list if all is well.

    If Redis does not answer, this is not an error: returns False and one trouble that says so.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    try:
        async with asyncio.timeout(REACH_SECONDS):
            info = await client.info("persistence", "replication", "memory")
    except (RedisError, OSError, TimeoutError) as error:
        return False, [_away(error)]
    return True, list(_troubles(info, settings))


def _away(error: Exception) -> Trouble:
    return missed(
        "redis-away",
        f"Redis does not answer ({type(error).__name__}): nobody is warned, no deadline fires",
        "Start it, or let its replica take over. Inputs wait in Kafka meanwhile, and are acted on when it is back",
    )


def _troubles(info: Mapping[str, Any], settings: Settings) -> Iterator[Trouble]:
    if info["role"] != "master":
        do = "Set QUANZU_REDIS to the primary, or to its Sentinels: redis+sentinel://host:port,host:port/service/0"
        yield missed("redis-replica", "this Redis is a replica: nothing can be written to it", do)
    if info.get("loading"):
        yield missed("redis-loading", "Redis is reading its file and answers nothing yet", "Wait until it has")
    if not info.get("aof_enabled"):
        do = "Set `appendonly yes`. Without it a restart takes as long as building all from the journal"
        yield danger("redis-no-aof", "Redis keeps no append-only file", do)
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield missed("redis-disk", "Redis cannot write its append-only file, and refuses writes", "Is its disk full?")
    if not info.get("connected_slaves") and not settings.embedded:
        do = "Start a replica with Sentinel: while there is none, losing this one means building all anew"
        yield danger("redis-no-replica", "Redis has no replica", do)
    if (policy := info.get("maxmemory_policy", KEPT)) != KEPT:
        do = f"Set `maxmemory-policy {KEPT}` in redis.conf of the primary and its replicas, and at once with CONFIG SET"
        what = f"Redis deletes what it holds when its memory is full (maxmemory-policy {policy})"
        yield danger("redis-evicts", what, do)
    if info.get("maxmemory") and info["used_memory"] > 0.9 * info["maxmemory"]:
        do = "Give it more memory. `maxmemory-policy` must be noeviction"
        yield danger("redis-memory", f"Redis has used {info['used_memory_human']} of its memory, over nine tenths", do)

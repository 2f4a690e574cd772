"""Checks of Redis' settings that can lose or block data; each fault comes with its correction.

They are read from INFO. CONFIG GET would show more, but also the replicas' password, so only administrators have the
right to it. appendfsync is therefore checked only if Redis has no users, and otherwise reported as unknown.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from streams.runtime.setting_faults import Wrong
from streams.runtime.settings import Settings
from streams.state.redis_client import client

KEPT = "noeviction"
CLIENTS = 1_000  # connections that one process may need after an outage
FULL = 0.9  # fraction of maxmemory from which a warning is given
EVERYWHERE = "in redis.conf of the primary and of its replicas"


async def check(redis: "Redis", *, vault: bool = False) -> list[Wrong]:
    """Return the faults in the settings of a Redis, each with its correction; empty if it has no faults.

    `vault`: this Redis is the vault, which holds the keys that encrypt personal data. Raises RedisError if it is
    unavailable.
    """
    asked: Any = redis
    info: dict[str, Any] = {}
    for section in ("memory", "persistence", "clients"):
        info |= await asked.info(section)
    return list(wrong(info, await _appendfsync(asked), vault=vault))


async def of_vault(settings: Settings) -> list[Wrong]:
    """Return the faults in the vault's settings, each with its correction; empty if it has no faults, is not
    configured, or is unavailable. Raises ValueError if the vault's address is invalid.
    """
    if settings.vault is None:
        return []
    redis: Any = client(settings.vault, settings.redis_login())
    try:
        return await check(redis, vault=True)
    except (RedisError, OSError):
        return []
    finally:
        await redis.aclose()


def asks_config(redis: "Redis") -> bool:
    """Return True if this client has no user name and so may use CONFIG. Users of the ACL file lack the right.

    Nothing is sent to find out: Redis logs each refusal, and a security officer reads that log.
    """
    return redis.connection_pool.connection_kwargs.get("username") is None


async def _appendfsync(redis: Any) -> str | None:  # noqa: ANN401 - redis-py types a command's result as sync or async
    """Return when Redis syncs its file to the disk (its `appendfsync`), or None if unknown."""
    if not asks_config(redis):
        return None
    with suppress(NoPermissionError, ResponseError):
        told: dict[str, str] = await redis.config_get("appendfsync")
        return told.get("appendfsync")
    return None


def wrong(info: Mapping[str, Any], appendfsync: str | None, *, vault: bool = False) -> Iterator[Wrong]:
    """Yield a fault for each setting that can lose data or block writes.

    `info`: the answers to INFO memory, persistence and clients, by field. `appendfsync`: the setting's value, None if
    unknown. `vault`: the server is the vault, which holds the keys that encrypt personal data.
    """
    name = "the vault" if vault else "Redis"
    yield from _memory(name, info)
    yield from _file(name, info, appendfsync, vault=vault)
    if int(info.get("maxclients", CLIENTS)) < CLIENTS:
        what = f"{name} takes {info['maxclients']} connections at most: after an outage a worker is refused some"
        yield Wrong(what, f"Set `maxclients 10000` {EVERYWHERE}", warns=True)


def _memory(name: str, info: Mapping[str, Any]) -> Iterator[Wrong]:
    policy, most, used = info.get("maxmemory_policy", KEPT), info.get("maxmemory", 0), info.get("used_memory", 0)
    if policy != KEPT:
        what = f"{name} has maxmemory-policy = {policy}, not {KEPT}: when its memory is full it deletes what it holds"
        yield Wrong(what, f"Set `maxmemory-policy {KEPT}` {EVERYWHERE}, and at once with CONFIG SET")
    if most and used > FULL * most:
        what = (
            f"{name} has used {used:,} of {most:,} bytes (maxmemory): when they are full it refuses all that is written"
        )
        yield Wrong(what, "Give it more memory, and set `maxmemory` higher", warns=True)


def _file(name: str, info: Mapping[str, Any], appendfsync: str | None, *, vault: bool) -> Iterator[Wrong]:
    """Yield the faults by which a restart or a power cut would lose data of the Redis `name`.

    `vault`: True for the vault, whose lost keys are lost forever; other Redis data is rebuilt from the topics.
    """
    wanted = ("always",) if vault else ("everysec", "always")
    if not info.get("aof_enabled"):
        lost = "what its keys sealed is lost with them" if vault else "a restart takes as long as building all anew"
        do = f"Set `appendonly yes` and `appendfsync {wanted[0]}` {EVERYWHERE}"
        yield Wrong(f"{name} keeps no append-only file: {lost}", do, stops=vault)
    elif appendfsync is not None and appendfsync not in wanted:
        what = f"{name} has appendfsync = {appendfsync}, not {wanted[0]}: a power cut takes what it has answered"
        yield Wrong(what, f"Set `appendfsync {wanted[0]}` {EVERYWHERE}", stops=vault)
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        what = f"{name} could not write its snapshot: it refuses writes until it can (stop-writes-on-bgsave-error)"
        yield Wrong(what, 'Is its disk full? Or set `save ""`: the append-only file is enough', stops=False)

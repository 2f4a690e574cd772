"""Redis's settings that can lose or block data: looked at, and each told with what to do.

They are read from INFO. CONFIG GET would tell more, but also the replicas' password: no component but an administrator
has the right to it. So appendfsync is looked at only where Redis knows no users, and else said not to have been seen.
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
CLIENTS = 1_000  # that one process may need after an outage
FULL = 0.9
EVERYWHERE = "in redis.conf of the primary and of its replicas"


async def check(redis: "Redis", *, vault: bool = False) -> list[Wrong]:
    """What is wrong with a Redis' settings; `vault`: it holds the people's keys. Raises RedisError when it is away."""
    asked: Any = redis
    info: dict[str, Any] = {}
    for section in ("memory", "persistence", "clients"):
        info |= await asked.info(section)
    return list(wrong(info, await _appendfsync(asked), vault=vault))


async def of_vault(settings: Settings) -> list[Wrong]:
    """The same of the vault; nothing where there is none, or while it is away: it is waited for when it is needed."""
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
    """Whether this client asks for what INFO does not tell: one that comes by a user's name has not the right to.

    It does not try: Redis keeps a record of each refusal, and a security officer reads it.
    """
    return redis.connection_pool.connection_kwargs.get("username") is None


async def _appendfsync(redis: Any) -> str | None:  # noqa: ANN401 - redis-py types a command's result as sync or async
    """When its file is written to the disk; None when it is not known."""
    if not asks_config(redis):
        return None
    with suppress(NoPermissionError, ResponseError):
        told: dict[str, str] = await redis.config_get("appendfsync")
        return told.get("appendfsync")
    return None


def wrong(info: Mapping[str, Any], appendfsync: str | None, *, vault: bool = False) -> Iterator[Wrong]:
    """What these settings lose or block. `info`: of INFO; `appendfsync`: None when it is not known."""
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
    """What a restart or a power cut would take. Redis is built anew from the topics; nothing makes a lost key again."""
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

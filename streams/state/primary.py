"""Checks of the Redis behind a client: which server it is, and whether a replica could take over without data loss."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.consistency.epochs import Server
from streams.state.redis_client import has_sentinels
from streams.state.server_identity import ASK_RUN, run_of

REPLICAS = 2  # with only one, its loss would stop all writes (see HOW_TO_REFUSE)
HOW_TO_REFUSE = (
    "Set `min-replicas-to-write 1` and `min-replicas-max-lag 5` on every Redis server: a primary that is cut off from "
    "its replicas would else go on with what nobody keeps"
)
_ROLE = re.compile(rb"\brole:(\w+)")
_REPLICAS = re.compile(rb"\bconnected_slaves:(\d+)")


async def server(redis: "Redis") -> Server:
    """Return the run, the address (host:port), the role and the number of connected replicas of the Redis server behind
    one of the client's connections.

    Raises RedisError if it does not answer, and ValueError if its answer names no run.
    """
    pool: Any = redis.connection_pool
    connection = await pool.get_connection()
    try:
        await connection.send_command(*ASK_RUN)
        info: bytes = await connection.read_response()
    except BaseException:
        await connection.disconnect(nowait=True)  # a late answer would be taken for that of the next command
        raise
    finally:
        await pool.release(connection)
    role, replicas = _ROLE.search(info), _REPLICAS.search(info)
    return Server(
        run_of(info),
        f"{connection.host}:{connection.port}",
        role is not None and role[1] == b"master",
        int(replicas[1]) if replicas else 0,
    )


async def leave(redis: "Redis") -> None:
    """Close the client's idle connections; those in use stay. New ones go to the primary that the Sentinels name at
    that time.
    """
    await redis.connection_pool.disconnect(inuse_connections=False)


async def unsafe(redis: "Redis") -> list[str]:
    """Return the reasons why writes could be lost with this primary, each as a text with the correction; empty if it is
    safe, or no Sentinels are used.

    Known replicas count even while disconnected, because a worker must be able to start while one is down. Raises
    RedisError if the primary does not answer.
    """
    if not has_sentinels(redis):
        return []
    client: Any = redis
    return list(faults(await client.info("replication"), await known_replicas(redis)))


async def known_replicas(redis: "Redis") -> int | None:
    """Return the largest number of replicas, connected or not, that any of the Sentinels knows; None if no Sentinel
    answers. A Sentinel that does not answer is left out. `redis`: a client that uses Sentinels.
    """
    pool: Any = redis.connection_pool
    known: int | None = None
    for sentinel in pool.sentinel_manager.sentinels:
        try:
            state = await sentinel.sentinel_master(pool.service_name)
        except (RedisError, OSError):
            continue
        known = max(known or 0, int(state["num-slaves"]))
    return known


def refuses_alone(replication: Mapping[str, Any]) -> bool:
    """Return True if a primary without replicas refuses writes (min-replicas-to-write is set).

    `replication`: the primary's answer to INFO replication; CONFIG GET would need administrator rights.
    """
    return "min_slaves_good_slaves" in replication


def faults(replication: Mapping[str, Any], known: int | None) -> Iterator[str]:
    """Yield the reasons why writes could be lost with a primary, each as a text with the correction.

    `replication`: its answer to INFO replication. `known`: the number of replicas that its Sentinels know; None:
    unknown, so it is not judged.
    """
    if known is not None and known < REPLICAS:
        yield (
            f"the primary of Redis has {known} replicas, fewer than {REPLICAS}. Add replicas with `replicaof`: with "
            "one alone, a failover leaves none"
        )
    if not refuses_alone(replication):
        yield f"the primary of Redis takes writes that no replica has. {HOW_TO_REFUSE}"

"""Rewriting of Redis' files, so that deleted data is no longer on its disk."""

import asyncio
from typing import Any

from redis.exceptions import ResponseError

from schemas.errors import UserError

LOOK_SECONDS = 0.2
UNDER_WAY = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")


class RewriteError(UserError, RuntimeError):
    """Redis reported that it could not rewrite its append-only file or write its snapshot."""


async def rewrite(redis: Any) -> None:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
    """Have Redis rewrite the files in which it keeps its data, so that deleted data disappears from its disk: the
    append-only file if it is switched on, and the snapshot (RDB) if this Redis has written or loaded one since it
    started. Returns when they are written, without a time limit; waits for a rewrite in progress first.

    Replicas rewrite their own files: see RUNBOOK.md. Raises RewriteError if Redis reports a failure. Errors of Redis
    pass through.
    """
    how = await settled(redis)
    if how["aof_enabled"]:
        how = await _written(redis, redis.bgrewriteaof)
        _refuse_failed(how["aof_last_bgrewrite_status"])
    if how.get("rdb_saves") or how.get("rdb_last_load_keys_loaded"):
        how = await _written(redis, redis.bgsave)
        _refuse_failed(how["rdb_last_bgsave_status"])


async def _written(redis: Any, command: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Start `command`, and return Redis' persistence status after it.

    A rewrite already in progress is waited for first.
    """
    while True:
        try:
            await command()
        except ResponseError as error:
            if "in progress" not in str(error):
                raise
            await settled(redis)
        else:
            return await settled(redis)


async def settled(redis: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Wait without limit until Redis writes neither its append-only file nor a snapshot, and return its persistence
    status then (the fields of INFO persistence, by name). Errors of Redis pass through.
    """
    while True:
        how: dict[str, Any] = await redis.info("persistence")
        if not any(how.get(name) for name in UNDER_WAY):
            return how
        await asyncio.sleep(LOOK_SECONDS)


def _refuse_failed(status: str) -> None:
    if status != "ok":
        raise RewriteError(f"Redis could not rewrite its file ({status}): see its log, make room, and run it again")

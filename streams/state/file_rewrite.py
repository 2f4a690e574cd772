"""Redis's files written anew, so that what was taken out of it is on its disk no more."""

import asyncio
from typing import Any

from redis.exceptions import ResponseError

from schemas.errors import UserError

LOOK_SECONDS = 0.2
UNDER_WAY = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")


class RewriteError(UserError, RuntimeError):
    """A Redis could not write its files anew."""


async def rewrite(redis: Any) -> None:  # noqa: ANN401 - redis-py types a command's result as sync or async at once
    """Write the append-only file anew, and the snapshot if there may be one; returns when both are done.

    A replica writes its own files: see RUNBOOK. Raises RewriteError when Redis says that it failed.
    """
    how = await settled(redis)
    if how["aof_enabled"]:
        how = await _written(redis, redis.bgrewriteaof)
        _refuse_failed(how["aof_last_bgrewrite_status"])
    if how.get("rdb_saves") or how.get("rdb_last_load_keys_loaded"):
        how = await _written(redis, redis.bgsave)
        _refuse_failed(how["rdb_last_bgsave_status"])


async def _written(redis: Any, command: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """How it stands after a file was written that was begun from now on: one under way may have begun before."""
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
    """How it stands once no file is being written."""
    while True:
        how: dict[str, Any] = await redis.info("persistence")
        if not any(how.get(name) for name in UNDER_WAY):
            return how
        await asyncio.sleep(LOOK_SECONDS)


def _refuse_failed(status: str) -> None:
    if status != "ok":
        raise RewriteError(f"Redis could not write its file anew ({status}): see its log, make room, and run it again")

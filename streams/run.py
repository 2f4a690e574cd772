"""Which Redis this is: its process and the history it goes on with, called its run.

A Redis that was restarted, or whose place a replica has taken, may lack what was written last: a suffix of the
commands in their order, and nothing in the data tells of it. So whoever keeps a state writes the run beside it, and
looks whether it still is the one that answers. A restart changes the process's id, a failover the replication's.
"""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from streams.scripts import script

SECTIONS = ("server", "replication")  # of INFO; in a script it costs 35 µs (Valkey 7.2, one core)
CURRENT_RUN = script("run")


def run_of(info: Mapping[str, Any]) -> str:
    """The run as lua/run.lua has it, out of an answer to INFO."""
    return f"{info['run_id']}/{info['master_replid']}"


async def current_run(redis: "Redis") -> str:
    """The run of the Redis that answers now."""
    return run_of(await redis.info(*SECTIONS))

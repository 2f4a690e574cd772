"""Which Redis this is: its process and the history it goes on with, called its run.

A Redis that was restarted, or whose place a replica has taken, may lack what was written last: a suffix of the
commands in their order, and nothing in the data tells of it. So whoever keeps a state writes the run beside it, and
looks whether it still is the one that answers. A restart changes the process's id, a failover the replication's.
"""

import re
from typing import Any

from redis.asyncio import Redis

from streams.state.scripts import script

CURRENT_RUN = script("run")
ASK_RUN = (b"INFO", "server", "replication")
"""The command whose answer `run_of` reads. Named by bytes: of what redis-py would read out of it, 70 µs' work, two
lines are wanted."""

_RUN = re.compile(rb"\brun_id:(\w+).*\bmaster_replid:(\w+)", re.DOTALL)


def run_of(info: bytes) -> str:
    """The run as lua/run.lua has it, out of the answer to ASK_RUN. Raises ValueError when it is none."""
    found = _RUN.search(info)
    if found is None:
        raise ValueError("Redis' answer to INFO names no run_id and master_replid: see QUANZU_REDIS")
    return b"/".join(found.groups()).decode()


async def current_run(redis: "Redis") -> str:
    """The run of the Redis that answers now."""
    client: Any = redis
    return run_of(await client.execute_command(*ASK_RUN))

"""The identity of a Redis: its process and the history of its data, together called its run.

A Redis that was restarted, or replaced by a replica, may lack the last writes (a suffix of the commands), and nothing
in its data shows it. So the run is stored beside the data, and readers compare it with the run of the Redis that
answers. A restart changes the process's id, a failover the replication's.
"""

import re
from typing import Any

from redis.asyncio import Redis

from streams.state.scripts import script

CURRENT_RUN = script("run")
ASK_RUN = (b"INFO", "server", "replication")
"""The command whose answer `run_of` parses. As bytes, so that redis-py does not parse the whole answer, which takes
70 µs, for two lines."""

_RUN = re.compile(rb"\brun_id:(\w+).*\bmaster_replid:(\w+)", re.DOTALL)


def run_of(info: bytes) -> str:
    """Parse the answer to ASK_RUN and return the run, "process id/replication id" (as lua/run.lua builds it).

    Raises ValueError if the answer lacks one of the two ids.
    """
    found = _RUN.search(info)
    if found is None:
        raise ValueError("Redis' answer to INFO names no run_id and master_replid: see QUANZU_REDIS")
    return b"/".join(found.groups()).decode()


async def current_run(redis: "Redis") -> str:
    """Return the run of the Redis that answers now: "process id/replication id".

    Raises RedisError if Redis does not answer, and ValueError if the answer contains no run.
    """
    client: Any = redis
    return run_of(await client.execute_command(*ASK_RUN))

"""What the simulated Redis costs: CPU microseconds for each command, and for a schedule's through the client.

.venv/bin/python -m tests.simulation.fake_redis.speed
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from streams.state.case_store import COMMIT
from streams.state.locks import KEEP
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, CURRENT_RUN, run_of
from tests.simulation.fake_redis.server import SimRedis, client

ROUNDS = 5000
SCHEDULE = 3000  # commands


class Near:
    """A link that takes no time."""

    async def out(self) -> None:
        """It is there."""

    async def back(self) -> None:
        """It is back."""


def main() -> None:
    """Print the figures."""
    server = SimRedis(lambda: 1.8e9)
    ask = server.execute
    ask("HSET", "state:{0}", "offset", 5, "run", run_of(ask(*ASK_RUN)))
    sha = {name: ask("SCRIPT", "LOAD", text) for name, text in _scripts().items()}
    names = ("state", "cases", "applied", "earlier", "unsure", "settling")
    claim = ["dispatch", "lease", *(f"{name}:{{0}}" for name in names), "token", 60_000, "r", "c", "d", 1, 2, 3, 4]
    changes = [part for number in range(12) for part in (2, "HSET", 2, f"field-{number}", "value")]
    _time("GET", lambda: ask("GET", "key"))
    _time("SET PX", lambda: ask("SET", "key", "value", "PX", 1000))
    _time("HSET", lambda: ask("HSET", "hash", "field", "value"))
    _time("HMGET", lambda: ask("HMGET", "hash", "field", "other"))
    _time("INFO", lambda: ask(*ASK_RUN))
    _time("ZADD", lambda: ask("ZADD", "ranks", 1, "member"))
    _time("ZRANGE BYSCORE LIMIT", lambda: ask("ZRANGE", "ranks", "-inf", 5, "BYSCORE", "LIMIT", 0, 4))
    _time("keep.lua", lambda: ask("EVALSHA", sha["keep"], 1, "mine", "token", 1000))
    _time("claim.lua", lambda: ask("EVALSHA", sha["claim"], 8, *claim))
    _time("commit.lua, 12 changes", lambda: ask("EVALSHA", sha["commit"], 2, "state:{0}", "cases:{0}", 5, 5, *changes))
    _time("snapshot", server.snapshot)
    asyncio.run(_schedule(server))


def _scripts() -> dict[str, str]:
    return {"keep": KEEP, "claim": CURRENT_RUN + script("lasts") + script("claim"), "commit": COMMIT}


def _time(name: str, work: Callable[[], Any]) -> None:
    work()
    began = time.process_time()
    for _ in range(ROUNDS):
        work()
    print(f"{name:24} {(time.process_time() - began) / ROUNDS * 1e6:6.1f} µs")


async def _schedule(server: SimRedis) -> None:
    """A third of the commands singly, the others in pipelines and transactions of five."""
    redis: Any = client(lambda: server, Near())
    began = time.process_time()
    for number in range(SCHEDULE // 15):
        for _ in range(5):
            await redis.hget("hash", "field")
        for transaction in (True, False):
            async with redis.pipeline(transaction=transaction) as pipe:
                for _ in range(5):
                    pipe.hmget("hash", "field", str(number))
                await pipe.execute()
    print(f"{SCHEDULE} commands         {(time.process_time() - began) * 1e3:6.1f} ms")


if __name__ == "__main__":
    main()

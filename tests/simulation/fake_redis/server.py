"""The in-memory Redis of the simulation: the product's real Lua scripts, on virtual time, with replicas and refusals.

Why it is not fakeredis. fakeredis 2.41 with lupa 2.8 does not answer as Redis does: it knows no INFO, so scripts that
ask for the run fail, no WAIT, no replica and no refusal. And it is slow. CPU time on one machine at one time:

    fakeredis, through its own client: 30 to 65 µs for a plain command, 145 µs for keep.lua, 380 µs for claim.lua
    (without its INFO); so 3,000 plain commands cost 90 to 190 ms
    here (python -m tests.simulation.fake_redis.speed): 1 to 7 µs, 13 µs, 35 to 42 µs; 3,000 commands of a schedule's
    kind cost 15 to 18 ms through the product's client. A script's cost is mostly crossing from Lua to Python.

What it does not do: it knows only the commands that the product uses (another raises NotImplementedError), SCAN and its
like give everything at once, there is no WATCH, no subscription, no eviction and no ACL, and a pipeline is carried out
without a pause. An error in a script may lack the line it came from.

Everything here is deterministic: run ids are made of a name and a number, collections keep the order of insertion, time
is what the caller's function says. test_redis_as_real.py compares the answers with a real Redis'.
"""

from tests.simulation.fake_redis.client import Link, client
from tests.simulation.fake_redis.core import SimRedis, State
from tests.simulation.fake_redis.replicas import Replication

__all__ = ["Link", "Replication", "SimRedis", "State", "client"]

"""The in-memory Redis of the simulation: the product's real Lua scripts, on virtual time, with replicas and refusals.

Why it is not fakeredis. fakeredis 2.41 with lupa 2.8 was measured: 28 to 57 µs for a plain command, 146 µs for keep.lua
and 340 µs for claim.lua, since it makes a Lua runtime for each script, so 3,000 commands take 100 to 500 ms; and it
does not answer as Redis does: it knows no INFO with run_id and master_replid, no WAIT, no replica, no refusal. Here
(`python -m tests.simulation.redis_speed`, on the same machine): 1 to 6 µs, 12 µs, 35 to 40 µs, and 15 ms for 3,000
commands through the product's client. A script's cost is the crossing from Lua to Python and back, 1.5 µs a call.

What it does not do: it knows only the commands that the product uses (another raises NotImplementedError), SCAN and its
like give everything at once, there is no WATCH, no subscription, no eviction and no ACL, and a pipeline is carried out
without a pause. An error in a script may lack the line it came from.

Everything here is deterministic: run ids are made of a name and a number, collections keep the order of insertion, time
is what the caller's function says. tests/simulation/test_redis_as_real.py compares the answers with a real Redis'.
"""

from tests.simulation.redis_client import Link, client
from tests.simulation.redis_core import SimRedis, State
from tests.simulation.redis_replicas import Replication

__all__ = ["Link", "Replication", "SimRedis", "State", "client"]

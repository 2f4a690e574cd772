"""Faults of worker processes."""

import asyncio
import signal
from contextlib import suppress
from random import Random

from tests.chaos.faults.base import KILL_SECONDS, RESTART_SECONDS, Fault
from tests.chaos.stage import Stage, send
from tests.servers.process import wait_for

READY = b"the worker is ready"
JOINS_SECONDS = 10.0
PAST_SESSION = 7.0  # wall seconds: the session times out after 6 on Kafka


async def killed(stage: Stage, chance: Random) -> None:
    """kill -9 in the midst of a dispatch; whoever looks after workers starts it again."""
    send(await stage.in_the_midst(chance), signal.SIGKILL)


async def frozen(stage: Stage, chance: Random) -> None:
    """Stopped past its session's end, then let go on: a zombie that believes it still owns its partitions."""
    pid = await stage.in_the_midst(chance)
    send(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(PAST_SESSION + chance.uniform(0, 1))
    finally:
        send(pid, signal.SIGCONT)


async def added_and_removed(stage: Stage, chance: Random) -> None:
    """One more joins, and when it has, another stops in good order: two rebalances."""
    workers = stage.running.workers
    added = await workers.add()
    log = stage.running.line.settings.data / f"worker-{added}" / "worker.log"
    with suppress(TimeoutError):  # on a busy machine: then the other goes all the same
        await asyncio.to_thread(wait_for, lambda: READY in log.read_bytes(), "a worker to join", JOINS_SECONDS)
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    await workers.remove(chance.choice([0, added]))


FAULTS = (
    Fault("worker_killed", "killed", killed, KILL_SECONDS),
    Fault("worker_frozen", "frozen", frozen, KILL_SECONDS - PAST_SESSION, early=True),
    Fault("worker_added_and_removed", "added", added_and_removed, RESTART_SECONDS, early=True),
)

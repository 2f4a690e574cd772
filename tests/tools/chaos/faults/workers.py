"""Faults of worker processes."""

import asyncio
import signal
from contextlib import suppress
from random import Random

from tests.tools.chaos.faults.base import KILL_SECONDS, RESTART_SECONDS, Fault, MissedError
from tests.tools.chaos.faults.redis import ALONE, wiped
from tests.tools.chaos.judging import flagged
from tests.tools.chaos.judging.flagged import Moment, Struck
from tests.tools.chaos.stage import Stage, send
from tests.tools.chaos.workers import flags
from tests.tools.servers.process import wait_for

READY = b"the worker is ready"
JOINS_SECONDS = 10.0
PAST_SESSION = 7.0  # wall seconds: the session times out after 6 on Kafka
FLAG_SECONDS = 6.0  # how long a worker is waited for that comes to where it is struck
PAST_LEASE = 1.0  # wall seconds behind the lease's end


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


async def killed_before_publish(stage: Stage, chance: Random) -> None:
    """kill -9 between a commit and its publishing: another worker publishes what the outbox has."""
    await _flagged(stage, Moment.COVERED)


async def killed_before_publish_and_wiped(stage: Stage, chance: Random) -> None:
    """The same, and Redis is wiped before another has published it: the inputs are read and decided again."""
    await _flagged(stage, Moment.COMMITTED)
    await wiped(stage, chance)


async def frozen_before_request(stage: Stage, chance: Random) -> None:
    """Stopped between marking a dispatch and sending it, past the lease; then the request goes out all the same."""
    struck = await _flagged(stage, Moment.SENDING)
    stage.delayed.add(struck.dispatch)
    try:
        await asyncio.sleep(stage.running.line.outgoing.channels.lease_seconds + PAST_LEASE + chance.uniform(0, 1))
    finally:
        send(struck.pid, signal.SIGCONT)


async def _flagged(stage: Stage, moment: Moment) -> Struck:
    struck = await asyncio.to_thread(flagged.awaited, flags(stage.running.line.settings.data), moment, FLAG_SECONDS)
    if struck is None:
        raise MissedError(f"no worker came to where it is {moment}")
    return struck


FLAGGED = (flagged.NAME,)
FAULTS = (
    Fault("worker_killed", "killed", killed, KILL_SECONDS),
    Fault("worker_frozen", "frozen", frozen, KILL_SECONDS - PAST_SESSION, early=True),
    Fault("worker_added_and_removed", "added", added_and_removed, RESTART_SECONDS, early=True),
    Fault("killed_before_publish", "killed", killed_before_publish, KILL_SECONDS, wrongs=FLAGGED),
    Fault(
        "killed_before_publish_and_wiped",
        "redis",
        killed_before_publish_and_wiped,
        KILL_SECONDS,
        outage=True,
        houses=ALONE,
        wrongs=FLAGGED,
    ),
    Fault("frozen_before_request", "frozen", frozen_before_request, RESTART_SECONDS, early=True, wrongs=FLAGGED),
)

"""What is on the stage of a round: the province and its workers, the servers, and who watches."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError

from simulators.demo.run import Running
from simulators.providers.base import Fault as ProviderFault
from simulators.providers.base import SimulatedProvider
from streams.channels.dispatch_log import known
from tests.tools.chaos.gateway import SmsGateway
from tests.tools.chaos.houses import Servers
from tests.tools.chaos.judging.seen import Seen
from tests.tools.chaos.voice.gateway import VoiceGateway
from tests.tools.servers.faketime import MachineClock

MIDST_SECONDS = 2.0  # how long a dispatch under way is waited for
ANSWERS_LATE = 0.6  # wall seconds by which the carrier's next answers are late, so that a dispatch is under way


@dataclass(frozen=True, slots=True)
class Window:
    """When a fault was there, in seconds since 1970, and how late a deadline may be over it."""

    kind: str
    began: float
    ended: float
    tolerance: float
    outage: bool
    struck: bool = True  # False: it waited for something that did not come


@dataclass(slots=True)
class Stage:
    """What faults may touch."""

    running: Running
    servers: Servers
    seen: Seen
    clock: MachineClock | None  # of the first worker, where a fault sets it
    windows: list[Window] = field(default_factory=list)
    poisoned: int = 0  # records on each topic
    redis_clock: MachineClock | None = None  # of Redis' machine, where a fault sets it
    delayed: set[str] = field(default_factory=set)  # dispatches whose request came after its lease
    keyless: set[str] = field(default_factory=set)  # residents whose keys the vault has lost
    gateway: SmsGateway | None = None  # where a fault strikes it: text messages go through it
    voice: VoiceGateway | None = None  # where a fault strikes it: automated calls go through it
    dropped: dict[tuple[str, int], int] = field(default_factory=dict)  # by partition: the first record not deleted

    @property
    def providers(self) -> list[SimulatedProvider]:
        found = self.running.providers
        return [found.carrier, found.bank, found.station]

    async def in_the_midst(self, chance: Random) -> int:
        """The process of a worker that is just carrying a dispatch out; any worker's when none comes in time."""
        faults = self.running.providers.carrier.faults
        faults.setdefault("late_answer", ProviderFault(times=3, seconds=ANSWERS_LATE))
        until = time.monotonic() + MIDST_SECONDS
        with suppress(RedisError, MasterNotFoundError):  # another fault may have it
            async with self.servers.client() as redis:
                while time.monotonic() < until:
                    if pid := await self._sender(redis):
                        return pid
                    await asyncio.sleep(0.01)
        return chance.choice(self.running.workers.pids)

    async def _sender(self, redis: Any) -> int | None:  # noqa: ANN401 - see Servers.client
        async for name in redis.scan_iter(match="lease:*", count=1000):
            pid = int((await redis.get(name) or b"0").partition(b"-")[0])
            entry = known(await redis.get(name.replace(b"lease:", b"dispatch:", 1)))
            if pid in self.running.workers.pids and entry is not None:
                return pid
        return None


def send(pid: int, which: signal.Signals) -> None:
    """Send a worker a signal, if it still runs."""
    with suppress(ProcessLookupError):
        os.kill(pid, which)

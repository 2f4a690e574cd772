"""Worker processes that are watched: one that hangs tells where, and the first may run by a clock that steps."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from simulators.demo.workers import STOP_SECONDS, Workers
from streams.runtime.settings import Settings
from tests.tools.chaos.judging import bound, flagged
from tests.tools.servers.faketime import MachineClock

COMMAND = ("-m", "tests.tools.chaos.worker")
DUMP_SECONDS = 0.5  # until a worker has written down where it stands


class WatchedWorkers(Workers):
    """`wrongs`: what is wrong with each of them (see worker.py). `clock`: the first one's, by libfaketime."""

    def __init__(self, settings: Settings, count: int, wrongs: Sequence[str], clock: MachineClock | None) -> None:
        super().__init__(settings, count, (*COMMAND, *wrongs))
        self._clock = clock
        self.hung = 0  # did not stop when told to

    def _environment(self, folder: Path) -> dict[str, str]:
        number = int(folder.name.removeprefix("worker-"))
        clock = self._clock.environment if self._clock and number == 0 else {}
        own = {flagged.FOLDER: str(flags(self._settings.data)), bound.SOURCE: bound.source(number)}
        return super()._environment(folder) | clock | own

    @property
    def numbers(self) -> list[int]:
        """The numbers of the workers that run."""
        return [number for number, process in self._processes.items() if process.returncode is None]

    async def _stopped(self, process: Process) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
            # Else it had to be ended (agents/worker). One that was told so while it started ended by the signal itself.
            self.hung += process.returncode not in (0, -signal.SIGTERM)
            return
        self.hung += 1
        process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(DUMP_SECONDS)
        process.kill()
        await process.wait()


def flags(data: Path) -> Path:
    """Where the flags of a round are that strike workers (see flagged.py)."""
    return data / "flags"

"""Worker processes of a demo: started, restarted, and killed on request."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from streams.runtime.embedded import die_with_parent
from streams.runtime.secret_files import SUFFIX
from streams.runtime.settings import Settings

WORKER = ("-m", "quanzu", "worker")  # arguments of the Python interpreter
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2


class Workers:
    """Runs a number of worker processes, and restarts each one that ends, like a service manager. A context manager.

    `restarts`: number of restarts so far; `environment`: more variables of the processes that start from now on. Each
    worker's output goes to worker-<number>/worker.log in the data folder.
    """

    def __init__(
        self, settings: Settings, count: int, command: Sequence[str] = WORKER, *, metrics_port: int = 0
    ) -> None:
        """`command`: arguments of the Python interpreter that start a worker. `metrics_port`: of the first worker's
        metrics; the others use the following ports. 0: none.
        """
        self._settings, self._count, self._command = settings, count, command
        self._metrics_port = metrics_port
        self._processes: dict[int, Process] = {}
        self._logs: list[IO[bytes]] = []
        self._leaving: set[int] = set()  # these are not restarted
        self._stopping = False
        self.restarts = 0
        self.environment: Mapping[str, str] = {}

    async def __aenter__(self) -> "Workers":
        for number in range(self._count):
            await self._start(number)
        self._looking = asyncio.create_task(self._look_after())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()
        for log in self._logs:
            log.close()

    async def stop(self) -> None:
        """Stop all workers and restart none: send SIGTERM, and SIGKILL to each one that still runs 15 s later. Return
        when all have ended.
        """
        self._stopping = True
        self._looking.cancel()
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        await asyncio.gather(*(self._stopped(process) for process in self._processes.values()))

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the running workers, in the order of the workers' numbers. A worker that has ended
        and is not restarted yet is left out.
        """
        return [process.pid for process in self._processes.values() if process.returncode is None]

    def signal(self, number: int, which: signal.Signals) -> None:
        """Send an operating-system signal to the worker `number` (from 0): SIGKILL kills it, SIGTERM lets it stop.
        Unless `leave` was called for it, it is restarted when it ends.

        Raises KeyError if no worker has the number, and ProcessLookupError if the process has ended.
        """
        self._processes[number].send_signal(which)

    async def add(self) -> int:
        """Start one more worker, and return its number (counted from 0). Raises OSError if the process or its log file
        cannot be created.
        """
        number = len(self._processes)
        await self._start(number)
        return number

    def leave(self, number: int) -> None:
        """Mark the worker `number` (from 0) so that it is not restarted when it ends. Its process continues to run."""
        self._leaving.add(number)

    async def remove(self, number: int) -> None:
        """Stop the worker `number` (from 0) and do not restart it: send SIGTERM, and SIGKILL if it still runs 15 s
        later. Return when it has ended. Raises KeyError if no worker has the number.
        """
        self.leave(number)
        process = self._processes[number]
        with suppress(ProcessLookupError):
            process.terminate()
        await self._stopped(process)

    async def _start(self, number: int) -> None:
        folder = self._settings.data / f"worker-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "worker.log").open("ab")
        self._logs.append(log)
        self._processes[number] = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            env=self._environment(folder) | self._port(number),
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # no worker outlives a demo that is killed
            start_new_session=True,  # Ctrl-C reaches only the demo, which stops its workers
        )

    def _environment(self, folder: Path) -> dict[str, str]:
        secret = SecretStr(self._settings.key().decode())  # otherwise each folder would get its own
        own = self._settings.model_copy(update={"data": folder, "metrics_port": 0, "secret": secret}).environment()
        ours = {name: value for name, value in os.environ.items() if name.removesuffix(SUFFIX) not in own}
        return {**ours, **own, **self.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def _port(self, number: int) -> dict[str, str]:
        return {"QUANZU_METRICS_PORT": str(self._metrics_port + number)} if self._metrics_port else {}

    async def _look_after(self) -> None:
        while not self._stopping:
            for number, process in list(self._processes.items()):
                if process.returncode is not None and number not in self._leaving:
                    self.restarts += 1
                    await self._start(number)
            await asyncio.sleep(LOOK_SECONDS)

    async def _stopped(self, process: Process) -> None:
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

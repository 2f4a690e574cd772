"""The one worker of the line's tests, in a process of its own: started, stopped, killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from tests.tools.servers.forked import Forked

MODULE = "tests.end_to_end.harness.hand_worker"
ROOT = Path(__file__).parents[3]
STOP_SECONDS = 10


class Worker:
    """A process at a time; its log is in the data folder."""

    def __init__(self, settings: Settings, clock: Path) -> None:
        self.metrics_port = free_port()
        own = settings.model_copy(update={"metrics_port": self.metrics_port})
        self._environment = {**os.environ, **own.environment(), "TEST_CLOCK": str(clock), "PYTHONPATH": str(ROOT)}
        self._log = settings.data / "worker.log"
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: what this process has besides."""
        own = {**self._environment, **(environment or {})}
        if environment is None:
            self._process = Forked(MODULE, own, self._log)
            return
        with self._log.open("ab") as log:  # it may change what is imported, or the clock
            self._process = subprocess.Popen([sys.executable, "-m", MODULE], env=own, stdout=log, stderr=log)

    def kill(self) -> None:
        """As `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def freeze(self) -> None:
        """As SIGSTOP does, until `thaw`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """As SIGTERM does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)

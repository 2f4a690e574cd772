"""A server as a child process: it ends with us, however we end."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.05
PACKAGES = {
    "java": "openjdk-17-jre-headless",
    "javac": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "redis-server": "redis-server",
    "faketime": "faketime",
    "setpriv": "util-linux",
    "openssl": "openssl",
    "ss": "iproute2",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
# PDEATHSIG is sent when the thread that started the child ends: this one lives as long as the process.
_starting = ThreadPoolExecutor(1, "servers")


class MissingError(RuntimeError):
    """A program that the real servers need is not installed; the text says which and how to get it."""


def need(*programs: str) -> None:
    """Raises MissingError that says what to install when one of them is not there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        packages = " ".join(PACKAGES[program] for program in missing)
        raise MissingError(f"{', '.join(missing)} not installed: apt-get install {packages}")


class Process:
    """One server: started, killed, stopped, and started again by the same command."""

    def __init__(
        self, name: str, command: list[str], log: Path, port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """`environment`: besides the test's own."""
        self.name = name
        self.port = port
        self._command = ["setpriv", "--pdeathsig", "KILL", *command]
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def pid(self) -> int:
        """The process's number, also after its end. Raises RuntimeError when it was never started."""
        if self._running is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._running.pid

    def start(self) -> None:
        """Start it unless it runs; `ready` waits until it listens."""
        need("setpriv")
        if not self.running:
            self._running = _starting.submit(self._spawn).result()

    def ready(self) -> None:
        """Return when it listens. Raises RuntimeError when it ends or START_SECONDS pass before."""
        wait_for(self._listening, f"{self.name} to listen on 127.0.0.1:{self.port}; see {self._log}")

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """As `kill -9` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As SIGTERM does; killed when that takes longer than STOP_SECONDS."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """As SIGSTOP does, until `thaw`."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
                env=self._environment,
                start_new_session=True,  # Ctrl-C reaches the test, which stops its servers after itself
            )

    def _listening(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended as it started; see {self._log}")
        return self.listens()

    def _end(self, signal_: signal.Signals) -> None:
        if self._running is None or not self.running:
            return
        os.killpg(self.pid, signal_)
        try:
            self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._running.wait()


@contextmanager
def hanging(pid: int) -> Iterator[None]:
    """A process that hangs, as SIGSTOP makes it, from the first line of the body to its last.

    The signal is dealt with by one thread when it next runs; until then, on a busy machine, the others still answer.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: all(_stopped(thread) for thread in Path(f"/proc/{pid}/task").iterdir()), f"{pid} to hang")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stopped(thread: Path) -> bool:
    """T in proc(5), where a command's name may hold parentheses and spaces. One that has ended answers no more."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Return as soon as it holds. Raises TimeoutError when that takes longer than `seconds`."""
    began = time.monotonic()
    while not holds():
        if (waited := time.monotonic() - began) > seconds:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(nap(waited))


def nap(waited: float) -> float:
    """Return the seconds until the next look, after `waited` seconds: a quarter of that, from 10 to 250 ms.

    To look costs several round trips. Looking every 10 ms, a test that waits would take a core from what it waits for.
    """
    return min(max(0.01, waited / 4), 0.25)

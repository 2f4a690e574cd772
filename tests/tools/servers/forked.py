"""A Python process that has imported the worker already: forked from a server that did so once.

To import what a worker needs takes seconds of a core. Tests start hundreds of workers.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.runtime.embedded import die_with_parent

PRELOADED = ["tests.tools.servers.preloaded"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOADED)


class Forked:
    """A module run as a program, with the methods of subprocess.Popen that tests use."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        """`log`: gets what it writes. The environment must hold nothing that only a new interpreter would see."""
        self._process = _context.Process(target=_run, args=(module, dict(environment), log))
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def wait(self, timeout: float) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired when it has not ended after `timeout` seconds."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process.name), timeout)
        return code


def completed(
    arguments: Sequence[str], environment: Mapping[str, str], timeout: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `quanzu` with these arguments to its end, in a process of its own. Returns its exit code and output.

    `cwd`: the folder in which it runs; None: this process's. Raises subprocess.TimeoutExpired when it has not ended
    after `timeout` seconds; it is killed then.
    """
    words = ["quanzu", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _context.Process(target=_command, args=(words, dict(environment), cwd or Path.cwd(), out, err))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout)
        return subprocess.CompletedProcess(
            words, process.exitcode, *(each.read_text("utf-8") if each.exists() else "" for each in (out, err))
        )


def _command(words: list[str], environment: dict[str, str], folder: Path, out: Path, err: Path) -> None:
    """Be `quanzu` with its words, in the folder, and write to these files."""
    os.chdir(folder)
    _become("quanzu", words, environment, {1: out, 2: err})


def _run(module: str, environment: dict[str, str], log: Path) -> None:
    """Be that program: its environment, its log, its module as `__main__`."""
    _become(module, [module], environment, {1: log, 2: log})


def _become(module: str, words: list[str], environment: dict[str, str], outputs: Mapping[int, Path]) -> None:
    die_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    for number, path in outputs.items():
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    sys.argv = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)

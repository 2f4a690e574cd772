"""`start`: how long until somebody who has typed a command can go on. Embedded, in an empty folder, nothing warm."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.runtime.embedded import die_with_parent, free_port
from tests.tools.bench.figures import Found, Given, figure
from tests.tools.servers.process import wait_for

READY = {"worker": "the worker is ready", "demo": "http://"}  # the demo prints where to come in
LONGEST_SECONDS = 120.0
QUANZU = (sys.executable, "-m", "quanzu")


def measure(given: Given) -> Found:
    """The section."""
    helps = [_help() for _ in range(given.runs)]
    return {
        "help_seconds": figure([seconds for seconds, _ in helps], "s"),
        "help_cpu_seconds": figure([cpu for _, cpu in helps], "s of CPU"),
        **{
            f"{command}_ready_seconds": figure(
                [ready(command, given.folder / f"{command}-{number}") for number in range(given.runs)], "s"
            )
            for command in READY
        },
    }


def ready(command: str, folder: Path) -> float:
    """Seconds from the command to what it says when it is ready. It is stopped then."""
    folder.mkdir()
    out = folder / "out.log"
    began = time.monotonic()
    process = _started([*QUANZU, command], folder, out)
    try:
        wait_for(lambda: READY[command] in _said(process, out), f"{command} to be ready", LONGEST_SECONDS)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(LONGEST_SECONDS)


def _help() -> tuple[float, float]:
    """Wall and CPU seconds."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*QUANZU, "--help"], check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime


def _started(command: Sequence[str], folder: Path, out: Path) -> "subprocess.Popen[bytes]":
    with out.open("wb") as log:
        return subprocess.Popen(
            command,
            env=_environment(folder),
            stdout=log,
            stderr=log,
            preexec_fn=_by_itself,
        )


def _by_itself() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it, and so would this one


def _environment(folder: Path) -> Mapping[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")}
    ports = {"QUANZU_HTTP_PORT": "0", "QUANZU_METRICS_PORT": "0", "QUANZU_CONSOLE_PORT": str(free_port())}
    return {**others, **ports, "QUANZU_DATA": str(folder / "data"), "PYTHONUNBUFFERED": "1"}


def _said(process: "subprocess.Popen[bytes]", out: Path) -> str:
    said = out.read_text(errors="replace")
    if process.poll() is not None:
        raise RuntimeError(f"it ended with {process.returncode}:\n{said[-2000:]}")
    return said

"""Processes that a test left behind: found by a mark in their environment, ended, and named at the end of the run.

A process whose parent has died belongs to another parent: the tree of processes does not show whose it was. Therefore
each process of pytest has a mark of its own in its environment, which its children inherit.
"""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

MARK = "QUANZU_TESTS_OF"
GONE_SECONDS = 3.0  # what is just ending is no leftover
LOOK_SECONDS = 0.05
_found = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this process a mark: its worker's number behind the mark of the run."""
    workerinput = getattr(config, "workerinput", None)
    run = os.environ.get(MARK, "") if workerinput else ""
    worker = workerinput["workerid"] if workerinput else ""
    os.environ[MARK] = f"{run}/{worker}" if run else uuid.uuid4().hex
    config.stash[_found] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what the tests of this process left behind: its own fixtures have ended by now."""
    if getattr(session.config.option, "numprocesses", None):
        return  # its workers ran the tests
    found = ended(os.environ[MARK])
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["leftovers"] = found  # read by the process that started this one
    session.config.stash[_found] += found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """End what a worker left behind that was killed; what it has ended itself it says."""
    told = getattr(node, "workeroutput", {}).get("leftovers", [])
    mark = f"{os.environ[MARK]}/{node.gateway.id}"  # type: ignore[attr-defined] # of xdist's node
    node.config.stash[_found] += [*told, *ended(mark)]  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """Name what was left behind."""
    if config.stash[_found]:
        terminalreporter.section("processes that tests left behind, ended now", red=True)
        for each in config.stash[_found]:
            terminalreporter.line(each)


def ended(mark: str) -> list[str]:
    """Kill the processes that have this mark in their environment, and return what each was."""
    until = time.monotonic() + GONE_SECONDS
    while (left := list(_marked(mark))) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return [said for process in left if (said := _killed(process))]


def of_run(run: str) -> Iterator[psutil.Process]:
    """Yield the processes of a run: those of the workers and what these started."""
    yield from (process for process, mark in _marks() if mark.partition("/")[0] == run)


def _marked(mark: str) -> Iterator[psutil.Process]:
    yield from (process for process, its in _marks() if its == mark)


def _marks() -> Iterator[tuple[psutil.Process, str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and not _server_of_python(process):
                yield process, process.environ().get(MARK, "")


def _server_of_python(process: psutil.Process) -> bool:
    """Whether it is a helper of the module multiprocessing, or forked by one: these end with the process of pytest."""
    return any(part.startswith("from multiprocessing.") for part in process.cmdline())


def _killed(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        said = f"{process.pid}: {' '.join(process.cmdline())[:200]}"
        process.send_signal(signal.SIGKILL)
        return said
    return ""

"""The time limit of a test, which also ends a test that waits in an event loop or hangs outside of Python.

pytest-timeout raises its exception once, in whatever the main thread executes. In an event loop that may be a task for
which nobody waits: asyncio stores the exception in the task, and the test waits on for ever. Here

1. at the limit the exception is raised between two steps of the loop, which passes a SystemExit on, and the test's own
   task is cancelled;
2. every AGAIN_SECONDS after that it is raised wherever the main thread is;
3. LAST_SECONDS after the limit faulthandler writes the stacks of all threads and ends the process. pytest-xdist then
   reports the test as failed and goes on in a new process.
"""

import asyncio
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

AGAIN_SECONDS = 5.0
LAST_SECONDS = 60.0
FRAMES = 12  # of a stack; the innermost
_stderr = pytest.StashKey[int]()


class Settings(Protocol):
    """What pytest-timeout read from the configuration and the marker."""

    timeout: float


class TestOverdueError(SystemExit):
    """The test takes too long. A SystemExit, since asyncio passes no other exception on to the test."""


class _Limit:
    def __init__(self, item: pytest.Item, seconds: float) -> None:
        self._item, self._seconds = item, seconds
        self._reached = False

    def start(self) -> None:
        signal.signal(signal.SIGALRM, lambda *_: self._end_test())
        signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN_SECONDS)
        file = self._item.config.stash[_stderr]
        faulthandler.dump_traceback_later(self._seconds + LAST_SECONDS, exit=True, file=file)

    def _end_test(self) -> None:
        loop, first = _running_loop(), not self._reached
        self._reached = True
        if loop is None or not first:
            raise TestOverdueError(self._words())
        loop.call_soon_threadsafe(self._leave, loop, self._words())

    def _leave(self, loop: asyncio.AbstractEventLoop, words: str) -> None:
        own = getattr(self._item.obj, "__code__", None)  # type: ignore[attr-defined] # of a function's item
        for task in asyncio.all_tasks(loop):
            if _code(task) is own:
                task.cancel()
        raise TestOverdueError(words)

    def _words(self) -> str:
        return f"{self._item.nodeid} took over {self._seconds:g} s\n" + "\n".join(stacks())


def stacks() -> Iterator[str]:
    """Yield what each thread, and each task of the running event loop, executes."""
    for number, frame in sys._current_frames().items():
        yield f"thread {number}\n{''.join(traceback.format_stack(frame, FRAMES))}"
    loop = _running_loop()
    for task in asyncio.all_tasks(loop) if loop else ():
        lines = (f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}" for frame in task.get_stack())
        yield "\n".join([f"task {task.get_name()}", *lines])


def pytest_configure(config: pytest.Config) -> None:
    """Keep the real stderr: while a test runs, number 2 is a file of pytest's."""
    config.stash[_stderr] = os.dup(2)


def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool:
    """Start the time of a test; takes the place of pytest-timeout's own timer."""
    _Limit(item, settings.timeout).start()
    return True


def pytest_timeout_cancel_timer() -> bool:
    """Stop the time of a test."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    faulthandler.cancel_dump_traceback_later()
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Raise nothing more in a test that has ended: while pytest writes its report, that would end the whole run."""
    if call.excinfo is not None and call.excinfo.errisinstance(TestOverdueError):
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Start the time again for the teardown of a test that failed: pytest-timeout stopped it."""
    seconds = getattr(node.config, "_env_timeout", None)
    if isinstance(node, pytest.Item) and seconds and not node.config.option.usepdb:
        _Limit(node, seconds).start()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _code(task: "asyncio.Task[Any]") -> object:
    return getattr(task.get_coro(), "cr_code", None)

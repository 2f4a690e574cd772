"""The time limit of a whole run, and its end by SIGTERM: both name the tests that run and end every process."""

import faulthandler
import os
import signal
import threading
import time
from contextlib import suppress

import psutil
import pytest

from tests.tools.runs import leftovers

OPTION = "run_minutes"
GIVEN_UP = 3  # the exit code
STACKS_SECONDS = 2.0  # for the workers to write theirs


class _Run:
    """The run in the process that prints it: which tests run, and since when."""

    def __init__(self, minutes: float) -> None:
        self._since: dict[str, float] = {}
        self._stderr = os.dup(2)
        self._timer = threading.Timer(minutes * 60, self._give_up, [f"the run took over {minutes:g} minutes"])
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()
        signal.signal(signal.SIGTERM, lambda *_: self._give_up("the run was ended by SIGTERM"))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._since[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._since.pop(nodeid, None)

    def pytest_unconfigure(self) -> None:
        self._timer.cancel()
        self._timer.join()  # a test whose processes are killed may end before the run has been given up

    def _give_up(self, why: str) -> None:
        """Write which tests run, and what each process of pytest executes; end all processes."""
        now, running = time.monotonic(), sorted(self._since.items(), key=lambda each: each[1])
        lines = [f"{now - since:7.0f} s  {name}" for name, since in running]
        os.write(self._stderr, "\n".join([f"\n{why}; running:", *(lines or ["no test"]), ""]).encode())
        faulthandler.dump_traceback(self._stderr)
        children = psutil.Process().children(recursive=True)
        for worker in psutil.Process().children():
            with suppress(psutil.Error):
                worker.send_signal(signal.SIGUSR1)
        time.sleep(STACKS_SECONDS)
        for process in {*children, *leftovers.of_run(os.environ[leftovers.MARK])}:
            with suppress(psutil.Error):
                process.kill()
        os._exit(GIVEN_UP)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting."""
    parser.addini(OPTION, "minutes after which a run is given up", default="70")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch the time where the run is printed; elsewhere, write the stacks when asked."""
    if hasattr(config, "workerinput"):
        faulthandler.register(signal.SIGUSR1, os.fdopen(os.dup(2), "wb"), all_threads=True)
        return
    run = _Run(float(config.getini(OPTION)))
    run.start()
    config.pluginmanager.register(run)

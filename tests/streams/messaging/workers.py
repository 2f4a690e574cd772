"""Workers in processes of their own, and what they told."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from streams.runtime.settings import Settings

SCRIPT = Path(__file__).with_name("noting_worker.py")
ROOT = SCRIPT.parents[3]


class Worker:
    """The noting worker on a topic; killed at the end of the context if it still runs."""

    def __init__(self, settings: Settings, topic: str, mode: str = "ack") -> None:
        told = {"TEST_TOPIC": topic, "TEST_MODE": mode, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env={**os.environ, **settings.environment(), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.taken: list[dict[str, Any]] = []
        self.owned: list[int] = []
        self.log = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._listen, self._keep_log)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def values(self) -> list[str]:
        return [line["value"] for line in list(self.taken)]

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def terminate(self) -> int:
        self.process.terminate()
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait(10)
        for reader in self._readers:
            reader.join(5)
        return code

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            told = json.loads(line)
            if "owned" in told:
                self.owned = told["owned"]
            else:
                self.taken.append(told)

    def _keep_log(self) -> None:
        for line in self.process.stderr or ():
            self.log += line


def until(true: Callable[[], bool], seconds: float, workers: Sequence[Worker] = ()) -> float:
    """Wait until it is true and tell how long it took; the workers' logs go into the failure."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s\n" + "\n---\n".join(worker.log[-3000:] for worker in workers))
        time.sleep(0.02)
    return time.monotonic() - began

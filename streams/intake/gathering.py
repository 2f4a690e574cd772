"""Writes the signals of small requests that come at the same time together: a record of one signal costs screening
several times as much as a signal among others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from schemas.risk.signals import Signal

GATHER_SECONDS = 0.02  # so long, at most, does a signal wait for the write before it
MOST_SIGNALS = 20  # of a request that gathers: one with more has records of some length anyway

Write = Callable[[Sequence[Signal]], Awaitable[object]]


class Gathering:
    """Gathers signals while a write is under way, 20 ms at most; when none is, they are written at once.

    `write`: writes signals; `seconds`: the time that it has, after which the requests fail with TimeoutError.
    """

    def __init__(self, write: Write, seconds: float) -> None:
        self._write, self._seconds = write, seconds
        self._waiting: list[tuple[Sequence[Signal], asyncio.Future[None]]] = []
        self._under_way: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, signals: Sequence[Signal]) -> None:
        """Write the signals, perhaps with those of other calls, and return once they are written.

        Raises the exceptions of the write, which may be another call's fault, and TimeoutError. If this call is
        cancelled, the signals may be written nevertheless.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((signals, written))
        if len(self._waiting) == 1:
            self._started(self._next(self._under_way))
        await written

    async def _next(self, before: "asyncio.Task[None] | None") -> None:
        """Write what waits, and what comes until the write `before` has ended or 20 ms are over."""
        if before is not None:
            await asyncio.wait({before}, timeout=GATHER_SECONDS)
        taken, self._waiting = self._waiting, []
        if awaited := [each for each in taken if not each[1].done()]:
            self._under_way = self._started(self._together(awaited))

    async def _together(self, taken: Sequence[tuple[Sequence[Signal], "asyncio.Future[None]"]]) -> None:
        failed: Exception | None = None
        try:
            async with asyncio.timeout(self._seconds):
                await self._write([signal for signals, _ in taken for signal in signals])
        except Exception as error:  # each request that waits answers it
            failed = error
        for _, written in taken:
            if written.done():
                continue
            if failed is None:
                written.set_result(None)
            else:
                written.set_exception(failed)

    def _started(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

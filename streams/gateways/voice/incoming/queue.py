"""Brings callers and free operators together: first come, first served."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streams.gateways.voice.incoming.ready import ReadyOperators


class QueuePlace:
    """A caller's place in the queue, until an operator has answered. Made by `CallQueue.place`."""

    def __init__(self, queue: "CallQueue") -> None:
        self._queue, self.since = queue, time.monotonic()
        self._given: asyncio.Future[str] | None = None

    @property
    def wants_operator(self) -> bool:
        """True while `wait_for_operator` waits for an operator, and none was given yet."""
        return self._given is not None and not self._given.done()

    def give(self, login: str) -> None:
        """Have `wait_for_operator` return this login, whose telephone is reserved. `wants_operator` must be True."""
        assert self._given is not None  # noqa: S101 - `wants_operator`
        self._given.set_result(login)

    async def wait_for_operator(self, seconds: float) -> str | None:
        """Wait up to `seconds` for an operator to ring for this caller. Returns the login, whose telephone is reserved;
        None if nobody was free in that time, or the queue is closing. If the task is cancelled, the telephone is free
        again.
        """
        self._given = asyncio.get_running_loop().create_future()
        self._queue.match()
        closing = asyncio.create_task(self._queue.closing.wait())
        waits: list[asyncio.Future[Any]] = [self._given, closing]
        try:
            await asyncio.wait(waits, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
            return self._given.result() if self._given.done() else None
        except asyncio.CancelledError:
            if self._given.done():
                self._queue.operators.release(self._given.result())
            raise
        finally:
            closing.cancel()
            self._given = None


class CallQueue:
    """The waiting callers, in the order of their arrival. `operators`: the operators who take calls; `closing`: set
    when the queue closes, and all callers stop waiting.
    """

    def __init__(self, operators: ReadyOperators) -> None:
        self.operators, self.closing = operators, asyncio.Event()
        self._places: list[QueuePlace] = []

    @property
    def waiting(self) -> int:
        """The number of callers in the queue whom no operator has answered yet."""
        return len(self._places)

    @property
    def longest_wait(self) -> float:
        """For how many seconds the first caller has waited; 0 if nobody waits."""
        return time.monotonic() - self._places[0].since if self._places else 0.0

    @contextmanager
    def place(self) -> Iterator[QueuePlace]:
        """Context manager: hold a place at the end of the queue during the block. Yields the place."""
        place = QueuePlace(self)
        self._places.append(place)
        try:
            yield place
        finally:
            self.leave(place)

    def leave(self, place: QueuePlace) -> None:
        """Give a place up, because an operator has answered. No effect if it was given up before."""
        if place in self._places:
            self._places.remove(place)

    def match(self) -> None:
        """Give free operators to the callers who have waited for longest, with their telephones reserved. Call it
        whenever somebody may be free.
        """
        for place in self._places:
            if not place.wants_operator:
                continue
            login = self.operators.take_free()
            if login is None:
                return
            place.give(login)

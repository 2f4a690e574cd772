"""Carries out dispatches through one provider, several at a time. agents/dispatch.py has the steps of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType
from weakref import WeakValueDictionary

import structlog
from faust.types import StreamT

from schemas.casework.events import Dispatch
from schemas.levels import Level
from streams.channels.delivery import WAIT_SECONDS, Delivery
from streams.channels.flow import carry_each
from streams.channels.settings import ChannelSettings
from streams.messaging.dead_letter_writer import DeadLetters
from streams.runtime import tracing
from streams.runtime.tasks import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, wanted

Process = Callable[[Delivery], Awaitable[bool]]
"""Carries out a dispatch as far as possible now (agents/dispatch.py). Returns whether it is finished."""


REMEMBERED = 10_000  # finished dispatches: about 2 MB


class Channel:
    """Carries out dispatches through one provider, several at once. Red dispatches have slots of their own, so that
    they never wait for others.

    `process`: carries out one dispatch as far as possible now, and returns True if it is finished.
    """

    def __init__(
        self,
        make_delivery: Callable[[Dispatch], Delivery],
        process: Process,
        dead_letters: DeadLetters,
        settings: ChannelSettings,
    ) -> None:
        self._make_delivery, self._process, self._dead_letters = make_delivery, process, dead_letters
        self._concurrency = settings.channel_concurrency
        self._slots = asyncio.Semaphore(self._concurrency)
        # Never taken by dispatches that wait for a slow provider.
        self._red_slots = asyncio.Semaphore(self._concurrency)
        self._draining = False
        # A lease belongs to the process: two of its tasks with the same dispatch exclude each other here.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # The ids of those that this process has finished last, oldest first. A restored image of a Redis machine may
        # have lost their marks.
        self._finished: dict[str, None] = {}

    async def run(self, stream: StreamT[bytes]) -> None:
        """Carry out each dispatch of the stream, and acknowledge it when it is finished. This is the body of a
        channel's agent.

        Invalid records become dead letters. Raises an exception group with the errors of `carry`, and SendError if
        Kafka refuses a dead letter.
        """
        await carry_each(stream, self._carry_one, self._dead_letters)

    async def carry(
        self,
        dispatches: Sequence[Dispatch],
        traces: Mapping[str, tracing.Trace | None] = MappingProxyType({}),
        *,
        patient: bool = True,
    ) -> None:
        """Carry out each dispatch and report its result. Dispatches that this process has finished already are skipped.
        `traces`: by dispatch id.

        Returns when every dispatch is finished. `patient` False: returns after one attempt each; a dispatch whose
        outcome is then unknown is left to the worker that has its record. Once `drain` was called, this does not
        return, so that unfinished dispatches are not acknowledged; only a cancellation ends it. Raises an exception
        group with the errors of the attempts, such as SendError if Kafka refuses a result, or AccessError if a server
        denies access.
        """
        async with asyncio.TaskGroup() as group:
            for dispatch in {dispatch.id: dispatch for dispatch in dispatches}.values():
                group.create_task(self._traced(dispatch, traces.get(dispatch.id), patient))
        while self._draining:  # some were not started and must not be acknowledged
            if not wanted():  # the cancellation was swallowed earlier
                raise asyncio.CancelledError
            await asyncio.sleep(WAIT_SECONDS)

    async def drain(self) -> None:
        """Start no further attempt of any dispatch from now on, and return when every attempt in progress has ended. It
        cannot be undone.
        """
        self._draining = True
        async with AsyncExitStack() as held:  # released at the end: tasks that wait for one see that it drains
            for slots in (self._slots, self._red_slots):
                for _ in range(self._concurrency):
                    await held.enter_async_context(slots)

    async def _carry_one(self, dispatch: Dispatch, trace: tracing.Trace | None) -> None:
        await self.carry([dispatch], {dispatch.id: trace})

    async def _traced(self, dispatch: Dispatch, trace: tracing.Trace | None, patient: bool) -> None:
        with (
            tracing.span("dispatch", trace, case=dispatch.case, dispatch=dispatch.id, action=dispatch.action),
            structlog.contextvars.bound_contextvars(case=dispatch.case),
        ):
            await self._carry(dispatch, patient=patient)

    async def _carry(self, dispatch: Dispatch, *, patient: bool) -> None:
        lock = self._locks.setdefault(dispatch.id, asyncio.Lock())
        if lock.locked() and not patient:
            return
        async with lock:
            if dispatch.id in self._finished:
                return
            delivery = self._make_delivery(dispatch)
            try:
                await self._deliver(dispatch, delivery, patient=patient)
            finally:
                await asyncio.shield(delivery.close())

    async def _deliver(self, dispatch: Dispatch, delivery: Delivery, *, patient: bool) -> None:
        """Attempt the dispatch until it is finished, each attempt in a slot; the pauses between attempts hold no
        slot.
        """
        for pause in _pauses():
            async with self._red_slots if dispatch.level is Level.RED else self._slots:
                if self._draining:
                    return
                if await self._process(delivery):
                    self._remember(dispatch.id)
                    return
            if not patient:
                return
            await asyncio.sleep(pause)

    def _remember(self, finished: str) -> None:
        self._finished[finished] = None
        if len(self._finished) > REMEMBERED:
            del self._finished[next(iter(self._finished))]


def _pauses() -> Iterator[float]:
    """Yield the seconds between attempts: short at first, because most providers recover soon.

    Not tenacity: an unfinished attempt is no error.
    """
    pause = FIRST_WAIT_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)

"""Carries dispatches out by one provider, so many at once. agents/dispatch.py has the steps of each."""

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
"""Carries a dispatch out as far as is possible now (agents/dispatch.py). Returns whether it has come to its end."""


class Channel:
    """Carries dispatches out by one provider."""

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
        self._red_slots = asyncio.Semaphore(self._concurrency)  # never taken by what waits at a slow provider
        self._draining = False
        # The lease is the process's: two tasks in it that have the same dispatch wait for one another here.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, stream: StreamT[bytes]) -> None:
        """The body of a channel's agent: each dispatch carried out, then acked."""
        await carry_each(stream, self._carry_one, self._dead_letters)

    async def carry(
        self,
        dispatches: Sequence[Dispatch],
        traces: Mapping[str, tracing.Trace | None] = MappingProxyType({}),
        *,
        patient: bool = True,
    ) -> None:
        """Bring each to its end, reported; what was done before is passed over. `traces`: by dispatch.

        Not `patient`: one whose outcome is unknown is left as it is, to whoever has its record.
        """
        async with asyncio.TaskGroup() as group:
            for dispatch in {dispatch.id: dispatch for dispatch in dispatches}.values():
                group.create_task(self._traced(dispatch, traces.get(dispatch.id), patient))
        while self._draining:  # some were not begun: an ack must not follow, so only a cancellation ends this
            if not wanted():  # it was swallowed on the way here
                raise asyncio.CancelledError
            await asyncio.sleep(WAIT_SECONDS)

    async def drain(self) -> None:
        """Begin nothing more, and return when what is under way has come to its end."""
        self._draining = True
        async with AsyncExitStack() as held:  # given back at the end: who waits for one sees that no more is begun
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
            delivery = self._make_delivery(dispatch)
            try:
                await self._deliver(dispatch, delivery, patient=patient)
            finally:
                await asyncio.shield(delivery.close())

    async def _deliver(self, dispatch: Dispatch, delivery: Delivery, *, patient: bool) -> None:
        """Attempt by attempt, each in a slot; nobody waits for a slot during the pauses between them."""
        for pause in _pauses():
            async with self._red_slots if dispatch.level is Level.RED else self._slots:
                if self._draining or await self._process(delivery):
                    return
            if not patient:
                return
            await asyncio.sleep(pause)


def _pauses() -> Iterator[float]:
    """Seconds between two attempts: short at first, for most providers are soon well again.

    Not tenacity: an attempt that is not the last is no error.
    """
    pause = FIRST_WAIT_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)

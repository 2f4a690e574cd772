"""Carries dispatches out by one provider, so many at once; how each goes is said in delivery.py."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType
from weakref import WeakValueDictionary

import structlog
from faust.types import StreamT
from prometheus_client import Counter

from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput, ContactResult
from schemas.levels import Level
from streams.channels.delivery import WAIT_SECONDS, Delivery
from streams.channels.dispatch_log import DispatchBook
from streams.channels.flow import carry_each
from streams.channels.provider import Provider
from streams.channels.settings import ChannelSettings
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import CASE_INPUTS
from streams.runtime import tracing
from streams.runtime.clock import Clock
from streams.runtime.tasks import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, wanted

DISPATCHES = Counter("quanzu_dispatches_total", "What channels reported of dispatches", ["channel", "result"])


class Channel:
    """Carries dispatches out by one provider."""

    def __init__(
        self, provider: Provider, book: DispatchBook, producer: Producer, clock: Clock, settings: ChannelSettings
    ) -> None:
        self._provider, self._book, self._producer, self._clock = provider, book, producer, clock
        self._settings = settings
        self._dead_letters = DeadLetters(producer, clock)
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
            delivery = Delivery(dispatch, self._provider, self._book, self._clock, self._settings)
            try:
                await self._deliver(dispatch, delivery, patient=patient)
            finally:
                await asyncio.shield(delivery.close())

    async def _deliver(self, dispatch: Dispatch, delivery: Delivery, *, patient: bool) -> None:
        """Turn by turn, each in a slot; the pauses between them keep nobody from one."""
        for pause in _pauses():
            async with self._red_slots if dispatch.level is Level.RED else self._slots:
                if self._draining or await self._turn(dispatch, delivery):
                    return
            if not patient:
                return
            await asyncio.sleep(pause)

    async def _turn(self, dispatch: Dispatch, delivery: Delivery) -> bool:
        """Whether the dispatch has come to its end."""
        inputs = await delivery.turn()
        if inputs:
            await self._report(dispatch, inputs)
            await delivery.done()
        return inputs is not None

    async def _report(self, dispatch: Dispatch, inputs: Sequence[CaseInput]) -> None:
        where = self._book.partition(dispatch.resident)
        resident = dispatch.resident.encode()
        values = [each.model_dump_json().encode() for each in inputs]
        await self._producer.send_all([Record(CASE_INPUTS.name, resident, value, where) for value in values])
        for each in inputs:
            if isinstance(each, ContactResult):
                DISPATCHES.labels(dispatch.channel, each.result).inc()


def _pauses() -> Iterator[float]:
    """Seconds between two turns: short at first, for most providers are soon well again.

    Not tenacity: a turn that is not the last is no error.
    """
    pause = FIRST_WAIT_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)

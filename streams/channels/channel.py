"""From a dispatch to a provider and back, once: the one protocol of all channels.

    taken (lease) -> does it stand? -> `sending` -> sent -> `answered` -> reported to case-inputs -> `done`

`sending` is written only while the lease is still ours. Found `sending` after a crash, or awaited when the store was
lost, it may have been sent: an idempotent provider is sent to again, one that can be asked is
asked, any other leaves it in doubt. So does a provider that does not answer. Only in doubt may a resident be warned
twice, and it is counted. A failure is never slept on: it is reported, and the case's next deadline tries again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import MappingProxyType
from weakref import WeakValueDictionary

import structlog
from faust.types import EventT, StreamT
from prometheus_client import Counter
from pydantic import ValidationError

from domain.standing import Behind, Fallen, standing
from schemas.base import ANY_VERSION
from schemas.events import Dispatch
from schemas.inputs import CaseInput, ContactResult
from schemas.levels import Level, Result
from streams import tracing
from streams.app import ack_all, records
from streams.channels.book import DispatchBook, Held, Progress, Taken
from streams.channels.provider import Answer, DoubtError, Kind, Order, Provider
from streams.channels.settings import ChannelSettings
from streams.clock import Clock
from streams.dead_letters import DeadLetters
from streams.producer import Producer, Record
from streams.retry import TRANSIENT, until_done, wanted
from streams.topics import CASE_INPUTS

log = logging.getLogger(__name__)

BATCH = 100  # dispatches of a batch; the slowest of them is waited for
WAIT_SECONDS = 0.1  # between two looks at what another has, or what the store does not know yet
BEHIND_SECONDS = 5.0  # an older store catches up with the next input; then the journal's word is taken

DISPATCHES = Counter("quanzu_dispatches_total", "What channels reported of dispatches", ["channel", "result"])


class Channel:
    """Carries dispatches out by one provider."""

    def __init__(
        self, provider: Provider, book: DispatchBook, producer: Producer, clock: Clock, settings: ChannelSettings
    ) -> None:
        self._provider, self._book, self._producer, self._clock = provider, book, producer, clock
        self._dead_letters = DeadLetters(producer, clock)
        self._concurrency = settings.channel_concurrency
        self._slots = asyncio.Semaphore(self._concurrency)
        self._red_slots = asyncio.Semaphore(self._concurrency)  # never taken by what waits at a slow provider
        self._draining = False
        self._seconds = settings.provider_seconds
        # The lease is the process's: two tasks in it that have the same dispatch wait for one another here.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, stream: StreamT[bytes]) -> None:
        """The body of a channel's agent: batches carried out together, then acked."""
        async for batch in records(stream, BATCH):
            found = [
                (await read(event, self._dead_letters), tracing.of_headers(event.message.headers)) for event in batch
            ]
            traces = {dispatch.id: trace for dispatch, trace in found if dispatch}
            await self.carry([dispatch for dispatch, _ in found if dispatch], traces)
            ack_all(batch)

    async def carry(
        self, dispatches: Sequence[Dispatch], traces: Mapping[str, tracing.Trace | None] = MappingProxyType({})
    ) -> None:
        """Bring each to its end, reported; what was done before is passed over. `traces`: by dispatch."""
        async with asyncio.TaskGroup() as group:
            for dispatch in {dispatch.id: dispatch for dispatch in dispatches}.values():
                group.create_task(self._traced(dispatch, traces.get(dispatch.id)))
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

    async def _traced(self, dispatch: Dispatch, trace: tracing.Trace | None) -> None:
        with (
            tracing.span("dispatch", trace, case=dispatch.case, dispatch=dispatch.id, action=dispatch.action),
            structlog.contextvars.bound_contextvars(case=dispatch.case),
        ):
            await self._carry(dispatch)

    async def _carry(self, dispatch: Dispatch) -> None:
        lock = self._locks.setdefault(dispatch.id, asyncio.Lock())
        async with lock, self._red_slots if dispatch.level is Level.RED else self._slots:
            if self._draining:
                return
            try:
                while taken := await self._taken(dispatch):
                    if inputs := await self._inputs(dispatch, taken):
                        await self._report(dispatch, inputs)
                        await until_done("dispatch done", partial(self._book.done, dispatch))
                        break
            finally:
                with suppress(*TRANSIENT):  # else it runs out
                    await asyncio.shield(self._book.release(dispatch))

    async def _taken(self, dispatch: Dispatch) -> Taken | None:
        """Wait until the dispatch is ours and the store knows what it follows from; none when it is done already."""
        patience = BEHIND_SECONDS
        while (taken := await until_done("dispatch taken", partial(self._book.take, dispatch))) is not Held.DONE:
            if isinstance(taken, Taken):
                if patience <= 0 or not self._behind(dispatch, taken):
                    return taken
                patience -= WAIT_SECONDS
            await asyncio.sleep(WAIT_SECONDS)
        return None

    def _behind(self, dispatch: Dispatch, taken: Taken) -> bool:
        return isinstance(standing(dispatch, taken.case, self._clock.now()), Behind)

    async def _inputs(self, dispatch: Dispatch, taken: Taken) -> list[CaseInput]:
        """What to report, found by sending unless it is known already; nothing when it has to be taken again."""
        if taken.entry and taken.entry.state is Progress.ANSWERED:
            return taken.entry.inputs
        answer = await self._answer(dispatch, taken)
        if answer is None:
            return []
        await until_done("dispatch ended", partial(self._provider.ended, dispatch, answer))
        inputs = [_result(dispatch, answer, self._clock), *answer.also]
        await until_done("dispatch answered", partial(self._book.answered, dispatch, inputs))
        return inputs

    async def _answer(self, dispatch: Dispatch, taken: Taken) -> Answer | None:
        """What came of it. None: it is no longer ours, and whom it reaches was perhaps asked of an empty store."""
        if fallen := self._fallen(dispatch, taken):
            return fallen
        order = await until_done("dispatch prepared", partial(self._provider.prepare, dispatch))
        if isinstance(order, Answer):
            return order if await until_done("dispatch still ours", partial(self._book.ours, dispatch)) else None
        now = await until_done("dispatch taken again", partial(self._book.take, dispatch))
        if not isinstance(now, Taken):
            return None
        if fallen := self._fallen(dispatch, now):  # while it was prepared
            return fallen
        if not await until_done("dispatch still ours", partial(self._book.sending, dispatch)):
            return None
        return await (self._sent if taken.entry is None else self._resumed)(dispatch, order)

    def _fallen(self, dispatch: Dispatch, taken: Taken) -> Answer | None:
        """Why it is not sent; none when it still stands."""
        found = standing(dispatch, taken.case, self._clock.now())
        if not isinstance(found, Fallen):
            return None
        maybe_sent = taken.entry is not None
        return Answer(Result.IN_DOUBT if maybe_sent else Result.NOT_SENT, found.because)

    async def _sent(self, dispatch: Dispatch, order: Order) -> Answer:
        doubt = ""
        for _ in range(2 if self._provider.kind is Kind.IDEMPOTENT else 1):
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._provider.send(dispatch, order)
            except (DoubtError, TimeoutError) as error:
                doubt = str(error) or "no answer in time"
        if self._provider.kind is not Kind.ASKABLE:
            return Answer(Result.IN_DOUBT, doubt)
        return await self._asked(dispatch, order) or Answer(Result.FAILED, f"the provider has not got it: {doubt}")

    async def _resumed(self, dispatch: Dispatch, order: Order) -> Answer:
        """Go on with what was interrupted between sending and its answer."""
        if self._provider.kind is Kind.NEITHER:
            return Answer(Result.IN_DOUBT, "interrupted while sending")
        if self._provider.kind is Kind.ASKABLE and (answer := await self._asked(dispatch, order)):
            return answer
        return await self._sent(dispatch, order)

    async def _asked(self, dispatch: Dispatch, order: Order) -> Answer | None:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._provider.ask(dispatch, order)
        except (DoubtError, TimeoutError) as error:
            return Answer(Result.IN_DOUBT, f"the provider could not be asked: {error}")

    async def _report(self, dispatch: Dispatch, inputs: Sequence[CaseInput]) -> None:
        where = self._book.partition(dispatch.resident)
        resident = dispatch.resident.encode()
        values = [each.model_dump_json().encode() for each in inputs]
        await self._producer.send_all([Record(CASE_INPUTS.name, resident, value, where) for value in values])
        for each in inputs:
            if isinstance(each, ContactResult):
                DISPATCHES.labels(dispatch.channel, each.result).inc()


async def read(event: EventT[bytes], dead_letters: DeadLetters) -> Dispatch | None:
    """The dispatch of a record; none, and a dead letter, when it is none."""
    try:
        return Dispatch.model_validate_json(event.value or b"", extra=ANY_VERSION)
    except ValidationError as error:
        message = event.message
        await dead_letters.record(message.topic, message.partition, message.offset, event.value or b"", error)
        return None


def _result(dispatch: Dispatch, answer: Answer, clock: Clock) -> ContactResult:
    return ContactResult(
        id=f"{dispatch.id}:{answer.result.value}",
        at=clock.now(),
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=answer.result,
        detail=answer.detail,
    )

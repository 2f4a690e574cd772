"""The steps of one dispatch on its way to a provider and back. agents/dispatch.py calls them in order.

`sending` is written only while the claim is valid. From then on the dispatch may have been sent.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from prometheus_client import Counter

from domain.dispatches.validity import NotYetApplied, ObsoleteDispatch, perhaps_carried_out, validity
from domain.ids import result_id
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput, ContactResult
from schemas.codes.channels import (
    ChannelCode,
    CouldNotBeAsked,
    InDoubt,
    Interrupted,
    NoAnswerInTime,
    NotReceived,
    NotReceivedYet,
    PausedTooLong,
    RepeatRefused,
)
from schemas.levels import NEVER_SENT, Channel, Result
from streams.channels.dispatch_log import Claimed, DispatchLog, Held
from streams.channels.provider import Answer, Kind, Order, Provider, UnknownOutcomeError
from streams.channels.settings import ChannelSettings
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import CASE_INPUTS
from streams.runtime.clock import Clock
from streams.runtime.tasks import TRANSIENT, until_done

WAIT_SECONDS = 0.1  # between two checks of another's lease, or of a store that is behind
BEHIND_SECONDS = 5.0  # an older store catches up with the next input; after this, the journal counts
PATIENCE_SECONDS = 600.0  # then an unknown outcome is in doubt, however late its result is due: its record waits

DISPATCHES = Counter("quanzu_dispatches_total", "Results of dispatches that channels reported", ["channel", "result"])
UNKNOWN = Counter(
    "quanzu_unknown_outcomes_total",
    "Requests to a provider whose outcome is unknown",
    ["channel", "why"],
)
for _channel in Channel:  # a series that begins with its first event has no rate of it
    for _cause in ("provider", "lease"):
        UNKNOWN.labels(_channel, _cause)


class Delivery:
    """The steps of one dispatch.

    The caller repeats them until the dispatch is finished, pauses between attempts, and calls `close` at the end.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        provider: Provider,
        book: DispatchLog,
        producer: Producer,
        clock: Clock,
        settings: ChannelSettings,
    ) -> None:
        self._dispatch, self._provider, self._book = dispatch, provider, book
        self._producer, self._clock = producer, clock
        self._seconds, self._lease_seconds = settings.provider_seconds, settings.lease_seconds
        self._order: Order | None = None
        self._fence = ""  # of the latest claim
        self._bank = ""  # that the order goes or went to
        self._claimed_at: float | None = None  # when it was first claimed, in monotonic seconds
        self._sent_at: float | None = None  # when the latest request began, in monotonic seconds
        self._contested = False  # whether another worker had it
        self._went_back = False  # whether the store no longer knows of the other's claim
        self._under_way = False  # whether the latest request may still reach the provider
        self._doubt: ChannelCode | None = None  # why the outcome is unknown
        self._gives_up = math.inf

    @property
    def prepared(self) -> bool:
        """True once `prepare` has made the request, so that `send` may be called."""
        return self._order is not None

    async def claim(self) -> Claimed | None:
        """Take the dispatch's lease, and return the claim with its progress and case. Returns None if its result was
        reported to casework already: nothing is left to do.

        Waits without limit while another worker has the lease, the store is lost or a server is unavailable, and while
        the store lacks commits of the journal, if the dispatch is over 1 s old or another worker had it; also up to 5 s
        until the store has applied the input that led to the dispatch. Raises AccessError if a server denies access.
        """
        patience = BEHIND_SECONDS
        while (taken := await until_done("dispatch taken", self._take)) is not Held.DONE:
            if isinstance(taken, Claimed):
                self._fence, self._bank = taken.fence, (taken.entry.bank if taken.entry else "") or self._bank
                if self._claimed_at is None:
                    self._claimed_at = time.monotonic()
                if patience <= 0 or not self._behind(taken):
                    return taken
                patience -= WAIT_SECONDS
            await asyncio.sleep(WAIT_SECONDS)
        return None

    def obsolete(self, taken: Claimed) -> Answer | None:
        """Return None if the dispatch is still needed, or if Redis does not have its decision yet; otherwise the final
        answer, with the reason: NOT_SENT, or IN_DOUBT if the dispatch may have been sent before.

        `taken`: the claim, whose case decides it, by the rules of `validity` in domain/dispatches.
        """
        found = validity(self._dispatch, taken.case, self._clock.now())
        if not isinstance(found, ObsoleteDispatch):
            return None
        because = InDoubt(found.because, self._doubt) if self._doubt else found.because
        return Answer(Result.IN_DOUBT if self._maybe_sent(taken) else Result.NOT_SENT, because)

    async def prepare(self, taken: Claimed) -> Answer | None:
        """Have the provider's module prepare the request for `send`, and return None; or return the final answer if the
        result is known without sending. Waits while a server is unavailable.

        Also returns None, with no request prepared (see `prepared`), if the claim was lost meanwhile: the recipient may
        have been looked up in an empty store, so the answer does not count. Raises AccessError if a server denies
        access, and UnknownPolicyError or PolicyError if a policy that the request needs is stored nowhere or invalid.
        """
        order = await until_done("dispatch prepared", partial(self._provider.prepare, self._dispatch))
        if isinstance(order, Order):
            self._order, self._bank = order, order.bank
            return None
        if not await self._claim_is_valid():
            return None
        doubtful = self._maybe_sent(taken) and order.result in NEVER_SENT
        return Answer(Result.IN_DOUBT, order.why) if doubtful else order

    async def send(self, taken: Claimed) -> Answer | None:
        """Send the prepared request, or ask for the outcome of an earlier one. Returns the final answer, which may be
        FAILED or IN_DOUBT.

        Returns None if the outcome is unknown but may still be found out, or the claim is lost: try again later. An
        unknown outcome is final (IN_DOUBT) at once if the provider guarantees nothing (NEITHER), else 600 s after it
        was first unknown. Raises RuntimeError before `prepare`, and AccessError if a server denies access.
        """
        if self._order is None:
            raise RuntimeError("nothing is prepared: await prepare() first")
        first = not self._maybe_sent(taken)
        if first and not self._mark_may_be_lost():
            return await self._request(self._order, first=True)
        match self._provider.kind:
            case Kind.NEITHER:
                return Answer(Result.IN_DOUBT, Interrupted())
            case Kind.ASKABLE:
                return await self._ask(self._order, first=first)
            case Kind.IDEMPOTENT:
                return await self._request(self._order, again=True)

    async def record(self, answer: Answer) -> list[CaseInput] | None:
        """Store the answer in the dispatch log. Returns the inputs that must be reported to casework: first the result,
        then the answer's other inputs.

        Returns None, storing nothing, if another worker has claimed the dispatch since: then the answer does not count.
        Waits while a server is unavailable; raises AccessError if a server denies access.
        """
        inputs = [_result(self._dispatch, answer, self._clock), *answer.also]
        note = partial(self._book.answered, self._dispatch, self._fence, inputs, self._bank)
        return inputs if await until_done("dispatch answered", note) else None

    async def report(self, inputs: Sequence[CaseInput]) -> None:
        """Let the provider's module release what it took for the dispatch; write the inputs to case-inputs and, once
        Kafka has acknowledged them, mark the dispatch as done in the dispatch log. Does nothing for an empty list.

        `inputs`: as the dispatch log has them, so that nobody sends the dispatch after its task is released. Counts the
        results as metrics. Waits while a server is unavailable. Raises SendError if Kafka refuses an input permanently,
        and AccessError if a server denies access.
        """
        if answer := _answer(self._dispatch, inputs):
            await until_done("dispatch ended", partial(self._provider.ended, self._dispatch, answer))
        resident, where = self._dispatch.resident.encode(), self._book.partition(self._dispatch.resident)
        values = [each.model_dump_json().encode() for each in inputs]
        await self._producer.send_all([Record(CASE_INPUTS.name, resident, value, where) for value in values])
        for each in inputs:
            if isinstance(each, ContactResult):
                DISPATCHES.labels(self._dispatch.channel, each.result).inc()
        if inputs:
            await until_done("dispatch done", partial(self._book.done, self._dispatch, self._fence, self._bank))

    async def close(self) -> None:
        """Release the lease of the latest claim. Transient errors of Redis are ignored: the lease expires by itself.

        The lease is left to expire instead if the provider can be asked (ASKABLE) and may not have received the latest
        request yet: asked too early, it would deny having the request.
        """
        if self._fence and not (self._under_way and self._provider.kind is Kind.ASKABLE):
            with suppress(*TRANSIENT):
                await self._book.release(self._dispatch, self._fence)

    async def _take(self) -> Claimed | Held:
        late = self._contested or perhaps_carried_out(self._dispatch, self._clock.now())
        taken = await self._book.claim(self._dispatch, late=late)
        self._contested = self._contested or taken is Held.LEASED
        if self._contested and isinstance(taken, Claimed) and taken.fence.startswith("1:"):
            self._went_back = True  # the first claim that the store knows of
        return taken

    def _maybe_sent(self, taken: Claimed) -> bool:
        """Return whether the dispatch may have been sent: the store says so; or a restored image of the Redis machine
        lacks the mark of a request that this object has sent, or even the claim of another worker that had it.
        """
        return taken.entry is not None or self._sent_at is not None or self._went_back

    async def _claim_is_valid(self) -> bool:
        return await until_done("dispatch still ours", partial(self._book.claim_is_valid, self._dispatch, self._fence))

    def _behind(self, taken: Claimed) -> bool:
        return isinstance(validity(self._dispatch, taken.case, self._clock.now()), NotYetApplied)

    def _mark_may_be_lost(self) -> bool:
        """Return whether the store may have lost the mark of an earlier request that the provider can be asked for."""
        return self._provider.kind is Kind.ASKABLE and perhaps_carried_out(self._dispatch, self._clock.now())

    async def _request(self, order: Order, *, first: bool = False, again: bool = False) -> Answer | None:
        """Mark the dispatch as `sending`, then send a request.

        `first`: no request was sent before; `again`: an earlier request may have arrived.

        If the process is paused for longer than its lease, another process takes over, and no provider can refuse the
        late request of the first.
        """
        mark = partial(self._book.mark_sending, self._dispatch, self._fence, self._bank, first=first)
        if (began := await until_done("dispatch still ours", mark)) is None:
            return None
        self._sent_at, self._under_way = began, True
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._provider.send(self._dispatch, order)
        except (UnknownOutcomeError, TimeoutError) as error:
            return self._unknown(_why(error), "lease" if self._paused(began) else "provider")
        if self._paused(began):
            return self._unknown(PausedTooLong(), "lease")
        if again and answer.result in NEVER_SENT:  # it says nothing about the earlier request
            return self._unknown(RepeatRefused(answer.why or NoAnswerInTime()))
        self._under_way = False
        return answer

    def _paused(self, began: float) -> bool:
        """Return whether the lease has run out since `began` (monotonic seconds): a request itself ends before that."""
        return time.monotonic() - began > self._lease_seconds

    async def _ask(self, order: Order, *, first: bool) -> Answer | None:
        """Ask the provider about an earlier request. A denial is accepted only when no request can still arrive.

        Our own clock decides that, because Redis's clock, and so an expired lease, may be wrong. After an accepted
        denial, a request of another worker is sent again; a request of our own is reported as failed, and the case
        decides when to try again.

        `first`: the store knows of no request. A denial is then accepted at once, so that a warning is not delayed.
        """
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._provider.ask(self._dispatch, order)
        except (UnknownOutcomeError, TimeoutError) as error:
            return self._unknown(CouldNotBeAsked(_why(error)))
        if answer is None and not first and self._may_be_under_way():
            return self._unknown(self._doubt or NotReceivedYet())
        if answer is None and (first or self._sent_at is None):
            return await self._request(order)
        self._under_way = False
        return answer or Answer(Result.FAILED, NotReceived(self._doubt))

    def _may_be_under_way(self) -> bool:
        """Return whether the latest request may still reach the provider, for which it has half a lease."""
        since = self._sent_at if self._sent_at is not None else self._claimed_at
        return since is None or time.monotonic() - since < self._lease_seconds / 2

    def _unknown(self, doubt: ChannelCode, why: str = "provider") -> Answer | None:
        """Count an unknown outcome. Returns None while it may still be found out, else an answer IN_DOUBT."""
        UNKNOWN.labels(self._dispatch.channel, why).inc()
        self._doubt = doubt
        self._gives_up = min(self._gives_up, time.monotonic() + PATIENCE_SECONDS)
        if self._provider.kind is Kind.NEITHER or time.monotonic() >= self._gives_up:
            return Answer(Result.IN_DOUBT, doubt)
        return None


def _why(error: UnknownOutcomeError | TimeoutError) -> ChannelCode:
    return error.why if isinstance(error, UnknownOutcomeError) else NoAnswerInTime()


def _answer(dispatch: Dispatch, inputs: Sequence[CaseInput]) -> Answer | None:
    """Return the dispatch's result among `inputs` as an answer; None if they do not have it."""
    mine = (each for each in inputs if isinstance(each, ContactResult) and each.dispatch == dispatch.id)
    return next((Answer(each.result, each.why) for each in mine), None)


def _result(dispatch: Dispatch, answer: Answer, clock: Clock) -> ContactResult:
    return ContactResult(
        id=result_id(dispatch.id, answer.result),
        at=clock.now(),
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=answer.result,
        why=answer.why,
    )

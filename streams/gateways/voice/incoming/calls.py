"""The incoming calls of the gateway: decides on each, runs it, and passes on what the operator does during it."""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from functools import partial

from domain.carriers.incoming_calls import (
    CallAdmission,
    IncomingCaller,
    QueueLimits,
    admission,
    caller_of,
    owes_call_back,
)
from domain.carriers.rate import full_bucket
from schemas.base import Partial
from schemas.channels.operator_calls import CallEnder
from streams.gateways.log_limit import LogLimit
from streams.gateways.voice import gateway_metrics as metrics
from streams.gateways.voice.gateway import CLOSE_SECONDS, UPKEEP_SECONDS, end_tasks, until_written
from streams.gateways.voice.incoming.conversation import IncomingConversation, IncomingParts
from streams.gateways.voice.incoming.ledger import IncomingCallLedger, IncomingChange
from streams.gateways.voice.ledger import DAY
from streams.gateways.voice.operators.calls import CANCEL_SECONDS, OF_ALL_CALLS, CallAct
from streams.gateways.voice.operators.reports import CallReporter
from streams.gateways.voice.sip.incoming import BUSY_HERE, NO_SERVICE, NOT_FOUND, IncomingLeg, SipRefusal
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

MATCH_SECONDS = 0.5  # between two looks whether an operator is free: an outgoing call tells nobody when it ends
BURST_SECONDS = 2.0  # how many seconds' share of new calls may come at once
NO_LINE = Partial(
    {CallAdmission.TOO_MANY: BUSY_HERE, CallAdmission.FULL: NO_SERVICE, CallAdmission.TOO_FAST: NO_SERVICE}
)


@dataclass(slots=True)
class _UnderWay:
    """A call under way. `acts`: the ids of what its operator has done."""

    number: str
    leg: IncomingLeg
    talk: IncomingConversation
    task: "asyncio.Task[None]"
    acts: set[str]

    @property
    def has_line(self) -> bool:
        """False once the call has ended, also while its end is not on disk yet."""
        return not self.leg.events.ended.is_set()


class IncomingCalls:
    """The calls under way. Await `open` before use, and `close` after it."""

    def __init__(
        self, parts: IncomingParts, ledger: IncomingCallLedger, reporter: CallReporter, keep_days: float
    ) -> None:
        self._parts, self._ledger, self._reporter, self._keep_days = parts, ledger, reporter, keep_days
        table = parts.table
        self._limits = QueueLimits(table.waiting, table.concurrent, table.per_caller, table.withheld)
        self._rate = full_bucket(table.per_second, time.monotonic(), BURST_SECONDS)
        self._under_way: dict[str, _UnderWay] = {}
        self._background: list[asyncio.Task[None]] = []
        self._lines = LogLimit()
        self.closing = False

    async def open(self) -> None:
        """Mark as in doubt the calls that the previous process left, report what it had not reported, and begin to take
        calls. Raises sqlite3.Error if the disk refuses.
        """
        if doubtful := await self._ledger.open():
            log.warning("%d incoming calls are in doubt: the gateway died during them", doubtful)
        operators, queue = self._parts.queue.operators, self._parts.queue
        await operators.open()
        await self._reporter.open()
        metrics.follow_queue(lambda: queue.waiting, lambda: queue.longest_wait, lambda: len(operators.logins))
        metrics.INCOMING_ALARM.set(self._parts.table.alarm_seconds)
        self._background += [asyncio.create_task(self._match_on()), asyncio.create_task(self._upkeep())]
        self._parts.trunk.incoming = self.admit

    async def close(self, seconds: float) -> None:
        """Take no more calls, play to those who wait that the centre calls back, wait up to `seconds` for the talks,
        and hang up the rest.
        """
        self.closing = True
        self._parts.queue.closing.set()
        await self._until_ended(seconds)
        for each in tuple(self._under_way.values()):
            each.talk.hang_up(CallEnder.GATEWAY)
        await self._until_ended(CLOSE_SECONDS)
        await end_tasks([*(each.task for each in self._under_way.values()), *self._background], CANCEL_SECONDS)
        await self._reporter.settle(CLOSE_SECONDS)
        await self._reporter.close()

    @property
    def waiting(self) -> int:
        """The number of callers in the queue whom no operator has answered yet."""
        return self._parts.queue.waiting

    def admit(self, leg: IncomingLeg) -> SipRefusal | None:
        """Decide on a call of the trunk. Returns None if it is taken: it is then run in a task, and a caller for whom
        the queue is full only hears that the centre calls back. Returns the refusal otherwise: 404 if another number
        was called, 486 if this caller has too many calls, 503 if too many calls are under way or begin in a second, or
        the gateway is closing.
        """
        if leg.dialled not in self._parts.table.numbers:
            return self._refused(NOT_FOUND, "another_number")
        if self.closing:
            return self._refused(NO_SERVICE, "closing")
        caller = caller_of(leg.asserted, leg.sender, sender_is_vouched=self._parts.table.sender_is_vouched)
        under_way = [each.number for each in self._under_way.values() if each.has_line]
        self._rate = self._rate.filled(time.monotonic())
        what = admission(caller, under_way, self.waiting + self._beginning, self._limits, too_fast=not self._rate.open)
        if (refusal := NO_LINE.get(what)) is not None:
            return self._refused(refusal, what.value)
        if not caller.vouched:
            self._rate = self._rate.taken(1)
        self._start(leg, caller, turned_away=what is CallAdmission.SPOKEN_TO)
        return None

    def has_acted(self, act_id: str) -> bool:
        """Return True if an operator's act with this id was carried out in a call that is still under way."""
        return any(act_id in each.acts for each in self._under_way.values())

    def operator(self, call: str) -> str | None:
        """Return the login of the operator who talks with the caller of a call; None if nobody does or the call is not
        under way here.
        """
        known = self._under_way.get(call)
        return known.talk.operator if known and known.talk.is_talk else None

    async def act(self, call: str, act: CallAct, act_id: str) -> bool:
        """Hang up, hold or resume a talk for its operator. Returns True if that was done, or the act's id is known:
        then nothing happens. Returns False for other acts, or if the call is not under way here or nobody talks. A hold
        is on disk when this returns.
        """
        known = self._under_way.get(call)
        if known is None or not known.talk.is_talk or act not in OF_ALL_CALLS:
            return False
        if self.has_acted(act_id):
            return True
        known.acts.add(act_id)
        if act is CallAct.HANG_UP:
            known.talk.hang_up(CallEnder.OPERATOR)
            return True
        done = await known.talk.set_held(act is CallAct.HOLD)
        if not done:
            known.acts.discard(act_id)
        return done

    @property
    def _beginning(self) -> int:
        """How many calls are to have a place in the queue, and have none yet."""
        return sum(each.talk.is_beginning and each.has_line for each in self._under_way.values())

    def _refused(self, refusal: SipRefusal, why: str) -> SipRefusal:
        metrics.INCOMING_REFUSED.labels(why).inc()
        if (left_out := self._lines.due(why, time.monotonic())) is not None:
            log.warning("a call to the centre is not taken (%s), and %d before it since the last line", why, left_out)
        return refusal

    def _start(self, leg: IncomingLeg, caller: IncomingCaller, *, turned_away: bool) -> None:
        call = f"c{secrets.token_hex(10)}"  # as schemas.people.calls.CallId
        changed = partial(self._changed, call, caller, leg)
        talk = IncomingConversation(leg, self._parts, changed, turned_away=turned_away)
        task = asyncio.create_task(self._carry_out(call, caller, talk))
        self._under_way[call] = _UnderWay(caller.number, leg, talk, task, set())

    async def _carry_out(self, call: str, caller: IncomingCaller, talk: IncomingConversation) -> None:
        with metrics.INCOMING_TALKS.track_inprogress():
            try:
                await until_written(
                    partial(self._ledger.begin, call, caller.number, time.time(), vouched=caller.vouched)
                )
                self._reporter.tell(call)
                await talk.run()
            except Exception:
                log.exception("an incoming call failed: it is in doubt")
                await until_written(partial(self._ledger.doubt, call))
                self._reporter.tell(call)
            finally:
                self._under_way.pop(call, None)

    async def _changed(self, call: str, caller: IncomingCaller, leg: IncomingLeg, to: IncomingChange) -> None:
        """Store a call's new state on disk, and report it."""
        if to.result is not None:
            owed = owes_call_back(to.result, caller, was_taken=leg.is_answered, ended_by=to.ended_by)
            to = replace(to, call_back=owed)
        await until_written(partial(self._ledger.change, call, to))
        if to.result is not None:
            metrics.INCOMING.labels(to.result.value).inc()
            log.info("an incoming call ended: %s", to.result.value)
        self._reporter.tell(call)

    async def _until_ended(self, seconds: float) -> None:
        if self._under_way:
            await asyncio.wait([each.task for each in self._under_way.values()], timeout=seconds)

    async def _match_on(self) -> None:
        while wanted():
            await asyncio.sleep(MATCH_SECONDS)
            self._parts.queue.match()

    async def _upkeep(self) -> None:
        while wanted():
            await asyncio.sleep(UPKEEP_SECONDS)
            await until_written(partial(self._ledger.forget, time.time() - self._keep_days * DAY))

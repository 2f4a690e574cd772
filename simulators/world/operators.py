"""Simulated operators at the desk: each claims a case, calls, talks for some minutes, and reports the outcome."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from domain.ids import short_hash
from schemas.casework.acts import Act, AskStopAct, NoteAct, NotifyContactAct, OutcomeAct, SendOfficerAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport, VictimReport
from schemas.levels import Level, Outcome
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from simulators.world.approvals import approved, readings
from simulators.world.behaviour import Talk
from simulators.world.contacts import Contacts
from simulators.world.province import Loss
from streams.runtime.clock import Clock
from streams.runtime.tasks import until_done, wanted

_LOOK = timedelta(seconds=6)  # simulated time between two looks at an empty queue
_KEEP = timedelta(minutes=2)  # simulated time between two renewals of a claim: a lease is longer
STEP_BACK = timedelta(minutes=4)  # before the same resident is called again after an unanswered call; assumed
_TRIES = 3  # to report an outcome: an act on an outdated version is refused
_ANSWERS = 40  # polls for the effect of a report ...
_ANSWER_LOOK = 0.05  # ... so many wall-clock seconds apart


class Desk(Protocol):
    """The parts of the desk that simulated operators need; the live desk is streams/casework/claims."""

    async def next(self, operator: str) -> Case | None:
        """Claim the most urgent waiting case for this operator and return it, or None if none waits."""

    async def keep(self, case_id: str, operator: str) -> bool:
        """Renew the operator's claim on a case. Return True if the operator has the claim now; False if another
        operator has it.
        """

    async def release(self, case_id: str) -> None:
        """Delete the claim on a case, so that other operators can take the case."""

    async def report(self, report: OperatorReport) -> None:
        """Write an operator's report as an input of its case."""

    async def report_victim(self, report: VictimReport) -> None:
        """Write the report that a resident was defrauded as an input of their case."""

    async def load(self, case_id: str) -> Case | None:
        """Return the present state of a case (by its id), or None if the case does not exist."""

    async def proposed(self) -> list[Case]:
        """Return the cases with a stop order on which persons must decide, in no fixed order."""


class Province(Protocol):
    """The parts of a province that operators need: the losses that victims report."""

    def losses(self) -> list[Loss]:
        """Return the losses that victims reported since the last call, each once; often none."""


@dataclass(slots=True)
class Tally:
    """Counts of the operators' acts: calls (`talks`), answered calls (`reached`), and residents dissuaded."""

    talks: int = 0
    reached: int = 0
    dissuaded: int = 0


class Operators:
    """The simulated operators, who take cases from the desk, and the persons who approve stop orders. `tally`: counts
    of their acts so far.
    """

    def __init__(self, desk: Desk, contacts: Contacts, province: Province, clock: Clock) -> None:
        self._desk, self._contacts, self._province, self._clock = desk, contacts, province, clock
        self._not_before: dict[str, datetime] = {}
        self._written = 0
        self.tally = Tally()

    async def run(self, names: Iterable[str]) -> None:
        """Let one operator for each name work on cases, approve stop orders, and write victims' reports, until
        cancelled.

        During an outage of Redis or Kafka it waits. Other errors of the desk, such as SendError, end it and are raised
        in an ExceptionGroup.
        """
        async with asyncio.TaskGroup() as working:
            working.create_task(self._take_reports())
            working.create_task(self._approve())
            for name in names:
                working.create_task(self._work(name))

    async def _work(self, name: str) -> None:
        while wanted():
            case = await until_done("next case", partial(self._desk.next, name))
            if case is None:
                await self._clock.sleep(_LOOK)
                continue
            try:
                await self._handle(name, case)
            finally:
                await until_done("case given back", partial(self._desk.release, case.id))

    async def _handle(self, name: str, case: Case) -> None:
        """Process one case, from the claim to the report."""
        now = self._clock.now()
        if self._not_before.get(case.id, now) > now:
            await self._clock.sleep(_LOOK)  # called a moment ago: another case may be waiting
            return
        talk = self._contacts.talk(case.id, now)
        self._count(talk)
        if talk.outcome is Outcome.UNREACHABLE:
            self._not_before[case.id] = now + STEP_BACK
        else:
            await self._put_down(name, case, NoteAct(what="conversation"))
        await self._talk(name, case.id, now + talk.lasted)
        current = await self._load(case.id) or case
        if current.settled:
            return
        await self._conclude(name, current, talk)

    async def _talk(self, name: str, case_id: str, until: datetime) -> None:
        """Wait until the conversation is over, renewing the claim meanwhile."""
        while (now := self._clock.now()) < until:
            await self._clock.sleep(min(until - now, _KEEP))
            await until_done("claim kept", partial(self._desk.keep, case_id, name))

    async def _conclude(self, name: str, case: Case, talk: Talk) -> None:
        act = self._contacts.outcome(case.id, talk, self._clock.now(), case.payments)
        for _ in range(_TRIES):
            before = case.version
            await self._put_down(name, case, act)
            case = await self._answer(case)
            if case.version == before or case.outcome is act.outcome:
                break
        for further in further_acts(case, act, talk):
            await self._put_down(name, case, further)
            case = await self._answer(case)

    async def _put_down(self, name: str, case: Case, act: Act) -> None:
        self._written += 1
        await self._desk.report(
            OperatorReport(
                id=short_hash("simulated", name, case.id, case.version, act.do, self._written),
                at=self._clock.now(),
                resident=case.resident,
                case=case.id,
                by=name,
                role=StaffRole.OPERATOR,
                seen=case.version,
                act=act,
            )
        )

    async def _answer(self, case: Case) -> Case:
        """Return the case once it has a new version, or unchanged if that takes too long."""
        for _ in range(_ANSWERS):
            current = await self._load(case.id)
            if current is not None and current.version > case.version:
                return current
            await asyncio.sleep(_ANSWER_LOOK)
        return case

    async def _load(self, case_id: str) -> Case | None:
        return await until_done("case", partial(self._desk.load, case_id))

    async def _take_reports(self) -> None:
        while wanted():
            for loss in self._province.losses():
                await self._desk.report_victim(victim_report(loss))
            await self._clock.sleep(_LOOK)

    async def _approve(self) -> None:
        """Work at the stop desk until cancelled: approve each proposed order after the time that reading it takes."""
        while wanted():
            now = self._clock.now()
            for case in await until_done("proposed orders", self._desk.proposed):
                for reading in readings(case, self._contacts):
                    if reading.at <= now:
                        await self._desk.report(approved(case, reading, now))
            await self._clock.sleep(_LOOK)

    def _count(self, talk: Talk) -> None:
        self.tally.talks += 1
        self.tally.reached += talk.outcome is not Outcome.UNREACHABLE
        self.tally.dissuaded += talk.outcome is Outcome.DISSUADED


def victim_report(loss: Loss) -> VictimReport:
    """Return the input by which a victim reports this loss. Its id contains the uid of the transfer, so a loss counts
    only once.
    """
    return VictimReport(
        id=f"told:{loss.transfer}",
        at=loss.at,
        resident=loss.resident,
        amount_fen=loss.amount_fen,
        transfer=loss.transfer,
    )


def further_acts(case: Case, act: OutcomeAct, talk: Talk) -> list[Act]:
    """Return an operator's further acts after an outcome; often none.

    Not persuaded or already defrauded: ask for a stop of each payment that has no stop. Not persuaded, at orange or
    red: send an officer. Not reached, with a payment that is not settled: notify the first trusted contact, if the
    resident has one.
    """
    acts: list[Act] = []
    if act.outcome in (Outcome.NOT_PERSUADED, Outcome.ALREADY_DEFRAUDED):
        acts += [AskStopAct(transfer=payment.transfer) for payment in case.payments if payment.stop is None]
    if act.outcome is Outcome.NOT_PERSUADED and case.level in (Level.RED, Level.ORANGE):
        acts.append(SendOfficerAct(reason=talk.because))
    if act.outcome is Outcome.UNREACHABLE and case.profile.contacts and _moving(case):
        acts.append(NotifyContactAct(contact=0))
    return acts


def _moving(case: Case) -> bool:
    return any(payment.state is not TransferState.SETTLED for payment in case.payments)

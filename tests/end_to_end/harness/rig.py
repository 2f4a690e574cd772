"""The line as a test sees it: somebody to protect, what happens to them, and who must be contacted - and nobody else.

What was contacted is read from the providers' own books, not from what the line says of itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.casework.orders.objections import objection_id
from domain.identity.identifiers import new_resident_id
from domain.ids import short_hash
from domain.policy.schedule import WEEK_QUESTIONS
from schemas.casework.acts import Act, CloseAct, NoteAct, OutcomeAct, SupportAct
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.casework.inputs import ObjectStop, OperatorReport
from schemas.casework.objections import ObjectionGround, Objector
from schemas.casework.orders import ApproveStopAct, OrderState, StopOrder
from schemas.levels import Action, Channel, Outcome, Result, SupportOutcome
from schemas.people.residents import Holding, Occupation, Resident, Sex, TrustedContact
from schemas.people.rosters import Officer, Role, Roster, Shift
from schemas.people.staff import StaffRole
from schemas.risk.signals import Signal
from simulators.providers.base import Contact
from simulators.providers.station import Stage
from streams.messaging import case_inputs
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.monitoring.report import journal_events
from streams.operations.rules import begin_hold, lift, publish
from tests.end_to_end.harness.house import House

STATION = "station-line"
OPERATOR = "operator-1"
HERE = "220102001"  # a street of Changchun
NEAR = timedelta(seconds=5)  # how far from its time a contact may be: the wall's clock goes on meanwhile
CLOSING_TRIES = 4


@dataclass
class Book:
    """One provider's book, since the test began; what a test expected is crossed out."""

    kept: list[Contact]
    opened_at: int
    crossed_out: set[int] = field(default_factory=set)

    @property
    def left(self) -> list[Contact]:
        """What nobody expected (yet), oldest first."""
        return [c for n, c in enumerate(self.kept) if n >= self.opened_at and n not in self.crossed_out]

    def expect(self, action: str, to: str, at: datetime | None = None) -> Contact:
        """Cross the earliest such contact out and return it. Fails when there is none, or it came at another time."""
        for number, contact in enumerate(self.kept):
            if number < self.opened_at or number in self.crossed_out:
                continue
            if (contact.action, contact.to) == (action, to):
                came = datetime.fromisoformat(contact.at)
                assert at is None or abs(came - at) <= NEAR, f"{action} came at {came}, expected at {at}"
                self.crossed_out.add(number)
                return contact
        raise AssertionError(f"no {action} to {to}; there was {_listed(self.left)}")


@dataclass
class Line:
    """One test on the house's line. `began`: when it did; a contact's time is told as what has passed since.

    `approves`: the stop desk approves each order as soon as it is proposed.
    """

    house: House
    began: datetime
    carrier: Book
    bank: Book
    station: Book
    residents: list[Resident] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    approves: bool = True

    @classmethod
    def begun(cls, house: House) -> "Line":
        each = (house.providers.carrier, house.providers.bank, house.providers.station)
        carrier, bank, station = (Book(provider.book, len(provider.book)) for provider in each)
        return cls(house, house.clock.now(), carrier, bank, station)

    # ------------------------------------------------------------ who and what there is

    async def resident(
        self,
        *,
        sms: Sequence[Result | None] = (),
        calls: Sequence[Result | None] = (),
        friends: int = 0,
        **fields: object,
    ) -> Resident:
        """Enter somebody; `sms` and `calls`: what comes of them, one after the other; `friends`: trusted contacts."""
        found = self._somebody(friends, **fields)
        does = self.house.behaviour.phones.setdefault(found.phones[0].value, {})
        if sms:
            does[Channel.SMS] = list(sms)
        if calls:
            does[Channel.PHONE] = list(calls)
        await self.enter(found)
        return found

    async def enter(self, *residents: Resident) -> None:
        """Put entries into the register, new or changed."""
        await self.house.line.residents.put(residents)
        known = {each.id: each for each in (*self.residents, *residents)}
        self.residents = list(known.values())

    def phone(self) -> str:
        """A telephone that nobody has."""
        return f"+8619900{next(self.house.numbers):06d}"

    def account(self) -> str:
        """An account that nobody has."""
        return f"9900000000{next(self.house.numbers):06d}"

    async def officers(self, *names: str, stages: Sequence[Stage] = (), **fields: object) -> None:
        """Put officers on duty, besides those who are; `stages`: what each does with a task."""
        for name in names:
            self.house.behaviour.officers[name] = list(stages)
        known = {officer.id: officer for officer in await self.house.line.outgoing.rosters.officers()}
        known |= {name: self._officer(name, **fields) for name in names}
        await self.house.line.outgoing.rosters.put(Roster(station=STATION, officers=list(known.values())))

    # ------------------------------------------------------------ what happens

    async def signal(self, *signals: Signal) -> None:
        """Send signals to intake, together, and wait for all that follows at once."""
        body = [signal.model_dump(mode="json") for signal in signals]
        answer = await self.house.intake.post("/signals", json=body)
        assert answer.status_code == 202, answer.text
        await self.settle()

    async def advance(self, **time: float) -> None:
        """Let time pass: `minutes=6`."""
        await self.until(self.house.clock.now() + timedelta(**time))

    async def until(self, moment: datetime) -> None:
        await self.house.until(moment, [each.id for each in self.residents], self._stop_desk)

    async def settle(self) -> None:
        await self.house.settle([each.id for each in self.residents])
        await self._stop_desk()

    async def _stop_desk(self) -> bool:
        return any([await self.approve(resident) for resident in self.residents if self.approves])

    async def approve(self, resident: Resident) -> bool:
        """Let as many persons as it takes approve all stop orders of the resident's case that wait; True if any did."""
        approved = False
        while waiting := await self._proposed(resident):
            by = f"release-{len(waiting[0].approvals) + 1}"
            await self._report(resident, ApproveStopAct(order=waiting[0].step), by, StaffRole.RELEASE_DESK)
            await self.house.settle([each.id for each in self.residents])
            approved = True
        return approved

    async def _proposed(self, resident: Resident) -> list[StopOrder]:
        case = await self.house.case(resident.id)
        return [each for each in case.orders if each.state is OrderState.PROPOSED] if case else []

    async def operator(
        self, resident: Resident, act: Act, by: str = OPERATOR, role: StaffRole = StaffRole.OPERATOR
    ) -> None:
        """Let an operator report, who sees the case as it stands."""
        await self._report(resident, act, by, role)
        await self.settle()

    async def _report(self, resident: Resident, act: Act, by: str, role: StaffRole) -> None:
        case = await self.case(resident)
        now = self.house.clock.now()
        await self.house.desk.report(
            OperatorReport(
                id=short_hash("test", case.id, case.version, act.do, by, now.isoformat()),
                at=now,
                resident=resident.id,
                case=case.id,
                by=by,
                role=role,
                seen=case.version,
                act=act,
            )
        )

    async def object_to(self, resident: Resident, text: str, by: str = "release-7") -> str:
        """Let the holder object, at the centre, to the case's first stop order; the objection's id."""
        case = await self.case(resident)
        given = ObjectStop(
            id=short_hash("test", case.id, text),
            at=self.house.clock.now(),
            resident=resident.id,
            case=case.id,
            order=case.orders[0].step,
            who=Objector.HOLDER,
            by=by,
            ground=ObjectionGround.LAWFUL_PAYMENT,
            text=text,
        )
        partition = home(resident.id, self.house.settings.partitions)
        await self.house.line.producer.send_all([case_inputs.record(given, partition)])
        await self.settle()
        return objection_id(given.id)

    async def dissuade(self, resident: Resident, *, recall: bool = False, by: str = OPERATOR) -> None:
        """Let an operator talk with the resident and dissuade them. `recall`: an officer on the way is called back."""
        await self.operator(resident, NoteAct(what="conversation"), by)
        await self.operator(resident, OutcomeAct(outcome=Outcome.DISSUADED, recall=recall), by)

    async def hold(self, *, spare_red: bool = False, **named: str) -> str:
        """Hold contacts back for a day."""
        made = await begin_hold(self.house.line, timedelta(days=1), "supervisor-1", "a test", spare_red, named)
        self.holds.append(made)
        await self.settle()
        return made

    async def lift(self, hold_id: str, *, drop: bool = False) -> None:
        """End a hold."""
        self.holds.remove(hold_id)
        await lift(self.house.line, hold_id, "supervisor-1", "the test goes on", "drop" if drop else "release")
        await self.settle()

    async def policy(self, change: Callable[[str], str] = lambda text: text) -> None:
        """Put the province's policy in force, changed; without a change, as it is."""
        text = self.house.settings.policy.read_text(encoding="utf-8")
        await publish(self.house.line, change(text), "supervisor-1")
        await self.settle()

    # ------------------------------------------------------------ what is to be seen

    async def case(self, resident: Resident) -> Case:
        """The resident's latest case, which there must be."""
        found = await self.house.case(resident.id)
        assert found is not None, "no case was opened"
        return found

    async def no_case(self, resident: Resident) -> bool:
        return await self.house.case(resident.id) is None

    async def events(self, resident: Resident) -> list[CaseEvent]:
        """The journal's events of a resident's cases, in their order."""
        entries = [entry.event for entry in await journal_events(self.house.settings)]
        mine = [event for event in entries if event.case.resident == resident.id]
        return sorted(mine, key=lambda event: (event.case.number, event.case.version))

    async def facts(self, resident: Resident, kind: FactKind | None = None) -> list[Fact]:
        """What happened to a resident's cases, in its order."""
        return [f for event in await self.events(resident) for f in event.facts if kind in (None, f.kind)]

    async def dead_letters(self) -> list[bytes]:
        topic = "dead-letters"
        return [record.value or b"" async for record in read_all(self.house.settings, topic)]

    def after(self, **time: float) -> datetime:
        """The moment that so much later than the beginning is."""
        return self.began + timedelta(**time)

    def expect(self, action: Action, whom: Resident | TrustedContact, **time: float) -> Contact:
        """The resident, or who is trusted, was contacted by telephone; `time`: so long after the beginning."""
        to = whom.phone if isinstance(whom, TrustedContact) else whom.phones[-1].value
        return self.carrier.expect(action, to, self.after(**time) if time else None)

    def expect_visit(self, officer: str, because: str = "", **time: float) -> Contact:
        """The officer was given the task."""
        contact = self.station.expect(Action.VISIT, officer, self.after(**time) if time else None)
        assert because in contact.said, f"{because!r} is not why: {contact.said!r}"
        return contact

    def expect_stop(self, account: str, action: Action = Action.STOP_PAYMENT, **time: float) -> Contact:
        """The bank was asked about the account."""
        return self.bank.expect(action, account, self.after(**time) if time else None)

    def expect_nothing_else(self) -> None:
        """Nobody was contacted whom the test did not expect, by any provider's book. The dissuaded of earlier tests are
        asked after a week, also in closed cases.
        """
        mine = {phone.value for resident in self.residents for phone in resident.phones}
        left = [
            contact
            for book in (self.carrier, self.bank, self.station)
            for contact in book.left
            if contact.to in mine or contact.action not in WEEK_QUESTIONS
        ]
        assert not left, f"not expected: {_listed(left)}"

    # ------------------------------------------------------------ the end

    async def end(self) -> None:
        """Leave nothing behind that could reach into the next test."""
        if self.house.worker.running:
            await self.settle()
        for name in list(self.holds):
            await self.lift(name, drop=True)
        for resident in self.residents:
            case = await self._closed(resident)
            if case is not None and any(step.action is Action.SUPPORT_CALL for step in case.steps):
                await self.operator(resident, SupportAct(outcome=SupportOutcome.DECLINED))
        for provider in (self.house.providers.carrier, self.house.providers.bank, self.house.providers.station):
            provider.faults.clear()
        await self.house.line.outgoing.rosters.put(Roster(station=STATION))

    async def _closed(self, resident: Resident) -> Case | None:
        """The resident's latest case, if any, closed. A deadline may change it between the look and the act, which is
        then refused.
        """
        for _ in range(CLOSING_TRIES):
            case = await self.house.case(resident.id)
            if case is None or not case.open:
                return case
            await self.operator(resident, CloseAct(do="close", reason="the test is over"))
        raise AssertionError(f"a case is not closed: {await self.facts(resident, FactKind.REFUSED)}")

    def _somebody(self, friends: int, **fields: object) -> Resident:
        usual: dict[str, Any] = {
            "id": new_resident_id(next(self.house.numbers).to_bytes(10)),
            "name": "某某",
            "phones": [Holding(value=self.phone())],
            "accounts": [Holding(value=self.account())],
            "birth_year": 1975,
            "sex": Sex.FEMALE,
            "occupation": Occupation.EMPLOYEE,
            "division": HERE,
            "address": f"示例路{next(self.house.numbers)}号",
            "contacts": [TrustedContact(name=f"亲友{n}", phone=self.phone(), relation="亲友") for n in range(friends)],
        }
        return Resident.model_validate(usual | fields)

    def _officer(self, name: str, **fields: object) -> Officer:
        on_duty = Shift(start=self.began - timedelta(days=1), end=self.began + timedelta(days=30))
        usual: dict[str, Any] = {
            "id": name,
            "name": "某警官",
            "role": Role.OFFICER,
            "division": HERE,
            "shifts": [on_duty],
        }
        return Officer.model_validate(usual | fields)


def _listed(contacts: Sequence[Contact]) -> str:
    return "\n  ".join(["", *(f"{c.at[:19]} {c.action} to {c.to}: {c.dispatch}" for c in contacts)]) or "nothing"

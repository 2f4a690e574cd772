"""Simulates a province under one policy and one dispatcher, on a virtual clock.

Signals are screened, inputs decided, dispatches carried out and deadlines fired by the agents' functions, in the order
of time. The live system's processing time, some hundredths of a second, is taken as zero.
"""

from datetime import datetime, timedelta
from functools import partial

from domain.casework import deadlines, settled_at
from domain.ids import deadline_id, resident_of
from domain.policy import Policy
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import Alert, Deadline, ResidentInput
from simulators.lab.agenda import Agenda
from simulators.lab.book import Book, Effort, Figures, figures
from simulators.lab.cases import Cases
from simulators.lab.channels import Channels
from simulators.lab.desk import Desk, Dispatcher
from simulators.lab.officers import Officers, fleet
from simulators.lab.screening import Screening
from simulators.lab.setup import Setup
from simulators.lab.waits import Waits
from simulators.providers.bank import Stops
from simulators.world.operators import victim_report
from simulators.world.province import SECRET, Province
from streams.state.keys import milliseconds, moment


class Laboratory:
    """One run: a province under a policy and a dispatcher. `events`: all events of cases so far, in order; None unless
    `keep_events`.
    """

    def __init__(
        self, province: Province, policy: Policy, order: Dispatcher, setup: Setup, *, keep_events: bool = False
    ) -> None:
        self._province, self._setup = province, setup
        self._end = province.start + setup.length
        self._agenda = Agenda(province.start)
        self._screening = Screening(province.people, policy.risk, SECRET)
        self._cases = Cases(policy)
        units = fleet(setup.officers, province.start, self._end)
        self._officers = Officers(units, policy, province.contacts, self._agenda, self.give, self._cases.of)
        people = {resident.id: resident for resident in province.people}
        self._channels = Channels(people, province.contacts, self._officers, self._screening.accounts, Stops())
        self._desk = Desk(setup.operators, order, province.contacts, self._agenda, self.give, self._cases.of)
        self._book = Book(Waits(policy.triage.limit))
        self._looks: dict[str, datetime] = {}  # resident -> when to re-evaluate them without a signal
        self.events: list[CaseEvent] | None = [] if keep_events else None

    def run(self) -> Figures:
        """Simulate the setup's complete time, and return the figures at its end. Call it once."""
        self._until(self._end)
        on_duty = self._setup.operators * self._setup.length
        effort = Effort(self._desk.talked, self._officers.busy, on_duty)
        return figures(self._book, self._province, effort, self._end)

    def give(self, given: ResidentInput) -> None:
        """Decide an input on its resident's case, record the event, and carry out or schedule the consequences. An
        input without effect changes nothing.
        """
        before = self._cases.of(given.resident)
        event = self._cases.apply(given)
        if event is not None:
            self._book.add(before, given, event)
            self._follow(before, event)

    def _until(self, end: datetime) -> None:
        """Run until `end`. At one moment, the province's events come before the reactions to them."""
        agenda, province = self._agenda, self._province
        while min(agenda.next_at, province.next_at()) <= end:
            if (at := province.next_at()) <= agenda.next_at:
                agenda.now = at
                self._happens(at)
            else:
                agenda.step()
        agenda.now = end

    def _happens(self, at: datetime) -> None:
        for signal in self._province.signals_until(at):
            self._alert(self._screening.screen(signal, at))
        for loss in self._province.losses():
            self.give(victim_report(loss))

    def _alert(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            self.give(alert)
        for resident, when in self._screening.rescore.items():
            if self._looks.get(resident) != when:
                self._looks[resident] = when
                self._agenda.at(when, partial(self._again, resident, when))
        self._screening.rescore.clear()

    def _again(self, resident: str, when: datetime) -> None:
        if self._looks.get(resident) == when:
            del self._looks[resident]
            self._alert(self._screening.again(resident, self._agenda.now))

    def _follow(self, before: Case | None, event: CaseEvent) -> None:
        after, agenda = event.case, self._agenda
        if self.events is not None:
            self.events.append(event)
        for dispatch in event.dispatches:
            agenda.at(agenda.now, partial(self._carry, dispatch))
        settled = settled_at(after)
        if settled is not None and (before is None or settled_at(before) != settled):
            self._screening.settled(after.resident, settled)
        if after.prior_loss is not None:
            self._screening.lost(after.resident, after.prior_loss)
        self._set_clocks(before, after)
        self._desk.changed(before, after)

    def _set_clocks(self, before: Case | None, after: Case) -> None:
        known = deadlines(before) if before is not None and before.id == after.id else {}
        for step, due in deadlines(after).items():
            if known.get(step) != due:
                self._agenda.at(moment(milliseconds(due)), partial(self._fire, after.id, step, due))

    def _fire(self, name: str, step: str, due: datetime) -> None:
        """Apply the deadline of a step, unless the step's due time has changed."""
        case = self._cases.of(resident_of(name))
        if case is None or case.id != name or deadlines(case).get(step) != due:
            return
        at = milliseconds(due)
        self.give(
            Deadline(
                id=deadline_id(name, step, at),
                at=self._agenda.now,
                resident=case.resident,
                case=name,
                step=step,
                due=moment(at),
            )
        )

    def _carry(self, dispatch: Dispatch) -> None:
        now = self._agenda.now
        for after, told in self._channels.carry(dispatch, self._cases.of(dispatch.resident), now):
            if after <= timedelta(0):
                self.give(told)
            else:
                self._agenda.at(now + after, partial(self.give, told))

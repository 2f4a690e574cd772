"""The desk: operators who take cases in the dispatcher's order.

Each operator does the same as a demo's simulated operator (simulators/world/operators), but takes a waiting case at the
moment when both are available.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from domain.casework import queue_rank
from domain.ids import resident_of, short_hash
from schemas.casework.acts import Act, ClaimAct, NoteAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport, ResidentInput
from schemas.levels import Outcome
from schemas.people.staff import StaffRole
from simulators.lab.agenda import LAST, Agenda
from simulators.world.approvals import OrderReading, approved, readings
from simulators.world.behaviour import Talk
from simulators.world.contacts import Contacts
from simulators.world.operators import STEP_BACK, further_acts

Dispatcher = Callable[[Sequence[Case], datetime], Sequence[Case]]
"""Returns the waiting cases in the order in which to take them."""


class Desk:
    """The desk and its operators, who take waiting cases in the dispatcher's order.

    `order`: the dispatcher; `give`: applies an input; `case_of`: returns a resident's latest case by resident id, or
    None. `talked`, `talks`: total time and number of the operators' calls, unanswered ones too.
    """

    def __init__(
        self,
        operators: int,
        order: Dispatcher,
        contacts: Contacts,
        agenda: Agenda,
        give: Callable[[ResidentInput], None],
        case_of: Callable[[str], Case | None],
    ) -> None:
        self._order, self._contacts, self._agenda, self._give, self._case_of = order, contacts, agenda, give, case_of
        self._free = deque(f"operator-{number}" for number in range(1, operators + 1))
        self._waiting: dict[str, Case] = {}  # by id: cases that need an operator's call
        self._taken: set[str] = set()
        self._read: set[tuple[str, str, str]] = set()  # case, order, person
        self._not_before: dict[str, datetime] = {}
        self._written = count(1)
        self._looks = False
        self.talked = timedelta(0)
        self.talks = 0

    def changed(self, before: Case | None, after: Case) -> None:
        """Update the waiting cases after a case has changed, and schedule the next approvals of its stop orders. Free
        operators take waiting cases at the end of this moment.

        `before`: the resident's case before the change, or None.
        """
        if before is not None and before.id != after.id:
            self._waiting.pop(before.id, None)
        self._read_orders(after)
        if queue_rank(after) is None:
            self._waiting.pop(after.id, None)
            return
        self._waiting[after.id] = after
        self._look_soon()

    def _read_orders(self, case: Case) -> None:
        """Schedule the next approval of each stop order that waits for one. A person reads an order once."""
        for reading in readings(case, self._contacts):
            known = (case.id, reading.order, reading.by)
            if known not in self._read:
                self._read.add(known)
                self._agenda.at(max(reading.at, self._agenda.now), partial(self._approve, case.id, reading))

    def _approve(self, name: str, reading: OrderReading) -> None:
        if (case := self._here(name)) is not None:
            self._give(approved(case, reading, self._agenda.now))

    def _look_soon(self) -> None:
        """Schedule that free operators take cases, after all other events of this moment."""
        if self._free and not self._looks:
            self._looks = True
            self._agenda.at(self._agenda.now, self._look, LAST)

    def _look(self) -> None:
        self._looks, now = False, self._agenda.now
        offered = [case for case in self._waiting.values() if self._offered(case, now)]
        for case in self._order(offered, now)[: len(self._free)] if offered and self._free else ():
            self._take(case, self._free.popleft())

    def _offered(self, case: Case, now: datetime) -> bool:
        free = case.claimed_by is None and case.id not in self._taken
        return free and self._not_before.get(case.id, now) <= now

    def _take(self, case: Case, operator: str) -> None:
        now = self._agenda.now
        self._taken.add(case.id)
        claim = ClaimAct(do="claim")
        self._give(_report(short_hash("claim", case.id, case.version, operator), case, operator, claim, now))
        talk = self._contacts.talk(case.id, now)
        self.talked, self.talks = self.talked + talk.lasted, self.talks + 1
        if talk.outcome is Outcome.UNREACHABLE:
            self._not_before[case.id] = now + STEP_BACK
        else:
            self._put_down(case, operator, NoteAct(what="conversation"))
        self._agenda.at(now + talk.lasted, partial(self._conclude, case.id, operator, talk))

    def _conclude(self, name: str, operator: str, talk: Talk) -> None:
        """End the conversation and report its outcome, unless the case was settled meanwhile."""
        case = self._here(name)
        if case is not None and not case.settled:
            act = self._contacts.outcome(name, talk, self._agenda.now, case.payments)
            self._put_down(case, operator, act)
            for further in further_acts(self._here(name) or case, act, talk):
                self._put_down(self._here(name) or case, operator, further)
        self._taken.discard(name)
        self._free.append(operator)
        self._look_soon()
        if (later := self._not_before.get(name)) and later > self._agenda.now:
            self._agenda.at(later, self._look_soon, LAST)

    def _here(self, name: str) -> Case | None:
        """Return the case with this id as it is now, or None if the resident has a later case."""
        case = self._case_of(resident_of(name))
        return case if case and case.id == name else None

    def _put_down(self, case: Case, operator: str, act: Act) -> None:
        name = short_hash("simulated", operator, case.id, case.version, act.do, next(self._written))
        self._give(_report(name, case, operator, act, self._agenda.now))


def _report(name: str, case: Case, operator: str, act: Act, now: datetime) -> OperatorReport:
    return OperatorReport(
        id=name,
        at=now,
        resident=case.resident,
        case=case.id,
        by=operator,
        role=StaffRole.OPERATOR,
        seen=case.version,
        act=act,
    )

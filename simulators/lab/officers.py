"""Officers: chooses who is sent, and which visit each officer makes next, by the live system's rules."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from domain.identity.divisions import counties
from domain.ids import result_id
from domain.policy import Policy
from domain.policy.visits import Ways
from domain.visits.officers import Choice, Visit, choose_officer
from domain.visits.rounds import Post, worth
from domain.visits.tasks import given, is_awaited, sort_out
from schemas.casework.cases import Case
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, ResidentInput, VisitStage
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Shift, Task
from simulators.assumptions import figures
from simulators.lab.agenda import Agenda
from simulators.world.contacts import VisitReport

_FREE_AGAIN = frozenset({VisitStage.NOT_AT_HOME, VisitStage.DONE})
_UNDER_WAY = frozenset({VisitStage.ON_THE_WAY, VisitStage.ARRIVED})
_ENDS = _FREE_AGAIN | {VisitStage.REFUSED}
_WAY = timedelta(minutes=figures.TRAVEL_MINUTES)


def fleet(count: int, since: datetime, until: datetime) -> list[Officer]:
    """Return `count` officers, distributed over the counties in turn, who are on duty without a break from one hour
    before `since` to one day after `until`.

    It is assumed that all are auxiliaries, who may visit at every level but blue, and that each stands for several
    people who take turns.
    """
    places = counties(since.date())
    shift = Shift(start=since - timedelta(hours=1), end=until + timedelta(days=1))
    return [
        Officer(
            id=f"unit-{number + 1}",
            name=f"unit {number + 1}",
            role=Role.AUXILIARY,
            division=places[number % len(places)].code,
            shifts=[shift],
        )
        for number in range(count)
    ]


class Doors(Protocol):
    """The reactions to visits that officers need; `simulators/world/contacts` implements it."""

    def taken(self, dispatch: str, now: datetime) -> VisitReport | None:
        """Return the answer of the officer to the visit with this dispatch id, ACCEPTED or REFUSED, with its delay
        (`after`) from `now`. None if the officer never answers.
        """

    def visit(self, dispatch: str, now: datetime) -> Sequence[VisitReport]:
        """Return all reports of the visit with this dispatch id, in order of time, the answer to the task first. Their
        delays (`after`) count from `now`.
        """


class Officers:
    """The officers, and their visits. `busy`: total time of visits, including travel.

    Officers are chosen as by `streams/repositories/rosters` and the officer's page, except that visits to one address
    are not joined. Travel takes the same time at any distance, also in the choice. No officer is called back while
    travelling.
    """

    def __init__(
        self,
        officers: Sequence[Officer],
        policy: Policy,
        contacts: Doors,
        agenda: Agenda,
        give: Callable[[ResidentInput], None],
        case_of: Callable[[str], Case | None],
    ) -> None:
        ways = Ways(street=_WAY, county=_WAY, prefecture=_WAY, province=_WAY)
        self._policy = policy.model_copy(update={"visits": policy.visits.model_copy(update={"way": ways})})
        self._officers = {officer.id: officer for officer in officers}
        self._contacts, self._agenda, self._give, self._case_of = contacts, agenda, give, case_of
        self._tasks: dict[str, tuple[Task, Dispatch]] = {}  # open tasks by dispatch
        self._unwilling: defaultdict[str, set[str]] = defaultdict(set)  # case -> officers who refused or were late
        self._out: set[str] = set()  # officers who are on a visit
        self._last: dict[str, str] = {}  # resident -> the officer who saw them last
        self.busy = timedelta(0)

    def send(self, dispatch: Dispatch, language: Language) -> Choice | None:
        """Choose an officer for a visit and give the task to them; their reports are applied later, at their times.
        Return the choice, or None if nobody can go.

        Officers who refused this case's visit, or did not go in time, are not chosen again.
        """
        self._sort_out(dispatch.case)
        case = self._case(dispatch.resident, dispatch.case)
        fen = worth(case, self._policy) if case else 0
        never, last = frozenset(self._unwilling[dispatch.case]), self._last.get(dispatch.resident)
        visit = Visit(dispatch.level, dispatch.division, language, never, last, None, fen)
        tasks = [task for task, _ in self._tasks.values()]
        choice = choose_officer(self._officers.values(), visit, self._agenda.now, tasks, self._policy.visits)
        if choice is not None:
            self._take(dispatch, choice.officer.id, fen)
        return choice

    def _sort_out(self, case: str) -> None:
        """Drop tasks that no case waits for any more. An officer who still has a visit of the case `case` counts as
        late.
        """
        for task, _ in list(self._tasks.values()):
            here = self._case(task.resident, task.case)
            if task.case == case:
                self._unwilling[case].add(task.officer)
            elif task.stage in _UNDER_WAY or (here and here.open and is_awaited(task, here)):
                continue
            del self._tasks[task.dispatch]

    def _take(self, dispatch: Dispatch, officer: str, fen: int) -> None:
        now = self._agenda.now
        task = given(dispatch, officer, now, fen)
        self._tasks[task.dispatch] = task, dispatch
        answer = self._contacts.taken(dispatch.id, now)
        if answer is not None:
            self._agenda.at(now + answer.after, partial(self._told, task, dispatch, answer))

    def _told(self, task: Task, dispatch: Dispatch, report: VisitReport) -> None:
        """Apply an officer's report: give it to the case, and let the officer continue."""
        if report.stage is VisitStage.REFUSED:
            self._unwilling[task.case].add(task.officer)
        if report.stage in _ENDS:
            self._tasks.pop(task.dispatch, None)
        elif task.dispatch in self._tasks:  # else they were late
            self._tasks[task.dispatch] = task.model_copy(update={"stage": report.stage}), dispatch
        if report.stage is VisitStage.ARRIVED:
            self._last[task.resident] = task.officer
        if report.stage in _FREE_AGAIN:
            self._out.discard(task.officer)
        self._give(told(dispatch, report, task.officer, self._agenda.now))
        self._go_on(task.officer)

    def _go_on(self, name: str) -> None:
        """Let a free officer set out to the next of their accepted visits."""
        mine = [task for task, _ in self._tasks.values() if task.officer == name and task.stage is VisitStage.ACCEPTED]
        if name in self._out or not mine:
            return
        cases = [(task, self._case(task.resident, task.case)) for task in mine]
        errands, _ = sort_out(cases, Post(self._officers[name].division), self._agenda.now, self._policy)
        if errands:
            self._set_out(*self._tasks[errands[0].task.dispatch])

    def _set_out(self, task: Task, dispatch: Dispatch) -> None:
        accepted, *reports = self._contacts.visit(task.dispatch, self._agenda.now)
        self._out.add(task.officer)
        for report in reports:
            after = report.after - accepted.after
            self._agenda.at(self._agenda.now + after, partial(self._told, task, dispatch, report))
        self.busy += reports[-1].after - accepted.after

    def _case(self, resident: str, name: str) -> Case | None:
        """Return the case with this id as it is now, or None if the resident has a later case."""
        case = self._case_of(resident)
        return case if case and case.id == name else None


def told(dispatch: Dispatch, report: VisitReport, officer: str, at: datetime) -> OfficerReport:
    """Return the input in which the station passes on an officer's report to the case at the time `at`. `officer`: the
    officer's id. The input has a place (the division code) only on arrival.
    """
    receipt = "" if report.stage is VisitStage.ASSIGNED else f"{dispatch.id}#{report.stage.value}"
    return OfficerReport(
        id=result_id(dispatch.id, report.stage, receipt),
        at=at,
        resident=dispatch.resident,
        case=dispatch.case,
        by=officer,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        stage=report.stage,
        place=dispatch.division if report.stage is VisitStage.ARRIVED else None,
        checklist=report.checklist,
        outcome=report.outcome,
    )

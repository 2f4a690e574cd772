"""Measures a run: by the truth where it is known, otherwise by the cases' events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from domain.policy.schedule import STOPS
from domain.statistics.report import NO_CONTACT
from schemas.casework.cases import Case, StepState, WeekQuestion
from schemas.casework.events import CaseEvent, FactKind
from schemas.casework.inputs import Deadline, ResidentInput
from schemas.levels import Action, Level, Outcome, WeekAnswer
from simulators.lab.waits import Waits
from simulators.world.province import Province
from simulators.world.truth import Contact, Fate, Life

# Time to the first contact by level, from the design's table. Red's flash SMS goes at once.
FIRST_CONTACT = {
    Level.RED: timedelta(seconds=30),
    Level.ORANGE: timedelta(minutes=1),
    Level.YELLOW: timedelta(minutes=5),
    Level.BLUE: timedelta(minutes=30),
}
_HOUR = timedelta(hours=1)
_BANKS, _MACHINES = "banks", "machines"
_CALLS = frozenset(
    {Action.ROBOT_CALL, Action.OPERATOR_CALL, Action.FOLLOW_UP, Action.CONTACT_CALL, Action.SUPPORT_CALL}
    | {Action.WEEK_CALL}
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one run. Money in fen, shares from 0 to 1, times in hours, otherwise numbers.

    `loss_avoided_fen`: `loss_unwarned_fen` (the loss without any intervention) less `loss_fen` (the real loss).
    `by_banks_fen`, `by_machines_fen`, `by_operators_fen`, `by_officers_fen`: the loss avoided by who achieved it: banks
    by catching or freezing money, the others by dissuading before payments (machines: messages, automated calls, and
    trusted contacts). `defrauded`: residents who lost money; `defrauded_after_warning`: those with a loss after a
    warning had reached them. `dissuaded`: cases whose resident was dissuaded; of these, by the question a week later,
    `week_nothing_paid`: asked again by another channel, and they answered that they had paid nothing; `week_paid`: that
    they had paid; `week_contacted`: that they were only contacted again; `week_no_answer`: nobody answered. In truth,
    `week_paid_after_all`: of those who answered that they had paid nothing, they had. `false_alarms`: cases of
    residents who were in no scam when the case was opened; `needless`: contacted residents who were in no scam.
    `contacts`, `calls`, `visits`: contacts and attempts. `operator_hours`: hours on calls, unanswered ones too;
    `officer_hours`: hours of visits with travel; `operators_busy`: share of the operators' time spent on calls.
    `clocks_kept`: share of first contacts within the level's time; `desk_clocks_kept`: share of operators' calls taken
    in time. `past_limit`: cases that waited for an operator beyond their limit; `longest_wait`: hours, of all cases.
    """

    loss_avoided_fen: float
    loss_fen: float
    loss_unwarned_fen: float
    by_banks_fen: float
    by_machines_fen: float
    by_operators_fen: float
    by_officers_fen: float
    defrauded: float
    defrauded_after_warning: float
    dissuaded: float
    week_nothing_paid: float
    week_paid: float
    week_contacted: float
    week_no_answer: float
    week_paid_after_all: float
    cases: float
    false_alarms: float
    needless: float
    contacts: float
    calls: float
    visits: float
    operator_hours: float
    officer_hours: float
    operators_busy: float
    clocks_kept: float
    desk_clocks_kept: float
    past_limit: float
    longest_wait: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures keyed by field name, in the units that the class states."""
        return asdict(self)


@dataclass(slots=True)
class Opened:
    """A case at its opening: its resident's id, the time and the level. `contacted`: True if a contact was made since,
    or an attempt that may have rung.
    """

    resident: str
    at: datetime
    level: Level
    contacted: bool = False


@dataclass(frozen=True, slots=True)
class Dissuaded:
    """A case whose resident was dissuaded, first at `at`, as it stands now. `week`: the question a week later, None if
    it was not put.
    """

    resident: str
    at: datetime
    week: WeekQuestion | None


@dataclass(slots=True)
class Book:
    """Collects a run's events, which are added in the order of the journal.

    `waits`: measures how long cases waited for an operator; `opened`: case id -> the case at its opening; `warned`:
    resident id -> when a warning first reached them; `dissuaded`: case id -> the case, if its resident was dissuaded;
    `clocks`: numbers of `first` (cases whose first contact was in
    time), `desk` (calls given to operators) and `desk_missed` (of these, calls that nobody took in time).
    """

    waits: Waits
    opened: dict[str, Opened] = field(default_factory=dict)
    warned: dict[str, datetime] = field(default_factory=dict)
    dissuaded: dict[str, Dissuaded] = field(default_factory=dict)
    clocks: Counter[str] = field(default_factory=Counter)

    def add(self, before: Case | None, given: ResidentInput, event: CaseEvent) -> None:
        """Record the effect of an input (`given`) on a case. `before`: the resident's case before the input, None if
        they had none; `event`: the journal's event of the input.
        """
        case = event.case
        self.waits.add(case, event.at)
        known = self.opened.get(case.id)
        if known is None:
            known = self.opened[case.id] = Opened(case.resident, event.at, case.level)
        if case.warned_at is not None:
            self.warned.setdefault(case.resident, case.warned_at)
        if case.outcome is Outcome.DISSUADED or case.id in self.dissuaded:
            first = self.dissuaded.get(case.id)
            self.dissuaded[case.id] = Dissuaded(case.resident, first.at if first else event.at, case.week)
        if not known.contacted and _contacts(event):
            known.contacted = True
            self.clocks["first"] += event.at - known.at <= FIRST_CONTACT[known.level]
        self.clocks["desk"] += sum(dispatch.action is Action.OPERATOR_CALL for dispatch in event.dispatches)
        self.clocks["desk_missed"] += isinstance(given, Deadline) and _missed(before, given.step)

    @property
    def first_contacts(self) -> int:
        """Return the number of cases with at least one contact, or attempt that may have rung."""
        return sum(known.contacted for known in self.opened.values())


def _contacts(event: CaseEvent) -> bool:
    """Return True if the event reports a contact, or an attempt that may have rung."""
    return any(
        fact.kind is FactKind.RESULT and fact.action not in STOPS and fact.result not in NO_CONTACT
        for fact in event.facts
    )


def _missed(before: Case | None, step: str) -> bool:
    """Return True if the step is an operator's call that waited on the desk, with no operator having
    claimed the case.
    """
    steps = before.steps if before is not None and before.claimed_by is None else ()
    return any(
        each.id == step and each.action is Action.OPERATOR_CALL and each.state is StepState.SENT for each in steps
    )


@dataclass(frozen=True, slots=True)
class Effort:
    """Working times, summed over all people: `talked`: of operators on calls, unanswered ones too; `visited`: of
    officers on visits, including travel; `on_duty`: of all operators, busy or not.
    """

    talked: timedelta
    visited: timedelta
    on_duty: timedelta


def figures(book: Book, province: Province, effort: Effort, end: datetime) -> Figures:
    """Return the run's figures as of `end`. Call it once, at the end, because it ends the waiting times that are still
    running in `book`. Shares without any case or call are 1.0 (clocks) or 0.0 (operators' time).
    """
    lives = [life for life in province.truth.lives.values() if life.story.begins <= end]
    lost = {life.story.victim.id: _lost(province, life, end) for life in lives}
    unwarned = sum(_settled(life, end) for life in lives)
    contacts = [each for each in province.truth.contacts if each.action not in STOPS and each.at <= end]
    book.waits.close(end)
    week = answers(book)
    clocks, kept = book.clocks, sum((_kept(province, life, end) for life in lives), Counter[str]())
    return Figures(
        loss_avoided_fen=unwarned - sum(lost.values()),
        loss_fen=sum(lost.values()),
        loss_unwarned_fen=unwarned,
        by_banks_fen=kept[_BANKS],
        by_machines_fen=kept[_MACHINES],
        by_operators_fen=kept[Action.OPERATOR_CALL],
        by_officers_fen=kept[Action.VISIT],
        defrauded=sum(amount > 0 for amount in lost.values()),
        defrauded_after_warning=sum(_after_warning(province, life, book, end) for life in lives),
        dissuaded=len(book.dissuaded),
        week_nothing_paid=week[WeekAnswer.NOTHING_PAID],
        week_paid=week[WeekAnswer.PAID_SINCE],
        week_contacted=week[WeekAnswer.CONTACTED_AGAIN],
        week_no_answer=week[WeekAnswer.NO_ANSWER],
        week_paid_after_all=sum(_paid_after_all(province, each) for each in book.dissuaded.values()),
        cases=len(book.opened),
        false_alarms=sum(_false(province, known) for known in book.opened.values()),
        needless=len({each.resident for each in contacts} - lost.keys()),
        contacts=len(contacts),
        calls=_count(contacts, _CALLS),
        visits=_count(contacts, {Action.VISIT}),
        operator_hours=effort.talked / _HOUR,
        officer_hours=effort.visited / _HOUR,
        operators_busy=effort.talked / effort.on_duty if effort.on_duty else 0.0,
        clocks_kept=_share(clocks["first"], book.first_contacts),
        desk_clocks_kept=_share(clocks["desk"] - clocks["desk_missed"], clocks["desk"]),
        past_limit=book.waits.past_limit,
        longest_wait=book.waits.longest / _HOUR,
    )


def answers(book: Book) -> Counter[WeekAnswer]:
    """Return how many dissuaded residents gave each answer to the question a week later, by answer. Questions that wait
    for an answer are left out.
    """
    questions = (each.week for each in book.dissuaded.values())
    return Counter(week.answer for week in questions if week is not None and week.answer is not None)


def _paid_after_all(province: Province, case: Dissuaded) -> bool:
    """Return True if a resident answered after a week that they had paid nothing, and had made and lost a payment since
    they were dissuaded.
    """
    life = province.truth.lives.get(case.resident)
    if life is None or case.week is None or case.week.answered_at is None:
        return False
    told = case.week.answer is WeekAnswer.NOTHING_PAID
    return told and any(
        fate is Fate.SETTLED and case.at < payment.at <= case.week.answered_at
        for payment, fate in province.truth.fates(life, case.week.answered_at)
    )


def _lost(province: Province, life: Life, end: datetime) -> int:
    """Return the money (fen) that is lost in the end: paid, and not frozen by a bank."""
    paid = province.truth.sum_of(life, end, Fate.SETTLED)
    return paid - province.truth.frozen_fen(life, end)


def _settled(life: Life, end: datetime) -> int:
    """Return the money (fen) that would have been paid by `end` without any intervention."""
    return sum(payment.amount_fen for payment in life.story.payments if payment.settles <= end)


def _kept(province: Province, life: Life, end: datetime) -> Counter[str]:
    """Return the loss avoided by `end` (fen), by who achieved it."""
    found = Counter[str]()
    for payment, fate in province.truth.fates(life, end):
        if fate is Fate.SETTLED:
            found[_BANKS] += life.frozen.get(payment.uid, 0)
        elif fate.kept and payment.settles <= end:
            found[_keeper(life, fate)] += payment.amount_fen
    return found


def _keeper(life: Life, fate: Fate) -> str:
    if fate in (Fate.CAUGHT, Fate.BLOCKED):
        return _BANKS
    return life.persuaded_by if life.persuaded_by in (Action.OPERATOR_CALL, Action.VISIT) else _MACHINES


def _after_warning(province: Province, life: Life, book: Book, end: datetime) -> bool:
    """Return True if a payment was made and lost after a warning had reached the payer."""
    warned = book.warned.get(life.story.victim.id)
    return warned is not None and any(
        fate is Fate.SETTLED and payment.at > warned and life.frozen.get(payment.uid, 0) < payment.amount_fen
        for payment, fate in province.truth.fates(life, end)
    )


def _false(province: Province, known: Opened) -> bool:
    life = province.truth.lives.get(known.resident)
    return life is None or life.story.begins > known.at


def _count(contacts: Iterable[Contact], actions: Iterable[Action]) -> int:
    wanted = frozenset(actions)
    return sum(each.action in wanted for each in contacts)


def _share(part: int, whole: int) -> float:
    """Return part / whole; 1.0 if whole is 0, because nothing was missed."""
    return part / whole if whole else 1.0

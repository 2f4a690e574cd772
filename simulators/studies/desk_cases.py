"""The staff of an operators' desk, its cases with the truth behind each, and the figures of a month."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import Action, Level, Result
from schemas.people.residents import Flag
from simulators.studies.desk_arrivals import RaisedPerson
from simulators.world.behaviour import Situation
from simulators.world.province import START
from simulators.world.truth import Fate, Life

TO_LOSE = (Fate.TO_COME, Fate.IN_FLIGHT)
UTC_OFFSET = timedelta(hours=8)  # of Jilin's time


@dataclass(frozen=True, slots=True)
class DeskStaff:
    """Who is there. `by_day`, `by_night`: operators in the local hours `day`, from the first to before the last, and in
    the others; `officers`: units that visit, at all hours. `way`: their travel time, as a multiple of the usual.
    `unlimited`: True if every waiting case is called at once in any hour that has an operator: no order can on
    average do better.
    `sooner`: by how much less time a stop order takes to reach the bank.
    """

    by_day: int = 1
    by_night: int = 1
    day: tuple[int, int] = (8, 20)
    officers: int = 2
    way: float = 1.0
    unlimited: bool = False
    sooner: timedelta = timedelta(0)

    def operators(self, at: datetime) -> int:
        """Return how many operators are on duty; a million if `unlimited` is True and anybody is on duty."""
        there = self.by_day if self.day[0] <= (at + UTC_OFFSET).hour < self.day[1] else self.by_night
        return 10**6 if self.unlimited and there else there


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The figures of a month after the warm-up. `would_pay`, `would_lose_fen`: the people whose payments would go
    through in the month if nobody intervened, and the money; `defrauded`, `lost_fen`: those who really lost money, and
    how much; `by_operators_fen`: not paid because an operator dissuaded. `calls`: operators' calls of the whole run;
    `busy`: the share (0 to 1) of the operators' time that they took; `not_taken`: cases that left the desk before
    anybody called.
    """

    would_pay: int
    defrauded: int
    would_lose_fen: int
    lost_fen: int
    by_operators_fen: int
    calls: int
    busy: float
    not_taken: int

    @property
    def spared(self) -> int:
        """The people who would have lost money and did not."""
        return self.would_pay - self.defrauded

    @property
    def kept_fen(self) -> int:
        """The money (fen) that would have been lost and was not."""
        return self.would_lose_fen - self.lost_fen


@dataclass(slots=True)
class Job:
    """A case at the desk, and what is true of it. `life`: the scam, or None for a false alarm; `level`: the level whose
    plan runs; `objects`: True if the resident objects to calls; `results`: of operators' calls; `visit_due`: when the
    plan's visit is due, None without one; `not_before`: when it may be called again.
    """

    case: Case
    life: Life | None
    objects: bool
    level: Level | None = None
    results: list[Result] = field(default_factory=list)
    not_before: datetime = START
    visits: list[Result] = field(default_factory=list)
    visit_due: datetime | None = None
    asked_stops: set[str] = field(default_factory=set)
    visiting: bool = False
    talks: int = 0

    def situation(self, now: datetime) -> Situation:
        """Return the truth about the resident at `now`."""
        life = self.life
        if life is None or life.story.begins > now:
            return Situation(objects=self.objects)
        fates = [life.fate(payment, now, {}) for payment in life.story.payments]
        return Situation(
            scam_type=life.story.scam_type,
            payments_made=fates.count(Fate.SETTLED),
            payments_to_come=sum(fate in TO_LOSE for fate in fates),
            persuaded=life.persuaded(now),
            on_the_line=life.on_the_line(now) is not None,
            talks=life.talks,
            objects=self.objects,
            asked=bool(fates),
        )


def new_job(came: RaisedPerson) -> Job:
    first = came.alerts[0]
    case = Case(
        id=f"{came.who.id}-1",
        resident=came.who.id,
        number=1,
        version=1,
        policy="",
        state=CaseState.RAISED,
        level=first.danger.level,
        danger=first.danger,
        profile=first.profile,
        opened_at=first.at,
        updated_at=first.at,
    )
    life = Life(came.story) if came.story else None
    return Job(case, life, Flag.OBJECTS_TO_CALLS in came.who.flags)


def as_closed(jobs: Iterable[Job]) -> list[Case]:
    """Return a run's cases as the installation knows them at the end, for what it may learn from them. A payment that a
    bank reported as settled is in its case; no truth is.
    """
    return [job.case.model_copy(update={"steps": ended_steps(job)}) for job in jobs]


def ended_steps(job: Job) -> list[Step]:
    """Return the calls and visits of a case that has ended, with their results."""
    return [
        Step(id="x.operator", action=Action.OPERATOR_CALL, state=StepState.DONE, due=None, results=list(job.results)),
        Step(id="x.visit", action=Action.VISIT, state=StepState.DONE, due=None, results=list(job.visits)),
    ]


def one_more(staff: DeskStaff) -> dict[str, DeskStaff]:
    """Return four staffs by name, each with one change: one more operator by day; one more officer; a car, with which
    the way takes half as long; stop orders that reach the bank a minute sooner.
    """
    return {
        "one more operator by day": replace(staff, by_day=staff.by_day + 1),
        "one more officer": replace(staff, officers=staff.officers + 1),
        "a car: half the way": replace(staff, way=staff.way / 2),
        "stops a minute sooner": replace(staff, sooner=timedelta(minutes=1)),
    }

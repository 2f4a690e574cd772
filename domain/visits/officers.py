"""Which officer should go: on duty for long enough, allowed to, soon there, understood, and known to the resident."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from domain.policy.visits import VisitRules
from domain.visits.rounds import Door, Post, door_of, in_order
from domain.visits.travel import distance, way
from schemas.levels import Level
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Task, TaskState

# The reference names the four who visit; the design sends a grid worker for yellow. The rest is assumed.
ELIGIBLE: Mapping[Level, frozenset[Role]] = {
    Level.RED: frozenset({Role.OFFICER, Role.AUXILIARY}),
    Level.ORANGE: frozenset({Role.OFFICER, Role.AUXILIARY, Role.GRID_WORKER}),
    Level.YELLOW: frozenset({Role.AUXILIARY, Role.GRID_WORKER, Role.BUILDING_HEAD}),
    Level.BLUE: frozenset({Role.GRID_WORKER, Role.BUILDING_HEAD}),
}
OVERTIME = "past the end of his shift"
_NEW = "~"  # the dispatch of the visit that is to be given: of two alike it comes after those that he has
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to be made.

    `never`: who refused it before, or let it become late. `worth_fen`: see domain/visits/rounds.
    """

    level: Level
    division: str
    language: Language
    never: frozenset[str] = frozenset()
    last: str | None = None  # who saw this resident last
    to: str | None = None  # to whom a colleague handed it over
    worth_fen: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Who goes, and why this one."""

    officer: Officer
    because: str


@dataclass(frozen=True, slots=True)
class _Bid:
    """What it means to send one: when he would be there, what speaks for and against him in words.

    `over`: by how long he would come home late.
    """

    officer: Officer
    arrives: datetime
    over: timedelta
    words: tuple[str, ...]

    @property
    def comes(self) -> tuple[datetime, str]:
        """The least is sent: each minute that he would come home late counts as one that he comes later."""
        return self.arrives + max(_NONE, self.over), self.officer.id


def choose_officer(
    officers: Iterable[Officer], visit: Visit, now: datetime, tasks: Iterable[Task], rules: VisitRules
) -> Choice | None:
    """Who is there first, of those who will be done before their shift ends; none when nobody may and can take it.

    `tasks`: all visits that were given out. He comes when he has made those that go before this one. Whoever the policy
    would keep past his shift for such a level may go too: each minute past it counts as one that he comes later. Of
    two alike the lower id goes, so that all workers agree.
    """
    return next(iter(deque(choosing(officers, visit, now, tasks, rules), maxlen=1)), None)


def choosing(
    officers: Iterable[Officer], visit: Visit, now: datetime, tasks: Iterable[Task], rules: VisitRules
) -> Iterator[Choice | None]:
    """Whom `choose_officer` chooses, step by step: the best so far after each officer whose round was reckoned.

    Where all have visits to make, that is nearly everybody on duty, and whoever asks has other things to do as well.
    """
    load, most = open_of(tasks), rules.overtime.get(visit.level, _NONE)
    may = [
        officer
        for officer in officers
        if officer.role in ELIGIBLE[visit.level]
        and officer.id not in visit.never
        and len(load.get(officer.id, ())) < rules.most
    ]
    ways = {division: _shortest(division, visit, now, rules) for division in {officer.division for officer in may}}
    known = [(_soonest(officer, now + ways[officer.division], visit, rules), officer) for officer in may]
    best: _Bid | None = None
    # Shifts and rounds are looked at last, and of those alone who may be there before the best: most are not.
    for soonest, officer in sorted(known, key=lambda each: (each[1].id != visit.to, each[0])):
        if best is not None and best.comes[0] < soonest:
            break
        bid = _bid(officer, visit, now, load.get(officer.id, ()), rules, best)
        if bid is not None and bid.over <= most:
            if officer.id == visit.to:
                yield Choice(officer, "a colleague handed it over")
                return
            best = bid if best is None or bid.comes < best.comes else best
        yield Choice(best.officer, ", ".join(best.words)) if best else None


def on_duty(officer: Officer, now: datetime) -> bool:
    """Whether a shift of his runs."""
    return any(shift.start <= now < shift.end for shift in officer.shifts)


def off_at(officer: Officer, now: datetime) -> datetime | None:
    """When he goes off duty: a shift that begins as one ends goes on with it. None when he is not on duty."""
    end = now
    while later := max([shift.end for shift in officer.shifts if shift.start <= end < shift.end], default=None):
        end = later
    return end if end > now else None


def load_of(tasks: Iterable[Task]) -> dict[str, frozenset[str]]:
    """Each officer's open visits, each once however often it was written down. Its length: the units that are busy."""
    return {officer: frozenset(task.dispatch for task in mine) for officer, mine in open_of(tasks).items()}


def open_of(tasks: Iterable[Task]) -> dict[str, Sequence[Task]]:
    """Each officer's open visits, without those that joined another."""
    found: defaultdict[str, dict[str, Task]] = defaultdict(dict)
    for task in tasks:
        if task.state is TaskState.OPEN and task.joins is None:
            found[task.officer][task.dispatch] = task
    return {officer: list(mine.values()) for officer, mine in found.items()}


def _shortest(division: str, visit: Visit, now: datetime, rules: VisitRules) -> timedelta:
    """The least that somebody who works from this division needs: straight there, or from a door near by."""
    straight, ways = way(distance(division, visit.division, now.date())[0], rules), rules.way
    return min(straight, rules.door + min(ways.street, ways.county, ways.prefecture, ways.province))


def _soonest(officer: Officer, arrives: datetime, visit: Visit, rules: VisitRules) -> datetime:
    """When he may be there at best; never later than `_bid` has it."""
    arrives += _NONE if visit.language in officer.languages else rules.interpreter
    return arrives - rules.known if officer.id == visit.last else arrives


def _bid(
    officer: Officer, visit: Visit, now: datetime, mine: Sequence[Task], rules: VisitRules, best: _Bid | None
) -> _Bid | None:
    """None from one who is not on duty, would have too much to do before, or is not there before `best` is."""
    until = off_at(officer, now)
    if until is None:
        return None
    new = Door(_NEW, visit.level, visit.division, visit.worth_fen, now)
    planned = in_order([*map(door_of, mine), new], Post(officer.division, until), now, rules)
    for found in islice(planned, rules.ahead):
        if found.door is new:
            break
        if best is not None and best.comes[0] < _soonest(officer, found.leaves, visit, rules):
            return None
    else:
        return None
    _, where = distance(officer.division, visit.division, now.date())
    words, arrives = [where, f"{len(mine)} open visits" if mine else "free"], found.arrives
    if visit.language not in officer.languages:
        arrives, words = arrives + rules.interpreter, [*words, "needs an interpreter"]
    if officer.id == visit.last:
        arrives, words = arrives - rules.known, [*words, "was there before"]
    over = found.leaves - until
    return _Bid(officer, arrives, over, (*words, OVERTIME) if over > _NONE else tuple(words))

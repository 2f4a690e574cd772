"""Chooses the officer for a visit: permitted, on duty long enough, and soonest there.

Speaking the language and knowing the resident count as minutes.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from domain.calendar import local_date
from domain.policy.visits import VisitRules
from domain.visits.rounds import Door, Post, door_of, in_order
from domain.visits.travel import distance, drive_between
from schemas.codes.channels import ChannelCode, ChosenOfficer, HandedOver
from schemas.levels import Level
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Task, TaskState

# The reference names the four roles that visit; the design sends a grid worker for yellow. The rest is assumed.
ELIGIBLE: Mapping[Level, frozenset[Role]] = {
    Level.RED: frozenset({Role.OFFICER, Role.AUXILIARY}),
    Level.ORANGE: frozenset({Role.OFFICER, Role.AUXILIARY, Role.GRID_WORKER}),
    Level.YELLOW: frozenset({Role.AUXILIARY, Role.GRID_WORKER, Role.BUILDING_HEAD}),
    Level.BLUE: frozenset({Role.GRID_WORKER, Role.BUILDING_HEAD}),
}
_NEW = "~"  # dispatch id of the visit to be given: among equals it sorts after the officer's present ones
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to be made. `division`: code of the place where the resident lives. `language`: the resident's.

    `never`: ids of officers who refused it or let it become late. `last`: id of the officer who saw the resident last,
    or None. `to`: id of the officer to whom a colleague handed it over, or None. `worth_fen`: the money (fen) that is
    expected to be lost if another visit is made first (see rounds.worth).
    """

    level: Level
    division: str
    language: Language
    never: frozenset[str] = frozenset()
    last: str | None = None
    to: str | None = None
    worth_fen: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen officer, and the code of the reason."""

    officer: Officer
    because: ChannelCode


@dataclass(frozen=True, slots=True)
class _Bid:
    """The consequences of sending this officer: when the officer arrives, the overtime (`over`), and the reasons."""

    officer: Officer
    arrives: datetime
    over: timedelta
    because: ChosenOfficer

    @property
    def comes(self) -> tuple[datetime, str]:
        """The sort key, the smallest of which is sent: each minute of overtime counts as a minute of later arrival."""
        return self.arrives + max(_NONE, self.over), self.officer.id


def choose_officer(
    officers: Iterable[Officer], visit: Visit, now: datetime, tasks: Iterable[Task], rules: VisitRules
) -> Choice | None:
    """Return the officer who goes, with the reason, or None if nobody can.

    An officer can go who is on duty, may visit at this level, is not in `visit.never`, and finishes before the shift
    ends or within the overtime that the policy allows. The policy also limits an officer's open visits (`tasks`: all
    visits given to officers). The officer `visit.to` goes if possible; otherwise the one who arrives first, after the
    visits that precede this one. Each minute of overtime counts as a minute later; an officer who needs an interpreter
    counts as later, and one who saw the resident last as earlier, by times in the policy. Of equals, the lower id goes,
    so that all workers agree.
    """
    return next(iter(deque(choosing(officers, visit, now, tasks, rules), maxlen=1)), None)


def choosing(
    officers: Iterable[Officer], visit: Visit, now: datetime, tasks: Iterable[Task], rules: VisitRules
) -> Iterator[Choice | None]:
    """Yield the best choice so far after each officer who was examined; the last one yielded is the final choice. See
    `choose_officer` for the rules.

    It is None while none of the officers examined can go; nothing is yielded if no officer may visit. If all officers
    have visits, nearly everybody on duty is examined, so the caller must let other tasks run in between.
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
    # Shifts and rounds are expensive, so they are computed only for officers who may arrive before the best one.
    for soonest, officer in sorted(known, key=lambda each: (each[1].id != visit.to, each[0])):
        if best is not None and best.comes[0] < soonest:
            break
        bid = _bid(officer, visit, now, load.get(officer.id, ()), rules, best)
        if bid is not None and bid.over <= most:
            if officer.id == visit.to:
                yield Choice(officer, HandedOver())
                return
            best = bid if best is None or bid.comes < best.comes else best
        yield Choice(best.officer, best.because) if best else None


def on_duty(officer: Officer, now: datetime) -> bool:
    """Return True if one of the officer's shifts includes `now`."""
    return any(shift.start <= now < shift.end for shift in officer.shifts)


def off_at(officer: Officer, now: datetime) -> datetime | None:
    """Return the time at which the officer goes off duty, with adjoining or overlapping shifts counted as one; None if
    not on duty at `now`.
    """
    end = now
    while later := max([shift.end for shift in officer.shifts if shift.start <= end < shift.end], default=None):
        end = later
    return end if end > now else None


def load_of(tasks: Iterable[Task]) -> dict[str, frozenset[str]]:
    """Return the dispatch ids of each officer's open visits, by officer id; without visits that joined another.
    Officers without any are left out.
    """
    return {officer: frozenset(task.dispatch for task in mine) for officer, mine in open_of(tasks).items()}


def open_of(tasks: Iterable[Task]) -> dict[str, Sequence[Task]]:
    """Return each officer's open visits, by officer id, in the given order, without those that joined another. Officers
    without any are left out.
    """
    found: defaultdict[str, dict[str, Task]] = defaultdict(dict)
    for task in tasks:
        if task.state is TaskState.OPEN and task.joins is None:
            found[task.officer][task.dispatch] = task
    return {officer: list(mine.values()) for officer, mine in found.items()}


def _shortest(division: str, visit: Visit, now: datetime, rules: VisitRules) -> timedelta:
    """Return the shortest possible travel time from this division: directly, or from an earlier visit near by."""
    straight, ways = drive_between(division, visit.division, local_date(now), rules), rules.way
    return min(straight, rules.door + min(ways.street, ways.county, ways.prefecture, ways.province))


def _soonest(officer: Officer, arrives: datetime, visit: Visit, rules: VisitRules) -> datetime:
    """Return the earliest possible arrival; never later than `_bid` computes."""
    arrives += _NONE if visit.language in officer.languages else rules.interpreter
    return arrives - rules.known if officer.id == visit.last else arrives


def _bid(
    officer: Officer, visit: Visit, now: datetime, mine: Sequence[Task], rules: VisitRules, best: _Bid | None
) -> _Bid | None:
    """Return the officer's bid; None if they are off duty, have too many visits before, or arrive later than `best`."""
    until = off_at(officer, now)
    if until is None:
        return None
    # A visit that another worker gave meanwhile may be later than `now`; the new one still comes after it, if equal.
    since = max([now, *(task.at for task in mine)])
    new = Door(_NEW, visit.level, visit.division, visit.worth_fen, since)
    planned = in_order([*map(door_of, mine), new], Post(officer.division, until), now, rules)
    for found in islice(planned, rules.ahead):
        if found.door is new:
            break
        if best is not None and best.comes[0] < _soonest(officer, found.leaves, visit, rules):
            return None
    else:
        return None
    interpreter, known = visit.language not in officer.languages, officer.id == visit.last
    arrives = found.arrives + (rules.interpreter if interpreter else _NONE) - (rules.known if known else _NONE)
    steps, over = distance(officer.division, visit.division, local_date(now)), found.leaves - until
    return _Bid(officer, arrives, over, ChosenOfficer(steps, len(mine), interpreter, known, over > _NONE))

"""An officer's round: in which order he makes his visits, and which of them no longer fit into his shift.

The next is the one in which a minute of his saves the most money, the way included, from where he is then. Money is not
all: a grave level waits for no other, and what he has had for too long comes before what is worth more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from domain.casework.triage import at_stake, lost_within
from domain.policy import Policy
from domain.policy.visits import VisitRules
from domain.visits.travel import COUNTY, distance, way
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.people.rosters import Task

_MINUTE, _NONE = timedelta(minutes=1), timedelta(0)


class VisitBand(IntEnum):
    """Whose turn a visit is; the first is made first."""

    AT_THE_DOOR = 0  # he finishes what he has begun
    GRAVE_ON_THE_WAY = 1
    GRAVE = 2  # for its sake he is called back from any other
    ON_THE_WAY = 3
    OVERDUE = 4  # the longest overdue first
    BY_WORTH = 5
    TOO_LATE = 6  # he would not be done before his shift ends: somebody else's


@dataclass(frozen=True, slots=True)
class Door:
    """A visit that an officer has, or may be given. `worth_fen`: see `worth`; `since`: when he was given it."""

    dispatch: str
    level: Level | None
    division: str | None
    worth_fen: int
    since: datetime
    stage: VisitStage | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Where an officer works from, and when he goes off duty; none: that is not asked."""

    division: str
    until: datetime | None = None


class Planned(NamedTuple):  # made for each visit of each officer who may go: a frozen dataclass takes 2.5 times as long
    """A visit in its place. `weight`: of two in one turn the greater is made first.

    It is what a minute of his saves (fen), more the longer it has waited; of the overdue it is by how long (seconds).
    """

    door: Door
    turn: VisitBand
    arrives: datetime
    leaves: datetime
    weight: float

    @property
    def place(self) -> tuple[VisitBand, float, datetime, str]:
        """The least is made first."""
        return self.turn, -self.weight, self.door.since, self.door.dispatch


def worth(case: Case, policy: Policy) -> int:
    """What is lost if another visit is made before this one, in fen."""
    return round(at_stake(case, policy) * lost_within(case, policy.visits.horizon, policy))


def door_of(task: Task) -> Door:
    """A visit as it was given out."""
    return Door(task.dispatch, task.level, task.division, task.worth_fen or 0, task.at, task.stage)


def in_order(doors: Iterable[Door], post: Post, now: datetime, rules: VisitRules) -> Iterator[Planned]:
    """The visits, the one to make next first; each is reckoned when it is asked for.

    The same visits give the same order, however they came.
    """
    left, at, here = list(doors), now, post.division
    while left:
        planned = min((_next(door, here, at, post, now, rules) for door in left), key=lambda each: each.place)
        left.remove(planned.door)
        yield planned
        at, here = planned.leaves, planned.door.division or here


def _next(door: Door, here: str, at: datetime, post: Post, now: datetime, rules: VisitRules) -> Planned:
    """A visit, if he makes it next: he is `here`, and done with what was before at `at`."""
    takes = _way(door, here, now, rules)
    arrives, leaves = at + takes, at + takes + rules.door
    overdue = _overdue(door, now, rules)
    turn = _turn(door, leaves, post, overdue >= _NONE, rules)
    if turn is VisitBand.OVERDUE:
        return Planned(door, turn, arrives, leaves, overdue.total_seconds())
    waited = max(_NONE, now - door.since) / rules.patience
    return Planned(door, turn, arrives, leaves, door.worth_fen * (1 + waited) / ((takes + rules.door) / _MINUTE))


def _way(door: Door, here: str, now: datetime, rules: VisitRules) -> timedelta:
    if door.stage is VisitStage.ARRIVED:
        return _NONE
    steps = distance(here, door.division, now.date())[0] if door.division else COUNTY
    return way(steps, rules)


def _overdue(door: Door, now: datetime, rules: VisitRules) -> timedelta:
    """By how long he has had it longer than he may; less than nothing: not yet."""
    limit = rules.limit.get(door.level) if door.level else None
    return now - door.since - limit if limit is not None else timedelta.min


def _turn(door: Door, leaves: datetime, post: Post, overdue: bool, rules: VisitRules) -> VisitBand:
    going = door.stage is VisitStage.ON_THE_WAY
    if door.stage is VisitStage.ARRIVED:
        return VisitBand.AT_THE_DOOR
    if door.level in rules.first:
        return VisitBand.GRAVE_ON_THE_WAY if going else VisitBand.GRAVE
    if going:
        return VisitBand.ON_THE_WAY
    if post.until is not None and leaves > post.until:
        return VisitBand.TOO_LATE
    return VisitBand.OVERDUE if overdue else VisitBand.BY_WORTH

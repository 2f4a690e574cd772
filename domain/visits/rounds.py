"""An officer's round: the order of their visits, and which visits no longer fit into the shift.

The next visit is the one in which a minute of the officer's time, travel included, saves the most money. But a grave
level never waits, and a visit that has waited too long comes before one that is worth more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from domain.calendar import local_date
from domain.casework.triage import at_stake, lost_within
from domain.policy import Policy
from domain.policy.visits import VisitRules
from domain.visits.travel import drive_between
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.people.rosters import Task

_MINUTE, _NONE = timedelta(minutes=1), timedelta(0)


class VisitBand(IntEnum):
    """The classes of visits, in the order in which they are made.

    AT_THE_DOOR: it has begun, and is finished. GRAVE_ON_THE_WAY, GRAVE: of a level that precedes all others; for it,
    the officer is called back from other visits. ON_THE_WAY: the officer is going there. OVERDUE: it has waited beyond
    its limit, the longest wait first. BY_WORTH: all others. TOO_LATE: it would end after the shift, so another officer
    should make it.
    """

    AT_THE_DOOR = 0
    GRAVE_ON_THE_WAY = 1
    GRAVE = 2
    ON_THE_WAY = 3
    OVERDUE = 4
    BY_WORTH = 5
    TOO_LATE = 6


@dataclass(frozen=True, slots=True)
class Door:
    """A visit that an officer has or may be given. `dispatch`: its id. `division`: code of the place. `since`: when it
    was given.

    `worth_fen`: the money (fen) that is expected to be lost if another visit is made first (see `worth`). `stage`: the
    last one reported, or None.
    """

    dispatch: str
    level: Level | None
    division: str | None
    worth_fen: int
    since: datetime
    stage: VisitStage | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """An officer's home division (its code), and the end of their duty (`until`; None: it does not matter)."""

    division: str
    until: datetime | None = None


class Planned(NamedTuple):  # made for each visit of each officer who may go: a frozen dataclass takes 2.5 times as long
    """A visit at its place in a round. `turn`: its band. `arrives`, `leaves`: the expected times at the door.

    `weight`: within a band, the greater comes first: the fen saved per minute of the officer's time, increased by
    waiting; for overdue visits, the seconds overdue.
    """

    door: Door
    turn: VisitBand
    arrives: datetime
    leaves: datetime
    weight: float

    @property
    def place(self) -> tuple[VisitBand, float, datetime, str]:
        """The sort key of the round, the smallest first: by band, then the greatest weight, the earliest task, the
        dispatch id.
        """
        return self.turn, -self.weight, self.door.since, self.door.dispatch


def worth(case: Case, policy: Policy) -> int:
    """Return the money (fen) that is expected to be lost if another visit is made before the one to this case.

    The delay is the policy's `visits.horizon`, from now. Money lost later is not counted.
    """
    return round(at_stake(case, policy) * lost_within(case, policy.visits.horizon, policy))


def door_of(task: Task) -> Door:
    """Return an officer's task as a visit of their round (a Door). `worth_fen` is the task's estimate, or 0 if it has
    none.
    """
    return Door(task.dispatch, task.level, task.division, task.worth_fen or 0, task.at, task.stage)


def in_order(doors: Iterable[Door], post: Post, now: datetime, rules: VisitRules) -> Iterator[Planned]:
    """Yield an officer's visits in the order in which to make them, with the expected times of arrival and departure;
    each is computed when it is requested.

    `doors`: the visits, in any order; `post`: where the officer starts, and when their duty ends; `rules`: travel
    times, the time at a door, and the limits of waiting.
    """
    left, at, here = list(doors), now, post.division
    while left:
        planned = min((_next(door, here, at, post, now, rules) for door in left), key=lambda each: each.place)
        left.remove(planned.door)
        yield planned
        at, here = planned.leaves, planned.door.division or here


def _next(door: Door, here: str, at: datetime, post: Post, now: datetime, rules: VisitRules) -> Planned:
    """Return the plan if this visit is made next, leaving from `here` at the time `at`."""
    takes = _way(door, here, now, rules)
    arrives, leaves = at + takes, at + takes + rules.door
    overdue = _overdue(door, now, rules)
    turn = _visit_band(door, leaves, post, overdue >= _NONE, rules)
    if turn is VisitBand.OVERDUE:
        return Planned(door, turn, arrives, leaves, overdue.total_seconds())
    waited = max(_NONE, now - door.since) / rules.patience
    return Planned(door, turn, arrives, leaves, door.worth_fen * (1 + waited) / ((takes + rules.door) / _MINUTE))


def _way(door: Door, here: str, now: datetime, rules: VisitRules) -> timedelta:
    if door.stage is VisitStage.ARRIVED:
        return _NONE
    return drive_between(here, door.division, local_date(now), rules) if door.division else rules.way.county


def _overdue(door: Door, now: datetime, rules: VisitRules) -> timedelta:
    """Return by how long the visit has waited beyond its limit: negative if it has not, `timedelta.min` if its level
    has no limit.
    """
    limit = rules.limit.get(door.level) if door.level else None
    return now - door.since - limit if limit is not None else timedelta.min


def _visit_band(door: Door, leaves: datetime, post: Post, overdue: bool, rules: VisitRules) -> VisitBand:
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

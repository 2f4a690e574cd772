"""Two policies over the same recorded signals: which cases one would raise and the other not, when, and how grave.

A case is its course: when it came to which level, and why. It lasts until its resident is settled, as he was in truth.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from domain.risk.replay import Raised, Tally, tally
from schemas.casework.inputs import Alert
from schemas.levels import Level
from schemas.people.residents import ResidentId

Name = tuple[ResidentId, int]
"""A case: whose it is, and how many of his were settled before."""

_NONE = timedelta(0)


class CaseDifference(StrEnum):
    """What the candidate does otherwise. A case may be sooner at one level and later at another."""

    MORE = "more"  # only the candidate raises it
    MISSED = "missed"  # only the other does
    GRAVER = "graver"
    MILDER = "milder"
    SOONER = "sooner"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Rise:
    """A case comes to a level, for these reasons, gravest first."""

    at: datetime
    level: Level
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A case as a policy would have raised it. `rises`: each to a graver level than the one before, at least one."""

    division: str
    rises: tuple[Rise, ...]

    @property
    def opened(self) -> datetime:
        return self.rises[0].at

    @property
    def level(self) -> Level:
        """The gravest that it came to."""
        return self.rises[-1].level

    def reached(self, level: Level) -> datetime | None:
        """When it first was that grave, or graver."""
        return next((rise.at for rise in self.rises if rise.level.rank >= level.rank), None)


@dataclass(slots=True)
class Courses:
    """The cases of one policy, as its alerts come."""

    found: dict[Name, Course] = field(default_factory=dict)
    _settled: Counter[ResidentId] = field(default_factory=Counter)

    def add(self, alert: Alert) -> None:
        """A case is opened or becomes graver; other news of it changes nothing here."""
        name = (alert.resident, self._settled[alert.resident])
        before = self.found.get(name)
        if before and alert.danger.level.rank <= before.level.rank:
            return
        rise = Rise(alert.signal_at, alert.danger.level, tuple(alert.danger.reasons))
        rises = (*before.rises, rise) if before else (rise,)
        self.found[name] = Course(alert.profile.division, rises)

    def settle(self, resident: ResidentId) -> None:
        """What is raised of the resident from now on is another case."""
        self._settled[resident] += 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One case that the two judge otherwise. `ahead`, `behind`: how much sooner and later the candidate is at most."""

    name: Name
    place: str
    changes: tuple[CaseDifference, ...]
    candidate: Course | None
    other: Course | None
    ahead: timedelta
    behind: timedelta

    @property
    def at(self) -> datetime:
        """When either opened it."""
        return min(course.opened for course in (self.candidate, self.other) if course)

    @property
    def level(self) -> Level:
        """The gravest that either came to."""
        found = (course.level for course in (self.candidate, self.other) if course)
        return max(found, key=lambda level: level.rank)


@dataclass(slots=True)
class Comparison:
    """All cases of both: counted, and one by one where they differ, the gravest first."""

    candidate: Tally = field(default_factory=Tally)
    other: Tally = field(default_factory=Tally)
    alike: int = 0
    changes: Counter[CaseDifference] = field(default_factory=Counter)
    places: Counter[tuple[str, CaseDifference]] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


def compare(
    candidate: Mapping[Name, Course],
    other: Mapping[Name, Course],
    since: datetime,
    place: Callable[[str], str],
    zone: tzinfo,
) -> Comparison:
    """What differs of the cases that either opens from `since` on. `place`: a division's station or prefecture."""
    found = Comparison()
    for name in sorted(candidate.keys() | other.keys()):
        mine, theirs = candidate.get(name), other.get(name)
        there = [course for course in (mine, theirs) if course]
        if max(course.opened for course in there) < since:
            continue
        where = place(there[0].division)
        _count(found.candidate, mine, since, where, zone)
        _count(found.other, theirs, since, where, zone)
        _tell(found, difference(name, mine, theirs, where))
    found.differences.sort(key=lambda each: (-each.level.rank, each.at, each.name))
    return found


def difference(name: Name, candidate: Course | None, other: Course | None, place: str) -> Difference:
    """How one case differs; without any change it does not. Raises ValueError when neither raises it."""
    if candidate is None and other is None:
        raise ValueError("a case that nobody raises does not differ")
    gaps = _gaps(candidate, other)
    ahead, behind = max(_NONE, *gaps), max(_NONE, *(-gap for gap in gaps))
    return Difference(name, place, _changes(candidate, other, ahead, behind), candidate, other, ahead, behind)


def _gaps(candidate: Course | None, other: Course | None) -> Sequence[timedelta]:
    """By how much the candidate is sooner (negative: later) at each level that both come to."""
    if candidate is None or other is None:
        return (_NONE,)
    moments = ((candidate.reached(level), other.reached(level)) for level in Level)
    return [theirs - mine for mine, theirs in moments if mine and theirs]


def _changes(
    candidate: Course | None, other: Course | None, ahead: timedelta, behind: timedelta
) -> tuple[CaseDifference, ...]:
    if candidate is None or other is None:
        return (CaseDifference.MORE,) if candidate else (CaseDifference.MISSED,)
    graver = candidate.level.rank - other.level.rank
    found = {
        CaseDifference.GRAVER: graver > 0,
        CaseDifference.MILDER: graver < 0,
        CaseDifference.SOONER: ahead > _NONE,
        CaseDifference.LATER: behind > _NONE,
    }
    return tuple(change for change, true in found.items() if true)


def _count(counted: Tally, course: Course | None, since: datetime, place: str, zone: tzinfo) -> None:
    if course and course.opened >= since:
        counted.add(tally([Raised(course.opened, course.level)], place, zone))


def _tell(found: Comparison, one: Difference) -> None:
    if not one.changes:
        found.alike += 1
        return
    found.changes.update(one.changes)
    found.places.update((one.place, change) for change in one.changes)
    found.differences.append(one)

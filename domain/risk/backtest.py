"""Compares two policies over the same recorded signals: the cases that only one of them raises, or raises differently.

A case is described by its course: when it reached which level, and why. It lasts until its resident was settled in
reality.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from domain.risk.replay import Raised, Tally, tally
from schemas.casework.inputs import Alert
from schemas.codes.danger import DangerCode
from schemas.levels import Level
from schemas.people.residents import ResidentId

Name = tuple[ResidentId, int]
"""A case: its resident, and how many of the resident's cases were settled before."""

_NONE = timedelta(0)


class CaseDifference(StrEnum):
    """The kinds of differences between the candidate policy's and the other policy's treatment of a case. A case may be
    sooner at one level and later at another.

    MORE: only the candidate opens it. MISSED: only the other policy does. GRAVER, MILDER: its gravest level is higher,
    or lower. SOONER, LATER: it reaches a level sooner, or later.
    """

    MORE = "more"
    MISSED = "missed"
    GRAVER = "graver"
    MILDER = "milder"
    SOONER = "sooner"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Rise:
    """The moment at which a case reached a level, with the reasons, the gravest first."""

    at: datetime
    level: Level
    reasons: tuple[DangerCode, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The development of a case under one policy. `division`: the resident's division code. `rises`: when it reached
    which level, at least one, each of a graver level than the one before.
    """

    division: str
    rises: tuple[Rise, ...]

    @property
    def opened_at(self) -> datetime:
        """The time at which the case was opened: its first rise."""
        return self.rises[0].at

    @property
    def level(self) -> Level:
        """The gravest level that the case reached."""
        return self.rises[-1].level

    def reached(self, level: Level) -> datetime | None:
        """Return the time at which the case first reached this level or a graver one, or None if it never did."""
        return next((rise.at for rise in self.rises if rise.level.rank >= level.rank), None)


@dataclass(slots=True)
class Courses:
    """Collects the cases that one policy opens, from its alerts.

    `found`: the course of each case, by its resident and the number of the resident's cases that were settled before.
    """

    found: dict[Name, Course] = field(default_factory=dict)
    _settled: Counter[ResidentId] = field(default_factory=Counter)

    def add(self, alert: Alert) -> None:
        """Apply an alert, in place: it opens a case or raises the level of an open one. An alert at the case's level or
        below has no effect.
        """
        name = (alert.resident, self._settled[alert.resident])
        before = self.found.get(name)
        if before and alert.danger.level.rank <= before.level.rank:
            return
        rise = Rise(alert.signal_at, alert.danger.level, tuple(alert.danger.reasons))
        rises = (*before.rises, rise) if before else (rise,)
        self.found[name] = Course(alert.profile.division, rises)

    def settle(self, resident: ResidentId) -> None:
        """End the resident's present case, in place: the resident's next alert opens another one. It is counted also if
        this policy has opened no case, so that later cases have the same number under every policy.
        """
        self._settled[resident] += 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One case under two policies. `name`: its resident, and the number of their cases that were settled before.
    `candidate`, `other`: its course under each; None: that policy never opens the case.

    `place`: its station or prefecture. `changes`: empty if both policies treat the case alike. `ahead`, `behind`: the
    longest time by which the candidate reached a level sooner, and later; 0 if never.
    """

    name: Name
    place: str
    changes: tuple[CaseDifference, ...]
    candidate: Course | None
    other: Course | None
    ahead: timedelta
    behind: timedelta

    @property
    def at(self) -> datetime:
        """The time at which the first of the two policies opened the case."""
        return min(course.opened_at for course in (self.candidate, self.other) if course)

    @property
    def level(self) -> Level:
        """The gravest level that the case reached under either policy."""
        found = (course.level for course in (self.candidate, self.other) if course)
        return max(found, key=lambda level: level.rank)


@dataclass(slots=True)
class Comparison:
    """The result of `compare`: counts of all cases, and each case that differs, the gravest first.

    `candidate`, `other`: tallies of the cases of each policy. `alike`: the number of cases without a difference.
    `changes`, `places`: numbers of differences by kind, and by place and kind.
    """

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
    """Return the comparison of the cases that at least one of the policies opens at or after `since`. Its list has the
    cases that differ: the gravest first, then the earliest.

    `candidate`, `other`: the cases of each policy. `place`: returns the station or prefecture of a division code.
    `zone`: the time zone of the days by which cases are counted. Each tally counts only the cases that its own policy
    opens at or after `since`.
    """
    found = Comparison()
    for name in sorted(candidate.keys() | other.keys()):
        mine, theirs = candidate.get(name), other.get(name)
        there = [course for course in (mine, theirs) if course]
        if max(course.opened_at for course in there) < since:
            continue
        where = place(there[0].division)
        _count(found.candidate, mine, since, where, zone)
        _count(found.other, theirs, since, where, zone)
        _tell(found, difference(name, mine, theirs, where))
    found.differences.sort(key=lambda each: (-each.level.rank, each.at, each.name))
    return found


def difference(name: Name, candidate: Course | None, other: Course | None, place: str) -> Difference:
    """Return how two policies treat one case; its `changes` are empty if both treat it alike. `candidate`, `other`: the
    case's course under each policy, None if that policy never opens it. `place`: the station or prefecture of the case.

    Raises ValueError if neither policy opens the case (both None).
    """
    if candidate is None and other is None:
        raise ValueError("a case that nobody raises does not differ")
    gaps = _gaps(candidate, other)
    ahead, behind = max(_NONE, *gaps), max(_NONE, *(-gap for gap in gaps))
    return Difference(name, place, _changes(candidate, other, ahead, behind), candidate, other, ahead, behind)


def _gaps(candidate: Course | None, other: Course | None) -> Sequence[timedelta]:
    """Return by how much the candidate is sooner (negative: later) at each level that both reach."""
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
    if course and course.opened_at >= since:
        counted.add(tally([Raised(course.opened_at, course.level)], place, zone))


def _tell(found: Comparison, one: Difference) -> None:
    if not one.changes:
        found.alike += 1
        return
    found.changes.update(one.changes)
    found.places.update((one.place, change) for change in one.changes)
    found.differences.append(one)

"""Replays the stored evidence of some days under a policy: which cases it would have opened, when, and at which level.

Stored evidence is what screening kept: the latest state of each item, and a limited number of items for each resident.
So signals that were no evidence under the policy in force (a payment below its least amount) are missing, and an ended
call counts from its end. Each resident has one case until they are settled, as in reality.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from domain.policy import load
from domain.policy.risk import RiskRules
from domain.risk import assess
from schemas.casework.cases import Profile
from schemas.levels import Level
from schemas.risk.evidence import Evidence, PriorLoss

MOST_MOMENTS = 200  # examined for one resident: a set has at most 512 members, and each may be a moment


@dataclass(frozen=True, slots=True)
class Known:
    """The stored evidence about a resident, without their identity. `settled`: when their last case was settled, or
    None. `lost`: their latest loss, after which levels are reached earlier for a time (see domain/risk/shield), or
    None.
    """

    evidence: tuple[Evidence, ...]
    profile: Profile
    settled: datetime | None = None
    lost: PriorLoss | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """A case that a policy would have opened at `at`, with the gravest level that it would have reached."""

    at: datetime
    level: Level


@dataclass(slots=True)
class Tally:
    """Numbers of cases. `days`: by day and level; `stations`: by station and level.

    A case counts on the day on which it opens, with its gravest level.
    """

    days: Counter[tuple[date, Level]] = field(default_factory=Counter)
    stations: Counter[tuple[str, Level]] = field(default_factory=Counter)

    @property
    def levels(self) -> Counter[Level]:
        """The number of cases by level."""
        return _by_second(self.days)

    def add(self, other: "Tally") -> None:
        """Add the numbers of another tally to this one, in place."""
        self.days.update(other.days)
        self.stations.update(other.stations)


def replay(known: Known, rules: RiskRules, since: datetime, until: datetime) -> list[Raised]:
    """Return the cases that these rules would have opened after `since` and until `until` (inclusive), the earliest
    first; each has the gravest level that it would have reached by `until` or its settlement.

    A case that was open at `since` is not included.
    """
    found: list[Raised] = []
    standing = _level(known, rules, since)  # the level of a case from before, which goes on
    opened: datetime | None = None
    for at in _moments(known, rules, since, until):
        if known.settled and (opened or since) <= known.settled <= at:
            standing, opened = None, None
        level = _level(known, rules, at)
        if level is None or (standing and level.rank <= standing.rank):
            continue
        if opened is None and standing is None:
            opened = at
            found.append(Raised(at, level))
        elif opened is not None:
            found[-1] = Raised(opened, level)
        standing = level
    return found


def tally(cases: Iterable[Raised], station: str, zone: tzinfo) -> Tally:
    """Return a tally of the cases of one resident, whose station is `station`. `zone`: the time zone of the days."""
    counted = Tally()
    for case in cases:
        counted.days[case.at.astimezone(zone).date(), case.level] += 1
        counted.stations[station, case.level] += 1
    return counted


def _by_second(counts: Mapping[tuple[date, Level], int]) -> Counter[Level]:
    found: Counter[Level] = Counter()
    for (_, level), count in counts.items():
        found[level] += count
    return found


def _moments(known: Known, rules: RiskRules, since: datetime, until: datetime) -> Iterator[datetime]:
    """Return the moments at which the risk may have risen: when evidence arrived, and when an ongoing call
    became long.
    """
    marks: set[datetime] = set()
    for member in known.evidence:
        marks.add(_known_at(member))
        if member.ongoing:
            marks.add(member.at + rules.call.long)
    ordered = sorted(mark for mark in marks if since < mark <= until)
    yield from _thinned(ordered)


def _thinned(ordered: Sequence[datetime]) -> Sequence[datetime]:
    if len(ordered) <= MOST_MOMENTS:
        return ordered
    step = len(ordered) / MOST_MOMENTS
    return [ordered[int(number * step)] for number in range(MOST_MOMENTS - 1)] + [ordered[-1]]


def _level(known: Known, rules: RiskRules, at: datetime) -> Level | None:
    members = [member for member in known.evidence if _known_at(member) <= at]
    settled = known.settled if known.settled and known.settled <= at else None
    danger = assess(members, known.profile, rules, at, settled, known.lost).danger
    return danger.level if danger else None


def _known_at(member: Evidence) -> datetime:
    """Return when the evidence was known in its present state: a call at its end, a payment once its payee was a
    suspect.
    """
    ended = member.at if member.ongoing else member.at + timedelta(seconds=member.seconds)
    return max(ended, member.watch_at) if member.watch_at else ended


@dataclass(frozen=True, slots=True)
class Raw:
    """The same data as `Known`, in a form that can be passed to another process: the pieces of evidence as JSON,
    `settled` in ISO 8601 or None, the resident's station, and the loss (`lost`) as JSON or None.
    """

    profile: Profile
    evidence: tuple[bytes, ...]
    settled: str | None
    station: str
    lost: bytes | None = None


def replayed(
    texts: tuple[str, ...], chunk: Sequence[Raw], since: datetime, until: datetime, zone: tzinfo
) -> tuple[Tally, ...]:
    """Return a tally for each policy text (TOML), in order: of the cases that `replay` finds for the residents in
    `chunk`.

    `since` is exclusive, `until` inclusive; `zone`: the time zone of the days. Raises PolicyError if a text is not a
    valid policy. The function runs in another process, so its arguments are plain data.
    """
    tallies = tuple(Tally() for _ in texts)
    for raw in chunk:
        evidence = tuple(Evidence.model_validate_json(each) for each in raw.evidence)
        lost = PriorLoss.model_validate_json(raw.lost) if raw.lost else None
        known = Known(evidence, raw.profile, datetime.fromisoformat(raw.settled) if raw.settled else None, lost)
        for counted, text in zip(tallies, texts, strict=True):
            counted.add(tally(replay(known, _policy(text).risk, since, until), raw.station, zone))
    return tallies


_policy = lru_cache(maxsize=4)(load)

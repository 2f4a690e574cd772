"""The evidence of some days judged again by a policy: which cases it would have raised, when, and how grave.

Evidence is what screening kept: the latest state of each, bounded for each resident. So what never was evidence under
the policy in force (a payment below its least amount) is not seen, and a call that has ended counts from its end. Each
resident is one case until he is settled, as he was in truth.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache

from domain.policy import Policy, load
from domain.policy.risk import RiskRules
from domain.risk import assess
from schemas.casework.cases import Profile
from schemas.levels import Action, Level
from schemas.risk.evidence import Evidence

MOST_MOMENTS = 200  # of one resident: a set holds at most 512 members, and each may be a moment


@dataclass(frozen=True, slots=True)
class Known:
    """A resident's evidence, without saying who it is. `settled`: when a case of his was last settled."""

    evidence: tuple[Evidence, ...]
    profile: Profile
    settled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """A case that would have been opened at `at`, and the gravest level it came to."""

    at: datetime
    level: Level


@dataclass(slots=True)
class Tally:
    """Cases by day and level, and by station and level; a case counts on the day on which it opens."""

    days: Counter[tuple[date, Level]] = field(default_factory=Counter)
    stations: Counter[tuple[str, Level]] = field(default_factory=Counter)

    @property
    def levels(self) -> Counter[Level]:
        return _by_second(self.days)

    def add(self, other: "Tally") -> None:
        self.days.update(other.days)
        self.stations.update(other.stations)


def replay(known: Known, rules: RiskRules, since: datetime, until: datetime) -> list[Raised]:
    """The cases that these rules would have opened between the two moments. What was open before is none of them."""
    found: list[Raised] = []
    standing = _level(known, rules, since)  # a case of before: it goes on
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
    """Counts one resident's cases."""
    counted = Tally()
    for case in cases:
        counted.days[case.at.astimezone(zone).date(), case.level] += 1
        counted.stations[station, case.level] += 1
    return counted


def visit_levels(policy: Policy) -> frozenset[Level]:
    """The levels whose plan sends somebody to the door."""
    return frozenset(
        level
        for level, plan in policy.plan.levels.items()
        if any(step.action is Action.VISIT for step in plan.steps.values())
    )


def visit_hours(cases: Mapping[Level, int], policy: Policy, visit: timedelta) -> float:
    """Hours that the visits of these cases take at most: as many as are planned, though some are settled before."""
    visited = visit_levels(policy)
    return sum(count for level, count in cases.items() if level in visited) * visit.total_seconds() / 3600


def _by_second(counts: Mapping[tuple[date, Level], int]) -> Counter[Level]:
    found: Counter[Level] = Counter()
    for (_, level), count in counts.items():
        found[level] += count
    return found


def _moments(known: Known, rules: RiskRules, since: datetime, until: datetime) -> Iterator[datetime]:
    """When the risk may have risen: as evidence came, and as a call that went on became a long one."""
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
    danger = assess(members, known.profile, rules, at, settled).danger
    return danger.level if danger else None


def _known_at(member: Evidence) -> datetime:
    """When it was known as it is known now: a call with its end, a payment to a suspect once he was one."""
    ended = member.at if member.ongoing else member.at + timedelta(seconds=member.seconds)
    return max(ended, member.watch_at) if member.watch_at else ended


@dataclass(frozen=True, slots=True)
class Raw:
    """A resident as he is handed to another process: the evidence as JSON, `settled` in ISO 8601, where he belongs."""

    profile: Profile
    evidence: tuple[bytes, ...]
    settled: str | None
    station: str


def judged(
    texts: tuple[str, ...], chunk: Sequence[Raw], since: datetime, until: datetime, zone: tzinfo
) -> tuple[Tally, ...]:
    """What each of these policies would have raised of the residents. A plain function: it runs in its own process."""
    tallies = tuple(Tally() for _ in texts)
    for raw in chunk:
        evidence = tuple(Evidence.model_validate_json(each) for each in raw.evidence)
        known = Known(evidence, raw.profile, datetime.fromisoformat(raw.settled) if raw.settled else None)
        for counted, text in zip(tallies, texts, strict=True):
            counted.add(tally(replay(known, _policy(text).risk, since, until), raw.station, zone))
    return tallies


_policy = lru_cache(maxsize=4)(load)

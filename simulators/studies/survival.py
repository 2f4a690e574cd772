"""Kaplan-Meier curves of residents not defrauded after a warning, by level, channel or station. Needs the extra
`lab`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.identity.divisions import name_of
from schemas.casework.cases import Case
from schemas.levels import GRAVEST_FIRST, Channel, Level, Outcome, Result
from schemas.people.residents import ResidentId
from simulators.world.truth import Contact, Fate, Truth

SURE = 0.95  # confidence of the intervals
_COUNTY = 6  # digits of a division code that identify the county
_REACHED = frozenset(
    {Result.DELIVERED, Result.ACKNOWLEDGED, Result.WANTS_OPERATOR, Result.HUNG_UP, *Outcome} - {Outcome.UNREACHABLE}
)


@dataclass(frozen=True, slots=True)
class Followed:
    """A resident after a warning (at `warned_at`), until they were defrauded or until the observation ended (`until`).

    `defrauded`: True if they were. `level`: the highest of their cases. `channel`: the channel of the warning.
    `division`: the code of their home. `first`: True if no other channel had reached them before.
    """

    warned_at: datetime
    until: datetime
    defrauded: bool
    level: Level
    channel: Channel
    division: str
    first: bool = True

    @property
    def days(self) -> float:
        """Return the days from the warning to `until`, with fractions; at least 0."""
        return max(0.0, (self.until - self.warned_at) / timedelta(days=1))


class Point(NamedTuple):
    """The share (0 to 1) of people not defrauded by the day `days` (after the warning), in force until the next point.
    `low`, `high`: the ends of its 95 % interval.
    """

    days: float
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A group's Kaplan–Meier curve: number of people, number of those defrauded, and the falling share of those who are
    not (`points`, from day 0 on).
    """

    people: int
    defrauded: int
    points: Sequence[Point]

    def at(self, days: float) -> Point:
        """Return the last point of the curve that is not later than `days` days after the warning. Raises ValueError
        for a negative number of days.
        """
        if days < 0:
            raise ValueError("nobody is followed from before the warning")
        return [point for point in self.points if point.days <= days][-1]


def followed(cases: Iterable[Case], truth: Truth, now: datetime) -> Iterator[Followed]:
    """Yield a row for each resident and each channel that reached them by `now`, from the channel's first contact on,
    ordered by resident id.

    A resident counts as defrauded if a payment made after this contact settled by `now`. Residents without a case are
    left out.
    """
    levels = _levels(cases)
    for resident, channels in sorted(_reached(truth.contacts, now).items()):
        if resident not in levels:
            continue
        level, division = levels[resident]
        for channel, at in channels.items():
            lost_at = _lost_at(resident, truth, at, now)
            first = at == min(channels.values())
            yield Followed(at, lost_at or now, lost_at is not None, level, channel, division, first)


def survival(rows: Iterable[Followed], by: Callable[[Followed], str]) -> dict[str, Curve]:
    """Return the Kaplan–Meier curve of each group of rows, keyed by the group's name, in the order of the names. `by`:
    a function that returns the name of a row's group.
    """
    groups: defaultdict[str, list[Followed]] = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    return {name: curve(members) for name, members in sorted(groups.items())}


def curve(rows: Sequence[Followed]) -> Curve:
    """Return the Kaplan–Meier estimate of the share of people not defrauded, with its 95 % intervals. Raises ValueError
    if `rows` is empty, and ModuleNotFoundError without the package lifelines.
    """
    from lifelines import KaplanMeierFitter

    if not rows:
        raise ValueError("there is nobody to be followed")
    defrauded = [row.defrauded for row in rows]
    fitter = KaplanMeierFitter(alpha=1 - SURE).fit([row.days for row in rows], event_observed=defrauded)
    shares, bounds = fitter.survival_function_, fitter.confidence_interval_
    columns = (shares.index, shares.iloc[:, 0], bounds.iloc[:, 0], bounds.iloc[:, 1], fitter.event_table["at_risk"])
    points = [_point(*(float(value) for value in row)) for row in zip(*columns, strict=True)]
    return Curve(len(rows), sum(defrauded), points)


def _point(days: float, share: float, low: float, high: float, followed: float) -> Point:
    """Return a point of a curve. Before the first loss the estimate has no error, so the lower end is the exact one for
    0 events.
    """
    none_of = (1 - SURE) / 2
    return Point(days, share, none_of ** (1 / followed) if days > 0 and share == 1 else low, high)


def by_level(row: Followed) -> str:
    """Return the value of the level of the row, such as "red"."""
    return row.level.value


def by_channel(row: Followed) -> str:
    """Return the value of the channel of the row's warning, such as "sms"."""
    return row.channel.value


def by_station(row: Followed) -> str:
    """Return the Chinese name of the county where the resident lives. It stands for the police station, because each
    county has one.
    """
    return name_of(row.division[:_COUNTY], row.warned_at.date())


def by_each(rows: Sequence[Followed]) -> dict[str, dict[str, Curve]]:
    """Return the Kaplan–Meier curves, keyed by kind of group ("level", "channel", "station"), then by group.

    By level and station, a curve begins with the first contact that reached a resident; by channel, with the channel's
    own first contact. Levels without residents are missing; the gravest level comes first.
    """
    first = [row for row in rows if row.first]
    levels = survival(first, by_level)
    return {
        "level": {level.value: levels[level.value] for level in GRAVEST_FIRST if level.value in levels},
        "channel": survival(rows, by_channel),
        "station": survival(first, by_station),
    }


def _levels(cases: Iterable[Case]) -> Mapping[ResidentId, tuple[Level, str]]:
    """Return by resident id (the highest level of their cases, division code of their home)."""
    found: dict[ResidentId, tuple[Level, str]] = {}
    for case in cases:
        known = found.get(case.resident)
        if known is None or case.level.rank > known[0].rank:
            found[case.resident] = case.level, case.profile.division
    return found


def _reached(contacts: Iterable[Contact], now: datetime) -> Mapping[ResidentId, dict[Channel, datetime]]:
    """Return by resident id, then by channel, when the channel first reached the resident. Contacts with trusted
    contacts and banks do not count.
    """
    found: defaultdict[ResidentId, dict[Channel, datetime]] = defaultdict(dict)
    for contact in contacts:
        if contact.result not in _REACHED or contact.action.to_contact or contact.at > now:
            continue
        channel, theirs = contact.action.channel, found[contact.resident]
        theirs[channel] = min(contact.at, theirs.get(channel, contact.at))
    return found


def _lost_at(resident: ResidentId, truth: Truth, warned_at: datetime, now: datetime) -> datetime | None:
    """Return when the first payment made after the warning settled, or None if none did by `now`."""
    life = truth.lives.get(resident)
    fates = truth.fates(life, now) if life else ()
    after = (pay.settles for pay, fate in fates if fate is Fate.SETTLED and pay.at >= warned_at)
    return min(after, default=None)

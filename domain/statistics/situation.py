"""The fraud situation: numbers of cases and money by kind, place, means and group, by the day on which cases began.

It is folded from the journal: each case counts once, in its highest version, whatever the order of the events.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from domain.calendar import day_of
from domain.identity.identifiers import stated_age, stated_occupation, stated_sex
from domain.payments import ledger
from domain.payments.estimate import EstimateInterval, estimate_of
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.codes.danger import (
    DangerCode,
    OngoingCall,
    OwnReport,
    PaymentMade,
    PaymentUnderWay,
    ScamApp,
    ScamSms,
    SuspiciousCall,
)
from schemas.levels import Outcome

DAYS = 35  # days kept: four whole weeks and the present one
MOST_CASES = 500_000  # cases kept, about 0.4 kB each; beyond it the oldest day is dropped
FEW = 5  # a smaller number of cases of an area or group is hidden: somebody might be identified

# The means of contact that a reason's code tells of.
MEANS: Mapping[type[DangerCode], str] = {
    SuspiciousCall: "call",
    OngoingCall: "call",
    ScamSms: "sms",
    ScamApp: "app",
    PaymentUnderWay: "payment",
    PaymentMade: "payment",
    OwnReport: "report",
}
_BANDS = ((18, "under_18"), (30, "18_29"), (45, "30_44"), (60, "45_59"))
OLDEST = "60_over"
NOT_ASKED = "not_asked"

Mark = tuple[str, str, str]
"""The key of a sum: a dimension (`all` has one value), its value, and the sum's name."""


class Sums(NamedTuple):
    """Sums over some cases: numbers of cases, and money in fen.

    `dissuaded_evidenced`: the resident answered a call or was met. `dissuaded_stated`: only somebody's statement says
    so. `kept_a` to `kept_d`: loss avoided by evidence class; D is modelled, and never added to the others.
    """

    cases: int = 0
    dissuaded_evidenced: int = 0
    dissuaded_stated: int = 0
    lost: int = 0
    kept_a: int = 0
    kept_b: int = 0
    kept_c: int = 0
    kept_d: int = 0
    frozen: int = 0

    @property
    def kept(self) -> int:
        """Loss avoided in the evidence classes A, B and C, in fen."""
        return self.kept_a + self.kept_b + self.kept_c

    @property
    def estimate(self) -> EstimateInterval:
        """The estimate of the loss avoided in class D, with its interval, in fen."""
        return estimate_of(self.kept_d)


class CaseContribution(NamedTuple):
    """The share of one case in the sums, by its latest known version (`version`). `values`: pairs of a dimension and
    the case's value in it, such as ("level", "red").
    """

    version: int
    division: str
    values: tuple[tuple[str, str], ...]  # dimension and value
    sums: Sums


class Row(NamedTuple):
    """A line of a table: the sums of one value of a dimension. `hidden`: True if it has 1 to 4 cases, or if it would
    reveal another row that has. The sums are in it all the same.
    """

    value: str
    sums: Sums
    hidden: bool = False


@dataclass(slots=True)
class Situation:
    """Sums of cases by day and division, so that a person can be shown only their own area. `add` updates them.

    The object keeps the latest 35 days on which cases began, and at most 500,000 cases; older days are dropped.
    """

    # day -> case -> contribution
    _days: dict[str, dict[str, CaseContribution]] = field(default_factory=lambda: defaultdict(dict))
    _cells: dict[tuple[str, str], Counter[Mark]] = field(default_factory=lambda: defaultdict(Counter))
    _cases: int = 0
    _dropped: str = ""  # the latest day that was dropped

    def add(self, event: CaseEvent) -> None:
        """Add an event, in place. Repetition and order of events do not matter; a case of a dropped day is ignored."""
        case = event.case
        day = day_of(case.opened_at)
        if day <= self._dropped or (self._days and day < _days_before(max(self._days), DAYS - 1)):
            return
        known = self._days[day].get(case.id)
        if known is not None and known.version >= case.version:
            return
        seen = self._days[day][case.id] = _seen(case)
        if known is not None and known[1:] == seen[1:]:
            return  # most events change none of these figures
        if known is not None:
            self._count(day, known, -1)
        self._count(day, seen, 1)
        if known is None:
            self._cases += 1
            self._forget()

    def days(self) -> list[str]:
        """Return the days on which the cases that are kept began (YYYY-MM-DD, in Jilin), the earliest first."""
        return sorted(day for day, cases in self._days.items() if cases)

    def total(self, sees: Callable[[str], bool], days: Iterable[str]) -> Counter[Mark]:
        """Return all sums over the cases that began on these days, by (dimension, value, name of the sum), such as
        ("level", "red", "cases"). Only divisions for which `sees` returns True count.
        """
        wanted = set(days)
        added: Counter[Mark] = Counter()
        for (day, division), cell in self._cells.items():
            if day in wanted and sees(division):
                added.update(cell)
        return added

    def by_day(self, sees: Callable[[str], bool], days: Iterable[str]) -> dict[str, Sums]:
        """Return the sums of all cases for each of `days`, the days on which cases began; zeros if there are no cases.

        Only divisions for which `sees` returns True count.
        """
        found: dict[str, Counter[Mark]] = {day: Counter() for day in days}
        for (day, division), cell in self._cells.items():
            if day in found and sees(division):
                found[day].update({mark: n for mark, n in cell.items() if mark[0] == "all"})
        return {day: sums_of(total, "all", "") for day, total in found.items()}

    def cases_by(self, sees: Callable[[str], bool], days: Sequence[str], dimension: str) -> dict[str, list[int]]:
        """Return, by value of a dimension ("scam", "level", ...), the numbers of cases, one for each of `days`, in that
        order.

        Only divisions for which `sees` returns True count.
        """
        place = {day: number for number, day in enumerate(days)}
        found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(days))
        for (day, division), cell in self._cells.items():
            if day in place and sees(division):
                for (of, value, name), n in cell.items():
                    if of == dimension and name == "cases":
                        found[value][place[day]] += n
        return dict(found)

    def by_area(self, sees: Callable[[str], bool], days: Iterable[str], digits: int) -> list[Row]:
        """Return the sums of the cases of these days by the first `digits` of the division code, as rows, the most
        cases first, then by code. No row is hidden.

        Only divisions for which `sees` returns True count.
        """
        wanted = set(days)
        found: defaultdict[str, Counter[Mark]] = defaultdict(Counter)
        for (day, division), cell in self._cells.items():
            if day in wanted and sees(division):
                found[division[:digits]].update({mark: n for mark, n in cell.items() if mark[0] == "all"})
        return _ordered(Row(area, sums_of(total, "all", "")) for area, total in found.items())

    def _count(self, day: str, seen: CaseContribution, sign: int) -> None:
        cell = self._cells[day, seen.division]
        for mark, n in _marks(seen):
            cell[mark] += sign * n
            if not cell[mark]:
                del cell[mark]

    def _forget(self) -> None:
        oldest = _days_before(max(self._days), DAYS - 1)
        for day in [day for day in self._days if day < oldest]:
            self._drop(day)
        while self._cases > MOST_CASES and len(self._days) > 1:
            self._drop(min(self._days))

    def _drop(self, day: str) -> None:
        self._dropped = max(self._dropped, day)
        self._cases -= len(self._days.pop(day))
        for cell in [cell for cell in self._cells if cell[0] == day]:
            del self._cells[cell]


def sums_of(total: Counter[Mark], dimension: str, value: str) -> Sums:
    """Return the sums of one value of a dimension, from the totals that `Situation.total` returns."""
    return Sums(*(total[dimension, value, name] for name in Sums._fields))


def table(total: Counter[Mark], dimension: str) -> list[Row]:
    """Return a row for each value of a dimension, the most cases first, then by value. No row is hidden. `total`: as
    `Situation.total` returns it.
    """
    values = {mark[1] for mark in total if mark[0] == dimension}
    return _ordered(Row(value, sums_of(total, dimension, value)) for value in values)


def discreet(rows: Sequence[Row]) -> list[Row]:
    """Return all rows in the given order, those with 1 to 4 cases marked as hidden. If exactly one row has so few, the
    row with the fewest of the other cases is hidden too: otherwise the total would reveal the first one.
    """
    few = {row.value for row in rows if 0 < row.sums.cases < FEW}
    others = sorted((row for row in rows if row.sums.cases >= FEW), key=lambda row: row.sums.cases)
    if len(few) == 1 and others:
        few.add(others[0].value)
    return [row._replace(hidden=row.value in few) for row in rows]


def weeks(by_day: dict[str, Sums]) -> dict[str, Sums]:
    """Return the daily sums added up by ISO week, such as "2026-W10", the earliest week first; weeks without a day in
    `by_day` are left out. `by_day`: sums by day (YYYY-MM-DD).
    """
    found: dict[str, Sums] = {}
    for day, sums in sorted(by_day.items()):
        year, week, _ = date.fromisoformat(day).isocalendar()
        name = f"{year}-W{week:02d}"
        found[name] = _plus(found.get(name, Sums()), sums)
    return found


def last_days(latest: str, number: int) -> list[str]:
    """Return `number` consecutive days (YYYY-MM-DD) up to and including `latest`, the earliest first."""
    return [_days_before(latest, back) for back in reversed(range(number))]


def means_of(reasons: Iterable[DangerCode]) -> set[str]:
    """Return the means by which the resident was approached, from the reasons: "call", "sms", "app", "payment",
    "report".

    {"other"} if none is known. Reasons of combination rules are skipped: their kinds of evidence are among the others.
    """
    return {MEANS[type(reason)] for reason in reasons if type(reason) in MEANS} or {"other"}


def age_band(years: int) -> str:
    """Return the band of an age in years: "under_18", "18_29", "30_44", "45_59" or "60_over"."""
    return next((name for under, name in _BANDS if years < under), OLDEST)


def _seen(case: Case) -> CaseContribution:
    totals = ledger.of_case(case)
    money = (totals.lost, totals.kept_a, totals.kept_b, totals.kept_c, totals.kept_d, totals.frozen)
    return CaseContribution(
        case.version,
        case.profile.division,
        tuple(_values(case)),
        Sums(1, totals.dissuaded_evidenced, totals.dissuaded_stated, *money),
    )


def _values(case: Case) -> Iterator[tuple[str, str]]:
    profile = case.profile
    yield "level", case.level.value
    yield "scam", case.danger.scam_type
    yield from (("means", means) for means in sorted(means_of(case.danger.reasons)))
    age = stated_age(profile, case.opened_at)
    yield "occupation", stated_occupation(profile) or NOT_ASKED
    yield "age", NOT_ASKED if age is None else age_band(age)
    yield "sex", stated_sex(profile) or NOT_ASKED
    yield "outcome", case.outcome.value if case.outcome else "open" if case.open else "none"
    if case.outcome is Outcome.DISSUADED and case.ground:
        yield "ground", case.ground.value


def _marks(seen: CaseContribution) -> Iterator[tuple[Mark, int]]:
    for dimension, value in (("all", ""), *seen.values):
        for name, n in zip(Sums._fields, seen.sums, strict=True):
            if n:
                yield (dimension, value, name), n


def _ordered(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.sums.cases, row.value))


def _plus(one: Sums, other: Sums) -> Sums:
    return Sums(*(a + b for a, b in zip(one, other, strict=True)))


def _days_before(day: str, number: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=number)).isoformat()

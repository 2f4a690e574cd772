"""The police's records of frauds by month, source and area, kept up to date as records are matched and erased.

How many came, by what they were matched to a resident, how surely, and for which reason to nobody.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.calendar import day_of
from schemas.risk.reported_frauds import FOR_A_PERSON, FraudMatch, MatchedBy, MatchStrength, UnmatchedReason

MONTHS = 13  # kept: the latest one and a year before it
MOST_RECORDS = 300_000  # kept, about 0.5 kB each; beyond it the oldest month is dropped

Sees = Callable[[str], bool]
"""Whether a person's area has a division's code; "" stands for a record whose place is not known."""


class _Matched(Protocol):
    @property
    def by(self) -> MatchedBy | None: ...
    @property
    def strength(self) -> MatchStrength | None: ...
    @property
    def why(self) -> UnmatchedReason | None: ...


def marks_of(record: _Matched) -> Iterator[str]:
    """Yield the names of the counts that a record increases by one, such as "received", "matched_by|id_number",
    "strength|certain" or "unmatched|conflict".
    """
    yield "received"
    if record.by is not None:
        yield f"matched_by|{record.by.value}"
    if record.strength is not None:
        yield f"strength|{record.strength.value}"
    if record.why is not None:
        yield f"unmatched|{record.why.value}"


class RecordTotals(NamedTuple):
    """Numbers of records: `received`, all; `matched_by`, `strength`: matched to a resident, by the kind of data and by
    how sure the match is, without zeros; `unmatched`: matched to nobody, by each reason.
    """

    received: int
    matched_by: dict[str, int]
    strength: dict[str, int]
    unmatched: dict[str, int]

    @classmethod
    def of(cls, marks: Mapping[str, int]) -> "RecordTotals":
        """Return the totals of counts by name, as `marks_of` names them."""
        return cls(
            received=marks.get("received", 0),
            matched_by=dict(_part(marks, "matched_by")),
            strength=dict(_part(marks, "strength")),
            unmatched={why.value: marks.get(f"unmatched|{why.value}", 0) for why in UnmatchedReason},
        )

    @property
    def matched(self) -> int:
        """The number of records that were matched to a resident."""
        return sum(self.matched_by.values())

    @property
    def doubtful(self) -> int:
        """The number of unmatched records on which a person decides: several residents fit, or the identifiers name
        different ones.
        """
        return sum(self.unmatched[why.value] for why in FOR_A_PERSON)

    @property
    def missed(self) -> int:
        """The number of unmatched records, the doubtful ones included."""
        return sum(self.unmatched.values())


def record_totals(records: Iterable[_Matched]) -> RecordTotals:
    """Return the totals of records, each of which counts once."""
    return RecordTotals.of(Counter(mark for record in records for mark in marks_of(record)))


def _part(marks: Mapping[str, int], kind: str) -> Iterator[tuple[str, int]]:
    for name, number in sorted(marks.items()):
        if number and name.startswith(f"{kind}|"):
            yield name.removeprefix(f"{kind}|"), number


class KeptRecord(NamedTuple):
    """The part of a matched or unmatched record (FraudMatch) that is kept in memory. `division`: "" if not known."""

    id: str
    source: str
    reported_at: datetime
    received_at: datetime
    happened_at: datetime
    division: str
    loss_fen: int | None
    scam_type: str | None
    resident: str | None
    by: MatchedBy | None
    strength: MatchStrength | None
    why: UnmatchedReason | None

    @property
    def month(self) -> str:
        """The month in which the victim reported the fraud (YYYY-MM, in China)."""
        return day_of(self.reported_at)[:7]


def _kept(match: FraudMatch) -> KeptRecord:
    return KeptRecord(
        id=match.id,
        source=match.source,
        reported_at=match.reported_at,
        received_at=match.received_at,
        happened_at=match.happened_at,
        division=match.division or "",
        loss_fen=match.loss_fen,
        scam_type=match.scam_type,
        resident=match.resident,
        by=match.by,
        strength=match.strength,
        why=match.why,
    )


@dataclass(slots=True)
class FraudBook:
    """The records of the latest MONTHS (13) months, at most `most`, each in its latest version. `take` and `drop`
    update them. Older months are dropped as a whole, except the only one.
    """

    most: int = MOST_RECORDS

    # month -> record's id -> record
    _months: dict[str, dict[str, KeptRecord]] = field(default_factory=lambda: defaultdict(dict))
    _month_of: dict[str, str] = field(default_factory=dict)
    # month, source, division -> counts by name
    _cells: dict[tuple[str, str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _dropped: str = ""  # the latest month that was dropped

    def take(self, match: FraudMatch) -> None:
        """Add a record, in place; a later state of a known record replaces it. A record of a month that is not kept any
        more is left out.
        """
        self.drop(match.id)
        record = _kept(match)
        month = record.month
        if month <= self._dropped:
            return
        self._months[month][record.id] = record
        self._month_of[record.id] = month
        self._cells[month, record.source, record.division].update(marks_of(record))
        self._forget()

    def drop(self, name: str) -> None:
        """Remove the record with the id `name`, in place; an unknown one changes nothing."""
        month = self._month_of.pop(name, None)
        if month is None:
            return
        record = self._months[month].pop(name)
        cell = self._cells[month, record.source, record.division]
        cell.subtract(marks_of(record))
        if not cell["received"]:
            del self._cells[month, record.source, record.division]
        if not self._months[month]:
            del self._months[month]

    def get(self, name: str) -> KeptRecord | None:
        """Return the record with the id `name`; None if it is not kept."""
        month = self._month_of.get(name)
        return self._months[month][name] if month is not None else None

    def sources(self, sees: Sees) -> list[str]:
        """Return the sources of the records in a person's area, in alphabetical order."""
        return sorted({source for (_, source, division) in self._cells if sees(division)})

    def by_month(self, sees: Sees, source: str = "") -> dict[str, dict[str, RecordTotals]]:
        """Return the totals of the records in a person's area by month (the latest first) and source (in alphabetical
        order); months and sources without a record are left out. `source`: only this one; "": all.
        """
        marks: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        for (month, sender, division), cell in self._cells.items():
            if sees(division) and source in ("", sender):
                marks[month][sender].update(cell)
        return {
            month: {sender: RecordTotals.of(cell) for sender, cell in sorted(marks[month].items())}
            for month in sorted(marks, reverse=True)
        }

    def of_month(self, month: str, sees: Sees, source: str = "") -> list[KeptRecord]:
        """Return the records of a month (YYYY-MM) in a person's area, the latest reported first. `source`: only those
        of this source; "": all.
        """
        records = self._months[month].values() if month in self._months else ()
        wanted = (each for each in records if sees(each.division) and source in ("", each.source))
        return sorted(wanted, key=lambda each: (each.reported_at, each.id), reverse=True)

    def _forget(self) -> None:
        oldest_kept = months_before(max(self._months))
        while len(self._months) > 1 and (len(self._month_of) > self.most or min(self._months) < oldest_kept):
            oldest = min(self._months)
            for name in self._months.pop(oldest):
                del self._month_of[name]
            for cell in [each for each in self._cells if each[0] == oldest]:
                del self._cells[cell]
            self._dropped = max(self._dropped, oldest)


def months_before(month: str, number: int = MONTHS - 1) -> str:
    """Return the month `number` months before `month` (both YYYY-MM)."""
    year, part = map(int, month.split("-"))
    before = year * 12 + part - 1 - number
    return f"{before // 12:04}-{before % 12 + 1:02}"

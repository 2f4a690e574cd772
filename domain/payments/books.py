"""The books: where a case's money is, each fen in one place, and by how much that changed on which day.

Each case stores its own changes by day (`Case.booked`). So the sums over all cases depend only on the latest version of
each case: they are kept up to date with each commit, and a rebuild from the journal gives the same sums.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.calendar import day_of
from domain.payments.ledger import Totals, booked_earlier, of_case
from schemas.casework.books import BookLine, Books
from schemas.casework.cases import Case, Payment, StopState
from schemas.casework.events import CaseEvent
from schemas.casework.orders import StopOrder
from schemas.levels import EvidenceClass

PLACES = (
    BookLine.STOPPED,
    BookLine.FREEZING_DECIDED,
    BookLine.FROZEN,
    BookLine.RETURNED,
    BookLine.CANCELLED,
    BookLine.NOT_MADE,
    BookLine.LOST,
)
"""The lines that are places of money."""

_OF_CLASS = {
    EvidenceClass.A: BookLine.FROZEN,  # or returned, as far as the bank has said so
    EvidenceClass.B: BookLine.CANCELLED,
    EvidenceClass.C: BookLine.NOT_MADE,
    EvidenceClass.D: BookLine.ESTIMATED,
}


def standing(case: Case) -> Counter[BookLine]:
    """Return the present amount (fen) or number of each line of the books for one case; lines with 0 are left out.

    A payment's money that is back, frozen or kept is in no account any more that is only stopped; money that is held
    anywhere is not lost. Of accounts beyond the payees' no more counts than the case's payments have left: first what
    banks have given back from there, then what they have frozen, then what is stopped.
    """
    totals = of_case(case)
    return _money(case, totals) + _done(case, totals)  # the sum of counters leaves zeros out


def with_booked(case: Case, at: datetime) -> Case:
    """Return the case with the changes since it was last booked added to the day of `at` in Jilin; unchanged without
    changes.
    """
    change = standing(case)
    for lines in case.booked.values():
        change.subtract(lines)
    if not any(change.values()):
        return case
    day = day_of(at)
    lines = Counter(case.booked.get(day, {}))
    lines.update(change)
    kept = {line: lines[line] for line in BookLine if lines[line]}
    booked = {name: each for name, each in {**case.booked, day: kept}.items() if each}
    return case.model_copy(update={"booked": booked})


def changes(before: Case | None, after: Case) -> dict[str, int]:
    """Return by how much a case changes each sum that includes its version `before` (None: it is new), by the sum's
    name.

    The names are of the day, the month and the year: "2026-03-05|frozen", "2026-03|frozen", "2026|frozen".
    """
    if before is not None and after.shares(before, "booked"):
        return {}
    changed = named(after.booked)
    if before is not None:
        changed.subtract(named(before.booked))
    return {name: by for name, by in changed.items() if by}


def named(booked: Books) -> Counter[str]:
    """Return the changes of a case by the names of the sums, as in `changes`."""
    found: Counter[str] = Counter()
    for day, lines in booked.items():
        for line, by in lines.items():
            for span in (day, day[:7], day[:4]):
                found[f"{span}|{line}"] += by
    return found


@dataclass(slots=True)
class BooksFold:
    """The sums computed from the journal. Events may come in any order and repeated: each case counts with its highest
    version. Only the changes by day are stored of each case.
    """

    _cases: dict[str, tuple[int, Books]] = field(default_factory=dict)

    def add(self, event: CaseEvent) -> None:
        """Add an event of the journal."""
        case = event.case
        if case.version > self._cases.get(case.id, (0, {}))[0]:
            self._cases[case.id] = case.version, case.booked

    def sums(self) -> dict[str, int]:
        """Return the sums (fen or numbers) by name; sums of 0 are left out."""
        found: Counter[str] = Counter()
        for _, booked in self._cases.values():
            found.update(named(booked))
        return {name: amount for name, amount in found.items() if amount}


def fold_books(events: Iterable[CaseEvent]) -> dict[str, int]:
    """Return the sums of a journal by name, as in `changes`. The events may be in any order and repeated."""
    found = BooksFold()
    for event in events:
        found.add(event)
    return found.sums()


def _money(case: Case, totals: Totals) -> Counter[BookLine]:
    found: Counter[BookLine] = Counter()
    for transfer, entry in case.kept.items():
        confirmed = entry.evidence is EvidenceClass.A
        back = min(case.returned.get(transfer, 0), entry.amount_fen) if confirmed else 0
        found[BookLine.RETURNED] += back
        found[_OF_CLASS[entry.evidence]] += entry.amount_fen - back
    beyond = _add_confirmed_beyond(found, case)
    _add_held(found, case)
    held = found[BookLine.STOPPED] + found[BookLine.FREEZING_DECIDED]
    found[BookLine.LOST] = max(0, totals.lost - held - beyond)
    return found


def _room(found: Counter[BookLine], case: Case) -> int:
    """Return how much of the case's own payments is in no place yet."""
    own = [payment for payment in case.payments if not booked_earlier(case, payment.transfer)]
    return max(0, sum(payment.amount_fen for payment in own) - sum(found[line] for line in PLACES))


def _add_confirmed_beyond(found: Counter[BookLine], case: Case) -> int:
    """Add what banks have given back from accounts beyond the payees', and then what they have frozen there. Returns
    the sum: it is no more than the payments have left.
    """
    sums = {
        BookLine.RETURNED: sum(case.returned_beyond.get(each.transfer, 0) for each in case.traced),
        BookLine.FROZEN: sum(_still_frozen(case, each) for each in case.traced),
    }
    added = 0
    for line, fen in sums.items():
        booked = min(fen, _room(found, case))
        found[line] += booked
        added += booked
    return added


def _still_frozen(case: Case, account: Payment) -> int:
    """Return how much (fen) of what a bank has frozen in an account it has not given back."""
    return max(0, case.frozen_beyond.get(account.transfer, 0) - case.returned_beyond.get(account.transfer, 0))


def _add_held(found: Counter[BookLine], case: Case) -> None:
    """Add to `found` the money in accounts that are stopped, or frozen by a decision: first the payees', then traced
    accounts.
    """
    own = [payment for payment in case.payments if not booked_earlier(case, payment.transfer)]
    room = _room(found, case)
    for payment in (*own, *case.traced):
        there = _there(payment) - _confirmed(case, payment)
        line = _held_as(payment)
        if line is not None and there > 0:
            found[line] += min(there, max(0, room))
            room -= there


def _confirmed(case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment, or of an account beyond the payees', has another place in the books."""
    if payment.movement is None:
        kept = case.kept.get(payment.transfer)
        return kept.amount_fen if kept else 0
    return max(case.frozen_beyond.get(payment.transfer, 0), case.returned_beyond.get(payment.transfer, 0))


def _held_as(payment: Payment) -> BookLine | None:
    if payment.stop is None:
        return None
    if payment.stop.runs:
        return BookLine.STOPPED
    return BookLine.FREEZING_DECIDED if payment.stop.state is StopState.FROZEN else None


def _there(payment: Payment) -> int:
    """Return how much of a payment (fen) the bank confirmed in the account when it stopped it; 0 if it did not say."""
    said = payment.stop.there_fen if payment.stop else None
    return min(said or 0, payment.amount_fen)


def _done(case: Case, totals: Totals) -> Counter[BookLine]:
    ever = sum(_there(payment) for payment in (*case.payments, *case.traced))
    before = sum(lines.get(BookLine.STOPPED_EVER, 0) for lines in case.booked.values())  # a second request forgets it
    return Counter(
        {
            BookLine.STOPPED_EVER: min(max(ever, before), sum(payment.amount_fen for payment in case.payments)),
            BookLine.DISSUADED_EVIDENCED: totals.dissuaded_evidenced,
            BookLine.DISSUADED_STATED: totals.dissuaded_stated,
            BookLine.ORDERS: sum(map(_signed, case.orders)),
            BookLine.CARRIED_OUT: sum(order.carried_out is not None for order in case.orders),
            BookLine.FREEZINGS: len({order.freezing.at for order in case.orders if order.freezing}),
        }
    )


def _signed(order: StopOrder) -> bool:
    """Return whether an order was approved, by persons or by a rule, whatever its state is now."""
    return len(order.approvals) >= order.persons

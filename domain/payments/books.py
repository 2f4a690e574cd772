"""The books: where a case's money is, each fen in one place, and the changes by day.

Each case stores its own changes by day (`Case.booked`). So the sums over all cases depend only on the latest version of
each case: they are updated with each commit, and a rebuild from the journal gives the same sums.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.calendar import day_of
from domain.payments.ledger import UNNAMED, Totals, booked_earlier, not_recovered, of_case, paid_into
from domain.payments.status import frozen_fen, unfrozen_fen
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
    """Return where the money of one case is now, by BookLine: fen, or a number for the lines that count acts. Lines
    with 0 are left out.

    Each fen is in one place: money that is returned, frozen or kept is not counted as stopped as well, and money that
    is held is not lost. Money held of one payment does not reduce the loss of another. For accounts to which money went
    on from the payees, no more is counted than the payments have left: first money given back from there, then frozen,
    then stopped money.
    """
    return _money(case) + _done(case, of_case(case))  # the sum of counters leaves zeros out


def with_booked(case: Case, at: datetime) -> Case:
    """Return a copy of the case whose `booked` has, for the day of `at` in Jilin, the changes of `standing` since the
    case was booked before. Return the case itself if nothing has changed.
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
    """Return by how much each sum over cases (fen or a number) changes when a case's version `before` (None: it is new)
    is replaced by `after`. Sums that do not change are left out.

    A sum has the name of a day, month or year and of a BookLine: "2026-03-05|frozen", "2026-03|frozen", "2026|frozen".
    """
    if before is not None and after.same_objects(before, "booked"):
        return {}
    changed = named(after.booked)
    if before is not None:
        changed.subtract(named(before.booked))
    return {name: by for name, by in changed.items() if by}


def named(booked: Books) -> Counter[str]:
    """Return the changes that a case has booked (`Case.booked`), in fen or numbers, by the name of a period and a line.
    Each amount is in the result three times: "2026-03-05|frozen", "2026-03|frozen" and "2026|frozen".
    """
    found: Counter[str] = Counter()
    for day, lines in booked.items():
        for line, by in lines.items():
            for span in (day, day[:7], day[:4]):
                found[f"{span}|{line}"] += by
    return found


@dataclass(slots=True)
class BooksFold:
    """Computes the sums of money by period (see `changes`) from a journal. Events may come in any order and repeated:
    each case counts in its highest version.
    """

    _cases: dict[str, tuple[int, Books]] = field(default_factory=dict)

    def add(self, event: CaseEvent) -> None:
        """Add an event of the journal, in place. It counts only if it has a higher version of its case than before."""
        case = event.case
        if case.version > self._cases.get(case.id, (0, {}))[0]:
            self._cases[case.id] = case.version, case.booked

    def sums(self) -> dict[str, int]:
        """Return the sums (fen or numbers) of all cases so far, by name such as "2026-03|frozen" (see `changes`). Sums
        of 0 are left out.
        """
        found: Counter[str] = Counter()
        for _, booked in self._cases.values():
            found.update(named(booked))
        return {name: amount for name, amount in found.items() if amount}


def fold_books(events: Iterable[CaseEvent]) -> dict[str, int]:
    """Return the sums (fen or numbers) over all cases of a journal, by name such as "2026-03|frozen" (see `changes`).
    Events may be in any order and repeated.
    """
    found = BooksFold()
    for event in events:
        found.add(event)
    return found.sums()


def _money(case: Case) -> Counter[BookLine]:
    found: Counter[BookLine] = Counter()
    for transfer, entry in case.kept.items():
        confirmed = entry.evidence is EvidenceClass.A
        back = min(case.returned.get(transfer, 0), entry.amount_fen) if confirmed else 0
        found[BookLine.RETURNED] += back
        found[_OF_CLASS[entry.evidence]] += entry.amount_fen - back
    held = _add_confirmed_beyond(found, case) + _add_held(found, case)
    found[BookLine.LOST] = _lost(case, held)
    return found


def _lost(case: Case, held: Counter[str]) -> int:
    """Return the fen that are lost. `held`: by the transfer of a payment or a traced account: how much of it is booked
    as held, frozen or returned besides `Case.kept`.
    """
    own = {payment.transfer: payment.amount_fen for payment in _own(case)}
    of_payment = Counter({name: held[name] for name in own})
    left = Counter({name: fen - _kept(case, name) - held[name] for name, fen in own.items()})
    beyond = Counter({account.transfer: held[account.transfer] for account in case.traced})
    if not any(beyond.values()):
        return not_recovered(case, of_payment)
    if case.movements:
        return not_recovered(case, of_payment + _by_way(case, beyond, left))
    return _lost_without_ways(case, of_payment, beyond.total(), left)


def _by_way(case: Case, beyond: Counter[str], left: Counter[str]) -> Counter[str]:
    """Return how much (fen) of each payment is in the traced accounts, by transfer.

    Money in an account is booked to the payments that may have reached it, the earliest first, up to what each has
    left; the rest to the other payments. `left`: how much of each payment is in no other place; the money that is
    booked is subtracted from it.
    """
    found: Counter[str] = Counter()
    for account in case.traced:
        ways = [payment.transfer for payment in paid_into(case, account)]
        found += _take(left, ways, beyond[account.transfer])
    return found + _take(left, list(left), beyond.total() - found.total())


def _lost_without_ways(case: Case, of_payment: Counter[str], beyond: int, left: Counter[str]) -> int:
    """Return the fen that are lost of an erased case, whose money's way is unknown: as booked, as far as the amounts
    allow. `beyond`: the fen in all traced accounts; `left`: as for `_by_way`.
    """
    least = max(0, not_recovered(case, of_payment) - beyond)
    named = [loss for loss in case.losses if loss.id != UNNAMED]
    of_others = sum(loss.amount_fen for loss in named if loss.id not in left)
    by_transfer = not_recovered(case.model_copy(update={"losses": named}), of_payment)
    most = max(least, min(by_transfer, left.total() - beyond + of_others))
    booked = sum(lines.get(BookLine.LOST, 0) for lines in case.booked.values())
    return min(max(booked, least), most)


def _take(left: Counter[str], names: Iterable[str], fen: int) -> Counter[str]:
    """Take up to `fen` from what is left of the payments with these names, in their order; return what was taken."""
    taken: Counter[str] = Counter()
    for name in names:
        part = max(0, min(left[name], fen - taken.total()))
        taken[name] += part
        left[name] -= part
    return taken


def _kept(case: Case, transfer: str) -> int:
    """Return how much (fen) of a payment is booked as kept. An estimate is in no place."""
    kept = case.kept.get(transfer)
    return kept.amount_fen if kept and kept.evidence is not EvidenceClass.D else 0


def _own(case: Case) -> list[Payment]:
    """Return the case's payments that no earlier case has booked."""
    return [payment for payment in case.payments if not booked_earlier(case, payment.transfer)]


def _room(found: Counter[BookLine], case: Case) -> int:
    """Return how much of the case's own payments is in no place yet."""
    return max(0, sum(payment.amount_fen for payment in _own(case)) - sum(found[line] for line in PLACES))


def _add_confirmed_beyond(found: Counter[BookLine], case: Case) -> Counter[str]:
    """Add what banks have given back from accounts beyond the payees', and then what they have frozen there. Returns
    the fen added, by the account's transfer: in all no more than the payments have left.
    """
    added: Counter[str] = Counter()
    for line, fen_of in ((BookLine.RETURNED, _given_back), (BookLine.FROZEN, frozen_fen)):
        for account in case.traced:
            booked = min(fen_of(case, account), _room(found, case))
            found[line] += booked
            added[account.transfer] += booked
    return added


def _given_back(case: Case, account: Payment) -> int:
    return case.returned_beyond.get(account.transfer, 0)


def _add_held(found: Counter[BookLine], case: Case) -> Counter[str]:
    """Add to `found` the money in accounts that are stopped, or frozen by a decision: first the payees', then traced
    accounts. Returns the fen added, by transfer.
    """
    added: Counter[str] = Counter()
    room = _room(found, case)
    for payment in (*_own(case), *case.traced):
        line = _held_as(payment)
        freed = unfrozen_fen(case, payment) if line is BookLine.FREEZING_DECIDED else 0  # a stop still holds it
        there = _there(payment) - _confirmed(case, payment) - freed
        if line is not None and there > 0:
            booked = min(there, max(0, room))
            found[line] += booked
            added[payment.transfer] += booked
            room -= there
    return added


def _confirmed(case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment, or of an account beyond the payees', has another place in the books."""
    if payment.movement is None:
        kept = case.kept.get(payment.transfer)
        return kept.amount_fen if kept else 0
    return _given_back(case, payment) + frozen_fen(case, payment)


def _held_as(payment: Payment) -> BookLine | None:
    if payment.stop is None:
        return None
    if payment.stop.in_force:
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
    """Return True if an order was approved, by persons or by a rule, whatever its state is now."""
    return len(order.approvals) >= order.persons

"""Freezes (冻结): which are in force, and their end (解除冻结) in a case's money: what is free again, and what is loss
avoided no longer.

As in the ledger, the order of a bank's answers does not change the result.
"""

from datetime import datetime, timedelta

from domain.calendar import months_after
from domain.payments.accounts import find
from domain.payments.ledger import balanced, frozen_in_all, own_payment
from domain.payments.status import frozen_fen, said_of, whole_fen
from schemas.casework.books import FormerFreeze
from schemas.casework.cases import Case, LossAvoided, Payment
from schemas.casework.orders import Freezing, StopOrder
from schemas.levels import EvidenceClass

USUAL_MONTHS, MOST_MONTHS = 6, 12  # of a freeze (公安机关办理刑事案件程序规定, article 243)
REMINDED = timedelta(days=7)  # before the end of a freeze: assumed, enough for the authority to renew it


def freeze_in_force(order: StopOrder) -> Freezing | None:
    """Return the freeze that is recorded in an order and has not ended, or None."""
    return order.freezing if order.freezing is not None and order.freezing.ended is None else None


def freeze_runs(case: Case, now: datetime) -> bool:
    """Return True if money of a case is frozen at `now`: an authority's freeze is recorded and has not ended, or a bank
    has said so and the case is open, or was closed at most a year ago, the longest time of a freeze without a renewal.
    """
    if any(freeze_in_force(order) for order in case.orders):
        return True
    recent = case.closed_at is None or now <= months_after(case.closed_at, MOST_MONTHS)
    return recent and any(frozen_fen(case, each) for each in (*case.payments, *case.traced))


def ends_soon(freezing: Freezing, now: datetime) -> bool:
    """Return True if a freeze that has not ended ends within a week of `now`, or should have ended."""
    return freezing.until - REMINDED <= now


def freeze_attention(case: Case) -> dict[str, datetime]:
    """Return when each freeze of a case that has not ended needs a person: a week before its end, or when it became
    unclear whether it has ended. By the id of the order's step and the code of the resident's division, with a "|"
    between them; of the orders with the same freeze of an account, the first.
    """
    found: dict[tuple[str, datetime], tuple[str, datetime]] = {}
    payees = {each.transfer: each.payee for each in (*case.payments, *case.traced)}
    for order in case.orders:
        if (freezing := freeze_in_force(order)) and order.transfer in payees:
            ends = freezing.until - REMINDED
            when = min(ends, freezing.unclear_at) if freezing.unclear_at else ends
            found.setdefault((payees[order.transfer], freezing.at), (f"{order.step}|{case.profile.division}", when))
    return dict(found.values())


def confirmed_by_freeze(case: Case, transfer: str, frozen_fen: int) -> int:
    """Return how much (fen) a bank that has frozen `frozen_fen` of a payment still confirms as kept: what it has
    returned, and what is frozen and neither returned nor freed again. Without an end of the freeze, all that it has
    frozen, with what it had returned before it froze anew.
    """
    freed, back = case.unfrozen.get(transfer, 0), case.returned.get(transfer, 0)
    told = frozen_in_all(case, transfer, frozen_fen)
    if not freed:
        return told
    payment = own_payment(case, transfer)
    frozen = max(case.frozen.get(transfer, 0), min(told, payment.amount_fen if payment else 0))
    return back + max(0, frozen - back - freed)


def with_unfrozen(case: Case, transfer: str, amount_fen: int, *, earlier: bool = False) -> Case:
    """Return a copy of the case with money (fen) recorded as freed from a freeze, of a payment or a traced account: the
    largest reported amount; 0 means all of it. The loss avoided by the freeze is reduced to what the bank has returned
    and still holds. So it does not matter which of a bank's answers comes first.

    `earlier`: True if the bank answers an earlier order than the transfer's latest one. Then only what it has not said
    before that counts, and only of money that is known to be frozen: what it freezes by the latest order stays frozen.
    The case itself if this changes nothing or if the transfer is unknown.
    """
    held = find(case, transfer)
    if held is None:
        return case
    whole = whole_fen(held)
    amount = min(amount_fen or whole, whole)
    known = said_of(case, held).freed_fen
    if earlier:
        former = case.former_freezes.get(transfer) or FormerFreeze(freed_fen=0)
        if amount <= former.freed_fen:
            return case
        told = former.model_copy(update={"freed_fen": amount})
        case = case.model_copy(update={"former_freezes": {**case.former_freezes, transfer: told}})
        amount = known + min(amount - former.freed_fen, frozen_fen(case, held))
    if amount <= known:
        return case
    name = "unfrozen" if held.movement is None else "unfrozen_beyond"
    freed = case.model_copy(update={name: {**getattr(case, name), transfer: amount}})
    return _without_freed(freed, transfer) if held.movement is None else freed


def freed_wholly(case: Case, payment: Payment) -> bool:
    """Return True if a bank has freed all money that it had frozen of a payment or in a traced account, but for what
    was returned. If it has not said how much it froze: if it has freed as much as there may have been.
    """
    frozen, returned, freed = said_of(case, payment)
    return freed >= whole_fen(payment) or (frozen is not None and 0 < freed >= frozen - returned)


def _without_freed(case: Case, transfer: str) -> Case:
    """Return the case with the payment's loss avoided of class A reduced to what the freeze still keeps."""
    entry = case.kept.get(transfer)
    if entry is None or entry.evidence is not EvidenceClass.A:
        return case
    left = min(entry.amount_fen, confirmed_by_freeze(case, transfer, 0))
    others = {name: each for name, each in case.kept.items() if name != transfer}
    kept = {**others, transfer: LossAvoided(evidence=EvidenceClass.A, amount_fen=left)} if left else others
    return balanced(case.model_copy(update={"kept": kept}))


def with_freeze_anew(case: Case, transfer: str) -> Case:
    """Return a copy of the case in which a further freeze of the transfer's money counts again, because it was ordered
    after the end of the former one; the case itself if none has ended. What was freed is free, and what was returned
    is no part of the further freeze.
    """
    held = find(case, transfer)
    said = said_of(case, held) if held is not None else None
    if held is None or said is None or not said.freed_fen:
        return case
    frozen, returned, freed = said.frozen_fen or 0, said.returned_fen, said.freed_fen
    left = min(frozen, returned) + max(0, frozen - returned - freed)
    known = case.former_freezes.get(transfer)
    former = FormerFreeze(freed_fen=max(freed, known.freed_fen if known else 0), returned_fen=returned)
    of_frozen, of_freed = ("frozen", "unfrozen") if held.movement is None else ("frozen_beyond", "unfrozen_beyond")
    others = {name: fen for name, fen in getattr(case, of_frozen).items() if name != transfer}
    return case.model_copy(
        update={
            of_frozen: {**others, transfer: left} if left else others,
            of_freed: {name: fen for name, fen in getattr(case, of_freed).items() if name != transfer},
            "former_freezes": {**case.former_freezes, transfer: former},
        }
    )

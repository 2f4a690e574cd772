"""The end of a freeze (解除冻结) in a case's money: what is free again, and what is loss avoided no longer.

As in the ledger, the order of a bank's answers does not change the result.
"""

from domain.payments.ledger import balanced, own_payment
from schemas.casework.cases import Case, LossAvoided
from schemas.levels import EvidenceClass


def confirmed_by_freeze(case: Case, transfer: str, frozen_fen: int) -> int:
    """Return how much (fen) a bank that has frozen `frozen_fen` of a payment still confirms as kept: what it has
    returned, and what is frozen and neither returned nor freed again. Without an end of the freeze, `frozen_fen`.
    """
    freed, back = case.unfrozen.get(transfer, 0), case.returned.get(transfer, 0)
    if not freed:
        return frozen_fen
    payment = own_payment(case, transfer)
    frozen = max(case.frozen.get(transfer, 0), min(frozen_fen, payment.amount_fen if payment else 0))
    return back + max(0, frozen - back - freed)


def with_unfrozen(case: Case, transfer: str, amount_fen: int) -> Case:
    """Return a copy of the case with money (fen) recorded as freed from a freeze, of a payment or a traced account: the
    largest reported amount; 0 means all of it. The loss avoided by the freeze is reduced to what the bank has returned
    and still holds. So it does not matter which of a bank's answers comes first.

    The case itself if this changes nothing or if the transfer is unknown.
    """
    account = next((each for each in case.traced if each.transfer == transfer), None)
    held = account or own_payment(case, transfer)
    if held is None:
        return case
    name = "unfrozen" if account is None else "unfrozen_beyond"
    known: dict[str, int] = getattr(case, name)
    whole = max(held.amount_fen, held.came_fen or 0)
    amount = min(amount_fen or whole, whole)
    if amount <= known.get(transfer, 0):
        return case
    freed = case.model_copy(update={name: {**known, transfer: amount}})
    return _without_freed(freed, transfer) if account is None else freed


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
    after the end of the former one; the case itself if none has ended. What the former one froze and freed is dropped.
    """
    if transfer not in {*case.unfrozen, *case.unfrozen_beyond}:
        return case
    changed: dict[str, object] = {}
    for frozen, freed in (("frozen", "unfrozen"), ("frozen_beyond", "unfrozen_beyond")):
        ended: dict[str, int] = getattr(case, freed)
        left = {name: fen - ended.get(name, 0) * (name == transfer) for name, fen in getattr(case, frozen).items()}
        changed[frozen] = {name: fen for name, fen in left.items() if fen > 0}
        changed[freed] = {name: fen for name, fen in ended.items() if name != transfer}
    return case.model_copy(update=changed)

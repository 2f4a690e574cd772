"""Limits the booked money of a payment to its amount after a feed has corrected the amount that a person stated."""

from collections.abc import Mapping

from domain.payments.ledger import balanced
from schemas.casework.cases import Case


def within_payments(case: Case) -> Case:
    """Return the case with its loss avoided, frozen and returned money and losses (fen) limited to the amounts of their
    payments, as if the amounts had been known when they were booked; the case itself if nothing exceeds them. Losses
    without a payment stay.
    """
    amounts = {payment.transfer: payment.amount_fen for payment in case.payments}
    kept = {
        name: entry.model_copy(update={"amount_fen": fen})
        for name, entry in case.kept.items()
        if (fen := min(entry.amount_fen, amounts.get(name, entry.amount_fen)))
    }
    losses = [
        loss.model_copy(update={"amount_fen": min(loss.amount_fen, amounts.get(loss.id, loss.amount_fen))})
        for loss in case.losses
    ]
    frozen, returned = _limited(case.frozen, amounts), _limited(case.returned, amounts)
    unfrozen = _limited(case.unfrozen, amounts)
    limited = {"kept": kept, "losses": losses, "frozen": frozen, "returned": returned, "unfrozen": unfrozen}
    if all(getattr(case, name) == value for name, value in limited.items()):
        return case
    return balanced(case.model_copy(update=limited))


def _limited(booked: Mapping[str, int], amounts: Mapping[str, int]) -> dict[str, int]:
    return {name: limit for name, fen in booked.items() if (limit := min(fen, amounts.get(name, fen)))}

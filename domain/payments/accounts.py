"""Finds a case's payments and traced accounts, and those with the same account, for which the same stops count."""

from domain.identity.personal import WITHHELD
from schemas.casework.cases import Case, Payment
from schemas.casework.orders import MOST_STOPS


def find(case: Case, transfer: str | None) -> Payment | None:
    """Return the payment or traced account of the case whose transfer is `transfer`, or None if it has none."""
    return next((payment for payment in with_traced(case) if payment.transfer == transfer), None)


def with_traced(case: Case) -> list[Payment]:
    """Return everything that a stop order may be for: the case's payments, then its traced accounts, which the
    payments' money reached; each list in the case's order.
    """
    return [*case.payments, *case.traced]


def of_same_account(case: Case, transfer: str) -> list[str]:
    """Return the names of the case's payments and traced accounts with the same account as `transfer`, in the case's
    order, `transfer` itself included. Empty if the case lacks the transfer.

    After an erasure, equal accounts cannot be recognized, and only the transfer itself is returned.
    """
    payment = find(case, transfer)
    if payment is None or payment.payee == WITHHELD:
        return [payment.transfer] if payment else []
    return [other.transfer for other in with_traced(case) if other.payee == payment.payee]


def times_asked(case: Case, payment: Payment) -> int:
    """Return how often banks were asked to stop the account of a payment of the case, for any of the payments to it
    that `of_same_account` recognizes.
    """
    same = of_same_account(case, payment.transfer)
    return sum(other.stop.times for other in with_traced(case) if other.stop and other.transfer in same)


def asked_most(case: Case, payment: Payment) -> bool:
    """Return True if banks were asked to stop the account of a payment of the case MOST_STOPS (2) times: the law has no
    further request.
    """
    return times_asked(case, payment) >= MOST_STOPS

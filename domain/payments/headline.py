"""The one amount at the head of a case: the money that is still in danger, or that is stopped, never the same twice."""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from domain.payments.accounts import with_traced
from domain.payments.ledger import safe
from domain.payments.status import PaymentStatus, status_of
from schemas.casework.cases import Case, Payment
from schemas.casework.orders import OrderState
from schemas.risk.signals import TransferState

_STOPPED = frozenset({PaymentStatus.STOPPED, PaymentStatus.FROZEN})
_SECURED = _STOPPED | {PaymentStatus.CANCELLED, PaymentStatus.NOT_MADE, PaymentStatus.RETURNED}
_OVER = _STOPPED | {PaymentStatus.RETURNED, PaymentStatus.CANCELLED, PaymentStatus.LOST, PaymentStatus.NOT_MADE}


class HeadlineKind(StrEnum):
    """What the headline amount is.

    AT_STAKE: payments that can still be stopped; nothing of them is stopped. NOT_STOPPED: the rest of such payments,
    beside money that is stopped. STOPPED: all known money that could still be saved is stopped, some of it perhaps
    frozen. FROZEN: all of it is frozen. ESTIMATE: no such payment is known; what the scam may take.
    """

    AT_STAKE = "at_stake"
    NOT_STOPPED = "not_stopped"
    STOPPED = "stopped"
    FROZEN = "frozen"
    ESTIMATE = "estimate"


class Headline(NamedTuple):
    """The amount (fen) at the top of the case page, and its kind: at stake, not stopped yet, stopped, or an estimate.

    `stopped_fen`: the money of the case's payments that is stopped or frozen, wherever it was found. `amount_fen`
    includes none of it unless the kind is STOPPED or FROZEN, which is that money.
    """

    kind: HeadlineKind
    amount_fen: int
    stopped_fen: int

    @property
    def in_danger(self) -> bool:
        """True if known money of the case is neither stopped nor safe."""
        return self.kind in (HeadlineKind.AT_STAKE, HeadlineKind.NOT_STOPPED)

    @property
    def secured(self) -> bool:
        """True if all known money that could still be saved is stopped or frozen."""
        return self.kind in (HeadlineKind.STOPPED, HeadlineKind.FROZEN)


def moving_fen(case: Case) -> int:
    """Return the sum (fen) of the case's payments that have not gone through, less what is safe, stopped or frozen."""
    return sum(fen for _, fen in _moving(case))


def secured_fen(case: Case) -> int:
    """Return how much (fen) of the case's payments is stopped, frozen, returned, cancelled in flight, or was not made,
    also in the accounts to which it went on; at most the sum of the payments. A stop ends after 48 hours.
    """
    return _in_all(_SECURED, case)


def money_in_danger(case: Case) -> list[tuple[Payment, int]]:
    """Return the payments whose money is in danger, and accounts that it reached, each with the money (fen) that the
    headline amount has of it: what has not gone through, then what has while its stop is not in force yet. Money that
    went on counts in the account that it reached last, so that the sum is at most that of the payments.
    """
    moving, waiting = _moving(case), list[tuple[Payment, int]]()
    room = _paid(case) - sum(fen for _, fen in moving)
    for payment in reversed(_waiting(case)):
        fen = min(payment.amount_fen, room)
        room -= fen
        waiting.append((payment, fen))
    return [*moving, *((payment, fen) for payment, fen in reversed(waiting) if fen)]


def headline_of(case: Case) -> Headline:
    """Return a case's headline amount (fen) with its kind: the money that is still in danger; if there is none, the
    money that is stopped or frozen; if there is none either, the estimated exposure.

    In danger is what has not gone through, and what has gone through while its stop is not in force yet (`_waiting`):
    a payee can still move it. Accounts to which the money went on count as in danger only while their own stop is not
    in force yet: it is the same money. What is stopped in them counts as stopped, up to the sum of the payments.
    """
    stopped = _in_all(_STOPPED, case)
    if open_fen := sum(fen for _, fen in money_in_danger(case)):
        stopped = max(0, min(stopped, _paid(case) - open_fen))  # what went on may count as stopped where it was
        return Headline(HeadlineKind.NOT_STOPPED if stopped else HeadlineKind.AT_STAKE, open_fen, stopped)
    if stopped:
        frozen = all(status_of(case, each)[0] is not PaymentStatus.STOPPED for each in with_traced(case))
        return Headline(HeadlineKind.FROZEN if frozen else HeadlineKind.STOPPED, stopped, stopped)
    return Headline(HeadlineKind.ESTIMATE, case.danger.exposure_fen, 0)


def _moving(case: Case) -> list[tuple[Payment, int]]:
    moving = (payment for payment in case.payments if payment.state is not TransferState.SETTLED)
    left = ((each, each.amount_fen - _fen_in(_STOPPED, case, each)) for each in moving if not safe(case, each.transfer))
    return [(payment, fen) for payment, fen in left if fen]


def _waiting(case: Case) -> list[Payment]:
    """Return the payments that have gone through, and the accounts that their money reached, whose stop persons have
    not approved yet or the bank has not confirmed yet.
    """
    proposed = {order.transfer for order in case.orders if order.state is OrderState.PROPOSED}
    went = [payment for payment in case.payments if payment.state is TransferState.SETTLED]
    return [
        payment
        for payment in (*went, *case.traced)
        if (status := status_of(case, payment).status) is PaymentStatus.STOP_ASKED
        or (payment.transfer in proposed and status not in _OVER)
    ]


def _paid(case: Case) -> int:
    return sum(payment.amount_fen for payment in case.payments)


def _in_all(states: Collection[PaymentStatus], case: Case) -> int:
    """Return how much (fen) of the case's payments has one of these states, wherever it went; at most their sum."""
    return min(_paid(case), sum(_fen_in(states, case, account) for account in with_traced(case)))


def _fen_in(states: Collection[PaymentStatus], case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment has one of these states."""
    status, amount = status_of(case, payment)
    return min(amount, payment.amount_fen) if status in states else 0

"""The reasons of a danger beside what has become of the payments that they name."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.payments.status import PaymentStatus, status_of
from schemas.casework.cases import Case
from schemas.codes.danger import DangerCode, PaymentMade, PaymentUnderWay

_BACK = frozenset({PaymentStatus.RETURNED, PaymentStatus.CANCELLED, PaymentStatus.NOT_MADE})
_HELD = frozenset({PaymentStatus.FROZEN, PaymentStatus.STOPPED})
_OVER = _HELD | {PaymentStatus.RETURNED, PaymentStatus.CANCELLED}


class ReasonNow(NamedTuple):
    """A reason of a case's danger, and the present status of the payments whose amount it names. `status` None: their
    money is still at risk, or the reason names no payment.
    """

    reason: DangerCode
    status: PaymentStatus | None

    @property
    def back(self) -> bool:
        """True if the money that the reason names is with the resident."""
        return self.status in _BACK


def reasons_now(case: Case) -> list[ReasonNow]:
    """Return the reasons of the case's danger with the present status of the payments that they name: in the case's
    order, but those whose money is back with the resident last.

    Evidence names a payment by its amount. A reason has a status only if all payments of that amount are back, stopped
    or frozen (of two equal payments, the one at risk counts); otherwise its status is None. A payment under way that
    was stopped, frozen, returned or cancelled is told as one that was made: it does not go on.
    """
    found = [_now(reason, _status(case, reason)) for reason in case.danger.reasons]
    return sorted(found, key=lambda each: each.back)


def _now(reason: DangerCode, status: PaymentStatus | None) -> ReasonNow:
    if isinstance(reason, PaymentUnderWay) and status in _OVER:
        reason = PaymentMade(reason.kind, reason.amount_fen, reason.at, reason.times)
    return ReasonNow(reason, status)


def _status(case: Case, reason: DangerCode) -> PaymentStatus | None:
    if not isinstance(reason, PaymentMade | PaymentUnderWay):
        return None
    named = (payment for payment in case.payments if payment.amount_fen == reason.amount_fen)
    return _worst([status_of(case, payment).status for payment in named])


def _worst(statuses: Sequence[PaymentStatus]) -> PaymentStatus | None:
    """Return the status in which the money is least safe; None if there is none, or one payment is at risk."""
    if not statuses or not set(statuses) <= _BACK | _HELD:
        return None
    return min(statuses, key=lambda status: status in _BACK)

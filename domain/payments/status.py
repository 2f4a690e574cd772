"""The one status of a payment, derived from the states of the transfer, of the stop and of the money; and how much of
it is frozen (冻结), which is another order than a stop (止付).
"""

from enum import StrEnum
from typing import NamedTuple

from schemas.casework.cases import Case, Payment, StopState
from schemas.levels import Action, EvidenceClass
from schemas.risk.signals import TransferState


class PaymentStatus(StrEnum):
    """The status of a payment. If several apply, the first in this list counts, because the place of the money matters
    most.

    RETURNED: the bank gave the money back. FROZEN (冻结): an authority's decision is recorded, or the bank confirms
    the freeze and no stop runs. CANCELLED: cancelled in flight. STOPPED (止付): a stop runs, for 48 hours. LOST: booked
    as lost. NOT_MADE: the resident named the payment and did not make it. UNFROZEN: the freeze has ended, and the money
    is free. STOP_…: other states of a stop-payment. SETTLED, PENDING, ATTEMPTED: states of the transfer.
    """

    RETURNED = "returned"  # the bank has given it back
    FROZEN = "frozen"  # by the usual order, after the stop
    CANCELLED = "cancelled"  # caught in flight
    STOPPED = "stopped"  # nothing leaves the payee's account
    STOP_ASKED = "stop_asked"
    LOST = "lost"
    NOT_MADE = "not_made"  # the resident has named it and did not make it
    UNFROZEN = "unfrozen"  # the freeze has ended, and the money is free
    STOP_REFUSED = "stop_refused"
    STOP_EXPIRED = "stop_expired"
    STOP_RELEASED = "stop_released"
    SETTLED = "settled"
    PENDING = "pending"
    ATTEMPTED = "attempted"


class Reconciled(NamedTuple):
    """A payment's status, and the amount (fen) that has this status: a bank may return only a part."""

    status: PaymentStatus
    amount_fen: int


_OF_STOP = {
    StopState.RETURNED: PaymentStatus.RETURNED,
    StopState.IN_FORCE: PaymentStatus.STOPPED,
    StopState.FROZEN: PaymentStatus.FROZEN,
    StopState.ASKED: PaymentStatus.STOP_ASKED,
    StopState.REFUSED: PaymentStatus.STOP_REFUSED,
    StopState.EXPIRED: PaymentStatus.STOP_EXPIRED,
    StopState.RELEASED: PaymentStatus.STOP_RELEASED,
}
_OF_TRANSFER = {
    TransferState.SETTLED: PaymentStatus.SETTLED,
    TransferState.PENDING: PaymentStatus.PENDING,
    TransferState.ATTEMPTED: PaymentStatus.ATTEMPTED,
}
_ORDER = tuple(PaymentStatus)
_OF_RUNNING = frozenset({Action.STOP_AGAIN, Action.STOP_RELEASE})  # requests about a stop that runs


class BankSaid(NamedTuple):
    """What a bank has said of a payment's money, or of the money in a traced account, in fen: how much it froze (None:
    it did not say), returned, and freed again.
    """

    frozen_fen: int | None
    returned_fen: int
    freed_fen: int


def said_of(case: Case, payment: Payment) -> BankSaid:
    """Return what the bank has said of the money of one of the case's payments, or in one of its traced accounts."""
    own = case.frozen, case.returned, case.unfrozen
    beyond = case.frozen_beyond, case.returned_beyond, case.unfrozen_beyond
    frozen, returned, freed = own if payment.movement is None else beyond
    name = payment.transfer
    return BankSaid(frozen.get(name), returned.get(name, 0), freed.get(name, 0))


def whole_fen(payment: Payment) -> int:
    """Return the most money (fen) that may be frozen of a payment or in a traced account, as far as is known."""
    return max(payment.amount_fen, payment.came_fen or 0)


def frozen_fen(case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment, or of the money in a traced account, a bank has confirmed as frozen and has
    neither given back nor freed again; 0 if none.

    The end of the stop, whether it was lifted or has run out, leaves the freeze: in law they are separate orders, and a
    freeze follows a stop by its own procedure (银发〔2016〕86号; Law against Telecom and Online Fraud, article 20). A
    bank's answer `released` ends the stop only: it answers a message of this centre, which orders stops and no freezes,
    and has no field that names a freeze. So money stays frozen until the bank has returned it or has answered
    `unfrozen`, until the freezing decision has ended or its period is over, or until an upheld objection removes it
    from the books.
    """
    said = said_of(case, payment)
    return max(0, (said.frozen_fen or 0) - said.returned_fen - unfrozen_fen(case, payment))


def frozen_amounts(case: Case) -> dict[str, int]:
    """Return how much (fen) banks have frozen and not freed again of the case's payments, by transfer; whether it was
    returned since does not matter.
    """
    left = {name: fen - case.unfrozen.get(name, 0) for name, fen in case.frozen.items()}
    return {name: fen for name, fen in left.items() if fen > 0}


def unfrozen_fen(case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment, or of the money in a traced account, is free again because a freeze has
    ended; 0 if none has. If it is known how much was frozen, no more than that less what was returned.
    """
    frozen, returned, freed = said_of(case, payment)
    return freed if frozen is None else min(freed, max(0, frozen - returned))


def status_of(case: Case, payment: Payment) -> Reconciled:
    """Return the status of one of the case's payments or traced accounts, with the amount (fen) that has this status.

    While a stop runs the money is STOPPED, also if the bank says that it is frozen: a freeze begins with an authority's
    decision, and recording that decision ends the stop. Only what was still in the account when the bank confirmed the
    stop is STOPPED, if the bank has stated it.
    """
    told = {_OF_TRANSFER[payment.state]: payment.amount_fen}
    if payment.stop is not None:
        if payment.stop.in_force:
            told[PaymentStatus.STOPPED] = stopped_fen(payment)
        else:
            told[_OF_STOP[payment.stop.state]] = payment.amount_fen
    if lost := next((loss for loss in case.losses if loss.id == payment.transfer), None):
        told[PaymentStatus.LOST] = lost.amount_fen
    if frozen := frozen_fen(case, payment):
        runs = payment.stop is not None and payment.stop.in_force
        told[PaymentStatus.STOPPED if runs else PaymentStatus.FROZEN] = frozen
    if freed := unfrozen_fen(case, payment):
        told[PaymentStatus.UNFROZEN] = freed
    told |= _of_kept(case, payment, back=PaymentStatus.RETURNED in told)
    first = min(told, key=_ORDER.index)
    return Reconciled(first, told[first])


def stopped_fen(payment: Payment) -> int:
    """Return how much (fen) of a payment, or of the money in a traced account, its latest stop holds or has held: what
    was still in the account when the bank confirmed the stop; the whole amount if no bank has stated that.
    """
    there = payment.stop.there_fen if payment.stop else None
    return min(payment.amount_fen, there or payment.amount_fen)


def asked_fen(action: Action, payment: Payment) -> int:
    """Return the amount (fen) of a request to a bank about a payment or a traced account: what the stop holds, for one
    that extends or lifts it; else the whole amount.
    """
    return stopped_fen(payment) if action in _OF_RUNNING else payment.amount_fen


class Rest(NamedTuple):
    """What is left of a payment's amount (fen) beside the part that its status is about, so that both add up to it.

    `lost_fen`: booked as lost. `unknown_fen`: nobody has reported what became of it.
    """

    lost_fen: int
    unknown_fen: int


def rest_of(case: Case, payment: Payment) -> Rest:
    """Return the parts (fen) of a payment that its status (`status_of`) does not cover; zeros if it covers the whole
    amount.
    """
    status, amount = status_of(case, payment)
    left = max(0, payment.amount_fen - amount)
    booked = sum(loss.amount_fen for loss in case.losses if loss.id == payment.transfer)
    lost = 0 if status is PaymentStatus.LOST else min(left, booked)
    return Rest(lost, left - lost)


def _of_kept(case: Case, payment: Payment, *, back: bool) -> dict[PaymentStatus, int]:
    """Return the statuses of a payment that follow from its booked loss avoided, with amounts (fen). Class A means
    returned, unless the bank has only frozen the money so far.
    """
    kept = case.kept.get(payment.transfer)
    if kept is None or kept.evidence is EvidenceClass.D:
        return {}
    if kept.evidence is EvidenceClass.A:
        held = frozen_fen(case, payment) > 0 and not back
        return {} if held else {PaymentStatus.RETURNED: kept.amount_fen}
    b = kept.evidence is EvidenceClass.B
    return {PaymentStatus.CANCELLED if b else PaymentStatus.NOT_MADE: kept.amount_fen}

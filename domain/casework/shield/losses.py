"""Finds out whether a decision is about a loss that was not known before, and when that loss happened.

The same money is often told several times: in one sum, by transfer, and by the police's record
(domain/payments/ledger).
"""

from datetime import datetime, timedelta

from domain.payments.ledger import UNNAMED, recorded_here
from schemas.casework.cases import Case, CaseState
from schemas.casework.frauds import RecordedFraud

OLD_RECORD = timedelta(days=90)  # assumed: a fraud that the police record later than this begins no shield


def new_loss(before: Case | None, after: Case, now: datetime) -> datetime | None:
    """Return the time of a loss that the case `after` has and the case `before` (None: no case) has not; None if there
    is none, or if the police recorded it more than 90 days after it happened.

    With a record of the police, the time is the record's; with a lost transfer, when it was paid. Otherwise it is
    `now`: if more money is stated than was known to be lost, or if the resident is newly stated to be defrauded, for
    the first time or after new danger: a person who repeats that it happened states no second loss.
    """
    known = before if before is not None and before.id == after.id else None
    if records := _new_records(known, after):
        happened = max(fraud.happened_at for fraud in records)
        return happened if now - happened <= OLD_RECORD else None
    if paid := _newly_lost_payments(known, after):
        return max(paid)
    if _told(after) > (_known_sum(known) if known is not None else 0):
        return now
    return now if _newly_defrauded(known, after) else None


def _newly_defrauded(known: Case | None, after: Case) -> bool:
    if after.state is not CaseState.ALREADY_DEFRAUDED or (known is not None and known.state is after.state):
        return False
    return after.prior_loss is None or (after.danger_at or after.opened_at) > after.prior_loss.at


def _new_records(known: Case | None, after: Case) -> list[RecordedFraud]:
    """Return the case's records of frauds with a loss, or with none stated, that are not in `known`."""
    before = {fraud.id for fraud in recorded_here(known) if fraud.loss_fen != 0} if known is not None else set()
    return [fraud for fraud in recorded_here(after) if fraud.loss_fen != 0 and fraud.id not in before]


def _newly_lost_payments(known: Case | None, after: Case) -> list[datetime]:
    """Return when the payments were made whose loss is not in `known`."""
    before = {loss.id for loss in known.losses} if known is not None else set()
    lost = {loss.id for loss in after.losses} - before
    return [payment.at for payment in after.payments if payment.transfer in lost]


def _told(case: Case) -> int:
    """Return the fen that persons say are lost: in one sum or by transfer, whichever is more, as both may be about the
    same money.
    """
    named = sum(loss.amount_fen for loss in case.losses if loss.id != UNNAMED)
    return max(named, *(loss.amount_fen for loss in case.losses if loss.id == UNNAMED), 0)


def _known_sum(case: Case) -> int:
    """Return how much money (fen) is known to be lost: the larger of what people told and what the police recorded."""
    return max(_told(case), sum(fraud.loss_fen or 0 for fraud in recorded_here(case)))

"""Residents' calls to 96110: the payments that may still be stopped, and how often a caller may try a code."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.payments.ledger import safe
from schemas.casework.cases import Case

# Assumed: three mistakes cost nothing, and a code of six digits cannot be found by trying within a day.
FREE_TRIES = 3
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
REMEMBERED = timedelta(hours=12)  # for which a wrong code counts


def next_try(wrong: Sequence[datetime], now: datetime) -> datetime | None:
    """Return the time from which the next code of a case may be checked; None: now. `wrong`: times of wrong codes, in
    any order.

    Wrong codes count for 12 hours. The wait runs from the latest: none after one or two, 30 s after the third, twice as
    long with each further one, up to 15 min.
    """
    recent = [at for at in wrong if at > now - REMEMBERED]
    if len(recent) < FREE_TRIES:
        return None
    wait = min(FIRST_WAIT * 2 ** min(len(recent) - FREE_TRIES, 10), LONGEST_WAIT)
    until = max(recent) + wait
    return until if until > now else None


def to_stop(case: Case, payee: str) -> list[str]:
    """Return the case's transfers to this payee (a token), in the case's order, without a stop that is requested or in
    force, and whose money is not safe.

    The case decides later whether the bank may still be asked: at most twice for an account, and not too long after
    settlement.
    """
    return [
        payment.transfer
        for payment in case.payments
        if payment.payee == payee
        and not (payment.stop and payment.stop.state.open)
        and not safe(case, payment.transfer)
    ]


def in_danger(case: Case | None) -> bool:
    """Return True if there is a case, and it is open and not settled, so that a new report belongs to it and opens no
    new case. False for None.
    """
    return case is not None and case.open and not case.settled

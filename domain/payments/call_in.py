"""Residents' calls to 96110: which payments may still be stopped, and how often a caller may try a code."""

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
    """Return when the next code of a case may be checked; None: now. `wrong`: the times of wrong codes, in any order.

    Wrong codes count for 12 hours. After the third wrong code the wait is 30 s; each further one doubles it, up to 15
    min.
    """
    recent = [at for at in wrong if at > now - REMEMBERED]
    if len(recent) < FREE_TRIES:
        return None
    wait = min(FIRST_WAIT * 2 ** min(len(recent) - FREE_TRIES, 10), LONGEST_WAIT)
    until = max(recent) + wait
    return until if until > now else None


def to_stop(case: Case, payee: str) -> list[str]:
    """Return the case's transfers to this payee (a token) whose stop is neither requested nor in force, and whose money
    is not safe.

    Whether the bank may still be asked is decided by the case (at most twice for an account, not too long after
    settlement).
    """
    return [
        payment.transfer
        for payment in case.payments
        if payment.payee == payee
        and not (payment.stop and payment.stop.state.lasts)
        and not safe(case, payment.transfer)
    ]


def in_danger(case: Case | None) -> bool:
    """Return whether the case is open and not settled, so that a report acts on it instead of opening a new one. False
    for None.
    """
    return case is not None and case.open and not case.settled

"""A resident calls 96110: which payments a report may still stop, and how often a code may be guessed at."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.payments.ledger import safe
from schemas.casework.cases import Case, StopState

# Assumed: three slips of the tongue cost nothing; a code of six digits is not found out by trying within a day.
FREE_TRIES = 3
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
REMEMBERED = timedelta(hours=12)  # so long a wrong code counts

_UNDER_WAY = (StopState.ASKED, StopState.IN_FORCE)


def next_try(wrong: Sequence[datetime], now: datetime) -> datetime | None:
    """When the next code of a case may be looked at; none: now. `wrong`: when the wrong ones were told, in any order.

    Each wrong one beyond the free tries doubles the wait.
    """
    recent = [at for at in wrong if at > now - REMEMBERED]
    if len(recent) < FREE_TRIES:
        return None
    wait = min(FIRST_WAIT * 2 ** min(len(recent) - FREE_TRIES, 10), LONGEST_WAIT)
    until = max(recent) + wait
    return until if until > now else None


def to_stop(case: Case, payee: str) -> list[str]:
    """The transfers of a case to this payee (a token) for which a bank is worth asking: none is stopped or safe yet.

    Whether it may be asked (twice an account at most, not settled for too long) is the case's to say.
    """
    return [
        payment.transfer
        for payment in case.payments
        if payment.payee == payee
        and not (payment.stop and payment.stop.state in _UNDER_WAY)
        and not safe(case, payment.transfer)
    ]


def in_danger(case: Case | None) -> bool:
    """Whether a case is at work already: a report changes it by acts, and need not raise it."""
    return case is not None and case.open and not case.settled

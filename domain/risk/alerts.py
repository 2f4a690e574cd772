"""Decides whether casework must be alerted of a danger, with which id, and what to remember of the alert."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.ids import short_hash
from domain.risk.score import Assessment
from schemas.casework.cases import Payment
from schemas.levels import Level
from schemas.risk.evidence import Alerted, WatchStatus


def news(found: Assessment, alerted: Alerted | None) -> bool:
    """Return whether casework does not know the danger: a higher level, another campaign, or (from orange on) a payment
    or its new state. False without a danger.
    """
    danger = found.danger
    if danger is None:
        return False
    if alerted is None or danger.level.rank > alerted.level.rank:
        return True
    if danger.campaign is not None and danger.campaign not in alerted.campaigns:
        return True
    return danger.level.rank >= Level.ORANGE.rank and not _known(found.payments) <= alerted.payments


def come_back(found: Assessment, left: Assessment) -> bool:
    """Return whether a danger is news again: the level is higher than that of `left`, the assessment of what remains of
    known evidence. False without a danger.
    """
    if found.danger is None:
        return False
    return left.danger is None or found.danger.level.rank > left.danger.level.rank


def remembered(found: Assessment, alerted: Alerted | None, now: datetime) -> Alerted:
    """Return what screening remembers of the resident once Kafka has acknowledged the alert.

    Raises ValueError if no danger was found.
    """
    if found.danger is None:
        raise ValueError("no danger was found, so nothing was told")
    level, campaign = found.danger.level, found.danger.campaign
    before = alerted or Alerted(level=level, at=now)
    return Alerted(
        level=max(level, before.level, key=lambda one: one.rank),
        at=max(now, before.at),
        payments=before.payments | _known(found.payments),
        campaigns=before.campaigns | ({campaign} if campaign else set()),
    )


def alert_id(cause: Sequence[object], resident: str, level: Level) -> str:
    """Return an alert's id: the same cause (a record's topic, partition and offset, or a moment) gives the same id."""
    return "a:" + short_hash(*(str(part) for part in cause), resident, level)


def _known(payments: Iterable[Payment]) -> frozenset[str]:
    """Return what an alert says of payments. A payee that is confirmed later is news: other orders may then go out."""
    confirmed = (f"{payment.transfer}:confirmed" for payment in payments if payment.watched is WatchStatus.CONFIRMED)
    return frozenset({*(f"{payment.transfer}:{payment.state}" for payment in payments), *confirmed})

"""Decides whether casework must be alerted of a danger, with which id, and what to remember of the alert."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.ids import short_hash
from domain.risk.score import Assessment
from schemas.casework.cases import Payment
from schemas.levels import Level
from schemas.risk.evidence import Alerted, WatchStatus


def news(found: Assessment, alerted: Alerted | None) -> bool:
    """Return True if casework must be alerted, because something about the danger `found` is new to it. False if there
    is no danger.

    New is: a higher level than in `alerted` (the alerts that casework got before; None: none), another campaign, or
    from level orange on, a payment or a payment's state that `alerted` does not have.
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
    """Return True if the danger has grown again since the last alert to casework, whose evidence has faded meanwhile.

    `found`: the assessment now, of all evidence. `left`: the assessment now, of only the evidence from before the last
    alert. True if `found` has a higher level than `left`, or a level while `left` has none; False if `found` has no
    danger.
    """
    if found.danger is None:
        return False
    return left.danger is None or found.danger.level.rank > left.danger.level.rank


def remembered(found: Assessment, alerted: Alerted | None, now: datetime) -> Alerted:
    """Return the record of all alerts that casework has after the alert of the danger `found`: the highest level, and
    all payments and campaigns, together with those of `alerted`, the alerts before (None: none). Nothing is stored
    here; screening stores it once Kafka has acknowledged the alert.

    Raises ValueError if `found` has no danger.
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
    """Return an alert's id, "a:" and a hash of the cause, resident and level, so that the same ones always give the
    same id.

    `cause`: the topic, partition and offset of a record, or a moment.
    """
    return "a:" + short_hash(*(str(part) for part in cause), resident, level)


def _known(payments: Iterable[Payment]) -> frozenset[str]:
    """Return what an alert tells casework about the payments, as texts: for each payment its name and state, such as
    `bank:1:pending`, and, if its payee is a confirmed suspect, also its name with `confirmed`, such as
    `bank:1:confirmed`. A text that no earlier alert had is news.
    """
    confirmed = (f"{payment.transfer}:confirmed" for payment in payments if payment.watched is WatchStatus.CONFIRMED)
    return frozenset({*(f"{payment.transfer}:{payment.state}" for payment in payments), *confirmed})

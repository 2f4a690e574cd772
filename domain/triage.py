"""Which case an operator should take next, and why, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.cases import Case, StepState
from schemas.levels import Action, Level
from schemas.signals import TransferState

# Assumed, until the laboratory measures them: what a level is worth when no money is known, in fen.
_LEVEL_WORTH = {Level.RED: 5_000_000, Level.ORANGE: 1_000_000, Level.YELLOW: 100_000, Level.BLUE: 10_000}
_CALL_IN_PROGRESS = 3.0  # the scammer is on the line: every minute counts
_PATIENCE = timedelta(minutes=30)  # what waits this long counts twice, so that a small loss is not left for ever


@dataclass(frozen=True, slots=True)
class Worth:
    """How much it is worth to take a case now (fen, weighed), and the reason an operator reads."""

    case: Case
    fen: float
    because: str


def order(cases: Iterable[Case], now: datetime) -> list[Worth]:
    """The cases, the one to take first at the head."""
    return sorted((worth(case, now) for case in cases), key=lambda item: (-item.fen, item.case.id))


def worth(case: Case, now: datetime) -> Worth:
    """Weigh money still to go, the level, a call in progress and the time waited."""
    to_go = sum(payment.amount_fen for payment in case.payments if payment.state is not TransferState.SETTLED)
    fen = max(float(to_go), case.danger.exposure_fen * case.danger.probability, _LEVEL_WORTH[case.level])
    reasons = [f"{case.level}"]
    if to_go:
        reasons.append(f"¥{to_go / 100:,.0f} still to go")
    if case.danger.call_since is not None:
        fen *= _CALL_IN_PROGRESS
        reasons.append(f"call in progress for {_minutes(now - case.danger.call_since)}")
    waited = max(timedelta(0), now - waiting_since(case))
    reasons.append(f"waiting for {_minutes(waited)}")
    return Worth(case, fen * (1 + waited / _PATIENCE), ", ".join(reasons))


def waiting_since(case: Case) -> datetime:
    """Since when the case has waited for an operator: since it was last touched, or was opened."""
    waits = any(step.action is Action.OPERATOR_CALL and step.state is StepState.SENT for step in case.steps)
    return case.updated_at if waits else case.opened_at


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"

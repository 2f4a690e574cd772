"""Which case an operator should take next, and why, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from schemas.cases import Case, StepState
from schemas.levels import Action, Level
from schemas.signals import TransferState

# Assumed, until the laboratory measures them: what a level is worth when no money is known, in fen.
_LEVEL_WORTH = {Level.RED: 5_000_000, Level.ORANGE: 1_000_000, Level.YELLOW: 100_000, Level.BLUE: 10_000}
_CALL_IN_PROGRESS = 3.0  # the scammer is on the line: every minute counts
PATIENCE = timedelta(minutes=30)  # what waits this long counts twice, so that a small loss is not left for ever


@dataclass(frozen=True, slots=True)
class Worth:
    """How much it is worth to take a case now (fen, weighed), and the reason an operator reads."""

    case: Case
    fen: float
    because: str


class Turn(IntEnum):
    """Whose turn a case is; the first comes first in the queue."""

    OFFERED = 0  # an operator's: a call is on the desk, and nobody has the case
    UNDER_WAY = 1  # the plan's, an officer's, or that of the operator who has it
    SETTLED = 2  # nobody's: the resident was dissuaded or cleared


@dataclass(frozen=True, slots=True)
class Weight:
    """All that a case's place in the queue hangs on, but the time: it stays the same for as long as the case does."""

    turn: Turn
    fen: float
    since: datetime

    def at(self, now: datetime) -> float:
        """What it is worth to take the case then: more, the longer it has waited."""
        return self.fen * (1 + max(timedelta(0), now - self.since) / PATIENCE)

    def place(self, now: datetime) -> tuple[int, float]:
        """The least is to be taken first."""
        return (self.turn, -self.at(now))


def order(cases: Iterable[Case], now: datetime) -> list[Worth]:
    """The cases, the one to take first at the head."""
    return sorted((worth(case, now) for case in cases), key=lambda item: (-item.fen, item.case.id))


def worth(case: Case, now: datetime) -> Worth:
    """Weigh money still to go, the level, a call in progress and the time waited."""
    weight, going = weigh(case), to_go(case)
    reasons = [f"{case.level}"]
    if going:
        reasons.append(f"¥{going / 100:,.0f} still to go")
    if case.danger.call_since is not None:
        reasons.append(f"call in progress for {_minutes(now - case.danger.call_since)}")
    reasons.append(f"waiting for {_minutes(max(timedelta(0), now - weight.since))}")
    return Worth(case, weight.at(now), ", ".join(reasons))


def weigh(case: Case) -> Weight:
    """What the case is worth as it stands, and since when it waits."""
    fen = max(float(to_go(case)), case.danger.exposure_fen * case.danger.probability, _LEVEL_WORTH[case.level])
    if case.danger.call_since is not None:
        fen *= _CALL_IN_PROGRESS
    return Weight(_turn(case), fen, waiting_since(case))


def to_go(case: Case) -> int:
    """The money (fen) whose payment has not gone through yet."""
    return sum(payment.amount_fen for payment in case.payments if payment.state is not TransferState.SETTLED)


def waiting_since(case: Case) -> datetime:
    """Since when the case has waited for an operator: since it was last touched, or was opened."""
    return case.updated_at if _called(case) else case.opened_at


def _turn(case: Case) -> Turn:
    if case.settled:
        return Turn.SETTLED
    return Turn.OFFERED if _called(case) and case.claimed_by is None else Turn.UNDER_WAY


def _called(case: Case) -> bool:
    """Whether a call of an operator is on the desk."""
    return any(step.action is Action.OPERATOR_CALL and step.state is StepState.SENT for step in case.steps)


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"

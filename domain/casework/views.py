"""What is kept beside a case, derived from it alone."""

from datetime import datetime

from domain.casework.draft import LIVE
from domain.dispatches.ids import named
from schemas.casework.cases import Case, StepState
from schemas.levels import Action, Level


def deadlines(case: Case) -> dict[str, datetime]:
    """When each step must change at the latest, by step."""
    return {step.id: step.due for step in case.steps if step.due is not None and step.state in LIVE}


def queue_rank(case: Case) -> float | None:
    """Who needs an operator next: the lowest number. None when nobody has to call.

    Coarse: the level first, then the earliest time by which a call's result is owed (seconds since 1970).
    """
    if case.settled:
        return None
    calls = [step for step in case.steps if step.action is Action.OPERATOR_CALL and step.state in LIVE]
    dues = [step.due for step in calls if step.due and (step.state is StepState.SENT or case.claimed_by)]
    if not dues and not case.claimed_by:
        return None
    earliest = min(dues, default=case.updated_at)
    return (Level.RED.rank - case.level.rank) * 1e10 + earliest.timestamp()


def awaited(case: Case) -> set[str]:
    """The dispatches that are out, or on their way: whatever a channel has reported of them, their step waits."""
    return {
        named(case.id, step.id, step.attempt, step.action.channel)
        for step in case.steps
        if step.state is StepState.SENT
    }


def has_held(case: Case) -> bool:
    """Whether a hold keeps a step of the case back."""
    return any(step.state is StepState.HELD for step in case.steps)


def settled_at(case: Case) -> datetime | None:
    """When the case was dissuaded, cleared or closed; none while the resident is in danger."""
    return case.settled_at if case.settled else None

"""The index entries of a case, derived from the case alone."""

from datetime import datetime

from domain.dispatches.ids import named
from schemas.casework.cases import LIVE_STEPS, Case, StepState
from schemas.levels import Action, Level


def deadlines(case: Case) -> dict[str, datetime]:
    """Return when each unfinished step falls due, by step id; steps without a time are left out."""
    return {step.id: step.due for step in case.steps if step.due is not None and step.state in LIVE_STEPS}


def queue_rank(case: Case) -> float | None:
    """Return the case's rank in the queue, lowest first, or None if no operator has to call.

    Coarse: the level first, then the earliest deadline of a call's result (seconds since 1970).
    """
    if case.settled:
        return None
    calls = [step for step in case.steps if step.action is Action.OPERATOR_CALL and step.state in LIVE_STEPS]
    dues = [step.due for step in calls if step.due and (step.state is StepState.SENT or case.claimed_by)]
    if not dues and not case.claimed_by:
        return None
    earliest = min(dues, default=case.updated_at)
    return (Level.RED.rank - case.level.rank) * 1e10 + earliest.timestamp()


def awaited(case: Case) -> set[str]:
    """Return the ids of the dispatches of steps in state SENT: their result may still change the case, even if one
    came.
    """
    return {
        named(case.id, step.id, step.attempt, step.action.channel)
        for step in case.steps
        if step.state is StepState.SENT
    }


def has_held(case: Case) -> bool:
    """Return whether any step of the case is held back by a hold."""
    return any(step.state is StepState.HELD for step in case.steps)


def settled_at(case: Case) -> datetime | None:
    """Return when the case was dissuaded, cleared or closed; None while the resident is in danger."""
    return case.settled_at if case.settled else None

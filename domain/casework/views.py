"""The entries of a case in the store's indexes, derived from the case alone."""

from datetime import datetime

from domain.dispatches.ids import named
from domain.policy.risk import ShieldRules
from domain.risk.shield import shielded_until
from schemas.casework.cases import LIVE_STEPS, Case, StepState
from schemas.levels import Action, Level


def deadlines(case: Case) -> dict[str, datetime]:
    """Return the due time (UTC) of each unfinished step, internal timers included, by step id; steps without a due time
    are left out.
    """
    return {step.id: step.due for step in case.steps if step.due is not None and step.state in LIVE_STEPS}


def queue_rank(case: Case) -> float | None:
    """Return the rank of the case in the queue's index, the lowest first; None if it is settled, or if no operator has
    claimed it and no operator's call has been sent.

    The rank is coarse: by level, then by the earliest deadline of an operator's call (seconds since 1970), or without
    one by the case's last change.
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
    """Return the ids of the dispatches whose result may still change the case: those of steps in state SENT."""
    return {
        named(case.id, step.id, step.attempt, step.action.channel)
        for step in case.steps
        if step.state is StepState.SENT
    }


def has_held(case: Case) -> bool:
    """Return True if a hold, or an offer to another province, keeps back a step of the case."""
    return any(step.state is StepState.HELD for step in case.steps)


def settled_at(case: Case) -> datetime | None:
    """Return the time at which the resident was dissuaded or cleared, or the case was handed over or closed, whichever
    was first; None while the case is not settled.
    """
    return case.settled_at if case.settled else None


def shield_of(case: Case, rules: ShieldRules | None, now: datetime) -> datetime | None:
    """Return the time until which the resident is shielded after a loss, or None if they are not shielded at `now`.
    `rules`: those of the policy in force, None if it has no shield.
    """
    until = shielded_until(case.prior_loss, rules)
    return until if until is not None and now < until else None

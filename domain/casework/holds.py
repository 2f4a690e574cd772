"""Holds: mutes, and the stop of all outgoing contact. A hold applies where all its criteria match."""

from collections.abc import Collection
from datetime import datetime

from domain.casework.draft import DecisionBuilder, is_clock
from domain.policy.schedule import LIFTS
from schemas.casework.cases import WAITING_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCode
from schemas.levels import Level


def stops_all(hold: Hold) -> bool:
    """Return whether the hold has no criteria but the area: it stops all outgoing contact there (except red, if
    spared).
    """
    return not (hold.channel or hold.action or hold.scam_type or hold.campaign or hold.policy)


def matches(hold: Hold, case: Case, step: Step) -> bool:
    """Return whether the hold's criteria fit this step of this case (its time is not checked).

    A hold that spares red applies to no red case. None applies to a step that asks a bank to lift a stop: it gives
    somebody their account back, and contacts nobody.
    """
    if step.action in LIFTS:
        return False
    if hold.spare_red and case.level is Level.RED:
        return False
    return (
        hold.channel in (None, step.action.channel)
        and hold.action in (None, step.action)
        and hold.scam_type in (None, case.danger.scam_type)
        and hold.campaign in (None, case.danger.campaign)
        and case.profile.division.startswith(hold.area or "")
        and hold.policy in (None, case.raised_by)
    )


def holding(draft: DecisionBuilder, step: Step) -> Hold | None:
    """Return the hold in force that applies to this step, or None. If there are several, the one that ends last."""
    found = [hold for hold in draft.rules.holds if hold.until > draft.now and matches(hold, draft.case, step)]
    return max(found, key=_until, default=None)


def touched(hold: Hold, case: Case, states: Collection[StepState] = WAITING_STEPS) -> int:
    """Return how many steps of the case, in one of `states`, the hold applies to or would when they fall due.

    0 if the case is closed.
    """
    if not case.open:
        return 0
    return sum(step.state in states and not is_clock(step) and matches(hold, case, step) for step in case.steps)


def release(draft: DecisionBuilder, step: Step, why: AnyCode) -> None:
    """Release a held step: it is pending again and falls due now. `why`: the recorded reason."""
    draft.change(step, state=StepState.PENDING, due=draft.now)
    draft.note(FactKind.RELEASED, why, step)


def _until(hold: Hold) -> datetime:
    return hold.until

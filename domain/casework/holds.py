"""Holds: they keep back some contacts or all. A hold applies to a step if all its criteria match."""

from collections.abc import Collection
from datetime import datetime

from domain.casework.draft import DecisionBuilder, is_clock
from domain.policy.schedule import LIFTS
from schemas.casework.cases import WAITING_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCode
from schemas.levels import Action, Level


def stops_all(hold: Hold) -> bool:
    """Return True if the hold keeps back all contacts of its area, because its only criterion is the area. It may still
    spare red cases.
    """
    return not (hold.channel or hold.action or hold.scam_type or hold.campaign or hold.policy)


def matches(hold: Hold, case: Case, step: Step) -> bool:
    """Return True if the hold's criteria match this step of this case. Its end is not checked.

    A hold that spares red matches no red case. No hold matches a step that asks a bank to lift a stop or a hold on an
    account, or that offers the case to another province: it contacts nobody.
    """
    if step.action in LIFTS or step.action is Action.HAND_OVER:
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
    """Return the hold in force that applies to this step, or None; of several, the one that ends last. Holds whose end
    is not after the builder's `now` are ignored.
    """
    found = [hold for hold in draft.rules.holds if hold.until > draft.now and matches(hold, draft.case, step)]
    return max(found, key=_until, default=None)


def touched(hold: Hold, case: Case, states: Collection[StepState] = WAITING_STEPS) -> int:
    """Return the number of steps of the case, in one of `states`, that match the hold. 0 if the case is closed.

    By default, waiting steps are counted: those that the hold would keep back once they are due.
    """
    if not case.open:
        return 0
    return sum(step.state in states and not is_clock(step) and matches(hold, case, step) for step in case.steps)


def release(draft: DecisionBuilder, step: Step, why: AnyCode) -> None:
    """Make a held step pending and due now, with a fact. `why`: the recorded reason. Nothing is sent: see `run_due`."""
    draft.change(step, state=StepState.PENDING, due=draft.now)
    draft.note(FactKind.RELEASED, why, step)


def _until(hold: Hold) -> datetime:
    return hold.until

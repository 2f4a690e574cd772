"""The end of holds on the resident's own account: lifted early, or for want of a ground."""

from domain.casework.draft import DecisionBuilder
from domain.casework.own_account.last_resort import in_red_danger
from domain.casework.own_account.records import (
    hold_never_sent,
    hold_of_step,
    lift_stem,
    live_lifts,
    may_have_gone_out,
    may_lift,
    put_hold,
)
from domain.casework.steps import end, plan_step
from schemas.casework.cases import LIVE_STEPS, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import OwnHold, OwnHoldState
from schemas.codes.any_code import AnyCode
from schemas.codes.own_account import OwnHoldNotNeeded
from schemas.levels import Action


def lift_own_hold(draft: DecisionBuilder, hold: OwnHold, why: AnyCode) -> None:
    """End a hold: a proposal is withdrawn; the bank is asked to lift one that it may have. No effect on one that has
    ended or that the bank is being asked to lift. The caller's fact tells of it.
    """
    if hold.state is OwnHoldState.PROPOSED:
        put_hold(draft, hold, state=OwnHoldState.WITHDRAWN)
        return
    if not may_lift(hold, draft.steps.values()):
        return
    request = draft.steps.get(hold.step or "")
    live = request if request is not None and request.state in LIVE_STEPS else None
    if live is not None and not may_have_gone_out(live):
        end(draft, live, StepState.WITHDRAWN, why)  # no bank has it: the hold ends with its request
        return
    put_hold(draft, hold, state=OwnHoldState.LIFTING)
    if live is not None:
        end(draft, live, StepState.WITHDRAWN, why)
    ask_to_lift(draft, hold, why)


def ask_to_lift(draft: DecisionBuilder, hold: OwnHold, why: AnyCode) -> None:
    """Plan the step, due now, that asks the bank to lift a hold."""
    plan_step(draft, lift_stem(hold), Action.LIFT_HOLD, draft.now, why)


def never_got(draft: DecisionBuilder, step: Step) -> None:
    """Withdraw a hold that is being lifted, if it turns out that no request for it (`step`) reached a bank: then there
    is nothing to lift. No effect otherwise.
    """
    hold = hold_of_step(draft.case, step.id) if step.action is Action.HOLD_OUTGOING else None
    if hold is None or hold.state is not OwnHoldState.LIFTING or not hold_never_sent(step):
        return
    put_hold(draft, hold, state=OwnHoldState.WITHDRAWN)
    for each in live_lifts(hold, draft.steps.values()):
        end(draft, each, StepState.WITHDRAWN, OwnHoldNotNeeded())


def lift_needless(draft: DecisionBuilder) -> None:
    """End every hold of a case that is no longer red, or whose resident is safe: its ground is gone."""
    if not draft.case.own_holds or in_red_danger(draft.case):
        return
    for hold in draft.case.own_holds:
        if hold.state is OwnHoldState.PROPOSED or hold.state.liftable:
            draft.note(FactKind.OWN_ACCOUNT, OwnHoldNotNeeded())
            lift_own_hold(draft, hold, OwnHoldNotNeeded())

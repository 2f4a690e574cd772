"""Ends holds on the resident's own account early: by a person's decision, or because their ground no longer exists."""

from domain.casework.draft import DecisionBuilder
from domain.casework.own_account.last_resort import in_call_with, in_red_danger
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
from schemas.casework.cases import LIVE_STEPS, CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import OwnHold, OwnHoldState
from schemas.codes.any_code import AnyCode
from schemas.codes.own_account import OwnDelayLapsed, OwnHoldNotNeeded
from schemas.levels import Action


def lift_own_hold(draft: DecisionBuilder, hold: OwnHold, why: AnyCode) -> None:
    """End a hold: withdraw a proposal or an unsent request; ask the bank to lift a hold that it may have.

    No effect if the hold has ended, or if the bank is already asked to lift it. The caller records the fact of the
    decision.
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
    """Withdraw a hold that is being lifted if no request for it (`step`) has reached a bank: then there is nothing to
    lift.

    No effect otherwise.
    """
    hold = hold_of_step(draft.case, step.id) if step.action is Action.HOLD_OUTGOING else None
    if hold is None or hold.state is not OwnHoldState.LIFTING or not hold_never_sent(step):
        return
    put_hold(draft, hold, state=OwnHoldState.WITHDRAWN)
    for each in live_lifts(hold, draft.steps.values()):
        end(draft, each, StepState.WITHDRAWN, OwnHoldNotNeeded())


def lift_needless(draft: DecisionBuilder) -> None:
    """End every hold on the resident's own account, each with a fact, if the case is closed, settled or no longer red:
    the ground no longer exists. Proposals and unsent requests are withdrawn, and the bank is asked to lift a hold that
    it may have.

    After a hand-over to another province the danger goes on: only proposals are withdrawn, and an approved hold stays
    until its time is over.
    """
    if not draft.case.own_holds or in_red_danger(draft.case):
        return
    handed_over = draft.case.state is CaseState.HANDED_OVER
    for hold in draft.case.own_holds:
        if hold.state is OwnHoldState.PROPOSED or (hold.state.liftable and not handed_over):
            draft.note(FactKind.OWN_ACCOUNT, OwnHoldNotNeeded())
            lift_own_hold(draft, hold, OwnHoldNotNeeded())


def lapse_delays(draft: DecisionBuilder) -> None:
    """Withdraw, with a fact, every delay that no bank has got yet and whose talk, during which it was asked for, has
    ended.
    """
    for hold in draft.case.own_holds:
        if hold.is_delay and not in_call_with(draft.case, hold.asked_by) and _unsent(draft, hold):
            draft.note(FactKind.OWN_ACCOUNT, OwnDelayLapsed())
            lift_own_hold(draft, hold, OwnDelayLapsed())


def _unsent(draft: DecisionBuilder, hold: OwnHold) -> bool:
    """Return whether a hold waits for approval, or its request waits to be sent to the bank."""
    request = draft.steps.get(hold.step or "") if hold.state is OwnHoldState.ASKED else None
    waits = request is not None and request.state in LIVE_STEPS and not may_have_gone_out(request)
    return hold.state is OwnHoldState.PROPOSED or waits

"""Applies a bank's answers about holds on the resident's own account, and the timers of these holds."""

from domain.casework.draft import DecisionBuilder
from domain.casework.orders.late_answers import answers_unsent
from domain.casework.own_account.lifting import ask_to_lift
from domain.casework.own_account.records import HOLD_CLOCK, hold_of_step, own_hold_of, put_hold
from domain.casework.steps import end
from schemas.casework.cases import LIVE_STEPS, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import OwnHoldAnswer
from schemas.casework.own_account import OwnHold, OwnHoldAnswerState, OwnHoldState
from schemas.codes.any_code import AnyCode
from schemas.codes.own_account import (
    NoOwnHold,
    OwnHoldEnded,
    OwnHoldInForce,
    OwnHoldLifted,
    OwnHoldLiftRefused,
    OwnHoldNotNeeded,
    OwnHoldRefused,
    OwnHoldUndecided,
)
from schemas.levels import Action

_AWAITED = (OwnHoldState.ASKED, OwnHoldState.UNCONFIRMED, OwnHoldState.FAILED)
_OVER = (OwnHoldState.WITHDRAWN, OwnHoldState.REFUSED, OwnHoldState.LIFTED)  # nobody counts on a hold any more


def own_hold_answer(draft: DecisionBuilder, given: OwnHoldAnswer) -> None:
    """Apply a bank's answer about a hold on the resident's own account to the case, with a fact; a known answer changes
    nothing.

    An answer about a hold that the case does not have, or to a request that was not sent, is recorded as a fact
    REFUSED.
    """
    hold = hold_of_step(draft.case, given.step)
    if hold is None or hold.step is None or answers_unsent(draft, given.dispatch):
        draft.note(FactKind.REFUSED, NoOwnHold())
        return
    match given.state:
        case OwnHoldAnswerState.IN_FORCE:
            _in_force(draft, given, hold)
        case OwnHoldAnswerState.REFUSED:
            _refused(draft, given, hold)
        case OwnHoldAnswerState.LIFTED:
            _lifted(draft, hold)


def _in_force(draft: DecisionBuilder, given: OwnHoldAnswer, hold: OwnHold) -> None:
    ends = hold.until or draft.now
    until = min(given.until or ends, ends)
    if hold.state in _OVER and ends > draft.now:  # the bank has it all the same, and so it must be lifted
        lifting = put_hold(draft, hold, state=OwnHoldState.LIFTING, confirmed_at=draft.now, bank=given.bank)
        draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, until)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldInForce(until))
        ask_to_lift(draft, lifting, OwnHoldNotNeeded())
    elif hold.state in _AWAITED and until > draft.now:
        put_hold(draft, hold, state=OwnHoldState.IN_FORCE, until=until, confirmed_at=draft.now, bank=given.bank)
        draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, until)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldInForce(until))
        _answered(draft, hold, StepState.DONE)


def _refused(draft: DecisionBuilder, given: OwnHoldAnswer, hold: OwnHold) -> None:
    if hold.state in _AWAITED and given.step == hold.step:
        put_hold(draft, hold, state=OwnHoldState.REFUSED)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldRefused())
        _answered(draft, hold, StepState.FAILED)
    elif hold.state is OwnHoldState.LIFTING and given.step == hold.step:  # there was nothing to lift
        put_hold(draft, hold, state=OwnHoldState.REFUSED)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldRefused())
        _answered(draft, hold, StepState.DONE)
    elif (
        hold.state is OwnHoldState.LIFTING and given.step != hold.step
    ):  # it can be lifted again, and ends by its clock
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldLiftRefused())
        _answered(draft, hold, StepState.FAILED)


def _lifted(draft: DecisionBuilder, hold: OwnHold) -> None:
    """Apply that the bank has ended a hold, as it was asked to or by itself."""
    if hold.state in (OwnHoldState.LIFTING, OwnHoldState.IN_FORCE, *_AWAITED):
        put_hold(draft, hold, state=OwnHoldState.LIFTED)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldLifted())
        _answered(draft, hold, StepState.DONE)


def _answered(draft: DecisionBuilder, hold: OwnHold, state: StepState) -> None:
    """End the hold's steps that wait for the bank."""
    for step in draft.live(Action.HOLD_OUTGOING, Action.LIFT_HOLD):
        of = hold_of_step(draft.case, step.id)
        if of is not None and of.id == hold.id and step.state in LIVE_STEPS:
            end(draft, step, StepState.FAILED if state is StepState.FAILED else StepState.DONE, _what(draft, hold))


def _what(draft: DecisionBuilder, hold: OwnHold) -> AnyCode:
    """Return what the hold's end says of its steps."""
    known = own_hold_of(draft.case, hold.id) or hold
    match known.state:
        case OwnHoldState.IN_FORCE:
            return OwnHoldInForce(known.until or draft.now)
        case OwnHoldState.REFUSED:
            return OwnHoldRefused()
        case OwnHoldState.LIFTED:
            return OwnHoldLifted()
        case OwnHoldState.LIFTING:
            return OwnHoldLiftRefused()
        case _:
            return OwnHoldEnded()


def hold_clock(draft: DecisionBuilder, timer: Step) -> None:
    """Process the timer of a hold, which is removed: a proposal without enough approvals becomes UNDECIDED; any other
    open hold becomes ENDED, with a fact, whatever the bank has answered. No effect on a hold that is over.
    """
    draft.steps.pop(timer.id, None)
    hold = own_hold_of(draft.case, timer.id.removeprefix(HOLD_CLOCK))
    if hold is None or not hold.state.open:
        return
    if hold.state is OwnHoldState.PROPOSED:
        put_hold(draft, hold, state=OwnHoldState.UNDECIDED)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldUndecided())
        return
    put_hold(draft, hold, state=OwnHoldState.ENDED)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldEnded())
    _answered(draft, hold, StepState.DONE)

"""The holds on the resident's own accounts that a case has: found, replaced, and ended with their request."""

from collections.abc import Iterable

from domain.casework.draft import CLOCK, DecisionBuilder
from schemas.casework.cases import LIVE_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import OwnHold, OwnHoldState
from schemas.codes.own_account import OwnHoldUnconfirmed
from schemas.levels import NEVER_SENT, Action

HOLD_CLOCK = f"{CLOCK}oh."  # ids of the timers of holds: for the decision, then for the end


def own_hold_of(case: Case, name: str) -> OwnHold | None:
    """Return a case's hold by its id, or None."""
    return next((hold for hold in case.own_holds if hold.id == name), None)


def hold_of_step(case: Case, step: str) -> OwnHold | None:
    """Return the hold that a step asks for or lifts, or None. A step that lifts one is named after it."""
    of_request = (hold for hold in case.own_holds if hold.step == step)
    of_lift = (hold for hold in case.own_holds if _lifts(hold, step))
    return next(of_request, None) or next(of_lift, None)


def _lifts(hold: OwnHold, step: str) -> bool:
    return f"{step}.".startswith(f"{lift_stem(hold)}.")


def lift_stem(hold: OwnHold) -> str:
    """Return what the ids of the steps that lift a hold begin with."""
    return f"lift.{hold.id.rpartition('.')[2]}"


def may_lift(hold: OwnHold, steps: Iterable[Step]) -> bool:
    """Return whether a hold can be lifted, and so objected to: the bank has it, may have it or is about to get it, and
    no request to lift it is under way. `steps`: the case's, as they are now.

    A bank may have refused to lift it: then it can be asked again.
    """
    if hold.state is not OwnHoldState.LIFTING:
        return hold.state.liftable
    return not live_lifts(hold, steps)


def live_lifts(hold: OwnHold, steps: Iterable[Step]) -> list[Step]:
    """Return the unfinished steps of `steps` that ask the bank to lift a hold."""
    return [step for step in steps if step.state in LIVE_STEPS and _lifts(hold, step.id)]


def may_ask_bank(case: Case, step: str) -> bool:
    """Return whether the bank may be asked for a step's hold: enough persons have approved it, and it stands."""
    hold = hold_of_step(case, step)
    return hold is not None and hold.state is OwnHoldState.ASKED and len(hold.approvals) >= hold.persons


def same_own_account(case: Case, name: str) -> list[str]:
    """Return the ids of the holds on the same account as the hold `name`, itself included; empty if there is none."""
    hold = own_hold_of(case, name)
    return [each.id for each in case.own_holds if hold is not None and each.own_account == hold.own_account]


def put_hold(draft: DecisionBuilder, hold: OwnHold, **changes: object) -> OwnHold:
    """Replace a hold, or add a new one, with these changes. Its timer ends with it. Returns the changed hold."""
    changed = hold.model_copy(update=changes)
    known = draft.case.own_holds
    if all(each.id != hold.id for each in known):
        draft.set(own_holds=[*known, changed])
    else:
        draft.set(own_holds=[changed if each.id == hold.id else each for each in known])
    if not changed.state.open:
        draft.steps.pop(f"{HOLD_CLOCK}{hold.id}", None)
    return changed


def request_ended(draft: DecisionBuilder, step: Step, state: StepState) -> None:
    """End the hold of a request that ends without the bank's answer; no effect for other steps.

    One that the bank may have stays open until it is lifted or its time is over.
    """
    if step.action is not Action.HOLD_OUTGOING or state is StepState.DONE:
        return
    hold = hold_of_step(draft.case, step.id)
    if hold is None or hold.state is not OwnHoldState.ASKED:
        return
    if not may_have_gone_out(step):
        put_hold(draft, hold, state=OwnHoldState.FAILED if state is StepState.FAILED else OwnHoldState.WITHDRAWN)
    elif state is StepState.FAILED:
        put_hold(draft, hold, state=OwnHoldState.UNCONFIRMED)
        draft.note(FactKind.OWN_ACCOUNT, OwnHoldUnconfirmed(), step)


def may_have_gone_out(step: Step) -> bool:
    """Return whether a bank may have a request: one of its attempts was sent, and did not certainly fail."""
    sent = step.attempt if step.state is StepState.SENT else step.attempt - 1
    return sent > sum(result in NEVER_SENT for result in step.results)


def hold_never_sent(step: Step) -> bool:
    """Return whether every attempt of a step that has ended is known to have reached no bank."""
    failed = sum(result in NEVER_SENT for result in step.results)
    return step.state not in LIVE_STEPS and failed >= step.attempt

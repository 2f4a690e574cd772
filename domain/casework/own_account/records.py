"""The holds on the resident's own accounts in a case: finds, replaces, and ends them with their request."""

from collections.abc import Iterable

from domain.casework.draft import CLOCK, DecisionBuilder
from schemas.casework.cases import LIVE_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.own_account import MOST_KEPT_HOLDS, MOST_OWN_HOLDS, OwnHold, OwnHoldState
from schemas.codes.own_account import OwnHoldUnconfirmed
from schemas.levels import NEVER_SENT, Action

HOLD_CLOCK = f"{CLOCK}oh."  # ids of the timers of holds: for the decision, then for the end


def own_hold_of(case: Case, name: str) -> OwnHold | None:
    """Return the case's hold with the id `name`, or None if it has none."""
    return next((hold for hold in case.own_holds if hold.id == name), None)


def hold_of_step(case: Case, step: str) -> OwnHold | None:
    """Return the hold that the step with this id asks for or lifts, or None if it does neither."""
    of_request = (hold for hold in case.own_holds if hold.step == step)
    of_lift = (hold for hold in case.own_holds if _lifts(hold, step))
    return next(of_request, None) or next(of_lift, None)


def _lifts(hold: OwnHold, step: str) -> bool:
    return f"{step}.".startswith(f"{lift_stem(hold)}.")


def lift_stem(hold: OwnHold) -> str:
    """Return the beginning of the ids of the steps that lift a hold: "lift." and the hold's ordinal."""
    return f"lift.{hold.id.rpartition('.')[2]}"


def may_lift(hold: OwnHold, steps: Iterable[Step]) -> bool:
    """Return True if a hold can be lifted, so that somebody can also object to it.

    That is so if the bank has it, may have it or will get it, and no request to lift it is unfinished. If a bank
    refused to lift it, it can be asked again. `steps`: the present steps of the case.
    """
    if hold.state is not OwnHoldState.LIFTING:
        return hold.state.liftable
    return not live_lifts(hold, steps)


def live_lifts(hold: OwnHold, steps: Iterable[Step]) -> list[Step]:
    """Return those of `steps`, in their order, that are unfinished and ask the bank to lift the hold `hold`; empty if
    there are none.
    """
    return [step for step in steps if step.state in LIVE_STEPS and _lifts(hold, step.id)]


def may_ask_bank(case: Case, step: str) -> bool:
    """Return True if the bank may be asked for the hold of the step with this id: the hold is in the state ASKED and
    has enough approvals. False if there is no such hold.
    """
    hold = hold_of_step(case, step)
    return hold is not None and hold.state is OwnHoldState.ASKED and len(hold.approvals) >= hold.persons


def same_own_account(case: Case, name: str) -> list[str]:
    """Return the ids of the holds on the same account as the hold `name`, itself included, in the order of the case's
    holds; empty if there is no such hold.
    """
    hold = own_hold_of(case, name)
    return [each.id for each in case.own_holds if hold is not None and each.own_account == hold.own_account]


def put_hold(draft: DecisionBuilder, hold: OwnHold, **changes: object) -> OwnHold:
    """Replace a hold of the case by a copy with `changes`, or add it, and return the copy. If the copy has ended, the
    hold's timer is removed. No fact is recorded.
    """
    changed = hold.model_copy(update=changes)
    known = draft.case.own_holds
    if all(each.id != hold.id for each in known):
        draft.set(own_holds=[*_with_room(known), changed])
    else:
        draft.set(own_holds=[changed if each.id == hold.id else each for each in known])
    if not changed.state.open:
        draft.steps.pop(f"{HOLD_CLOCK}{hold.id}", None)
    return changed


def _with_room(known: list[OwnHold]) -> list[OwnHold]:
    """Return the holds without the oldest one that never took effect, if a case has no room for a further one."""
    if len(known) < MOST_KEPT_HOLDS:
        return known
    oldest = next((hold.id for hold in known if not hold.counts_for_case), None)
    return [hold for hold in known if hold.id != oldest]


def room_for_holds(case: Case) -> int:
    """Return how many further holds a case may get, at least 0. Holds that are open or took effect use up its number;
    others do not.
    """
    return max(0, MOST_OWN_HOLDS - sum(hold.counts_for_case for hold in case.own_holds))


def next_hold(case: Case) -> int:
    """Return the ordinal of a case's next hold, from 1: one more than the highest of its holds. It is never used twice,
    because the latest hold stays in the case until there is a later one.
    """
    return 1 + max((int(hold.id.rpartition(".")[2]) for hold in case.own_holds), default=0)


def request_ended(draft: DecisionBuilder, step: Step, state: StepState) -> None:
    """End the hold of a request that ends without the bank's answer; no effect for other steps.

    A hold that the bank may have stays open (UNCONFIRMED after a failure) until it is lifted or its time is over.
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
    """Return True if a bank may have got a request: at least one attempt was sent and did not certainly fail."""
    return step.attempts_sent > sum(result in NEVER_SENT for result in step.results)


def hold_never_sent(step: Step) -> bool:
    """Return True if a step has ended and it is certain that none of its attempts reached a bank."""
    failed = sum(result in NEVER_SENT for result in step.results)
    return step.state not in LIVE_STEPS and failed >= step.attempt

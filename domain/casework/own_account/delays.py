"""Delays of outgoing transfers of the resident's own accounts: asked of the banks while an operator talks with them.

A delay is a hold of hours (at most 24). It ends by itself, by a person, or with the red danger; the bank may refuse it.
No money is frozen by it, and none is booked.
"""

from domain.casework.draft import DecisionBuilder
from domain.casework.orders.records import document_number
from domain.casework.own_account.decisions import PROPOSERS, order_hold
from domain.casework.own_account.last_resort import in_call_with, in_red_danger
from domain.casework.own_account.lifting import lift_own_hold
from domain.casework.own_account.records import HOLD_CLOCK, may_lift, next_hold, put_hold, room_for_holds
from domain.policy.approval import DelayRules, OwnAccountRules
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.own_account import (
    DelayOutgoingAct,
    EndDelayAct,
    OwnHold,
    OwnHoldState,
)
from schemas.codes.own_account import (
    DelayOnlyInCall,
    HoldNotOfRole,
    HoldOnlyInRed,
    MostOwnHolds,
    NoOwnHold,
    NoSuchAccount,
    OwnAccountRefusal,
    OwnDelayAsked,
    OwnDelayGivenUp,
    OwnDelayOff,
    OwnHoldStands,
)
from schemas.codes.refusals import RefusalCode
from schemas.levels import Action, LastResort
from schemas.people.staff import StaffRole


def delay_outgoing(
    draft: DecisionBuilder, act: DelayOutgoingAct, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Ask the banks to delay outgoing transfers of all own accounts that may be delayed, or propose the delays if the
    policy requires approvals.

    Return None if it is done, else the reason for the refusal: HoldNotOfRole, a reason of `may_not_delay`, or
    DelayOnlyInCall if `by` is not in a call with the resident.
    """
    rules, case = draft.rules.policy.own_account, draft.case
    if role not in PROPOSERS:
        return HoldNotOfRole()
    if why := may_not_delay(case, rules):
        return why
    if not in_call_with(case, by):
        return DelayOnlyInCall()
    if rules.delay is None:
        return OwnDelayOff()
    accounts = may_be_delayed(case, rules.delay)
    draft.note(FactKind.OWN_ACCOUNT, OwnDelayAsked(by, len(accounts), rules.delay.hours), by=by)
    for account in accounts:
        _ask(draft, account, rules, rules.delay, by)
    return None


def end_delay(draft: DecisionBuilder, act: EndDelayAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """End all delays of the case that can be ended: proposals are withdrawn, and banks are asked to lift the others.
    One person is enough.

    Return None if it is done, HoldNotOfRole, or NoOwnHold if there is none to end.
    """
    if role not in (*PROPOSERS, StaffRole.RELEASE_DESK):
        return HoldNotOfRole()
    delays = open_delays(draft.case, draft)
    if not delays:
        return NoOwnHold()
    why = OwnDelayGivenUp(by)
    draft.note(FactKind.OWN_ACCOUNT, why, by=by)
    for hold in delays:
        lift_own_hold(draft, hold, why)
    return None


def open_delays(case: Case, draft: DecisionBuilder | None = None) -> list[OwnHold]:
    """Return the delays of a case that can be ended: proposed ones, and those that a bank has or may get; in the case's
    order.

    `draft`: the decision under way, whose steps count; None: the case's own steps count.
    """
    steps = case.steps if draft is None else list(draft.steps.values())
    proposed = OwnHoldState.PROPOSED
    return [hold for hold in case.own_holds if hold.is_delay and (hold.state is proposed or may_lift(hold, steps))]


def may_not_delay(case: Case, rules: OwnAccountRules) -> OwnAccountRefusal | None:
    """Return the first reason why no delay of the resident's own accounts may be asked for now, or None if one may.

    In this order: OwnDelayOff, HoldOnlyInRed, DelayOnlyInCall (no call with the resident goes on), NoSuchAccount (none
    is known), OwnHoldStands (a hold is open), MostOwnHolds.
    """
    if rules.delay is None:
        return OwnDelayOff()
    if not in_red_danger(case):
        return HoldOnlyInRed()
    if case.desk_call is None or not case.desk_call.goes_on:
        return DelayOnlyInCall()
    if not case.accounts:
        return NoSuchAccount()
    if may_be_delayed(case, rules.delay):
        return None
    return OwnHoldStands() if any(hold.state.open for hold in case.own_holds) else MostOwnHolds(rules.delay.times)


def may_be_delayed(case: Case, rules: DelayRules) -> list[str]:
    """Return the tokens of the resident's own accounts that may be delayed: those without an open hold and with fewer
    delays than the policy allows, in the case's order; at most as many as the case may get further holds.
    """
    return [account for account in case.accounts if _free(case, account, rules)][: room_for_holds(case)]


def _free(case: Case, account: str, rules: DelayRules) -> bool:
    known = [hold for hold in case.own_holds if hold.own_account == account]
    used = sum(hold.is_delay and hold.state.counts_for_account for hold in known)
    return used < rules.times and not any(hold.state.open for hold in known)


def _ask(draft: DecisionBuilder, account: str, rules: OwnAccountRules, delay: DelayRules, by: str) -> None:
    ordinal = next_hold(draft.case)
    hold = OwnHold(
        id=f"own.{ordinal}",
        number=document_number(f"{draft.plan.stop.prefix}缓", draft.case.id, ordinal, draft.now),
        own_account=account,
        state=OwnHoldState.PROPOSED,
        resort=LastResort.TALKING,
        reason="",
        law=delay.ground,
        days=0,
        hours=delay.hours,
        allowance_fen=delay.allowance_fen,
        allowance_span=delay.allowance_span,
        persons=delay.persons,
        roles=delay.roles,
        asked_by=by,
        asked_at=draft.now,
        due=draft.after(rules.decide_within),
    )
    put_hold(draft, hold)
    if delay.persons == 0:
        order_hold(draft, hold)
    else:
        draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, hold.due)

"""Applies persons' decisions about holds on the resident's own account: proposed, approved, declined, lifted."""

from datetime import timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.orders.records import document_number
from domain.casework.own_account.last_resort import in_call_with, may_not_propose, resort_of
from domain.casework.own_account.lifting import lift_own_hold
from domain.casework.own_account.records import HOLD_CLOCK, may_lift, next_hold, own_hold_of, put_hold
from domain.casework.steps import plan_step
from domain.policy.approval import OwnAccountRules
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.casework.orders import Approval
from schemas.casework.own_account import (
    MOST_DELAY_HOURS,
    MOST_HOLD_DAYS,
    ApproveHoldAct,
    DeclineHoldAct,
    LiftHoldAct,
    OwnHold,
    OwnHoldState,
    ProposeHoldAct,
)
from schemas.codes.own_account import (
    HoldNotOfRole,
    NoOwnHold,
    NotLastResort,
    OwnAccountOff,
    OwnDelayLapsed,
    OwnHoldApproved,
    OwnHoldDeclined,
    OwnHoldLiftOrdered,
    OwnHoldOrdered,
    OwnHoldProposed,
    ProposedHoldItself,
)
from schemas.codes.refusals import ApprovedBefore, RefusalCode
from schemas.levels import Action
from schemas.people.staff import StaffRole

PROPOSERS = (StaffRole.OPERATOR, StaffRole.SUPERVISOR)
"""The roles that may propose a hold: those that talk with residents."""


def propose_hold(draft: DecisionBuilder, act: ProposeHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Propose a hold on the resident's own account, which waits for approvals until the policy's time to decide is
    over.

    Return None if it is done, else the reason for the refusal: HoldNotOfRole, or a reason of `may_not_propose`.
    """
    rules = draft.rules.policy.own_account
    if role not in PROPOSERS:
        return HoldNotOfRole()
    if why := may_not_propose(draft.case, rules, act.account, duress=act.duress):
        return why
    hold = _proposed(draft, act, by, rules)
    if hold is None:  # never after `may_not_propose`
        return NotLastResort()
    put_hold(draft, hold)
    draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, hold.due)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldProposed(hold.resort, hold.persons, hold.reason), by=by)
    return None


def _proposed(draft: DecisionBuilder, act: ProposeHoldAct, by: str, rules: OwnAccountRules) -> OwnHold | None:
    """Return the hold that the act proposes, with the policy's days and allowance; None if milder measures may still
    help, or if the policy lacks one of these figures.
    """
    resort, case = resort_of(draft.case, duress=act.duress), draft.case
    if resort is None or rules.days is None or rules.allowance_fen is None or rules.allowance_span is None:
        return None
    ordinal = next_hold(case)
    return OwnHold(
        id=f"own.{ordinal}",
        number=document_number(f"{draft.plan.stop.prefix}户", case.id, ordinal, draft.now),
        own_account=case.accounts[act.account],
        state=OwnHoldState.PROPOSED,
        resort=resort,
        reason=act.reason,
        law=rules.ground,
        days=rules.days,
        allowance_fen=rules.allowance_fen,
        allowance_span=rules.allowance_span,
        persons=rules.persons,
        roles=rules.roles,
        asked_by=by,
        asked_at=draft.now,
        due=draft.after(rules.decide_within),
    )


def may_not_decide_hold(hold: OwnHold, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Return the reason why this person may not approve a hold, or None if they may.

    NoOwnHold: the hold does not wait for approval. HoldNotOfRole: the role may not approve. ProposedHoldItself: the
    person has proposed it. ApprovedBefore: the person has approved it already. For declining see `decline_hold`.
    """
    if hold.state is not OwnHoldState.PROPOSED:
        return NoOwnHold()
    if role not in hold.roles:
        return HoldNotOfRole()
    if by == hold.asked_by:
        return ProposedHoldItself()
    return ApprovedBefore() if any(approval.by == by for approval in hold.approvals) else None


def approve_hold(draft: DecisionBuilder, act: ApproveHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Approve a proposed hold; with enough approvals, the bank is asked for it now.

    Return None if it is done, else the reason for the refusal: NoOwnHold, HoldNotOfRole, OwnDelayLapsed (the talk for
    which a delay was proposed has ended), ProposedHoldItself, ApprovedBefore, or OwnAccountOff (the policy no longer
    permits it).
    """
    hold = own_hold_of(draft.case, act.hold)
    if hold is None:
        return NoOwnHold()
    if role is None:
        return HoldNotOfRole()
    if _lapsed(draft.case, hold):
        return OwnDelayLapsed()
    if why := may_not_decide_hold(hold, by, role):
        return why
    rules = draft.rules.policy.own_account
    if not rules.enabled and not (hold.is_delay and rules.delay is not None):
        return OwnAccountOff()
    approvals = (*hold.approvals, Approval(by=by, role=role, at=draft.now))
    hold = put_hold(draft, hold, approvals=approvals)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldApproved(by), by=by)
    if len(approvals) >= hold.persons:
        order_hold(draft, hold)
    return None


def _lapsed(case: Case, hold: OwnHold) -> bool:
    """Return whether the talk for which a delay was asked is over, and no bank was asked."""
    unasked = hold.state in (OwnHoldState.PROPOSED, OwnHoldState.WITHDRAWN) and hold.step is None
    return hold.is_delay and unasked and not in_call_with(case, hold.asked_by)


def order_hold(draft: DecisionBuilder, hold: OwnHold) -> None:
    """Plan the step, due now, that asks the bank for a hold, with a fact. The hold's end is fixed now: neither a late
    answer nor a repetition makes it longer.
    """
    lasts = timedelta(days=min(hold.days, MOST_HOLD_DAYS), hours=min(hold.hours, MOST_DELAY_HOURS))
    until = draft.after(lasts)
    ordered = OwnHoldOrdered(hold.number, until)
    step = plan_step(draft, hold.id, Action.HOLD_OUTGOING, draft.now, ordered)
    put_hold(draft, hold, state=OwnHoldState.ASKED, step=step.id, until=until)
    draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, until)
    draft.note(FactKind.OWN_ACCOUNT, ordered)


def decline_hold(draft: DecisionBuilder, act: DeclineHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Decline a proposed hold. The person who proposed it may also decline it, if their role may.

    Return None if it is done, NoOwnHold if no such hold waits for approval, or HoldNotOfRole.
    """
    hold = own_hold_of(draft.case, act.hold)
    if hold is None or hold.state is not OwnHoldState.PROPOSED:
        return NoOwnHold()
    if role not in hold.roles:
        return HoldNotOfRole()
    put_hold(draft, hold, state=OwnHoldState.DECLINED)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldDeclined(by, act.reason), by=by)
    return None


def lift_hold(draft: DecisionBuilder, act: LiftHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """End a hold early: ask the bank to lift it. One person is enough, because lifting a hold gives the resident the
    account back.

    Return None if it is done, NoOwnHold if there is no such hold to lift, or HoldNotOfRole.
    """
    hold = own_hold_of(draft.case, act.hold)
    if hold is None or not may_lift(hold, draft.steps.values()):
        return NoOwnHold()
    if role not in hold.roles:
        return HoldNotOfRole()
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldLiftOrdered(by, act.reason), by=by)
    lift_own_hold(draft, hold, OwnHoldLiftOrdered(by, act.reason))
    return None

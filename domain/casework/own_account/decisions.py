"""What persons decide about holds on the resident's own account: proposed, approved by two others, declined, lifted."""

from datetime import timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.orders.records import document_number
from domain.casework.own_account.last_resort import may_not_propose, resort_of
from domain.casework.own_account.lifting import lift_own_hold
from domain.casework.own_account.records import HOLD_CLOCK, may_lift, own_hold_of, put_hold
from domain.casework.steps import plan_step
from domain.policy.approval import OwnAccountRules
from schemas.casework.events import FactKind
from schemas.casework.orders import Approval
from schemas.casework.own_account import (
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
    """Propose a hold, which waits for persons. Returns why it is refused, or None."""
    rules = draft.rules.policy.own_account
    if role not in PROPOSERS:
        return HoldNotOfRole()
    if why := may_not_propose(draft.case, rules, act.account, duress=act.duress):
        return why
    hold = _proposed(draft, act, by, rules)
    if hold is None:
        return NotLastResort()
    put_hold(draft, hold)
    draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, hold.due)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldProposed(hold.resort, hold.persons, hold.reason), by=by)
    return None


def _proposed(draft: DecisionBuilder, act: ProposeHoldAct, by: str, rules: OwnAccountRules) -> OwnHold | None:
    """Return the hold as the policy's rules have it, or None if there is no last resort."""
    resort, case = resort_of(draft.case, duress=act.duress), draft.case
    if resort is None or rules.days is None or rules.allowance_fen is None or rules.allowance_span is None:
        return None
    ordinal = len(case.own_holds) + 1
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
    """Return why this person may not approve a hold, or None if they may.

    NoOwnHold: the hold does not wait for approval; HoldNotOfRole: the role may not; ProposedHoldItself: they have
    proposed it; ApprovedBefore: they have approved it already. For declining see `decline_hold`.
    """
    if hold.state is not OwnHoldState.PROPOSED:
        return NoOwnHold()
    if role not in hold.roles:
        return HoldNotOfRole()
    if by == hold.asked_by:
        return ProposedHoldItself()
    return ApprovedBefore() if any(approval.by == by for approval in hold.approvals) else None


def approve_hold(draft: DecisionBuilder, act: ApproveHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Approve a proposed hold; with enough approvals the bank gets it now. Returns why it is refused, or None."""
    hold = own_hold_of(draft.case, act.hold)
    if hold is None:
        return NoOwnHold()
    if role is None:
        return HoldNotOfRole()
    if why := may_not_decide_hold(hold, by, role):
        return why
    if not draft.rules.policy.own_account.enabled:
        return OwnAccountOff()
    approvals = (*hold.approvals, Approval(by=by, role=role, at=draft.now))
    hold = put_hold(draft, hold, approvals=approvals)
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldApproved(by), by=by)
    if len(approvals) >= hold.persons:
        _order(draft, hold)
    return None


def _order(draft: DecisionBuilder, hold: OwnHold) -> None:
    """Ask the bank for a hold. Its end is fixed now: neither a late answer nor a repetition makes it longer."""
    until = draft.after(timedelta(days=min(hold.days, MOST_HOLD_DAYS)))
    ordered = OwnHoldOrdered(hold.number, until)
    step = plan_step(draft, hold.id, Action.HOLD_OUTGOING, draft.now, ordered)
    put_hold(draft, hold, state=OwnHoldState.ASKED, step=step.id, until=until)
    draft.timer(f"{HOLD_CLOCK}{hold.id}", Action.HOLD_OUTGOING, until)
    draft.note(FactKind.OWN_ACCOUNT, ordered)


def decline_hold(draft: DecisionBuilder, act: DeclineHoldAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Decide against a proposed hold. The person who has proposed it may do so, if the role may. Returns why it is
    refused, or None.
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
    """End a hold before its time: one person is enough, because it gives the resident their account back. Returns why
    it is refused, or None.
    """
    hold = own_hold_of(draft.case, act.hold)
    if hold is None or not may_lift(hold, draft.steps.values()):
        return NoOwnHold()
    if role not in hold.roles:
        return HoldNotOfRole()
    draft.note(FactKind.OWN_ACCOUNT, OwnHoldLiftOrdered(by, act.reason), by=by)
    lift_own_hold(draft, hold, OwnHoldLiftOrdered(by, act.reason))
    return None

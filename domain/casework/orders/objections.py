"""Objections to stop orders and to holds on the resident's own account: recorded with a deadline, and reviewed by one
person who had no part in the order.

An upheld objection lifts every stop of the account in the case, by the same step as a release that two persons
approved. So the bank gets one request, which is repeated until the bank answers.
"""

from collections.abc import Iterator

from domain.casework import money, stops
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders import later
from domain.casework.orders import records as orders
from domain.casework.own_account.lifting import lift_own_hold
from domain.casework.own_account.records import may_lift, own_hold_of, same_own_account
from domain.casework.steps import end
from domain.ids import short_hash
from domain.payments.accounts import find, of_same_account
from domain.payments.bank_book import reporter_of
from domain.payments.ledger import upheld_at
from schemas.casework.cases import Case, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import (
    MOST_OBJECTIONS,
    DecideObjectionAct,
    ObjectionState,
    StopObjection,
    WrongfulCause,
)
from schemas.casework.orders import OrderState, StopOrder
from schemas.casework.own_account import OwnHold
from schemas.codes.objections import (
    ObjectionMade,
    ObjectionOverdue,
    ObjectionRejected,
    ObjectionUpheld,
    ReportFalse,
)
from schemas.codes.refusals import (
    MostObjections,
    NoObjection,
    NothingToObjectTo,
    ObjectionWaits,
    RefusalCode,
    RoleMayNotReview,
    TookPart,
    UpheldAlready,
)
from schemas.levels import Action
from schemas.people.staff import StaffRole

UNDECIDED = f"{CLOCK}no."  # ids of the timers of objections on which nobody has decided


def objection_id(input_id: str) -> str:
    """Return the id of the objection that the input `input_id` records."""
    return short_hash("objection", input_id)


def objection_of(case: Case, name: str) -> StopObjection | None:
    """Return the case's objection with the id `name`, or None if it has none."""
    return next((each for each in case.objections if each.id == name), None)


def waiting_for(case: Case, transfer: str) -> StopObjection | None:
    """Return the undecided objection to a stop of the transfer's account, or None if there is none. `transfer`: a
    transfer, or the id of a hold; then the objection to a hold on that account.
    """
    return next((each for each in _of_account(case, transfer) if each.waits), None)


def ordered(case: Case, name: str) -> StopOrder | OwnHold | None:
    """Return the case's stop order or hold to which somebody objects, or None if it has none of this name. `name`: the
    step id of a stop order, or the id of a hold.
    """
    return orders.order_of(case, name) or own_hold_of(case, name)


def subject_of(order: StopOrder | OwnHold) -> str:
    """Return the key by which an objection to an order or hold is found: the order's transfer, or the hold's id.

    No transfer has the same name as a hold.
    """
    return order.transfer if isinstance(order, StopOrder) else order.id


def may_not_object(case: Case, order: StopOrder | OwnHold | None) -> RefusalCode | None:
    """Return the first reason why nobody can object to an order or hold of the case now, or None if somebody can.

    NothingToObjectTo: the case has no such order (`order` None), no bank was asked for it, or the hold cannot be
    lifted. UpheldAlready (of stop orders only): an objection was upheld after the order was asked for, and the order is
    no longer approved. ObjectionWaits: one about the account is undecided. MostObjections: the case has as many as it
    may.
    """
    if isinstance(order, OwnHold):
        return _may_not_object_to_hold(case, order)
    if order is None or not order.went_out:
        return NothingToObjectTo()
    known = _of_account(case, order.transfer)
    upheld = upheld_at(case, order.transfer)
    if upheld is not None and order.state is not OrderState.APPROVED and order.asked_at <= upheld:
        return UpheldAlready()  # a person may have ordered another stop since, and that may be wrong too
    if any(each.waits for each in known):
        return ObjectionWaits()
    return MostObjections(MOST_OBJECTIONS) if len(case.objections) >= MOST_OBJECTIONS else None


def _may_not_object_to_hold(case: Case, hold: OwnHold) -> RefusalCode | None:
    if not may_lift(hold, case.steps):
        return NothingToObjectTo()
    if any(each.waits for each in _of_account(case, hold.id)):
        return ObjectionWaits()
    return MostObjections(MOST_OBJECTIONS) if len(case.objections) >= MOST_OBJECTIONS else None


def take_objection(draft: DecisionBuilder, given: ObjectStop) -> None:
    """Record an objection in the case, with its deadline and a fact; if nobody can object now (`may_not_object`), only
    a fact REFUSED. No effect if the objection was recorded before.
    """
    name, order = objection_id(given.id), ordered(draft.case, given.order)
    if objection_of(draft.case, name) is not None:
        return
    why = may_not_object(draft.case, order)
    if why is not None or order is None:
        draft.note(FactKind.REFUSED, why or NothingToObjectTo(), by=given.by)
        return
    made = StopObjection(
        id=name,
        order=given.order,
        transfer=subject_of(order),
        who=given.who,
        bank=given.bank,
        by=given.by,
        receipt=given.receipt,
        ground=given.ground,
        text=given.text,
        at=draft.now,
        due=draft.after(draft.plan.stop.objections.within),
    )
    draft.set(objections=[*draft.case.objections, made])
    draft.timer(f"{UNDECIDED}{name}", Action.STOP_RELEASE, made.due, made.transfer)  # a timer is never sent
    draft.note(FactKind.OBJECTION, ObjectionMade(made.bank or made.by or "", made.ground), by=made.by)


def objection_overdue(draft: DecisionBuilder, timer_id: str) -> None:
    """Process the deadline of an objection: remove its timer, and, if it is undecided, record a reminder as a fact. The
    objection stays open.
    """
    found = objection_of(draft.case, timer_id.removeprefix(UNDECIDED))
    draft.steps.pop(timer_id, None)
    if found is not None and found.waits:
        draft.note(FactKind.STOP_REMINDER, ObjectionOverdue())


def may_not_review(
    case: Case, found: StopObjection, by: str, role: StaffRole | None, roles: tuple[StaffRole, ...]
) -> RefusalCode | None:
    """Return the first reason why this person may not decide on an objection, or None if they may.

    NoObjection: it is decided already. RoleMayNotReview: `role` is not in `roles`, those that may review by the policy.
    TookPart: the person recorded the objection, or asked for, approved or handed over a stop or hold of the account.
    """
    if not found.waits:
        return NoObjection()
    if role not in roles:
        return RoleMayNotReview()
    return TookPart() if by == found.by or by in set(_took_part(case, found.transfer)) else None


def decide_objection(
    draft: DecisionBuilder, act: DecideObjectionAct, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Apply a person's decision on an objection. Return None if it is done, else the reason for the refusal:
    NoObjection if the case has no such one, or a reason of `may_not_review`.

    If the objection is upheld, the account's orders, standing approvals and holds end, the bank is asked to lift its
    stops and holds, and the loss avoided by these stops is no longer booked.
    """
    found = objection_of(draft.case, act.objection)
    if found is None:
        return NoObjection()
    if why := may_not_review(draft.case, found, by, role, draft.plan.stop.objections.roles):
        return why
    state = ObjectionState.UPHELD if act.upheld else ObjectionState.REJECTED
    false = act.cause is WrongfulCause.FALSE_REPORT
    decided = found.model_copy(
        update={
            "state": state,
            "decided_by": by,
            "decided_at": draft.now,
            "reason": act.reason,
            "cause": act.cause,
            "compensation_fen": act.compensation_fen,
            "source": _source(draft.case, found) if false else None,
        }
    )
    draft.set(objections=[decided if each.id == found.id else each for each in draft.case.objections])
    draft.steps.pop(f"{UNDECIDED}{found.id}", None)
    if act.cause is None:
        draft.note(FactKind.OBJECTION, ObjectionRejected(by, act.reason), by=by)
    else:
        _uphold(draft, decided, ObjectionUpheld(by, act.cause, act.compensation_fen, act.reason), by)
    return None


def _uphold(draft: DecisionBuilder, found: StopObjection, why: ObjectionUpheld, by: str) -> None:
    """End the account's orders, and ask the bank to lift each stop that is in force or requested."""
    draft.note(FactKind.OBJECTION, why, by=by)
    if found.source is not None:
        draft.note(FactKind.OBJECTION, ReportFalse(found.source), by=by)
    _lift_holds(draft, found.transfer, why)
    same = of_same_account(draft.case, found.transfer)
    for transfer in same:
        for step in draft.live_for(transfer, *orders.ASKING):  # one that is out too: it may not be sent yet
            end(draft, step, StepState.WITHDRAWN, why)
    for order in draft.case.orders:
        if order.transfer in same and order.state is OrderState.APPROVED:
            orders.end_order(draft, order, OrderState.OVERTURNED)
    later.end_later(draft, found.transfer)
    money.unbook(draft, same)
    for transfer in same:
        if stops.may_not_lift(draft, transfer) is None:
            stops.plan_release(draft, transfer, why)


def _source(case: Case, found: StopObjection) -> str | None:
    payment = find(case, found.transfer)
    return reporter_of(payment) if payment else None


def _lift_holds(draft: DecisionBuilder, name: str, why: ObjectionUpheld) -> None:
    """End the holds on the account of the hold `name`; no effect for a transfer."""
    same = same_own_account(draft.case, name)
    for hold in draft.case.own_holds:
        if hold.id in same:
            lift_own_hold(draft, hold, why)


def _of_account(case: Case, transfer: str) -> list[StopObjection]:
    same = of_same_account(case, transfer) or same_own_account(case, transfer)
    return [each for each in case.objections if each.transfer in same]


def _took_part(case: Case, transfer: str) -> Iterator[str]:
    """Yield the logins of those who asked for, approved, or handed over a stop of the transfer's account; or who
    proposed or approved a hold on the account.
    """
    holds = same_own_account(case, transfer)
    for hold in case.own_holds:
        if hold.id in holds:
            yield hold.asked_by
            yield from (approval.by for approval in hold.approvals)
    same = of_same_account(case, transfer)
    for order in case.orders:
        if order.transfer in same:
            yield from (approval.by for approval in order.approvals)
            yield order.asked_by or ""
            yield from order.asked_too
            yield order.freezing.by if order.freezing else ""

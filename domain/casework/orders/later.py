"""Standing approvals within a decision: persons sign them with an order, and other decisions end them.

A person's decision against an account that the money reached ends the standing approval, and so does the end of the
approved order: after that, a person must decide on each later order again.
"""

from datetime import timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.orders import records as orders
from domain.casework.orders.later_limits import covering, may_not_approve_later
from domain.casework.orders.open_orders import stands
from domain.payments.accounts import find, of_same_account
from schemas.casework.events import FactKind
from schemas.casework.orders import Approval, LaterLimits, OrderState, StandingApproval, StopOrder
from schemas.codes.money import MoneyTracedHere
from schemas.codes.refusals import ApprovedBefore, NoOrder, RefusalCode, RoleMayNotApprove
from schemas.codes.stop_orders import LaterStopsApproved, LaterStopsEnded
from schemas.people.staff import StaffRole


def may_not_sign(
    draft: DecisionBuilder, order: StopOrder, limits: LaterLimits, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Return the reason why this person may not sign a standing approval with an order, or None if they may.

    NoOrder: the danger is over, or the order no longer has an effect. RoleMayNotApprove: the role may not decide on the
    order. ApprovedBefore: the person has signed these limits already. Else the reasons of `may_not_approve_later`.
    """
    if draft.case.settled or not stands(draft.case, order, draft.steps.values()):
        return NoOrder()
    if role is None or role not in order.roles:
        return RoleMayNotApprove()
    later = order.later
    if later is not None and later.limits == limits and any(each.by == by for each in later.approvals):
        return ApprovedBefore()
    return may_not_approve_later(draft.case, order, limits, draft.plan.stop.later, draft.rules.policy.trace)


def sign_later(draft: DecisionBuilder, step: str, limits: LaterLimits, by: str, role: StaffRole) -> None:
    """Add a person's signature to the standing approval of a step's order, with a fact. Whether the person may sign is
    not checked: see `may_not_sign`.

    Signatures for other limits than `limits` no longer count. With enough signatures, and once the order is approved,
    the standing approval is in force and approves waiting orders that it covers. No effect if the order does not exist
    or the policy has no standing approvals.
    """
    order, rules = orders.order_of(draft.case, step), draft.plan.stop.later
    if order is None or rules is None:
        return
    before = order.later.approvals if order.later is not None and order.later.limits == limits else ()
    made = StandingApproval(
        limits=limits, persons=rules.persons(limits), approvals=(*before, Approval(by=by, role=role, at=draft.now))
    )
    if len(made.approvals) >= made.persons:
        made = made.model_copy(update={"until": draft.after(timedelta(hours=limits.hours))})
    orders.put_order(draft, order.model_copy(update={"later": made}))
    told = LaterStopsApproved(by, limits.hops, limits.accounts, limits.amount_fen, limits.hours)
    draft.note(FactKind.STOP, told, draft.steps.get(step), by=by)
    approve_waiting(draft)


def approve_waiting(draft: DecisionBuilder) -> None:
    """Approve the proposed orders on traced accounts that a standing approval in force covers, as long as its limits
    allow, each with a fact; their steps become due now.
    """
    for each in draft.case.orders:
        payment = find(draft.case, each.transfer)
        if each.state is not OrderState.PROPOSED or payment is None or not isinstance(each.ground, MoneyTracedHere):
            continue
        rule = draft.plan.stop.approval.of(payment, extension=False)
        if found := covering(draft, payment, rule):
            orders.approve_under(draft, each, *found)


def end_later(draft: DecisionBuilder, transfer: str) -> None:
    """End the standing approvals that a person's decision against stopping a transfer's account ends: those of the
    orders on the same account, or, for a traced account, all standing approvals of the case.
    """
    payment, same = find(draft.case, transfer), of_same_account(draft.case, transfer)
    on_the_way = payment is not None and payment.movement is not None
    _end(draft, [each for each in draft.case.orders if on_the_way or each.transfer in same])


def end_own_later(draft: DecisionBuilder, transfer: str) -> None:
    """End the standing approvals of a transfer's own orders, because its stop has ended or was refused."""
    _end(draft, [each for each in draft.case.orders if each.transfer == transfer])


def end_all_later(draft: DecisionBuilder) -> None:
    """End all standing approvals of the case, because the danger is over."""
    _end(draft, draft.case.orders)


def _end(draft: DecisionBuilder, ended: list[StopOrder]) -> None:
    for order in ended:
        if order.later is not None and order.later.ended_at is None:
            later = order.later.model_copy(update={"ended_at": draft.now})
            orders.put_order(draft, order.model_copy(update={"later": later}))
            draft.note(FactKind.STOP, LaterStopsEnded(order.number))

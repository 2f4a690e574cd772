"""Stop orders within a decision: proposed when their step is due, approved, declined, ended.

A step asks a bank only if its order is approved: by as many persons as the policy requires, or by a rule of the policy
that cites its legal ground.
"""

from datetime import datetime, timedelta

from domain.calendar import local_date
from domain.casework import payments
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders.later_limits import covering
from domain.ids import case_digits, in_groups
from domain.payments.accounts import find
from domain.payments.ledger import upheld_at
from domain.payments.status import asked_fen
from domain.policy.approval import ApprovalRule
from domain.policy.schedule import LATEST
from schemas.casework.cases import Case, Payment, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.orders import Approval, CarriedOut, Freezing, OrderState, StandingApproval, StopOrder
from schemas.channels.bank_messages import bank_of
from schemas.codes.any_code import AnyCode
from schemas.codes.money import CanStillBeStopped, MoneyTracedHere, TracedUnderApproval
from schemas.codes.refusals import ApprovedBefore, RefusalCode, RoleMayNotApprove
from schemas.codes.stop_orders import StopApproved, StopApprovedUnder, StopAutomatic, StopConfirmed, StopProposed
from schemas.levels import Action
from schemas.people.staff import StaffRole

UNCONFIRMED = f"{CLOCK}ok."  # ids of the timers of automatic orders that nobody has confirmed
ASKING = frozenset({Action.STOP_PAYMENT, Action.STOP_AGAIN})  # the actions that need an order

_NOT_WANTED = frozenset({OrderState.DECLINED, OrderState.UNDECIDED, OrderState.LAPSED})


def order_of(case: Case, step: str) -> StopOrder | None:
    """Return the stop order of the step with the id `step`, or None if it has none."""
    return next((order for order in case.orders if order.step == step), None)


def payment_as_approved(case: Case, step: Step) -> Payment | None:
    """Return the payment of a step as the bank is asked about it, or None for a step without a payment.

    Its amount (fen) is that of the step's order, which persons have approved, whatever amount the feed delivers later.
    For a step without an order, such as one that lifts a stop, it is the amount of the last order that a bank may have
    got; without one, the payment's own.
    """
    payment = find(case, step.transfer)
    if payment is None:
        return None
    out = [order for order in case.orders if order.transfer == step.transfer and order.went_out]
    order = order_of(case, step.id) or (out[-1] if out else None)
    return payment.model_copy(update={"amount_fen": order.amount_fen}) if order is not None else payment


def latest_order(case: Case, transfer: str, *states: OrderState) -> StopOrder | None:
    """Return the case's latest order for a transfer, in one of `states` (in any state if none are given); None if there
    is none.
    """
    found = [order for order in case.orders if order.transfer == transfer and (not states or order.state in states)]
    return found[-1] if found else None


def document_number(prefix: str, case_id: str, ordinal: int, at: datetime) -> str:
    """Return the document number (文书号) of an order made at `at`: 吉公反诈止付〔2026〕4817-3305-1192-1号.

    The number consists of the centre's prefix, the year, all digits of the case's number, and the order's ordinal in
    the case (from 1), so no shared counter is needed. Its digits begin with those of the short case number (26-4817).
    """
    return f"{prefix}〔{local_date(at).year}〕{in_groups(case_digits(case_id))}-{ordinal}号"


def overturned(case: Case, transfer: str) -> bool:
    """Return True if an objection to a stop of the transfer's account was upheld.

    After that, only an order that a person asks for stops the account again.
    """
    return upheld_at(case, transfer) is not None


def decided_against(case: Case, transfer: str) -> bool:
    """Return True if persons decided against stopping a transfer's account; then no automatic rule sends an order
    again.

    That is so if they declined the latest order, did not decide or confirm in time, or upheld an objection to a stop of
    the account.
    """
    order = latest_order(case, transfer)
    return overturned(case, transfer) or (order is not None and order.state in _NOT_WANTED)


def may_propose(case: Case, payment: Payment) -> bool:
    """Return True if the plan may propose an order for a payment without a person.

    False if the only evidence against the account is an unconfirmed report by another person, because one person's
    report must not stop the payments of others. False also if `decided_against`.
    """
    return not decided_against(case, payment.transfer) and not payments.only_reported(case, payment)


def must_wait(draft: DecisionBuilder, step: Step) -> bool:
    """Return True if a due step must wait until persons approve its order. The order is then proposed, with a fact, if
    there is none yet, and the step becomes PROPOSED.

    False for a step that needs no order, or whose order is approved. An automatic rule of the policy, or a standing
    approval, approves a new order at once.
    """
    if step.action not in ASKING:
        return False
    order = order_of(draft.case, step.id) or _new(draft, step)
    if order is None or order.state is OrderState.APPROVED:
        return False
    draft.change(step, state=StepState.PROPOSED, due=order.due)
    return True


def ask_for_order(draft: DecisionBuilder, step: Step, because: AnyCode, by: str, role: StaffRole | None) -> None:
    """Record in the case that a person asks for the order of a step: the order is proposed if there is none, else the
    person is stored in it too. If the person's role may approve it and the institution to ask is known, they also count
    as an approver.

    No effect if the case lacks the payment.
    """
    payment = find(draft.case, step.transfer)
    if payment is None:
        return
    order = order_of(draft.case, step.id)
    if order is None:
        rule = draft.plan.stop.approval.of(payment, extension=step.action is Action.STOP_AGAIN)
        order = _order(draft, step, payment, _by_persons(rule), because, by)
        put_order(draft, order)
        _noted(draft, order, step)
    elif by not in (order.asked_by, *order.asked_too):
        order = order.model_copy(update={"asked_too": (*order.asked_too, by)})
        put_order(draft, order)
    if role is not None and not unrouted(payment) and may_not_approve(order, by, role) is None:
        add_approval(draft, order, by, role)


def unrouted(payment: Payment) -> bool:
    """Return True if the institution to ask is unknown, because only a person reported the payment, without the payee's
    institution.

    The order then waits until a person chooses an institution.
    """
    return payment.reported is not None and payment.feed is None and payment.institution is None


def may_not_approve(order: StopOrder, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Return the reason why this person may not approve an order, or None if they may: RoleMayNotApprove, or
    ApprovedBefore if they have approved it already. Whether the order still waits is not checked.
    """
    if role not in order.roles:
        return RoleMayNotApprove()
    return ApprovedBefore() if any(approval.by == by for approval in order.approvals) else None


def add_approval(draft: DecisionBuilder, order: StopOrder, by: str, role: StaffRole) -> None:
    """Add a person's approval to an order, with a fact. With enough approvals, the order is approved, and its proposed
    step is due now. Whether the person may approve is not checked: see `may_not_approve`.
    """
    approvals = (*order.approvals, Approval(by=by, role=role, at=draft.now))
    enough = len(approvals) >= order.persons  # an automatic order needs none: it is approved already
    step = draft.steps.get(order.step)
    _settle(draft, order, OrderState.APPROVED if enough else order.state, approvals=approvals)
    what = StopConfirmed(by) if order.state is OrderState.APPROVED else StopApproved(by)
    draft.note(FactKind.STOP, what, step, by=by)
    if enough and step is not None and step.state is StepState.PROPOSED:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def approve_under(draft: DecisionBuilder, order: StopOrder, approving: StopOrder, later: StandingApproval) -> None:
    """Approve an order by the standing approval `later` of the order `approving`; its signers become approvers, with a
    fact.
    """
    covered = _covered(order, approving, later)
    _settle(draft, covered, OrderState.APPROVED)
    step = draft.steps.get(order.step)
    _noted_under(draft, covered, step)
    if step is not None and step.state is StepState.PROPOSED:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def _covered(order: StopOrder, approving: StopOrder, later: StandingApproval) -> StopOrder:
    """Return an order with the number of the approving order in it and in its ground, and those who signed."""
    ground = order.ground
    if isinstance(ground, MoneyTracedHere):
        ground = TracedUnderApproval(ground.bank, ground.hops, approving.number)
    signed = {each.by for each in later.approvals}
    approvals = (*(each for each in order.approvals if each.by not in signed), *later.approvals)
    return order.model_copy(update={"ground": ground, "approvals": approvals, "under": approving.number})


def _noted_under(draft: DecisionBuilder, order: StopOrder, step: Step | None) -> None:
    by = "、".join(each.by for each in order.approvals)
    draft.note(FactKind.STOP, StopApprovedUnder(order.under or "", by), step)


def record_execution(draft: DecisionBuilder, transfer: str, until: datetime, bank: str | None) -> None:
    """Note in the case, in the latest approved order for a transfer, that the bank carries the order out from now until
    `until`. `bank`: who says so; None if the answer does not name it: then who got the order.

    Only the order changes: the decision gets no fact, so the case's history does not show it. No effect without an
    approved order.
    """
    order = latest_order(draft.case, transfer, OrderState.APPROVED)
    if order is not None:
        payment = find(draft.case, transfer)
        who = bank or (_asked_bank(payment) if payment else "")
        put_order(draft, order.model_copy(update={"carried_out": CarriedOut(bank=who, at=draft.now, until=until)}))


def _asked_bank(payment: Payment) -> str:
    """Return the code of the institution that got the order for a payment: the payee's, or the one by which the
    payment's signal came; "" if neither is known.
    """
    return payment.institution or ("" if payment.reported else bank_of(payment.transfer))


def record_freezing(draft: DecisionBuilder, order: StopOrder, freezing: Freezing) -> None:
    """Set an order, in any state, to the end state HANDED_OVER, and store the freezing in it. No fact is recorded."""
    _settle(draft, order, OrderState.HANDED_OVER, freezing=freezing)


def end_order(draft: DecisionBuilder, order: StopOrder, state: OrderState) -> None:
    """Set an order to the end state `state`, and remove the timer for its confirmation. No fact is recorded."""
    _settle(draft, order, state)


def _settle(draft: DecisionBuilder, order: StopOrder, state: OrderState, **more: object) -> None:
    """Put an order into a state in which nobody has to confirm it any more."""
    put_order(draft, order.model_copy(update={"state": state, "confirm_by": None, **more}))
    draft.steps.pop(f"{UNCONFIRMED}{order.step}", None)


def withdrawn(draft: DecisionBuilder, step: Step, *, answered: bool) -> None:
    """Set the order of a step that ends to WITHDRAWN if no bank has got it: it is still PROPOSED, or it is APPROVED and
    nothing of the step was sent. Else no effect. `answered`: the step is done or has failed, so a bank may have it.
    """
    order = order_of(draft.case, step.id)
    if order is None:
        return
    unsent = order.state is OrderState.APPROVED and not answered and payments.nothing_sent(step)
    if order.state is OrderState.PROPOSED or unsent:
        end_order(draft, order, OrderState.WITHDRAWN)


def approvable_until(draft: DecisionBuilder, order: StopOrder) -> datetime:
    """Return the time until which a proposed order may be approved.

    For an extension, the end of the stop (the builder's `now` if no end is known); for a first stop, the policy's
    `stop.settled_within` after the order was asked for.
    """
    payment = find(draft.case, order.transfer)
    if order.action is Action.STOP_AGAIN:
        ends = payment.stop.until if payment and payment.stop else None
        return ends or draft.now
    return min(order.asked_at + draft.plan.stop.settled_within, LATEST)


def _new(draft: DecisionBuilder, step: Step) -> StopOrder | None:
    payment = find(draft.case, step.transfer)
    if payment is None:
        return None
    rule = draft.plan.stop.approval.of(payment, extension=step.action is Action.STOP_AGAIN)
    rule = _by_persons(rule) if unrouted(payment) or decided_against(draft.case, payment.transfer) else rule
    because = step.because or CanStillBeStopped()
    order = _order(draft, step, payment, rule, because, None)
    if rule.persons == 0 and rule.confirm_within is not None:
        confirm_by = draft.after(rule.confirm_within)
        order = order.model_copy(update={"state": OrderState.APPROVED, "law": rule.law, "confirm_by": confirm_by})
        warned = draft.now + rule.confirm_within / 2
        draft.timer(f"{UNCONFIRMED}{order.step}", order.action, warned, order.transfer)
    elif isinstance(because, MoneyTracedHere) and (found := covering(draft, payment, rule)):
        order = _covered(order, *found).model_copy(update={"state": OrderState.APPROVED})
    put_order(draft, order)
    _noted(draft, order, step)
    return order


def propose_changed(draft: DecisionBuilder) -> None:
    """Propose again, with a fact, each proposed order whose payment has another amount now, or one for which the policy
    now wants more persons, such as that its payee is only reported. The policy's rule of today decides who approves.

    Earlier approvals are dropped, because they were for another amount or another account's standing.
    """
    for order in draft.case.orders:
        payment = find(draft.case, order.transfer)
        if payment is None or payment.movement is not None or order.state is not OrderState.PROPOSED:
            continue
        amount = asked_fen(order.action, payment)
        rule = _by_persons(draft.plan.stop.approval.of(payment, extension=order.action is Action.STOP_AGAIN))
        if amount == order.amount_fen and rule.persons <= order.persons:
            continue
        new = {"amount_fen": amount, "persons": rule.persons, "roles": rule.roles, "approvals": ()}
        put_order(draft, order.model_copy(update={**new, "amended": draft.version}))
        draft.note(FactKind.STOP, StopProposed(rule.persons), draft.steps.get(order.step))


def amended_since(case: Case, step: str, seen: int) -> bool:
    """Return True if a step's order was proposed again after the case's version `seen`, so that a person who saw that
    version has not seen its amount or its payee's standing.
    """
    order = order_of(case, step)
    return order is not None and order.amended > seen


def _order(
    draft: DecisionBuilder, step: Step, payment: Payment, rule: ApprovalRule, because: AnyCode, by: str | None
) -> StopOrder:
    stop = draft.plan.stop
    return StopOrder(
        step=step.id,
        number=document_number(stop.prefix, draft.case.id, len(draft.case.orders) + 1, draft.now),
        transfer=payment.transfer,
        payee=payment.payee,
        amount_fen=asked_fen(step.action, payment),
        hours=stop.lasts // timedelta(hours=1),
        action=step.action,
        state=OrderState.PROPOSED,
        ground=because,
        asked_by=by,
        asked_at=draft.now,
        due=draft.after(stop.approval.within),
        persons=rule.persons,
        roles=rule.roles,
    )


def _by_persons(rule: ApprovalRule) -> ApprovalRule:
    """Return the rule for an order that a person asks for: at least one person must approve, even if the policy needs
    none.
    """
    return rule if rule.persons else rule.model_copy(update={"persons": 1})


def _noted(draft: DecisionBuilder, order: StopOrder, step: Step) -> None:
    if order.confirm_by is not None:
        draft.note(FactKind.STOP, StopAutomatic(order.law, order.confirm_by), step)
    elif order.under is not None:
        _noted_under(draft, order, step)
    else:
        draft.note(FactKind.STOP, StopProposed(order.persons), step)


def put_order(draft: DecisionBuilder, order: StopOrder) -> None:
    """Replace the order of the same step in the case, or add the order at the end. No fact is recorded."""
    known = draft.case.orders
    if all(other.step != order.step for other in known):
        draft.set(orders=[*known, order])
    else:
        draft.set(orders=[order if other.step == order.step else other for other in known])

"""An order stays the one that persons approved: its amount, its step and its account, whatever happens meanwhile."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from domain.casework import Rules
from domain.casework.orders.objections import may_not_object
from domain.casework.orders.onward import MOST_WITHDRAWN
from domain.policy.approval import ApprovalRule
from schemas.casework.acts import AskStopAct, NoteAct
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.casework.orders import ApproveStopAct, HandOverStopAct, OrderState
from schemas.codes.refusals import CaseChanged, NothingToObjectTo
from schemas.levels import Action, Level, Outcome
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import Line, payment, policy
from tests.domain.casework.orders.onward import onward, paid
from tests.domain.casework.test_movements import answer, moved
from tests.domain.casework.test_payment_reports import ORDERED, report

DESK = StaffRole.RELEASE_DESK
TEN_MINUTES = timedelta(minutes=10)


def with_two_above_50_000(line: Line) -> None:
    """Two persons of the desk approve an order of ¥50,000 or more, one of any role a smaller one."""
    known = policy()
    made = (ApprovalRule(least_fen=5_000_000, persons=2, roles=(DESK,)), ApprovalRule(persons=1))
    approval = known.plan.stop.approval.model_copy(update={"rules": made})
    stop = known.plan.stop.model_copy(update={"approval": approval})
    line.rules = Rules(known.model_copy(update={"plan": known.plan.model_copy(update={"stop": stop})}))


def test_an_order_whose_amount_the_banks_record_raises_follows_the_rule_for_that_amount() -> None:
    line = Line(approves=False)
    with_two_above_50_000(line)
    told = ORDERED.reported
    assert told is not None
    small = {"amount_fen": 1_000_000, "institution": None, "reported": told.model_copy(update={"reference": "1"})}
    report(line, ORDERED.model_copy(update=small))
    (before,) = line.here.orders
    assert (before.state, before.persons, before.amount_fen) == (OrderState.PROPOSED, 1, 1_000_000)
    line.alert(Level.ORANGE, payment("bank:1", amount=90_000_000, payee=ORDERED.payee))
    (order,) = line.here.orders
    assert (order.state, order.persons, order.amount_fen) == (OrderState.PROPOSED, 2, 90_000_000)
    assert (order.roles, order.approvals) == ((DESK,), ())
    for by, role in (("wang", StaffRole.OPERATOR), ("anna", DESK)):
        line.act(ApproveStopAct(order=order.step), by, role=role)
        assert line.here.orders[0].state is OrderState.PROPOSED
    line.act(ApproveStopAct(order=order.step), "bo", role=DESK)
    assert line.here.orders[0].state is OrderState.APPROVED


def test_an_order_whose_payee_is_reported_meanwhile_follows_the_rule_for_that() -> None:
    """One person's report must not stop the payments of others by one more person's word."""
    known = policy()
    made = (ApprovalRule(account=WatchStatus.REPORTED, persons=2), ApprovalRule(persons=1))
    approval = known.plan.stop.approval.model_copy(update={"rules": made})
    stop = known.plan.stop.model_copy(update={"approval": approval})
    line = Line(approves=False)
    line.rules = Rules(known.model_copy(update={"plan": known.plan.model_copy(update={"stop": stop})}))
    line.alert(Level.RED, payment("bank:1"))
    line.pass_to(TEN_MINUTES)
    (before,) = line.here.orders
    assert (before.state, before.persons) == (OrderState.PROPOSED, 1)
    line.alert(Level.RED, payment("bank:1").model_copy(update={"watched": WatchStatus.REPORTED}))
    line.act(ApproveStopAct(order=before.step), "olga", role=DESK)
    (order,) = line.here.orders
    assert (order.state, order.persons, len(order.approvals)) == (OrderState.PROPOSED, 2, 1)


def test_an_approval_does_not_count_for_an_amount_that_the_person_has_not_seen() -> None:
    line = Line(approves=False)
    told = ORDERED.reported
    assert told is not None
    report(line, ORDERED.model_copy(update={"reported": told.model_copy(update={"reference": "1"})}))
    shown = line.here
    line.alert(Level.ORANGE, payment("bank:1", amount=90_000_000, payee=ORDERED.payee))
    (order,) = line.here.orders
    (fact,) = line.act(ApproveStopAct(order=order.step), "anna", seen=shown.version, role=DESK).facts
    assert (fact.kind, fact.what) == (FactKind.REFUSED, CaseChanged(line.here.version - 1, shown.version))
    assert line.here.orders == [order]
    shown = line.here
    line.act(NoteAct(what="no_answer"))
    line.act(ApproveStopAct(order=order.step), "anna", seen=shown.version, role=DESK)
    assert [each.by for each in line.here.orders[0].approvals] == ["anna"], "other changes do not matter"


def test_a_bank_that_corrects_a_movement_back_and_forth_makes_no_orders_without_end() -> None:
    line = paid()
    line.pass_to(timedelta(minutes=2))
    for turn in range(12):
        line.now += timedelta(seconds=1)
        each = [moved("a1", f"b{to}", 100_000, 3 + to, executed=turn % 2 == 0) for to in range(9)]
        line.give(answer(line, *each, name=f"{turn}"))
    assert set(Counter(order.payee for order in onward(line.here)).values()) == {MOST_WITHDRAWN}


def test_a_step_that_an_order_names_is_never_used_again() -> None:
    line = Line(approves=False)
    line.alert(Level.YELLOW)
    line.rules = replace(line.rules, logs=1)
    line.alert(Level.RED, payment(state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    (order,) = line.here.orders
    line.act(ApproveStopAct(order=order.step), "anna", role=DESK)
    line.bank(BankState.REFUSED)
    for _ in range(50):
        line.now += TEN_MINUTES
        line.outcome(Outcome.FALSE_ALARM)
        line.now += timedelta(minutes=1)
        line.alert(Level.RED, payment(state=TransferState.SETTLED), signal_at=line.now)
    line.act(AskStopAct(transfer="bank:1"), "anybody")
    sent = [out.id for out in line.sent() if out.action is Action.STOP_PAYMENT]
    assert len(sent) == len(set(sent)) == 1, "nobody has approved another"
    assert order.step in line.states()


def test_an_extension_that_no_bank_got_before_the_hand_over_is_none_to_object_to() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    line.act(ApproveStopAct(order="stop.0"), "sun", role=DESK)
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    line.pass_to(timedelta(hours=44))
    line.act(HandOverStopAct(order="again.0", decision="冻字1234号", authority="公安局"), "sun", role=DESK)
    stop, again = line.here.orders
    assert (stop.state, again.state) == (OrderState.HANDED_OVER, OrderState.HANDED_OVER)
    assert (stop.went_out, again.went_out) == (True, False)
    assert may_not_object(line.here, again) == NothingToObjectTo()

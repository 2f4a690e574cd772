"""No bank is asked for a stop before persons have approved the order, unless the policy cites a law."""

from datetime import timedelta

import pytest

from domain.casework import Rules
from domain.policy import load
from schemas.casework.acts import AskStopAct
from schemas.casework.cases import StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState, StopOrder
from schemas.codes.any_code import StopNotExtended
from schemas.codes.danger import DangerCode, OwnReport, PaymentMade
from schemas.codes.money import StopExtended
from schemas.codes.refusals import ApprovedBefore, NoOrder, RoleMayNotApprove
from schemas.codes.stop_orders import StopNeverDecided, StopNotWanted, StopUndecided
from schemas.levels import Action, Channel, Level, Outcome, Result
from schemas.people.staff import StaffRole
from schemas.risk.evidence import EvidenceKind, WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, danger, hold, payment, policy_text, rules

REPORTED: list[DangerCode] = [PaymentMade(EvidenceKind.REPORTED_PAYEE, 30_000, NOON)]
LAW = "反电信网络诈骗法第二十条"
AUTOMATIC = (
    f'{{ account = "confirmed", state = "pending", persons = 0, law = "{LAW}", confirm_within = "20m" }},\n'
    '  { account = "reported"'
)


def proposed(watched: WatchStatus | None = WatchStatus.CONFIRMED) -> Line:
    """A red case whose stop has fallen due."""
    line = Line(approves=False)
    line.alert(Level.RED, payment(watched=watched))
    line.pass_to(timedelta(minutes=2))
    return line


def automatic() -> Line:
    """The same where the policy lets an order for a confirmed account go out by itself."""
    line = Line(approves=False)
    line.rules = Rules(load(policy_text().replace('{ account = "reported"', AUTOMATIC, 1)))
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    return line


def asked(line: Line) -> list[Action]:
    return [out.action for out in line.sent() if out.payment is not None]


def order(line: Line) -> StopOrder:
    return line.here.orders[-1]


def test_nothing_reaches_a_bank_before_a_person_approves() -> None:
    line = proposed()
    assert asked(line) == []
    assert (line.step("stop.0").state, order(line).state) == (StepState.PROPOSED, OrderState.PROPOSED)
    assert line.here.payments[0].stop is None
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.RELEASE_DESK)
    assert asked(line) == [Action.STOP_PAYMENT]
    assert order(line).state is OrderState.APPROVED
    assert [(approval.by, approval.role) for approval in order(line).approvals] == [
        ("operator li", StaffRole.RELEASE_DESK)
    ]


def test_an_account_that_is_only_reported_takes_two_persons() -> None:
    line = proposed(WatchStatus.REPORTED)
    line.act(ApproveStopAct(order="stop.0"), by="anna", role=StaffRole.RELEASE_DESK)
    assert asked(line) == []
    twice = line.act(ApproveStopAct(order="stop.0"), by="anna", role=StaffRole.RELEASE_DESK)
    assert [fact.what for fact in twice.facts] == [ApprovedBefore()]
    line.act(ApproveStopAct(order="stop.0"), by="bo", role=StaffRole.OPERATOR)
    assert asked(line) == [Action.STOP_PAYMENT]


@pytest.mark.parametrize("role", [None, StaffRole.OFFICER, StaffRole.AUDITOR])
def test_only_the_roles_that_the_policy_names_approve(role: StaffRole | None) -> None:
    line = proposed()
    refused = line.act(ApproveStopAct(order="stop.0"), role=role)
    assert [fact.what for fact in refused.facts] == [RoleMayNotApprove()]
    assert asked(line) == []


def test_who_asks_for_a_stop_is_one_of_its_approvers() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    assert asked(line) == [Action.STOP_PAYMENT]
    assert order(line).asked_by == "operator li"


def test_who_may_not_approve_only_proposes() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.act(AskStopAct(transfer="bank:1"), by="a program")
    assert (asked(line), order(line).state) == ([], OrderState.PROPOSED)


def test_an_approval_counts_whatever_else_has_changed_on_the_case_meanwhile() -> None:
    line = proposed()
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR, seen=1)
    assert asked(line) == [Action.STOP_PAYMENT]


def test_an_order_that_is_declined_is_not_proposed_again() -> None:
    line = proposed()
    line.act(DeclineStopAct(order="stop.0", reason="his landlord"), role=StaffRole.SUPERVISOR)
    assert (order(line).state, line.step("stop.0").state) == (OrderState.DECLINED, StepState.WITHDRAWN)
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED, state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=10))
    assert (asked(line), len(line.here.orders)) == ([], 1)
    assert line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR).facts[0].what == NoOrder()


def test_an_order_that_nobody_decides_on_is_reminded_of_and_then_ends() -> None:
    line = proposed()
    line.pass_to(timedelta(minutes=1))
    assert line.facts(FactKind.STOP_REMINDER) == [StopUndecided()]
    line.pass_to(timedelta(hours=24))
    assert order(line).state is OrderState.UNDECIDED
    assert StopNeverDecided() in line.facts(FactKind.SKIPPED)
    assert asked(line) == []


def test_an_order_ends_with_the_danger() -> None:
    line = proposed()
    line.dissuaded()
    assert order(line).state is OrderState.WITHDRAWN
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    assert asked(line) == []


def test_an_extension_takes_a_person_too() -> None:
    line = proposed()
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=44))
    assert asked(line) == [Action.STOP_PAYMENT]
    line.act(ApproveStopAct(order=order(line).step), role=StaffRole.OPERATOR)
    assert asked(line) == [Action.STOP_PAYMENT, Action.STOP_AGAIN]


def test_an_extension_that_nobody_approves_ends_with_the_stop() -> None:
    line = proposed()
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=49))
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, order(line).state) == (StopState.EXPIRED, OrderState.UNDECIDED)


def test_the_report_of_one_person_proposes_no_stop_of_another_ones_payment() -> None:
    line = Line(approves=False)
    line.alert(Level.ORANGE, payment(watched=WatchStatus.REPORTED), found=danger(Level.ORANGE, of=REPORTED))
    line.pass_to(timedelta(hours=1))
    assert line.here.orders == []
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    assert order(line).state is OrderState.PROPOSED, "a person may, and another one must approve"


def test_a_stop_is_proposed_for_the_resident_who_reported_the_account() -> None:
    line = Line(approves=False)
    mine: list[DangerCode] = [*REPORTED, OwnReport(NOON, 30_000)]
    line.alert(Level.ORANGE, payment(watched=WatchStatus.REPORTED), found=danger(Level.ORANGE, of=mine))
    line.pass_to(timedelta(minutes=2))
    assert order(line).state is OrderState.PROPOSED


def test_a_stop_is_proposed_at_once_for_a_resident_who_was_defrauded() -> None:
    line = Line(approves=False)
    line.alert(Level.ORANGE, payment(watched=WatchStatus.REPORTED), found=danger(Level.ORANGE, of=REPORTED))
    line.outcome(Outcome.ALREADY_DEFRAUDED)
    assert order(line).state is OrderState.PROPOSED


def test_an_automatic_order_cites_its_law_and_is_lifted_unless_a_person_confirms_it() -> None:
    line = automatic()
    assert asked(line) == [Action.STOP_PAYMENT]
    assert (order(line).law, order(line).approvals) == (LAW, ())
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(minutes=20))
    assert order(line).state is OrderState.LAPSED
    assert asked(line) == [Action.STOP_PAYMENT, Action.STOP_RELEASE]
    line.pass_to(timedelta(hours=1))
    assert Action.STOP_AGAIN not in asked(line)


def test_an_automatic_order_that_a_person_confirms_stays() -> None:
    line = automatic()
    line.bank(BankState.IN_FORCE)
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    line.pass_to(timedelta(hours=40))
    assert (order(line).state, asked(line)) == (OrderState.APPROVED, [Action.STOP_PAYMENT])


def test_an_automatic_order_that_lapses_before_the_bank_has_it_is_not_sent_any_more() -> None:
    line = automatic()
    line.pass_to(timedelta(minutes=20))
    assert line.step("stop.0").state is StepState.WITHDRAWN
    assert StepState.SENT not in {step.state for step in line.here.steps if step.action is Action.STOP_PAYMENT}


def test_no_automatic_rule_reaches_an_account_that_is_not_confirmed() -> None:
    line = Line(approves=False)
    line.rules = Rules(load(policy_text().replace('{ account = "reported"', AUTOMATIC, 1)))
    line.alert(Level.RED, payment(watched=None), payment("bank:2", payee="a2", state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    assert asked(line) == []


def test_an_automatic_order_that_a_person_declines_is_declined_and_undone_at_the_bank() -> None:
    line = automatic()
    line.act(DeclineStopAct(order="stop.0", reason="known to the bank"), role=StaffRole.RELEASE_DESK)
    assert order(line).state is OrderState.DECLINED
    assert asked(line) == [Action.STOP_PAYMENT, Action.STOP_RELEASE]


def test_a_second_stop_that_waits_is_withdrawn_when_the_bank_has_stopped_the_account_after_all() -> None:
    line = proposed(WatchStatus.REPORTED)
    for by in ("anna", "bo"):
        line.act(ApproveStopAct(order="stop.0"), by=by, role=StaffRole.RELEASE_DESK)
    first = line.last(Action.STOP_PAYMENT).id
    line.pass_to(timedelta(minutes=40))
    line.act(AskStopAct(transfer="bank:1"), by="anna", role=StaffRole.OPERATOR)
    assert order(line).state is OrderState.PROPOSED
    sent = asked(line)
    line.bank(BankState.IN_FORCE, dispatch=first)
    assert (order(line).state, line.step(order(line).step).state) == (OrderState.WITHDRAWN, StepState.WITHDRAWN)
    line.act(ApproveStopAct(order=order(line).step), by="bo", role=StaffRole.RELEASE_DESK)
    assert asked(line) == sent
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.times) == (StopState.IN_FORCE, 1)


def test_a_renewal_that_a_person_has_asked_for_is_not_proposed_again() -> None:
    line = proposed(WatchStatus.REPORTED)
    for by in ("anna", "bo"):
        line.act(ApproveStopAct(order="stop.0"), by=by, role=StaffRole.RELEASE_DESK)
    line.bank(BankState.IN_FORCE)
    line.act(AskStopAct(transfer="bank:1"), by="anna", role=StaffRole.OPERATOR)
    line.pass_to(timedelta(hours=44, minutes=1))
    assert [each.state for each in line.here.orders] == [OrderState.APPROVED, OrderState.PROPOSED]
    assert any(isinstance(fact, StopExtended) for fact in line.facts(FactKind.STOP_REMINDER))


def test_a_rule_sends_no_second_order_without_a_person_after_one_was_declined() -> None:
    line = automatic()
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    line.act(DeclineStopAct(order="stop.0", reason="known to the bank"), role=StaffRole.RELEASE_DESK)
    sent = len(asked(line))
    line.victim(1_000_000, "bank:1")
    assert (order(line).state, order(line).persons) == (OrderState.PROPOSED, 1)
    assert len(asked(line)) == sent


def test_a_stop_that_a_bank_confirms_after_its_automatic_order_was_declined_is_lifted_and_not_extended() -> None:
    line = automatic()
    first = line.last(Action.STOP_PAYMENT).id
    line.bank(BankState.REFUSED)
    line.act(DeclineStopAct(order="stop.0", reason="known to the bank"), role=StaffRole.RELEASE_DESK)
    line.bank(BankState.IN_FORCE, dispatch=first, until=line.now + timedelta(hours=48))
    assert asked(line) == [Action.STOP_PAYMENT, Action.STOP_RELEASE]
    line.bank(BankState.REFUSED)
    line.pass_to(timedelta(hours=45))
    assert line.facts(FactKind.STOP_REMINDER)[-1] == StopNotExtended(line.now + timedelta(hours=3), StopNotWanted())
    assert len(line.here.orders) == 1


def held_after_approval(state: TransferState) -> Line:
    """The same, approved while an outreach hold keeps the order back."""
    line = Line(approves=False)
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED, state=state))
    line.pass_to(timedelta(minutes=2))
    line.rules = rules(hold(until=NOON + timedelta(hours=30), channel=Channel.PAYMENT))
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    assert (line.step("stop.0").state, order(line).state) == (StepState.HELD, OrderState.APPROVED)
    return line


def test_an_approved_order_whose_step_is_skipped_has_not_gone_out() -> None:
    line = held_after_approval(TransferState.SETTLED)
    line.pass_to(timedelta(hours=30))
    assert line.step("stop.0").state is StepState.SKIPPED
    assert asked(line) == []
    assert (order(line).state, order(line).went_out) == (OrderState.WITHDRAWN, False)


def test_an_approved_order_that_is_no_longer_needed_before_it_is_sent_has_not_gone_out() -> None:
    line = held_after_approval(TransferState.PENDING)
    line.bank(BankState.CANCELLED, amount=1_000_000)
    assert line.step("stop.0").state is StepState.WITHDRAWN
    assert (order(line).state, order(line).went_out) == (OrderState.WITHDRAWN, False)


def test_an_order_that_was_sent_has_gone_out_whatever_becomes_of_its_step() -> None:
    line = proposed()
    line.act(ApproveStopAct(order="stop.0"), role=StaffRole.OPERATOR)
    line.bank(BankState.CANCELLED, amount=1_000_000)
    assert (order(line).state, order(line).went_out) == (OrderState.APPROVED, True)


def test_who_asks_for_an_order_that_the_plan_proposed_is_stored_in_it_once() -> None:
    line = proposed()
    for by in ("anna", "bo", "anna"):
        line.act(AskStopAct(transfer="bank:1"), by=by)
    assert (order(line).asked_by, order(line).asked_too) == (None, ("anna", "bo"))

"""When an account gets another order, and when the order that it has is enough."""

from datetime import timedelta

import pytest

from schemas.casework.acts import LowerAct
from schemas.casework.cases import StepState, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, OrderState
from schemas.codes.objections import ObjectionMade
from schemas.codes.refusals import AccountOrdered, NothingToObjectTo
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from tests.domain.builders import Line
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.objecting import decide, lifts, object_to, uphold
from tests.domain.casework.orders.onward import B1, FIRST_HOP, of_account, paid, states, told
from tests.domain.casework.orders.test_orders_onward import decline
from tests.domain.casework.test_movements import answer, moved
from tests.domain.casework.test_payment_reports import ORDERED, report
from tests.domain.casework.test_stop_orders import automatic, proposed

HOUR = timedelta(hours=1)
LOWER = LowerAct(level=Level.YELLOW, reason="the payee is known")
TO_B1 = ORDERED.model_copy(update={"payee": "b1"})


def unanswered() -> Journal:
    """The bank of b1 has been asked as often as the policy says, and has never answered."""
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.pass_to(HOUR)
    assert line.step("stop.t0").state is StepState.FAILED
    assert line.here.traced[0].stop is not None
    assert line.here.traced[0].stop.state is StopState.ASKED
    return line


def test_new_money_gets_an_order_though_the_bank_never_answered_the_first() -> None:
    line = unanswered()
    line.give(answer(line, moved("a1", "b1", 200_000, 5), name="2"))
    assert states(line, "b1") == [OrderState.APPROVED, OrderState.PROPOSED]
    line.approve()
    asked = [out.step for out in line.sent() if out.payment and out.payment.payee == "b1" and out.attempt == 1]
    assert asked == [each.step for each in of_account(line.here, "b1")]


def test_the_same_money_gets_no_second_order_and_the_bank_is_asked_for_no_third() -> None:
    line = unanswered()
    line.give(answer(line, FIRST_HOP, name="2"))
    assert states(line, "b1") == [OrderState.APPROVED]
    for number in range(3):
        line.give(answer(line, moved("a1", "b1", 100_000, 5 + number), name=f"new {number}"))
        line.approve()
        line.pass_to(HOUR)
    assert states(line, "b1") == [OrderState.APPROVED] * 2


def test_while_the_bank_still_has_time_to_answer_new_money_gets_no_order() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.pass_to(timedelta(minutes=12))
    line.give(answer(line, moved("a1", "b1", 200_000, 5), name="2"))
    assert states(line, "b1") == [OrderState.APPROVED]


def test_a_late_answer_withdraws_the_order_for_the_new_money() -> None:
    line = unanswered()
    line.give(answer(line, moved("a1", "b1", 200_000, 5), name="2"))
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    assert states(line, "b1") == [OrderState.APPROVED, OrderState.WITHDRAWN]


def test_a_report_of_a_payment_whose_bank_never_answered_drafts_another_order() -> None:
    line = Line(approves=False)
    report(line)
    line.act(ApproveStopAct(order="stop.0"), by="desk wang", role=StaffRole.RELEASE_DESK)
    line.pass_to(HOUR)
    report(line)
    assert [order.state for order in line.here.orders] == [OrderState.APPROVED, OrderState.PROPOSED]


@pytest.mark.parametrize("approved", [False, True])
def test_a_report_drafts_no_order_beside_one_about_the_account_that_the_money_reached(approved: bool) -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    if approved:
        line.approve()
    facts = [fact.what for fact in report(line, TO_B1).facts]
    assert [order.step for order in of_account(line.here, "b1")] == ["stop.t0"]
    assert AccountOrdered() in facts
    assert len(line.here.payments) == 2


def test_a_report_drafts_an_order_once_the_one_about_the_account_has_ended() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    decline(line)
    report(line, TO_B1)
    assert states(line, "b1") == [OrderState.DECLINED, OrderState.PROPOSED]


def test_a_report_drafts_no_order_for_an_account_that_its_bank_has_stopped_by_itself() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(told(line, B1, BankState.IN_FORCE))
    facts = [fact.what for fact in report(line, TO_B1).facts]
    assert states(line, "b1") == [OrderState.WITHDRAWN]
    assert AccountOrdered() in facts


def test_lowering_the_level_leaves_an_order_about_an_account_that_the_money_reached() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.act(LOWER)
    assert (line.here.level, states(line, "b1")) == (Level.YELLOW, [OrderState.PROPOSED])
    line.give(answer(line, moved("a1", "b1", 200_000, 5), name="2"))
    assert states(line, "b1") == [OrderState.PROPOSED]


def test_lowering_the_level_withdraws_the_plans_own_orders() -> None:
    line = proposed()
    line.act(LOWER)
    assert [order.state for order in line.here.orders] == [OrderState.WITHDRAWN]


def test_an_automatic_order_that_was_declined_after_it_was_sent_can_be_objected_to() -> None:
    line = automatic()
    line.bank(BankState.IN_FORCE)
    line.act(DeclineStopAct(order="stop.0", reason="his landlord"), role=StaffRole.RELEASE_DESK)
    assert line.here.orders[0].state is OrderState.DECLINED
    assert isinstance(object_to(line)[0], ObjectionMade)
    decide(line, uphold())
    assert lifts(line) == 1, "declining it has lifted it already"
    assert line.step("release.0").action is Action.STOP_RELEASE


def test_an_order_that_was_declined_before_it_was_sent_cannot() -> None:
    line = proposed()
    line.act(DeclineStopAct(order="stop.0", reason="his landlord"), role=StaffRole.RELEASE_DESK)
    assert object_to(line) == [NothingToObjectTo()]

"""The one state of a case's stops: what can be asked for, what waits, and what would be asked for twice."""

from datetime import timedelta

import pytest

from domain.payments.headline import headline_of
from domain.payments.stop_progress import (
    CaseStops,
    DangerPart,
    StopProgress,
    asked_already,
    case_stops,
    danger_parts,
    may_ask,
    partly_asked,
    progress_of,
)
from schemas.casework.acts import AskStopAct
from schemas.casework.cases import Stop, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import ApproveStopAct, DeclineStopAct
from schemas.levels import Level, Outcome
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, payment
from tests.domain.casework.journal import Journal
from tests.domain.casework.test_movements import answer, moved

ONE, TWO, LI = "bank:1", "bank:2", "operator li"
ASK = AskStopAct(transfer=ONE)


def red(*transfers: str) -> Line:
    """A red case with a payment of ¥10,000 for each transfer."""
    line = Line(approves=False)
    line.alert(Level.RED, *(payment(transfer, amount=1_000_000) for transfer in transfers))
    return line


def asked(role: StaffRole | None = None) -> Line:
    line = red(ONE)
    line.act(ASK, role=role)
    return line


def test_without_a_payment_there_is_nothing_to_stop() -> None:
    assert case_stops(red().here, LI) == CaseStops(StopProgress.NOTHING, 0)


def test_all_that_can_be_stopped_is_one_sum() -> None:
    assert case_stops(red(ONE, TWO).here, LI) == CaseStops(StopProgress.POSSIBLE, 2_000_000)


def test_what_is_held_back_counts_first_and_is_not_asked_for_again() -> None:
    case = red(ONE, TWO).here
    assert case_stops(case, LI, {ONE}) == CaseStops(StopProgress.LEAVING, 1_000_000)
    assert asked_already(case, LI, {ONE}) == {ONE}


def test_a_stop_that_somebody_asked_for_waits_for_approval_and_is_not_asked_for_twice() -> None:
    line = asked()
    assert case_stops(line.here, LI) == CaseStops(StopProgress.APPROVAL, 1_000_000)
    assert not may_ask(line.here, line.here.payments[0], LI)
    assert asked_already(line.here, LI) == {ONE}


def test_the_parts_of_the_money_in_danger_say_what_can_be_done_and_add_up_to_the_headline() -> None:
    case = red(ONE, TWO, "bank:3").here
    refused = case.payments[1].model_copy(update={"stop": Stop(state=StopState.REFUSED)})
    case = case.model_copy(update={"payments": [case.payments[0], refused, case.payments[2]]})
    parts = danger_parts(case, LI, {"bank:3"})
    assert list(parts.items()) == [
        (DangerPart.CAN_ASK, 1_000_000),
        (DangerPart.REFUSED, 1_000_000),
        (DangerPart.LEAVING, 1_000_000),
    ]
    assert sum(parts.values()) == headline_of(case).amount_fen
    assert danger_parts(red(ONE).here, LI) == {DangerPart.CAN_ASK: 1_000_000}
    assert danger_parts(asked().here, LI) == {DangerPart.APPROVAL: 1_000_000}
    assert danger_parts(asked(StaffRole.OPERATOR).here, "han") == {DangerPart.ASKED: 1_000_000}


def test_an_account_that_was_asked_for_twice_is_not_asked_for_again_for_any_payment_to_it() -> None:
    case = red(ONE, TWO).here
    first = case.payments[0].model_copy(update={"stop": Stop(state=StopState.REFUSED, times=2)})
    case = case.model_copy(update={"payments": [first, case.payments[1]]})
    assert first.payee == case.payments[1].payee
    assert [may_ask(case, each, LI) for each in case.payments] == [False, False]
    assert danger_parts(case, LI) == {DangerPart.REFUSED: 1_000_000, DangerPart.OUT_OF_REACH: 1_000_000}
    once = first.model_copy(update={"stop": Stop(state=StopState.REFUSED, times=1)})
    assert may_ask(case.model_copy(update={"payments": [once, case.payments[1]]}), once, LI)


def test_another_person_may_add_their_word_to_an_order_that_waits() -> None:
    line = asked()
    assert may_ask(line.here, line.here.payments[0], "han")
    line.act(ASK, by="han", role=StaffRole.OPERATOR)
    assert not may_ask(line.here, line.here.payments[0], "han")


def test_an_order_of_the_plan_alone_may_be_asked_for_by_a_person() -> None:
    line = red(ONE)
    line.pass_to(timedelta(minutes=2))
    (order,) = line.here.orders
    assert order.asked_by is None
    assert case_stops(line.here, LI).progress is StopProgress.POSSIBLE


def test_an_approved_stop_is_with_the_bank_before_and_after_it_is_sent() -> None:
    line = asked(StaffRole.OPERATOR)
    assert case_stops(line.here, LI).progress is StopProgress.ASKED
    line.pass_to(line.now + timedelta(seconds=1))
    assert line.here.payments[0].stop is not None
    assert case_stops(line.here, LI).progress is StopProgress.ASKED


def test_a_stop_in_force_is_done_also_while_its_extension_waits_for_approval() -> None:
    line = asked(StaffRole.OPERATOR)
    line.pass_to(line.now + timedelta(seconds=1))
    line.bank(BankState.IN_FORCE)
    assert case_stops(line.here, LI) == CaseStops(StopProgress.STOPPED, 1_000_000)
    line.act(ASK)
    assert case_stops(line.here, LI).progress is StopProgress.STOPPED


@pytest.mark.parametrize("state", [BankState.CANCELLED, BankState.RETURNED])
def test_money_that_is_safe_needs_no_stop(state: BankState) -> None:
    line = red(ONE)
    line.bank(state, amount=1_000_000)
    assert progress_of(line.here, line.here.payments[0], LI) is StopProgress.NOTHING


def test_a_frozen_account_is_stopped() -> None:
    line = red(ONE)
    line.bank(BankState.FROZEN, amount=1_000_000)
    assert case_stops(line.here, LI).progress is StopProgress.STOPPED


def test_a_stop_that_was_declined_may_be_asked_for_again() -> None:
    line = asked()
    line.act(DeclineStopAct(order="stop.0", reason="wrong account"), by="wang", role=StaffRole.RELEASE_DESK)
    assert case_stops(line.here, LI).progress is StopProgress.POSSIBLE


def test_one_payment_left_to_stop_counts_before_one_that_waits() -> None:
    line = red(ONE, TWO)
    line.act(ASK)
    assert case_stops(line.here, LI) == CaseStops(StopProgress.POSSIBLE, 1_000_000)
    line.act(ApproveStopAct(order="stop.0"), by="wang", role=StaffRole.RELEASE_DESK)
    assert case_stops(line.here, LI).progress is StopProgress.POSSIBLE


def test_after_the_outcome_nothing_is_asked_for() -> None:
    line = red(ONE)
    line.outcome(Outcome.FALSE_ALARM)
    assert case_stops(line.here, LI).progress is StopProgress.NOTHING
    assert line.now >= NOON


def test_an_account_that_the_money_went_on_to_counts_while_its_order_waits() -> None:
    line = followed()
    (account,) = line.here.traced
    assert case_stops(line.here, LI) == CaseStops(StopProgress.POSSIBLE, 600_000)
    line.give(line.report(AskStopAct(transfer=account.transfer), "wang", role=StaffRole.RELEASE_DESK))
    assert progress_of(line.here, account, LI) is StopProgress.ASKED
    assert account.transfer in asked_already(line.here, LI)
    assert case_stops(line.here, LI) == CaseStops(StopProgress.ASKED, 600_000)


def test_of_an_account_whose_order_was_declined_nothing_is_left_to_ask_for() -> None:
    line = followed()
    (account,) = line.here.traced
    line.give(line.report(DeclineStopAct(order="stop.t0", reason="a shop"), "wang", role=StaffRole.RELEASE_DESK))
    assert not may_ask(line.here, account, LI)
    assert progress_of(line.here, account, LI) is StopProgress.NOTHING


def test_what_can_be_asked_for_is_the_rest_only_if_the_stop_of_other_money_is_asked_for() -> None:
    line = red(ONE, TWO)
    assert not partly_asked(line.here, LI)
    assert partly_asked(line.here, LI, {ONE})
    line.give(line.report(ASK, LI))
    assert partly_asked(line.here, LI)
    assert [each.transfer for each in line.here.payments if may_ask(line.here, each, LI)] == [TWO]


def followed() -> Journal:
    """A red case whose payment of ¥10,000 is stopped; ¥6,000 of it went on to another account, whose order waits."""
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED))
    line.give(answer(line, moved("a1", "b1", 600_000, 3)))
    return line

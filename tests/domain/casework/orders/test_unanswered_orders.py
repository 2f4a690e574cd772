"""A bank that has not answered an order in time is asked once what became of it."""

import dataclasses
from datetime import timedelta

import pytest

from domain.casework import Rules
from domain.payments.bank_book import BankBook
from domain.payments.reconciliation import reconcile
from domain.payments.scorecards import Scorecard, scorecards
from schemas.casework.cases import StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.codes.money import BankSilent, BankUndecided
from schemas.levels import Action, Level, Result
from schemas.risk.signals import TransferState
from tests.domain.builders import hold, payment, policy
from tests.domain.casework.journal import Journal

FIVE = timedelta(minutes=5)


def ordered(after: timedelta | None = FIVE) -> Journal:
    """A red case whose stop was sent to the bank two minutes after its alert; the desk approves at once."""
    line = Journal()
    stop = policy().plan.stop.model_copy(update={"status_after": after})
    line.rules = Rules(policy().model_copy(update={"plan": policy().plan.model_copy(update={"stop": stop})}))
    line.alert(Level.RED, payment(state=TransferState.SETTLED))
    line.pass_to(timedelta(minutes=2))
    assert line.last(Action.STOP_PAYMENT).attempt == 1
    return line


def questions(line: Journal) -> list[str | None]:
    """The requests that banks were asked about, in order."""
    return [out.about for out in line.sent() if out.action is Action.STOP_STATUS]


def test_a_bank_that_has_not_answered_is_asked_about_the_request_after_the_policys_time() -> None:
    line = ordered()
    order = line.last(Action.STOP_PAYMENT)
    line.pass_to(FIVE - timedelta(seconds=1))
    assert questions(line) == []
    line.pass_to(timedelta(seconds=1))
    assert questions(line) == [order.id]
    (said,) = [fact for fact in line.facts(FactKind.STOP) if isinstance(fact, BankSilent)]
    assert said == BankSilent(line.here.orders[0].number, 5)
    asked = line.last(Action.STOP_STATUS)
    assert asked.payment is not None
    assert asked.payment.amount_fen == line.here.orders[0].amount_fen


def test_each_request_is_asked_about_once_and_a_further_attempt_is_another_request() -> None:
    line = ordered()
    line.pass_to(timedelta(hours=3))
    attempts = [out.id for out in line.sent() if out.action is Action.STOP_PAYMENT]
    assert len(attempts) > 1
    assert questions(line) == attempts


def keep_back(line: Journal, lasts: timedelta, *actions: Action) -> None:
    """A hold keeps steps of these actions back from now on."""
    held = [hold(f"of-{action}", line.now + lasts, action=action) for action in actions]
    line.rules = dataclasses.replace(line.rules, holds=tuple(held))


def test_a_question_that_was_kept_back_is_about_the_request_that_was_not_answered_not_a_later_one() -> None:
    line = ordered()
    first = line.last(Action.STOP_PAYMENT)
    keep_back(line, timedelta(hours=3), Action.STOP_STATUS)
    line.pass_to(timedelta(hours=2))
    assert questions(line) == []
    attempts = [out.id for out in line.sent() if out.action is Action.STOP_PAYMENT]
    assert len(attempts) > 1
    line.pass_to(timedelta(hours=2))
    assert questions(line)[:1] == [first.id]
    assert questions(line) == attempts


def test_a_question_is_never_about_a_request_that_did_not_go_out_yet() -> None:
    line = ordered()
    first = line.last(Action.STOP_PAYMENT)
    keep_back(line, timedelta(hours=3), Action.STOP_STATUS, Action.STOP_PAYMENT)
    line.pass_to(timedelta(hours=2))
    assert line.last(Action.STOP_PAYMENT) == first
    assert line.step("stop.0").attempt == 2  # waits, and has no request at the bank
    line.rules = dataclasses.replace(line.rules, holds=line.rules.holds[1:])
    line.fire("ask.stop.0.1")
    assert questions(line) == [first.id]


def test_a_question_about_a_request_that_certainly_never_reached_the_bank_is_not_asked() -> None:
    line = ordered()
    keep_back(line, timedelta(hours=3), Action.STOP_STATUS)
    line.pass_to(FIVE)
    assert line.states()["ask.stop.0.1"] is StepState.HELD
    line.result(Result.NOT_SENT, Action.STOP_PAYMENT)
    assert line.states()["ask.stop.0.1"] is StepState.WITHDRAWN
    line.pass_to(timedelta(hours=4))
    assert questions(line) == []


def test_a_question_that_is_in_doubt_is_not_asked_again() -> None:
    line = ordered()
    line.pass_to(FIVE)
    line.result(Result.IN_DOUBT, Action.STOP_STATUS)
    line.pass_to(timedelta(minutes=4))
    assert len(questions(line)) == 1


def test_a_bank_that_answers_in_time_is_not_asked() -> None:
    line = ordered()
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=1))
    assert questions(line) == []


def test_without_the_policys_time_nobody_is_asked() -> None:
    line = ordered(None)
    line.pass_to(timedelta(hours=3))
    assert questions(line) == []


def test_a_bank_that_has_not_decided_ends_the_question_and_not_the_order() -> None:
    line = ordered()
    line.pass_to(FIVE)
    line.bank(BankState.PENDING, dispatch=line.last(Action.STOP_PAYMENT).id)
    assert (line.states()["ask.stop.0.1"], line.states()["stop.0"]) == (StepState.DONE, StepState.SENT)
    assert BankUndecided() in line.facts(FactKind.STOP)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.state is StopState.ASKED


def test_an_answer_about_one_request_ends_no_question_about_a_later_one() -> None:
    line = ordered()
    keep_back(line, timedelta(hours=6), Action.STOP_STATUS)
    line.pass_to(timedelta(hours=3))
    first, second, *_ = [out.id for out in line.sent() if out.action is Action.STOP_PAYMENT]
    line.bank(BankState.PENDING, dispatch=second)
    states = line.states()
    assert [states[f"ask.stop.0.{attempt}"] for attempt in (1, 2)] == [StepState.DONE] * 2
    assert states["ask.stop.0.3"] is StepState.HELD
    line.bank(BankState.PENDING, dispatch=first)
    assert line.states()["ask.stop.0.3"] is StepState.HELD
    line.bank(BankState.IN_FORCE, dispatch=first)
    assert line.states()["ask.stop.0.3"] is StepState.DONE


@pytest.mark.parametrize("about", ["order", "question"])
def test_the_answer_to_the_question_is_the_answer_to_the_order(about: str) -> None:
    line = ordered()
    line.pass_to(FIVE)
    named = line.last(Action.STOP_PAYMENT if about == "order" else Action.STOP_STATUS).id
    line.bank(BankState.REFUSED, dispatch=named)
    assert (line.states()["ask.stop.0.1"], line.states()["stop.0"]) == (StepState.DONE, StepState.FAILED)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.times) == (StopState.REFUSED, 1), "a question is no further request"


def test_the_scorecard_counts_questions_and_no_answer_that_decides_nothing() -> None:
    line = ordered()
    line.pass_to(FIVE)
    order, asked = line.last(Action.STOP_PAYMENT), line.last(Action.STOP_STATUS)
    line.bank(BankState.PENDING, dispatch=order.id)
    before = card(line)
    assert (before.asked, before.queried, before.answered) == (1, 1, 0)
    line.bank(BankState.REFUSED, dispatch=asked.id)
    after = card(line)
    assert (after.asked, after.queried, after.answered, after.refused) == (1, 1, 1, 1)


def card(line: Journal) -> Scorecard:
    (found,) = scorecards(book_of(line), lambda _: True, line.now, timedelta(minutes=30))
    return found


def book_of(line: Journal) -> BankBook:
    book = BankBook()
    for event in line.events:
        book.add(event)
    for each in line.messages:
        book.message(each)
    return book


def test_a_question_is_no_line_of_the_banks_reconciliation() -> None:
    line = ordered()
    line.pass_to(FIVE)
    book = book_of(line)
    assert [each.action for each in book.sent.values()] == [Action.STOP_PAYMENT, Action.STOP_STATUS]
    (bank, day), *_ = book.days(lambda _: True)
    lines = reconcile(book, bank, day, lambda _: True)
    assert [each.sent.action for each in lines if each.sent] == [Action.STOP_PAYMENT]

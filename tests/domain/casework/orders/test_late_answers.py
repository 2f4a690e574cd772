"""Banks' answers that come after a stop's end or its lift, are about the lift, or name an end that cannot be."""

from datetime import timedelta

import pytest

from schemas.casework.acts import AskStopAct
from schemas.casework.cases import StepState, StopState
from schemas.casework.inputs import BankState
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import Line, payment
from tests.domain.casework.test_casework_stops import asked, in_force, lifted, renewing, stop_dispatches, stop_of


def test_the_first_answer_to_an_extension_counts_though_the_first_stop_has_just_ended() -> None:
    line, first = renewing()
    extension = line.last(Action.STOP_AGAIN).id
    asked_at = line.here.orders[1].asked_at
    line.pass_to(timedelta(hours=4, minutes=1))
    line.bank(BankState.IN_FORCE, dispatch=first)
    assert stop_of(line).state is StopState.EXPIRED, "an answer to the first request may be an old one"
    line.bank(BankState.IN_FORCE, dispatch=extension)
    assert (stop_of(line).state, stop_of(line).until) == (StopState.IN_FORCE, asked_at + timedelta(hours=48))
    line.pass_to(timedelta(hours=48))
    line.bank(BankState.IN_FORCE, dispatch=extension)
    assert stop_of(line).state is StopState.EXPIRED, "it has answered that request before"


def test_an_answer_to_an_extension_that_comes_when_the_extension_is_over_opens_nothing() -> None:
    line, _ = renewing()
    extension = line.last(Action.STOP_AGAIN).id
    line.pass_to(timedelta(hours=49))
    line.bank(BankState.IN_FORCE, dispatch=extension)
    assert stop_of(line).state is StopState.EXPIRED


def test_a_bank_that_refuses_to_lift_has_not_refused_the_stop() -> None:
    line = asked()
    line.bank(BankState.REFUSED, dispatch=lifted(line))
    assert stop_of(line).state is StopState.ASKED
    assert line.step("release.0").state is StepState.FAILED


@pytest.mark.parametrize("answer", [BankState.RELEASED, BankState.REFUSED])
def test_a_stop_that_the_bank_confirms_only_after_persons_lifted_it_is_lifted_again(answer: BankState) -> None:
    line = asked()
    stop = line.last(Action.STOP_PAYMENT).id
    line.bank(answer, dispatch=lifted(line))
    line.bank(BankState.IN_FORCE, dispatch=stop)
    assert stop_of(line).state is StopState.IN_FORCE
    assert stop_dispatches(line)[-2:] == [Action.STOP_RELEASE] * 2
    line.bank(BankState.RELEASED, dispatch=line.last(Action.STOP_RELEASE).id)
    line.bank(BankState.IN_FORCE, dispatch=stop)
    assert stop_of(line).state is StopState.RELEASED, "the bank has said so before"


def test_a_stop_that_the_bank_lifted_unasked_is_not_opened_by_its_late_confirmation() -> None:
    line = asked()
    line.bank(BankState.RELEASED)
    line.bank(BankState.IN_FORCE, until=line.now + timedelta(hours=40))
    assert stop_of(line).state is StopState.RELEASED


def test_a_refusal_that_is_repeated_does_not_end_a_later_request_whose_second_attempt_was_never_sent() -> None:
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.REFUSED)
    refused = line.last(Action.STOP_PAYMENT)
    line.act(AskStopAct(transfer="bank:1"), "zhou", role=StaffRole.RELEASE_DESK)
    line.pass_to(timedelta(minutes=11))  # no answer: it would be asked again
    line.dissuaded()
    line.bank(BankState.REFUSED, dispatch=refused.id)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.state is StopState.ASKED


def test_a_stop_that_persons_decided_to_lift_is_not_extended() -> None:
    line = in_force()
    line.bank(BankState.REFUSED, dispatch=lifted(line))
    line.pass_to(timedelta(hours=45))
    assert stop_of(line).state is StopState.IN_FORCE
    assert Action.STOP_AGAIN not in stop_dispatches(line)


def test_a_stop_is_not_taken_to_last_longer_than_the_law_lets_it() -> None:
    line = asked()
    beijing_as_utc = line.now + timedelta(hours=48 + 8)
    line.bank(BankState.IN_FORCE, until=beijing_as_utc)
    ends = line.now + timedelta(hours=48)
    assert stop_of(line).until == ends
    line.pass_to(timedelta(hours=44))
    assert stop_dispatches(line)[-1] is Action.STOP_AGAIN, "before the stop ends"
    line.bank(BankState.IN_FORCE, until=ends + timedelta(days=90))
    assert stop_of(line).until == ends + timedelta(hours=48)

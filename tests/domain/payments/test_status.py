"""A payment has one status, whatever its transfer, its stop and its money say beside one another."""

from datetime import timedelta

import pytest

from domain.payments.status import PaymentStatus, Reconciled, Rest, rest_of, status_of
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Loss, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import HandOverStopAct
from schemas.levels import Level, Outcome
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import Line, payment

AMOUNT = 1_000_000
FREEZE = HandOverStopAct(order="stop.0", decision="吉公冻字〔2026〕17号", authority="长春市公安局")


def stopped() -> Line:
    """A payment under way whose bank has been asked for a stop."""
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=3))
    return line


def status(line: Line) -> Reconciled:
    return status_of(line.here, line.here.payments[0])


def rest(line: Line) -> Rest:
    return rest_of(line.here, line.here.payments[0])


@pytest.mark.parametrize("state", TransferState)
def test_a_payment_of_which_nothing_else_is_told_is_where_its_transfer_is(state: TransferState) -> None:
    line = Line()
    line.alert(Level.YELLOW, payment(state=state))
    assert status(line) == (PaymentStatus(state.value), AMOUNT)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], (PaymentStatus.STOP_ASKED, AMOUNT)),
        ([(BankState.REFUSED, 0)], (PaymentStatus.STOP_REFUSED, AMOUNT)),
        ([(BankState.IN_FORCE, AMOUNT)], (PaymentStatus.STOPPED, AMOUNT)),
        ([(BankState.IN_FORCE, 400_000)], (PaymentStatus.STOPPED, 400_000)),
        ([(BankState.IN_FORCE, 0)], (PaymentStatus.STOPPED, AMOUNT)),
        ([(BankState.IN_FORCE, AMOUNT), (BankState.FROZEN, 400_000)], (PaymentStatus.STOPPED, 400_000)),
        ([(BankState.FROZEN, 400_000), (BankState.RETURNED, 300_000)], (PaymentStatus.RETURNED, 400_000)),
        ([(BankState.RETURNED, AMOUNT)], (PaymentStatus.RETURNED, AMOUNT)),
        ([(BankState.CANCELLED, 0)], (PaymentStatus.CANCELLED, AMOUNT)),
    ],
)
def test_what_the_bank_has_done_last_is_the_status(
    answers: list[tuple[BankState, int]], expected: tuple[PaymentStatus, int]
) -> None:
    line = stopped()
    for state, amount in answers:
        line.bank(state, amount=amount)
    assert status(line) == expected


def test_a_payment_of_which_a_part_came_back_adds_up_with_what_is_lost_and_what_nobody_knows() -> None:
    line = stopped()
    line.bank(BankState.RETURNED, amount=700_000)
    assert (status(line), rest(line)) == ((PaymentStatus.RETURNED, 700_000), Rest(lost_fen=0, unknown_fen=300_000))
    loss = Loss(id=line.here.payments[0].transfer, amount_fen=100_000, at=line.now)
    line.here.losses.append(loss)
    assert rest(line) == Rest(lost_fen=100_000, unknown_fen=200_000)


def test_a_payment_whose_status_is_about_all_of_it_has_no_rest() -> None:
    line = stopped()
    line.bank(BankState.IN_FORCE, amount=AMOUNT)
    assert rest(line) == Rest(0, 0)


def test_what_had_left_the_account_before_the_stop_is_not_called_stopped() -> None:
    line = stopped()
    line.bank(BankState.IN_FORCE, amount=400_000)
    assert rest(line) == Rest(lost_fen=0, unknown_fen=600_000)


def test_money_that_a_bank_confirms_as_frozen_is_stopped_until_the_stop_ends_or_a_decision_is_recorded() -> None:
    line = stopped()
    line.bank(BankState.FROZEN, amount=400_000)
    assert status(line) == (PaymentStatus.STOPPED, 400_000)
    handed = stopped()
    handed.bank(BankState.FROZEN, amount=400_000)
    handed.act(FREEZE, role=StaffRole.RELEASE_DESK)
    assert status(handed) == (PaymentStatus.FROZEN, 400_000)
    line.bank(BankState.REFUSED)
    line.pass_to(timedelta(hours=100))
    assert line.here.payments[0].stop is not None
    assert line.here.payments[0].stop.state is StopState.EXPIRED
    assert status(line) == (PaymentStatus.FROZEN, 400_000)


def test_a_stop_goes_on_while_its_extension_is_asked_for() -> None:
    line = stopped()
    line.bank(BankState.IN_FORCE, amount=AMOUNT)
    line.pass_to(timedelta(hours=44))
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.state is StopState.ASKED
    assert status(line).status is PaymentStatus.STOPPED


def test_processing_and_returned_never_stand_beside_each_other() -> None:
    line = stopped()
    line.bank(BankState.IN_FORCE, amount=AMOUNT)
    line.bank(BankState.RETURNED, amount=AMOUNT)
    assert line.here.payments[0].state is TransferState.PENDING
    assert status(line) == (PaymentStatus.RETURNED, AMOUNT)


def test_what_the_resident_has_named_and_not_made_says_so() -> None:
    line = Line()
    line.alert(Level.YELLOW, payment(state=TransferState.ATTEMPTED))
    line.act(NoteAct(what="conversation"))
    line.outcome(Outcome.DISSUADED, kept=[{"transfer": "bank:1", "evidence": "C", "amount_fen": 5000}])
    assert status(line) == (PaymentStatus.NOT_MADE, 5000)


def test_what_is_lost_says_so_until_a_stop_may_bring_it_back() -> None:
    line = Line()
    line.alert(Level.YELLOW, payment(state=TransferState.SETTLED))
    line.victim(AMOUNT, "bank:1")
    assert status(line).status is PaymentStatus.STOP_ASKED
    line.bank(BankState.REFUSED)
    assert status(line) == (PaymentStatus.LOST, AMOUNT)

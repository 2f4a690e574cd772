"""What persons have approved is what a bank is asked, and nothing is approved by an order without effect."""

from datetime import timedelta

from schemas.casework.acts import AskStopAct, ReleaseStopAct
from schemas.casework.cases import StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.orders import OrderState
from schemas.codes.stop_orders import LaterStopsEnded
from schemas.levels import Action, Level, Result
from schemas.risk.signals import TransferState
from tests.domain.builders import RESIDENT, payment
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import FIRST_HOP, told
from tests.domain.casework.orders.test_orders_later import DESK, asked_for, sign, signed, states
from tests.domain.casework.test_payment_reports import ORDERED, report

A_WHILE = timedelta(hours=3)


def test_an_approval_of_later_orders_is_not_used_after_its_own_request_ended_unanswered() -> None:
    line = signed()
    line.pass_to(A_WHILE)
    assert line.states()["stop.0"] is StepState.FAILED, "the bank has not answered within all attempts"
    line.give(from_another_stop(line))
    assert states(line) == {"b1": OrderState.PROPOSED}
    assert "b1" not in asked_for(line), "no bank was asked about the later account"


def from_another_stop(line: Journal) -> BankFeedback:
    """The bank of another payment of the case states where the first one's money went."""
    line.alert(Level.RED, payment("bank:2", 300_000, TransferState.SETTLED, "a2"))
    return told(line, "bank:2", BankState.IN_FORCE, FIRST_HOP)


def test_the_approval_counts_again_when_the_bank_answers_late_that_it_has_stopped_the_account() -> None:
    line = signed()
    line.pass_to(A_WHILE)
    line.give(told(line, "bank:1", BankState.IN_FORCE, step="stop.0"))
    line.give(from_another_stop(line))
    assert states(line) == {"b1": OrderState.APPROVED}
    assert not any(isinstance(fact, LaterStopsEnded) for fact in line.facts(FactKind.STOP))


def approved(state: TransferState = TransferState.SETTLED) -> Journal:
    """A red case whose stop of ¥10,000 is approved and sent."""
    line = Journal()
    line.approves = False
    line.alert(Level.RED, payment(amount=1_000_000, state=state))
    line.pass_to(timedelta(minutes=2))
    sign(line, None)
    return line


def test_an_approved_order_that_is_repeated_goes_out_with_the_approved_amount() -> None:
    line = Journal()
    line.approves = False
    told = ORDERED.reported
    assert told is not None
    small = {"amount_fen": 1_000_000, "reported": told.model_copy(update={"reference": "1"})}
    report(line, ORDERED.model_copy(update=small))
    sign(line, None)
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    line.alert(Level.ORANGE, payment("bank:1", amount=90_000_000, payee=ORDERED.payee))
    line.pass_to(timedelta(minutes=30))
    assert line.here.payments[0].amount_fen == 90_000_000
    assert amounts(line, Action.STOP_PAYMENT) == [1_000_000] * len(asked_for(line))
    assert len(asked_for(line)) > 1
    line.bank(BankState.IN_FORCE)
    lift = ReleaseStopAct(transfer=line.here.payments[0].transfer, reason="goods were sold", asked_by="li")
    line.act(lift, "zhou", role=DESK)
    assert amounts(line, Action.STOP_RELEASE) == [1_000_000], "the bank lifts what it was asked to stop"


def amounts(line: Journal, action: Action) -> list[int]:
    return [out.payment.amount_fen for out in line.sent() if out.payment and out.action is action]


def in_force(line: Journal, *, until: timedelta | None = None, step: str = "stop.0") -> BankFeedback:
    return BankFeedback(
        id=f"late:{len(line.decisions)}",
        at=line.now,
        resident=RESIDENT,
        case=line.here.id,
        dispatch=f"{line.here.id}:{step}:1:payment",
        transfer="bank:1",
        state=BankState.IN_FORCE,
        until=line.now + until if until is not None else None,
    )


def stop_of(line: Journal) -> StopState:
    stop = line.here.payments[0].stop
    assert stop is not None
    return stop.state


def test_a_stop_that_a_bank_confirms_after_its_refusal_counts_though_it_names_no_end() -> None:
    line = approved()
    line.bank(BankState.REFUSED)
    assert stop_of(line) is StopState.REFUSED
    line.give(in_force(line))
    assert stop_of(line) is StopState.IN_FORCE
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.until == line.now + line.rules.policy.plan.stop.lasts


def test_a_stop_whose_end_has_passed_does_not_count_after_a_refusal() -> None:
    line = approved()
    line.bank(BankState.REFUSED)
    line.give(in_force(line, until=timedelta(minutes=-1)))
    assert stop_of(line) is StopState.REFUSED


def test_the_refused_second_stop_is_not_in_force_because_the_first_ones_answer_is_repeated() -> None:
    line = approved(TransferState.ATTEMPTED)
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=49))
    line.act(AskStopAct(transfer="bank:1"), "anna", role=DESK)
    second = line.last(Action.STOP_PAYMENT, Action.STOP_AGAIN).step
    assert second != "stop.0"
    line.bank(BankState.REFUSED)
    line.give(in_force(line))
    assert stop_of(line) is StopState.REFUSED
    line.give(in_force(line, step=second))
    assert stop_of(line) is StopState.IN_FORCE


def test_a_confirmation_without_an_end_of_a_stop_that_has_expired_is_a_repeated_one() -> None:
    line = approved()
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=49))
    assert stop_of(line) is StopState.EXPIRED
    line.give(in_force(line))
    assert stop_of(line) is StopState.EXPIRED

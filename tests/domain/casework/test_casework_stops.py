"""Stop-payments: asked, answered, run out, asked once more, released."""

from datetime import timedelta

import pytest

from domain.payments.status import PaymentStatus, status_of
from schemas.casework.acts import AskStopAct, LowerAct, ReleaseStopAct
from schemas.casework.cases import StepState, Stop, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.codes.any_code import StopNotExtended
from schemas.codes.money import BankEndPassed, ResidentSafe
from schemas.codes.refusals import MostStops, TwoPersons
from schemas.levels import Action, EvidenceClass, Level, Outcome, Result
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, payment

STOPS = (Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.STOP_RELEASE)


def asked(*others: str, state: TransferState = TransferState.PENDING) -> Line:
    """A red case whose bank has been asked to stop the payment."""
    line = Line()
    line.alert(Level.RED, payment(state=state), *(payment(name) for name in others))
    line.pass_to(timedelta(minutes=2))
    return line


def in_force(state: TransferState = TransferState.PENDING) -> Line:
    line = asked(state=state)
    line.bank(BankState.IN_FORCE, amount=400_000)
    return line


def stop_dispatches(line: Line) -> list[Action]:
    return [out.action for out in line.sent() if out.action in STOPS]


def test_a_stop_in_force_holds_for_48_hours() -> None:
    line = in_force()
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.until) == (StopState.IN_FORCE, line.now + timedelta(hours=48))
    assert line.step("stop.0").state is StepState.DONE
    assert line.here.kept == {}, "money that is stopped is not kept yet"


def test_a_stop_is_reminded_of_before_it_runs_out_and_asked_once_more_and_no_third_time() -> None:
    line = in_force()
    line.pass_to(timedelta(hours=44))
    assert len(line.facts(FactKind.STOP_REMINDER)) == 1
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(hours=49))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT, Action.STOP_AGAIN]
    reminders = line.facts(FactKind.STOP_REMINDER)
    last = reminders[1]
    assert isinstance(last, StopNotExtended)
    assert last.why == MostStops(2)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.times) == (StopState.EXPIRED, 2)
    assert line.act(AskStopAct(transfer="bank:1")).facts[0].kind is FactKind.REFUSED


def test_a_stop_on_money_that_has_settled_is_asked_for_once_more_too() -> None:
    line = in_force(TransferState.SETTLED)
    line.pass_to(timedelta(hours=46))
    assert stop_dispatches(line)[:2] == [Action.STOP_PAYMENT, Action.STOP_AGAIN]


def test_a_stop_on_money_that_has_settled_may_be_asked_for_by_hand_as_long_as_it_is_in_force() -> None:
    line = in_force(TransferState.SETTLED)
    line.pass_to(timedelta(hours=30))
    assert not [fact for fact in line.act(AskStopAct(transfer="bank:1")).facts if fact.kind is FactKind.REFUSED]


def test_an_account_is_stopped_twice_at_most_whichever_payments_it_was_for() -> None:
    line = asked("bank:2", "bank:3")
    assert stop_dispatches(line) == [Action.STOP_PAYMENT] * 2
    assert line.step("stop.2").state is StepState.SKIPPED


def test_a_bank_that_does_not_answer_is_asked_again() -> None:
    line = asked()
    line.pass_to(timedelta(minutes=15))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT] * 2
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.times == 1, "asking again is not a second stop"


def test_a_refused_stop_ends_there() -> None:
    line = asked()
    line.bank(BankState.REFUSED)
    assert line.step("stop.0").state is StepState.FAILED
    line.pass_to(timedelta(days=3))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT]


def test_a_payment_cancelled_in_flight_is_kept_by_evidence_b() -> None:
    line = asked()
    line.bank(BankState.CANCELLED)
    assert line.here.kept["bank:1"].evidence is EvidenceClass.B
    assert line.here.kept["bank:1"].amount_fen == 1_000_000
    assert line.here.payments[0].state is TransferState.ATTEMPTED


def test_money_frozen_and_then_returned_is_kept_once_by_evidence_a() -> None:
    line = in_force()
    line.bank(BankState.FROZEN, amount=300_000)
    line.bank(BankState.RETURNED, amount=300_000)
    assert {name: (kept.evidence, kept.amount_fen) for name, kept in line.here.kept.items()} == {
        "bank:1": (EvidenceClass.A, 300_000)
    }
    assert line.here.frozen == {"bank:1": 300_000}
    assert line.bank(BankState.RETURNED, amount=300_000).facts == []


@pytest.mark.parametrize("first", [[], [BankState.IN_FORCE], [BankState.IN_FORCE, BankState.FROZEN]])
def test_a_stop_whose_money_the_bank_has_given_back_is_no_longer_open(first: list[BankState]) -> None:
    line = asked()
    for state in (*first, BankState.RETURNED):
        line.bank(state, amount=400_000)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.until) == (StopState.RETURNED, None)
    line.bank(BankState.IN_FORCE, amount=400_000)
    assert line.here.payments[0].stop == stop, "what comes late opens it no more"
    line.pass_to(timedelta(hours=50))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT]
    assert line.facts(FactKind.STOP_REMINDER) == []


@pytest.mark.parametrize("after", [BankState.RELEASED, BankState.REFUSED])
def test_money_that_came_back_is_not_shown_as_frozen_because_the_bank_ends_the_stop(after: BankState) -> None:
    line = in_force()
    for state in (BankState.FROZEN, BankState.RETURNED, after):
        line.bank(state, amount=300_000)
    assert stop_of(line).state is StopState.RETURNED
    assert status_of(line.here, line.here.payments[0]) == (PaymentStatus.RETURNED, 300_000)


def test_money_that_the_bank_has_frozen_is_stopped_though_its_first_word_was_lost() -> None:
    line = asked()
    line.bank(BankState.FROZEN, amount=400_000)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert (stop.state, stop.until) == (StopState.IN_FORCE, line.now + timedelta(hours=48))
    assert line.here.kept["bank:1"].amount_fen == line.here.frozen["bank:1"] == 400_000
    line.bank(BankState.IN_FORCE, amount=400_000)
    assert line.here.payments[0].stop == stop, "what comes late moves nothing"


def test_a_stop_is_released_for_hardship_even_when_the_case_is_settled() -> None:
    line = in_force()
    line.outcome(Outcome.FALSE_ALARM)
    lift = ReleaseStopAct(transfer="bank:1", reason="rent", asked_by="anna")
    sent = line.act(lift).dispatches
    assert [out.action for out in sent] == [Action.STOP_RELEASE]
    line.bank(BankState.RELEASED)
    stop = line.here.payments[0].stop
    assert stop is not None
    assert stop.state is StopState.RELEASED
    assert line.act(lift).facts[0].kind is FactKind.REFUSED


@pytest.mark.parametrize("asked_by", [None, "anna"])
def test_nobody_lifts_a_stop_alone(asked_by: str | None) -> None:
    line = in_force()
    decision = line.act(ReleaseStopAct(transfer="bank:1", reason="rent", asked_by=asked_by), by="anna")
    assert (decision.facts[0].kind, decision.dispatches) == (FactKind.REFUSED, [])
    assert decision.facts[0].what == TwoPersons()
    assert line.here.payments[0].stop == in_force().here.payments[0].stop


def test_a_stop_is_not_asked_again_for_a_resident_who_is_safe() -> None:
    line = in_force()
    line.dissuaded()
    line.pass_to(timedelta(hours=44))
    (reminder,) = line.facts(FactKind.STOP_REMINDER)
    assert isinstance(reminder, StopNotExtended)
    assert reminder.why == ResidentSafe()
    assert stop_dispatches(line) == [Action.STOP_PAYMENT]


def test_a_payment_settled_long_ago_is_not_asked_to_be_stopped() -> None:
    line = Line()
    line.alert(Level.RED, payment(state=TransferState.SETTLED, at=NOON - timedelta(days=2)))
    line.pass_to(timedelta(minutes=5))
    assert stop_dispatches(line) == []


def test_a_later_payment_of_a_red_case_is_stopped_too() -> None:
    line = asked()
    line.alert(Level.RED, payment(), payment("bank:2", payee="a2"))
    line.pass_to(timedelta(minutes=2))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT] * 2


def test_feedback_on_a_payment_of_another_case_is_refused_in_words() -> None:
    line = asked()
    assert line.bank(BankState.FROZEN, transfer="bank:9", amount=5).facts[0].kind is FactKind.REFUSED


@pytest.mark.parametrize("state", [BankState.IN_FORCE, BankState.FROZEN, BankState.REFUSED])
def test_an_answer_to_an_order_that_waits_for_approval_is_refused_and_the_order_goes_out(state: BankState) -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    before = line.here
    decision = line.bank(state, amount=400_000, dispatch=f"{before.id}:stop.0:1:payment")
    assert [fact.kind for fact in decision.facts] == [FactKind.REFUSED]
    assert (line.here.payments, line.here.kept) == (before.payments, {})
    assert line.step("stop.0").state is StepState.PROPOSED
    line.approve()
    line.pass_to(timedelta(seconds=1))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT]


@pytest.mark.parametrize("state", [BankState.IN_FORCE, BankState.FROZEN, BankState.REFUSED, BankState.CANCELLED])
def test_an_answer_to_a_stop_that_was_withdrawn_before_it_had_an_order_is_refused(state: BankState) -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.dissuaded()
    before = line.here
    assert (line.step("stop.0").state, before.orders) == (StepState.WITHDRAWN, [])
    decision = line.bank(state, amount=400_000, dispatch=f"{before.id}:stop.0:1:payment")
    assert [fact.kind for fact in decision.facts] == [FactKind.REFUSED]
    assert (line.here.payments, line.here.kept) == (before.payments, {})


def test_an_attempt_that_is_not_yet_due_is_not_answered_but_the_one_before_is() -> None:
    line = asked()
    first = line.last(Action.STOP_PAYMENT).id
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    assert (line.step("stop.0").state, line.step("stop.0").attempt) == (StepState.PENDING, 2)
    early = line.bank(BankState.IN_FORCE, dispatch=first.replace(":1:", ":2:"))
    assert early.facts[0].kind is FactKind.REFUSED
    line.bank(BankState.IN_FORCE, dispatch=first)
    assert stop_of(line).state is StopState.IN_FORCE


def test_an_attempt_that_was_withdrawn_before_it_was_made_is_not_answered_but_the_one_before_is() -> None:
    line = asked()
    first = line.last(Action.STOP_PAYMENT).id
    line.result(Result.IN_DOUBT, Action.STOP_PAYMENT)
    line.bank(BankState.RELEASED, dispatch="none")
    assert (line.step("stop.0").state, line.step("stop.0").attempt) == (StepState.WITHDRAWN, 1)
    never_sent = line.bank(BankState.FROZEN, amount=5, dispatch=first.replace(":1:", ":2:"))
    assert [fact.kind for fact in never_sent.facts] == [FactKind.REFUSED]
    assert not line.here.kept
    line.bank(BankState.FROZEN, amount=5, dispatch=first)
    assert line.here.kept


@pytest.mark.parametrize("answered", [BankState.FROZEN, BankState.REFUSED, BankState.RELEASED])
def test_an_answer_to_the_timer_of_a_stop_is_refused_even_when_the_timer_is_over(answered: BankState) -> None:
    line, _ = renewing()
    timer = f"{line.here.id}:clock.stop.0:1:payment"
    assert line.step("clock.stop.0").attempt == 2, "it has reminded of the end"
    stopped = line.here.payments
    assert [fact.kind for fact in line.bank(answered, amount=5, dispatch=timer).facts] == [FactKind.REFUSED]
    assert line.here.payments == stopped
    line.bank(BankState.RELEASED, dispatch="none")
    assert "clock.stop.0" not in line.states()
    lifted_stop = line.here.payments
    assert [fact.kind for fact in line.bank(answered, amount=5, dispatch=timer).facts] == [FactKind.REFUSED]
    assert (line.here.payments, line.here.kept) == (lifted_stop, {})


def test_an_order_that_went_out_is_answered_after_its_step_was_withdrawn() -> None:
    line = asked()
    sent = line.last(Action.STOP_PAYMENT).id
    line.bank(BankState.RELEASED, dispatch="none")
    assert line.step("stop.0").state is StepState.WITHDRAWN
    assert FactKind.REFUSED not in {fact.kind for fact in line.bank(BankState.FROZEN, amount=5, dispatch=sent).facts}
    assert line.here.kept


def test_a_payment_channel_that_was_away_asks_again() -> None:
    line = asked()
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    line.pass_to(timedelta(seconds=15))
    assert stop_dispatches(line) == [Action.STOP_PAYMENT] * 2


def stop_of(line: Line) -> Stop:
    stop = line.here.payments[0].stop
    assert stop is not None
    return stop


def test_an_extension_that_never_reached_the_bank_may_be_asked_for_again() -> None:
    line = in_force()
    before = stop_of(line)
    line.pass_to(timedelta(hours=44))
    line.result(Result.NOT_SENT, Action.STOP_AGAIN)
    assert stop_of(line) == before
    assert [out.action for out in line.act(AskStopAct(transfer="bank:1")).dispatches] == [Action.STOP_AGAIN]
    assert stop_of(line).times == 2


def test_a_second_stop_that_never_reached_the_bank_leaves_the_first_ones_end() -> None:
    line = asked()
    line.bank(BankState.REFUSED)
    before = stop_of(line)
    line.act(AskStopAct(transfer="bank:1"))
    line.result(Result.NOT_SENT, Action.STOP_PAYMENT)
    assert stop_of(line) == before


def test_a_second_stop_that_never_reached_the_bank_leaves_one_that_was_lifted() -> None:
    line = in_force()
    line.bank(BankState.RELEASED)
    line.act(AskStopAct(transfer="bank:1"))
    line.result(Result.NOT_SENT, Action.STOP_PAYMENT)
    assert (stop_of(line).state, stop_of(line).times) == (StopState.RELEASED, 1)


def test_a_request_that_is_withdrawn_before_it_went_out_undoes_no_other() -> None:
    line = asked()
    line.approves = False
    line.pass_to(timedelta(minutes=40))
    line.act(AskStopAct(transfer="bank:1"), by="a program")
    line.dissuaded()
    assert (stop_of(line).state, stop_of(line).times) == (StopState.ASKED, 1)


def renewing() -> tuple[Line, str]:
    """A stop in force whose extension is asked for; and the dispatch of the first request."""
    line = in_force()
    first = line.last(Action.STOP_PAYMENT).id
    line.pass_to(timedelta(hours=44))
    return line, first


@pytest.mark.parametrize("state", [BankState.IN_FORCE, BankState.REFUSED])
def test_a_late_answer_to_the_first_request_does_not_answer_the_extension(state: BankState) -> None:
    line, first = renewing()
    before, (_, order) = stop_of(line), line.here.orders
    line.bank(state, dispatch=first, until=before.until)
    assert stop_of(line) == before
    assert line.here.orders[1] == order, "the bank has not carried it out"
    line.bank(BankState.REFUSED)
    assert (stop_of(line).state, stop_of(line).until) == (StopState.IN_FORCE, before.until)


def test_a_late_refusal_of_the_first_attempt_does_not_end_a_stop_that_runs() -> None:
    line = in_force()
    before = stop_of(line)
    line.bank(BankState.REFUSED)
    assert stop_of(line) == before
    assert "clock.stop.0" in line.states()


@pytest.mark.parametrize("state", [BankState.IN_FORCE, BankState.FROZEN])
def test_an_end_that_is_over_counts_as_not_named_and_the_stop_does_not_expire_at_once(state: BankState) -> None:
    line = asked()
    line.bank(state, amount=400_000, until=line.now - timedelta(hours=8))
    assert BankEndPassed() in line.facts(FactKind.NOTE)
    ends = line.now + timedelta(hours=48)
    line.pass_to(timedelta(hours=1))
    assert stop_of(line) == Stop(state=stop_of(line).state, times=1, until=ends, there_fen=400_000)
    assert stop_of(line).state is StopState.IN_FORCE


def test_a_bank_that_has_stopped_the_account_after_all_is_believed() -> None:
    line = asked()
    line.bank(BankState.REFUSED)
    line.bank(BankState.IN_FORCE, until=line.now - timedelta(hours=1))
    assert stop_of(line).state is StopState.REFUSED, "a stop that has ended stops nothing"
    line.bank(BankState.IN_FORCE, until=line.now + timedelta(hours=40))
    assert stop_of(line).state is StopState.IN_FORCE


def test_an_old_release_that_is_told_again_does_not_end_a_newer_stop() -> None:
    line = in_force()
    lift = ReleaseStopAct(transfer="bank:1", reason="the wrong account", asked_by="li", request="r1")
    line.act(lift, "zhou", role=StaffRole.RELEASE_DESK)
    old = line.last(Action.STOP_RELEASE).id
    line.bank(BankState.RELEASED, dispatch=old)
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    line.bank(BankState.IN_FORCE, dispatch=line.last(Action.STOP_PAYMENT).id)
    before = stop_of(line)
    line.bank(BankState.RELEASED, dispatch=old)
    assert stop_of(line) == before
    assert before.state is StopState.IN_FORCE


def test_an_old_refusal_that_is_told_again_does_not_end_a_newer_request() -> None:
    line = asked()
    old = line.last(Action.STOP_PAYMENT).id
    line.bank(BankState.REFUSED)
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    new = line.last(Action.STOP_PAYMENT).id
    line.bank(BankState.REFUSED, dispatch=old)
    assert stop_of(line).state is StopState.ASKED
    line.bank(BankState.IN_FORCE, dispatch=new)
    assert stop_of(line).state is StopState.IN_FORCE, "though the bank names no end"


def test_a_lower_level_that_wants_stops_keeps_the_extension_that_waits() -> None:
    line = in_force()
    line.approves = False
    line.pass_to(timedelta(hours=44))
    line.act(LowerAct(level=Level.ORANGE, reason="核实后降级"), "sun", role=StaffRole.SUPERVISOR)
    assert line.step("again.0").state is StepState.PROPOSED


LIFT = ReleaseStopAct(transfer="bank:1", reason="the wrong account", asked_by="li", request="r1")


def lifted(line: Line) -> str:
    """Two persons lift the stop; the dispatch that asks the bank for it."""
    line.act(LIFT, "zhou", role=StaffRole.RELEASE_DESK)
    return line.last(Action.STOP_RELEASE).id


@pytest.mark.parametrize("answered", [True, False])
def test_a_request_that_is_out_is_not_repeated_once_two_persons_lift_the_stop(answered: bool) -> None:
    line = asked()
    release = lifted(line)
    if answered:
        line.bank(BankState.RELEASED, dispatch=release)
    line.pass_to(timedelta(hours=1))
    assert stop_dispatches(line).count(Action.STOP_PAYMENT) == 1


def test_an_extension_that_is_out_is_not_repeated_once_two_persons_lift_the_stop() -> None:
    line, _ = renewing()
    line.bank(BankState.RELEASED, dispatch=lifted(line))
    line.pass_to(timedelta(hours=1))
    assert stop_dispatches(line).count(Action.STOP_AGAIN) == 1


@pytest.mark.parametrize("state", [BankState.RETURNED, BankState.CANCELLED, BankState.RELEASED])
def test_an_extension_that_is_out_is_not_repeated_for_money_that_is_no_longer_there(state: BankState) -> None:
    line, first = renewing()
    line.bank(state, dispatch=first, amount=400_000)
    line.pass_to(timedelta(hours=1))
    assert stop_dispatches(line).count(Action.STOP_AGAIN) == 1

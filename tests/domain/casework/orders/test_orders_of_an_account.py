"""A stop order as a document, its renewal, and what ends it: freezing by another authority, or a release."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.casework.orders.records import document_number
from domain.identity.personal import WITHHELD
from domain.ids import case_digits
from schemas.casework.acts import Act, AskStopAct, CloseAct, ReleaseStopAct
from schemas.casework.cases import StepState, Stop, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, Erase
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, HandOverStopAct, OrderState, StopOrder
from schemas.codes.any_code import StopNotExtended
from schemas.codes.refusals import AccountFrozen, CannotBeStopped, MostStops, NoStop, RoleMayNotApprove
from schemas.codes.stop_orders import StopHandedOver, StopUnconfirmed
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import NOON, RESIDENT, Line, payment
from tests.domain.casework.test_stop_orders import asked, automatic, order

DESK = StaffRole.RELEASE_DESK
FREEZE = HandOverStopAct(order="stop.0", decision="吉公冻字〔2026〕17号", authority="长春市公安局")


def stopped() -> Line:
    """A red case whose bank has stopped the account."""
    line = Line()
    line.alert(Level.RED, payment(watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE)
    return line


def renewed() -> Line:
    """The same after the one renewal, which the bank has confirmed."""
    line = stopped()
    line.pass_to(timedelta(hours=44))
    line.bank(BankState.IN_FORCE)
    return line


def stop(line: Line) -> Stop:
    found = line.here.payments[0].stop
    assert found is not None
    return found


def refusal(line: Line, act: Act, role: StaffRole | None = DESK) -> object:
    (fact,) = line.act(act, role=role).facts
    assert fact.kind is FactKind.REFUSED
    return fact.what


def test_an_order_is_a_document_with_its_number_account_amount_and_hours() -> None:
    made = order(stopped())
    assert re.fullmatch(r"吉公反诈止付〔2026〕\d{4}-\d{4}-\d{4}-1号", made.number)
    assert case_digits(f"{RESIDENT}-1") in made.number.replace("-", "")
    assert (made.payee, made.amount_fen, made.hours) == ("a1", 1_000_000, 48)


def test_each_order_of_a_case_has_a_number_of_its_own() -> None:
    numbers = [each.number for each in renewed().here.orders]
    assert [number.rpartition("-")[2] for number in numbers] == ["1号", "2号"]


def test_the_year_of_a_document_is_the_one_in_jilin() -> None:
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert document_number("吉", "raaaaaaaaaaaaaaaa-1", 1, new_year).startswith("吉〔2027〕")


def test_an_order_says_which_bank_carried_it_out_and_until_when() -> None:
    line = renewed()
    first, second = line.here.orders
    assert first.carried_out is not None
    assert second.carried_out is not None
    assert (first.carried_out.bank, first.carried_out.at) == ("bank", NOON + timedelta(minutes=2))
    assert first.carried_out.until == first.carried_out.at + timedelta(hours=48)
    assert second.carried_out.until == stop(line).until


def test_a_person_who_asks_for_a_stop_while_one_runs_asks_for_its_renewal() -> None:
    line = stopped()
    line.act(AskStopAct(transfer="bank:1"), role=StaffRole.OPERATOR)
    assert (asked(line)[-1], order(line).action) == (Action.STOP_AGAIN, Action.STOP_AGAIN)


def test_a_second_renewal_is_refused_with_what_is_left_to_do() -> None:
    line = renewed()
    assert refusal(line, AskStopAct(transfer="bank:1"), StaffRole.OPERATOR) == MostStops(2)
    line.pass_to(timedelta(hours=45))
    warned = line.facts(FactKind.STOP_REMINDER)[-1]
    assert isinstance(warned, StopNotExtended), "before the last stop ends, a person is warned"
    assert warned.why == MostStops(2)
    assert stop(line).state is StopState.IN_FORCE


def test_the_first_stop_goes_on_while_its_renewal_is_asked_for() -> None:
    line = stopped()
    ends = stop(line).until
    line.pass_to(timedelta(hours=44))
    assert (stop(line).state, stop(line).times, stop(line).until) == (StopState.ASKED, 2, ends)
    line.bank(BankState.REFUSED)
    assert (stop(line).state, stop(line).until) == (StopState.IN_FORCE, ends)
    line.pass_to(timedelta(hours=5))
    assert stop(line).state is StopState.EXPIRED


def test_a_renewal_that_the_bank_never_answers_ends_with_the_first_stop_until_it_says_when_it_ends() -> None:
    line = stopped()
    first = line.last(Action.STOP_PAYMENT).id
    line.pass_to(timedelta(hours=49))
    assert stop(line).state is StopState.EXPIRED
    line.bank(BankState.IN_FORCE, dispatch=first)
    assert stop(line).state is StopState.EXPIRED, "an answer that names no end may be an old one"
    until = line.now + timedelta(hours=40)
    line.bank(BankState.IN_FORCE, until=until)
    assert (stop(line).state, stop(line).until, stop(line).times) == (StopState.IN_FORCE, until, 2)


def test_a_frozen_account_is_handed_over_and_not_stopped_any_more() -> None:
    line = renewed()
    decision = line.act(FREEZE, role=DESK)
    assert [fact.what for fact in decision.facts] == [
        StopHandedOver("operator li", FREEZE.authority, FREEZE.decision),
    ]
    assert (stop(line).state, stop(line).until) == (StopState.FROZEN, None)
    assert {each.state for each in line.here.orders} == {OrderState.HANDED_OVER}
    freezing = order(line).freezing
    assert freezing is not None
    assert (freezing.decision, freezing.authority, freezing.by) == (FREEZE.decision, FREEZE.authority, "operator li")
    why = AccountFrozen(FREEZE.authority, FREEZE.decision)
    assert refusal(line, AskStopAct(transfer="bank:1"), StaffRole.OPERATOR) == why
    assert refusal(line, FREEZE) == why
    assert refusal(line, ReleaseStopAct(transfer="bank:1", reason="rent", asked_by="anna")) == NoStop()
    before = len(line.facts(FactKind.STOP_REMINDER))
    line.pass_to(timedelta(hours=60))
    assert len(line.facts(FactKind.STOP_REMINDER)) == before, "its clock has ended"


def test_a_hand_over_ends_the_other_stops_and_orders_of_the_account_and_no_others() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment(), payment("bank:2"), payment("bank:3", payee="a2"))
    line.pass_to(timedelta(minutes=2))
    line.act(ApproveStopAct(order="stop.0"), role=DESK)
    line.bank(BankState.IN_FORCE)
    line.act(FREEZE, role=DESK)
    assert [each.state for each in line.here.orders] == [
        OrderState.HANDED_OVER,
        OrderState.WITHDRAWN,
        OrderState.PROPOSED,
    ]


@pytest.mark.parametrize("role", [None, StaffRole.OFFICER])
def test_only_the_roles_that_decide_on_an_order_hand_it_over(role: StaffRole | None) -> None:
    line = stopped()
    assert refusal(line, FREEZE, role) == RoleMayNotApprove()
    assert stop(line).state is StopState.IN_FORCE


def test_what_no_bank_has_stopped_cannot_be_handed_over() -> None:
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    assert refusal(line, FREEZE) == NoStop()
    assert refusal(line, FREEZE.model_copy(update={"order": "stop.7"})) == NoStop()


@pytest.mark.parametrize("state", [BankState.REFUSED, BankState.IN_FORCE, BankState.RELEASED])
def test_what_a_bank_says_late_leaves_an_account_handed_over(state: BankState) -> None:
    line = renewed()
    line.act(FREEZE, role=DESK)
    line.bank(state)
    assert stop(line).state is StopState.FROZEN


def test_a_hand_over_ends_a_release_that_the_bank_has_not_got_yet() -> None:
    line = stopped()
    line.act(ReleaseStopAct(transfer="bank:1", reason="rent", asked_by="anna"), role=DESK)
    line.result(Result.FAILED, Action.STOP_RELEASE)
    assert line.step("release.0").state is StepState.PENDING
    line.act(FREEZE, role=DESK)
    assert line.step("release.0").state is StepState.WITHDRAWN
    line.pass_to(timedelta(minutes=10))
    assert asked(line).count(Action.STOP_RELEASE) == 1, "nobody asks to lift a frozen account"


def lapsing() -> Line:
    """An automatic order that the bank has carried out, and that a person has then declined."""
    line = automatic()
    line.bank(BankState.IN_FORCE)
    line.act(DeclineStopAct(order="stop.0", reason="his landlord"), role=DESK)
    return line


def unapproved() -> Line:
    """An order that nobody has approved, of an account that its bank has stopped all the same."""
    line = Line(approves=False)
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE)
    return line


@pytest.mark.parametrize("begins", [lapsing, unapproved])
def test_a_freezing_is_put_on_the_order_it_names_whatever_became_of_it(begins: Callable[[], Line]) -> None:
    line = begins()
    line.act(FREEZE, role=DESK)
    assert stop(line).state is StopState.FROZEN
    assert (order(line).state, order(line).freezing is not None) == (OrderState.HANDED_OVER, True)
    sent = asked(line)
    why = AccountFrozen(FREEZE.authority, FREEZE.decision)
    assert refusal(line, AskStopAct(transfer="bank:1")) == why
    line.pass_to(timedelta(hours=50))
    assert asked(line) == sent


def test_no_bank_is_asked_to_stop_a_frozen_account_though_no_order_has_its_freezing() -> None:
    line = stopped()
    line.act(FREEZE, role=DESK)
    line.case = line.here.model_copy(update={"orders": []})
    assert refusal(line, AskStopAct(transfer="bank:1")) == CannotBeStopped()


def test_an_automatic_order_is_warned_of_before_it_lapses() -> None:
    line = automatic()
    line.bank(BankState.IN_FORCE)
    line.pass_to(timedelta(minutes=10))
    confirm_by = order(line).confirm_by
    assert confirm_by is not None
    assert line.facts(FactKind.STOP_REMINDER) == [StopUnconfirmed(confirm_by)]
    assert order(line).state is OrderState.APPROVED


TRANSFERS = ("bank:1", "bank:2", "bank:3")  # all to one account
ACTS = st.one_of(
    st.tuples(st.just("alert"), st.integers(1, 3)),
    st.tuples(st.just("pass"), st.sampled_from([timedelta(minutes=5), timedelta(hours=20), timedelta(hours=45)])),
    st.tuples(st.just("ask"), st.sampled_from(TRANSFERS)),
    st.tuples(st.just("bank"), st.tuples(st.sampled_from(BankState), st.sampled_from(TRANSFERS))),
    st.tuples(
        st.just("decide"), st.tuples(st.sampled_from(["approve", "approve", "decline", "freeze"]), st.booleans())
    ),
    st.tuples(st.just("lift"), st.sampled_from(TRANSFERS)),
)


def does(line: Line, what: str, how: object) -> None:
    """One step of a history of an account."""
    match what, how:
        case "alert", int(number):
            line.alert(Level.RED, *(payment(name) for name in TRANSFERS[:number]))
        case "pass", timedelta() as span:
            line.pass_to(span)
        case "ask", str(transfer):
            line.act(AskStopAct(transfer=transfer), role=StaffRole.OPERATOR)
        case "bank", (BankState() as state, str(transfer)):
            line.bank(state, transfer=transfer, amount=1_000)
        case "decide", (str(how_so), bool(first)) if line.here.orders:
            line.act(decision(line.here.orders[0 if first else -1], how_so), role=DESK)
        case "lift", str(transfer):
            line.act(ReleaseStopAct(transfer=transfer, reason="rent", asked_by="anna"), role=DESK)


def decision(about: StopOrder, how: str) -> Act:
    if how == "freeze":
        return FREEZE.model_copy(update={"order": about.step})
    return ApproveStopAct(order=about.step) if how == "approve" else DeclineStopAct(order=about.step, reason="no")


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=25), st.booleans())
def test_no_sequence_of_acts_asks_for_three_stops_of_one_account(
    acts: list[tuple[str, object]], approves: bool
) -> None:
    line = Line(approves=approves)
    line.alert(Level.RED, payment())
    for what, how in acts:
        does(line, what, how)
        steps = {out.step for out in line.sent() if out.action in (Action.STOP_PAYMENT, Action.STOP_AGAIN)}
        assert len(steps) <= 2
        numbers = [each.number for each in line.here.orders]
        assert len(set(numbers)) == len(numbers)


def test_a_stop_that_the_bank_made_by_itself_is_no_request_of_ours() -> None:
    line = Line()
    line.alert(Level.BLUE, payment())
    line.bank(BankState.IN_FORCE)
    (found,) = line.here.payments
    assert found.stop is not None
    assert (found.stop.state, found.stop.times) == (StopState.IN_FORCE, 0)


def test_a_hand_over_after_an_erasure_freezes_the_account_of_its_order_alone() -> None:
    confirmed = WatchStatus.CONFIRMED
    line = Line()
    line.alert(
        Level.RED, payment("bank:1", payee="a1", watched=confirmed), payment("bank:2", payee="a2", watched=confirmed)
    )
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, "bank:1")
    line.bank(BankState.IN_FORCE, "bank:2")
    line.outcome(Outcome.FALSE_ALARM)
    line.act(CloseAct(reason="over and done"))
    line.pass_to(timedelta(hours=2))
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="anna"))
    assert {each.payee for each in line.here.payments} == {WITHHELD}
    line.act(FREEZE, role=DESK)
    states = {each.transfer: each.stop.state for each in line.here.payments if each.stop}
    assert states == {"bank:1": StopState.FROZEN, "bank:2": StopState.IN_FORCE}


def test_a_cancelled_payment_leaves_its_account_frozen() -> None:
    line = stopped()
    line.act(FREEZE, role=DESK)
    line.bank(BankState.CANCELLED)
    assert stop(line).state is StopState.FROZEN

"""After an upheld objection: no rule stops the account again, and its money is on no book unless a person orders it."""

from datetime import timedelta

from domain.payments.books import standing
from schemas.casework.acts import AskStopAct
from schemas.casework.books import BookLine
from schemas.casework.cases import StepState, StopState
from schemas.casework.inputs import BankState
from schemas.casework.orders import HandOverStopAct, OrderState
from schemas.codes.objections import ObjectionMade
from schemas.codes.refusals import UpheldAlready
from schemas.levels import Action, Level
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import Line, payment
from tests.domain.casework.orders.objecting import DESK, HOUR, decide, lifts, object_to, objected, uphold
from tests.domain.casework.orders.test_orders_of_an_account import stop, stopped
from tests.domain.casework.test_stop_orders import asked, automatic

SUSPECT = WatchStatus.CONFIRMED


def upheld() -> Line:
    """The bank has lifted a stop to which an objection was upheld."""
    line = objected()
    line.pass_to(HOUR)
    decide(line, uphold())
    line.bank(BankState.RELEASED)
    return line


def ordered_again() -> Line:
    """A person has ordered another stop since, and the bank has carried it out."""
    line = upheld()
    line.pass_to(HOUR)
    line.act(AskStopAct(transfer="bank:1"), "supervisor he", role=DESK)
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    return line


def handed_over(line: Line) -> None:
    act = HandOverStopAct(order="stop.0", decision="吉公冻字〔2026〕7号", authority="长春市公安局")
    line.act(act, "zhou", role=DESK)


def test_the_holder_may_object_to_the_stop_that_a_person_ordered_since() -> None:
    line = ordered_again()
    assert object_to(line, "o2") == [UpheldAlready()], "the first stop was found to be wrong already"
    made = object_to(line, "o2", order=line.here.orders[-1].step)
    assert isinstance(made[0], ObjectionMade)
    decide(line, uphold("o2"))
    assert [order.state for order in line.here.orders] == [OrderState.OVERTURNED] * 2
    assert lifts(line) == 2


def test_what_a_bank_freezes_by_the_order_that_a_person_gave_since_is_booked() -> None:
    line = ordered_again()
    line.bank(BankState.FROZEN, amount=600_000)
    assert (line.here.frozen, line.here.kept["bank:1"].amount_fen) == ({"bank:1": 600_000}, 600_000)


def test_no_rule_stops_the_account_whose_order_had_lapsed_before_the_objection_was_upheld() -> None:
    line = automatic()
    line.pass_to(timedelta(minutes=20))
    assert line.here.orders[0].state is OrderState.LAPSED
    object_to(line)
    decide(line, uphold())
    line.bank(BankState.RELEASED)
    before = asked(line).count(Action.STOP_PAYMENT)
    line.alert(Level.RED, payment(watched=SUSPECT), payment("bank:2", watched=SUSPECT, at=line.now))
    line.pass_to(HOUR)
    assert asked(line).count(Action.STOP_PAYMENT) == before
    line.bank(BankState.FROZEN, amount=500_000)
    assert (line.here.kept, line.here.frozen) == ({}, {})


def test_a_bank_that_says_again_what_it_froze_books_nothing_once_the_order_is_handed_over_too() -> None:
    line = stopped()
    line.bank(BankState.FROZEN, amount=600_000)
    handed_over(line)
    line.pass_to(HOUR)
    object_to(line)
    decide(line, uphold())
    after = object_to(line, "o2"), line.here.booked
    assert after[0] == [UpheldAlready()]
    line.bank(BankState.FROZEN, amount=600_000)
    assert (line.here.kept, line.here.frozen, line.here.booked) == ({}, {}, after[1])


def test_handing_over_an_overturned_order_books_nothing_either() -> None:
    line = objected()
    line.pass_to(HOUR)
    decide(line, uphold())
    handed_over(line)
    line.bank(BankState.FROZEN, amount=600_000)
    assert (line.here.kept, line.here.frozen) == ({}, {})


def test_another_payment_to_the_account_books_the_same_before_the_review_as_after_it() -> None:
    def line_of(*, late: bool) -> Line:
        line = stopped()
        line.alert(Level.RED, payment(), payment("bank:2", at=line.now))
        object_to(line)
        if not late:
            line.bank(BankState.FROZEN, "bank:2", 500_000)
        decide(line, uphold())
        if late:
            line.bank(BankState.FROZEN, "bank:2", 500_000)
        return line

    early, late = line_of(late=False), line_of(late=True)
    assert (early.here.kept, early.here.frozen) == (late.here.kept, late.here.frozen) == ({}, {})


def test_a_bank_that_stops_the_account_after_all_is_asked_to_lift_it_once() -> None:
    line = Line()
    line.alert(Level.RED, payment(watched=SUSPECT))
    line.pass_to(timedelta(minutes=2))
    object_to(line)
    line.bank(BankState.REFUSED)
    decide(line, uphold())
    assert lifts(line) == 0, "there is nothing to lift"
    for _ in range(2):
        line.bank(BankState.IN_FORCE, until=line.now + 48 * HOUR)
    assert (stop(line).state, lifts(line)) == (StopState.IN_FORCE, 1)


def test_an_overturned_order_was_signed_and_carried_out_all_the_same() -> None:
    found = standing(upheld().here)
    assert (found[BookLine.ORDERS], found[BookLine.CARRIED_OUT]) == (1, 1)


def test_a_bank_that_does_not_answer_is_asked_to_lift_the_stop_until_it_does() -> None:
    line = objected()
    decide(line, uphold())
    line.pass_to(timedelta(hours=3))
    early = lifts(line)
    line.pass_to(timedelta(hours=20))
    assert lifts(line) > early > 3
    line.bank(BankState.RELEASED, dispatch=line.last(Action.STOP_RELEASE).id)
    line.pass_to(timedelta(hours=20))
    assert line.step("release.0").state is StepState.DONE


def test_nobody_is_asked_to_lift_a_stop_after_its_end() -> None:
    line = objected()
    decide(line, uphold())
    line.pass_to(timedelta(hours=60))
    asked_until_then = lifts(line)
    line.pass_to(timedelta(days=10))
    assert lifts(line) == asked_until_then < 25
    assert line.step("release.0").state in (StepState.FAILED, StepState.WITHDRAWN)

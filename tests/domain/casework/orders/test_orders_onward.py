"""Stop orders about accounts beyond the payees': proposed from banks' answers, decided by persons, hop by hop."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework.trail.tree import money_tree
from domain.identity.personal import WITHHELD, without
from domain.payments import releases
from domain.payments.bank_book import BankBook
from domain.payments.ledger import of_case
from domain.payments.releases import FIRST_TRACED, numbered, of_number
from schemas.casework.acts import CloseAct, OutcomeAct, ReleaseStopAct
from schemas.casework.cases import Case, StepState, StopState
from schemas.casework.inputs import BankState, Erase
from schemas.casework.movements import MovedAccount, MovementKind, OnwardMovement
from schemas.casework.orders import DeclineStopAct, HandOverStopAct, OrderState
from schemas.codes.money import MoneyTracedHere
from schemas.levels import Action, Level, Outcome, OutcomeGround
from schemas.people.staff import StaffRole
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, RESIDENT, payment, policy
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import B1, C1, FIRST_HOP, of_account, onward, paid, states, told, with_rules
from tests.domain.casework.test_movements import MINUTE, answer, moved
from tests.domain.casework.test_movements import paid as paid_and_approved


def decline(line: Journal, step: str = "stop.t0") -> None:
    act = DeclineStopAct(order=step, reason="a shop's account")
    line.give(line.report(act, "desk", role=StaffRole.RELEASE_DESK))


def test_an_account_that_the_money_reached_gets_an_order_that_waits_for_a_person() -> None:
    line = paid()
    decision = line.give(answer(line, FIRST_HOP))
    (order,) = onward(line.here)
    assert (order.state, order.payee, order.amount_fen) == (OrderState.PROPOSED, "b1", 600_000)
    assert (order.ground, order.action, order.asked_by) == (MoneyTracedHere("a", 2), Action.STOP_PAYMENT, None)
    assert order.persons >= 1
    assert order.number.endswith("号")
    assert (line.step("stop.t0").state, decision.dispatches) == (StepState.PROPOSED, [])
    (traced,) = line.here.traced
    assert (traced.transfer, traced.institution, traced.movement) == (B1, "b", "a#180")
    assert traced.at == NOON + 3 * MINUTE


def test_the_same_answer_again_proposes_nothing() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    again = line.give(answer(line, FIRST_HOP, name="2"))
    assert (again.facts, len(onward(line.here))) == ([], 1)


def test_the_stop_follows_the_money_hop_by_hop() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    (asked,) = [out for each in line.approve() for out in each.dispatches if out.step == "stop.t0"]
    assert asked.payment is not None
    assert (asked.payment.payee, asked.payment.institution, asked.payment.amount_fen) == ("b1", "b", 600_000)
    assert line.here.traced[0].stop is not None
    second = moved("b1", "c1", 450_000, 6)
    line.give(told(line, B1, BankState.IN_FORCE, second, fen=150_000, step="stop.t0"))
    (first, last) = line.here.traced
    assert first.stop is not None
    assert first.stop.state is StopState.IN_FORCE
    assert (last.transfer, last.payee, last.amount_fen) == (C1, "c1", 450_000)
    assert of_account(line.here, "b1")[0].carried_out is not None
    assert [order.state for order in of_account(line.here, "c1")] == [OrderState.PROPOSED]
    tree = money_tree(line.here, policy().trace)
    assert tree is not None
    assert tree.total.held == 400_000 + 150_000  # at the payee's bank too


def test_an_account_is_asked_for_at_most_twice_and_a_stop_that_runs_out_is_extended_by_persons() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    line.pass_to(timedelta(hours=47))
    assert [(order.action, order.state) for order in onward(line.here)] == [
        (Action.STOP_PAYMENT, OrderState.APPROVED),
        (Action.STOP_AGAIN, OrderState.PROPOSED),
    ]


def test_no_order_is_about_an_account_of_the_residents_own() -> None:
    line = Journal()
    line.alert(Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED), own=["b1"])
    assert line.here.accounts == ["b1"]
    line.give(answer(line, FIRST_HOP, moved("b1", "c1", 500_000, 5)))
    assert line.here.traced == []
    tree = money_tree(line.here, policy().trace)
    assert tree is not None
    assert tree.total.with_victim == 600_000


def test_less_than_the_policys_least_amount_gets_no_order() -> None:
    line = paid()
    line.give(answer(line, moved("a1", "b1", policy().trace.order_least_fen - 1, 3)))
    assert line.here.traced == []


def test_the_policy_says_about_how_many_accounts_and_those_with_most_money_come_first() -> None:
    line = paid()
    with_rules(line, orders=2)
    line.give(answer(line, *(moved("a1", f"b{n}", 100_000 + n * 10_000, n) for n in range(1, 5))))
    assert [each.payee for each in line.here.traced] == ["b4", "b3"]
    line.give(answer(line, moved("b4", "c1", 140_000, 9), name="2"))
    assert len(line.here.traced) == 2


def test_a_policy_that_wants_no_such_orders_gets_none() -> None:
    line = paid()
    with_rules(line, orders=0)
    line.give(answer(line, FIRST_HOP))
    assert (line.here.traced, len(line.here.movements)) == ([], 1)


def test_money_beyond_the_bounds_of_the_trace_gets_no_order() -> None:
    line = paid()
    with_rules(line, hops=1)
    line.give(answer(line, FIRST_HOP))
    assert line.here.traced == []


def test_money_that_left_the_accounts_gets_no_order() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP, moved("b1", MovementKind.CASH, 600_000, 4)))
    assert line.here.traced == []


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM])
def test_a_settled_case_gets_no_order_and_those_that_wait_are_withdrawn(outcome: Outcome) -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(line.report(OutcomeAct(outcome=outcome, ground=OutcomeGround.BANK), "li", role=StaffRole.OPERATOR))
    assert line.here.settled
    assert [order.state for order in onward(line.here)] == [OrderState.WITHDRAWN]
    line.give(answer(line, moved("b1", "c1", 600_000, 5), name="2"))
    assert len(line.here.traced) == 1


def test_an_order_that_waits_is_withdrawn_when_the_money_has_gone_on() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(answer(line, moved("b1", "c1", 590_000, 5), name="2"))
    assert [(order.payee, order.state) for order in onward(line.here)] == [
        ("b1", OrderState.WITHDRAWN),
        ("c1", OrderState.PROPOSED),
    ]


def test_who_decides_against_it_is_not_asked_again_about_the_same_money() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(answer(line, moved("a1", "b1", 200_000, 4), name="2"))  # the desk sees it in the tree
    decline(line)
    line.give(answer(line, FIRST_HOP, moved("b1", "c1", 50_000, 5), name="3"))
    line.give(answer(line, moved("a1", "b1", policy().trace.order_least_fen - 1, 6), name="4"))
    assert states(line, "b1") == [OrderState.DECLINED]


def test_money_that_comes_in_after_the_desk_has_declined_is_proposed_again() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    decline(line)
    line.give(answer(line, moved("b1", "c1", 500_000, 5), name="2"))
    line.give(answer(line, moved("a1", "b1", 200_000, 2), name="3"))  # earlier, but nobody had stated it
    assert states(line, "b1") == [OrderState.DECLINED, OrderState.PROPOSED]
    again = of_account(line.here, "b1")[-1]
    assert (again.transfer, again.amount_fen, again.asked_by) == (B1, 300_000, None)
    assert [each.payee for each in line.here.traced] == ["b1", "c1"]
    decline(line, again.step)
    line.give(answer(line, moved("a1", "b1", 60_000, 7), name="4"))
    line.give(answer(line, moved("a1", "b1", 40_000, 8), name="5"))
    assert states(line, "b1") == [OrderState.DECLINED, OrderState.DECLINED, OrderState.PROPOSED]


def test_an_order_that_was_withdrawn_is_proposed_again_when_the_money_is_there_after_all() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    onward_again = moved("b1", "c1", 590_000, 5)
    line.give(answer(line, onward_again, name="2"))
    line.pass_to(MINUTE)
    line.give(answer(line, onward_again.model_copy(update={"executed": False}), name="3", bank="b"))
    assert states(line, "b1") == [OrderState.WITHDRAWN, OrderState.PROPOSED]
    assert states(line, "c1") == [OrderState.WITHDRAWN]


def test_when_a_stop_has_ended_only_new_money_gets_another_order() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.REFUSED, moved("b1", "c1", 1_000, 4), step="stop.t0"))
    assert states(line, "b1") == [OrderState.APPROVED]
    line.give(answer(line, moved("a1", "b1", 150_000, 5), name="2"))
    assert states(line, "b1") == [OrderState.APPROVED, OrderState.PROPOSED]
    line.approve()
    line.give(told(line, B1, BankState.REFUSED, step=of_account(line.here, "b1")[-1].step))
    line.give(answer(line, moved("a1", "b1", 150_000, 6), name="3"))
    assert len(states(line, "b1")) == 2, "an account is asked for twice at most"


def test_an_account_that_its_bank_has_stopped_by_itself_gets_no_order() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(told(line, B1, BankState.IN_FORCE, moved("b1", "c1", 1_000, 4)))
    line.give(answer(line, moved("a1", "b1", 150_000, 5), name="2"))
    assert states(line, "b1") == [OrderState.WITHDRAWN]


def test_money_that_arrived_too_long_ago_gets_no_order_and_takes_no_other_accounts_place() -> None:
    line = paid()
    with_rules(line, orders=1)
    day = policy().plan.stop.settled_within
    line.pass_to(NOON + day + MINUTE)
    line.give(answer(line, moved("a1", "b1", 600_000, 0.5), moved("a1", "c1", 200_000, day / MINUTE)))
    assert [each.payee for each in line.here.traced] == ["c1"]


def test_the_bank_that_stated_the_arrival_is_named_whatever_it_calls_the_payers_bank() -> None:
    line = paid()
    line.give(answer(line, moved("a1", MovementKind.FEE, 1, 1)))  # the bank `a` names itself
    called = FIRST_HOP.model_copy(update={"payer": MovedAccount(bank="aa", token="a1")})
    line.give(answer(line, called, name="2", bank="b"))
    assert onward(line.here)[0].ground == MoneyTracedHere("b", 2)


def test_a_payees_account_keeps_its_payments_order_alone() -> None:
    line = Journal()
    first = payment(amount=1_000_000, state=TransferState.SETTLED)
    line.alert(Level.RED, first, payment("bank:2", 500_000, TransferState.SETTLED, "b1"))
    line.give(answer(line, FIRST_HOP))
    assert line.here.traced == []


def test_a_later_payment_to_an_account_with_an_order_gets_none_of_its_own() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.alert(
        Level.RED, payment(amount=1_000_000, state=TransferState.SETTLED), payment("bank:2", 500_000, payee="b1")
    )
    line.pass_to(timedelta(minutes=10))
    assert len(line.here.payments) == 2
    assert [order.step for order in of_account(line.here, "b1")] == ["stop.t0"]


def test_what_a_bank_freezes_there_is_shown_as_held_and_is_no_loss_avoided() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    before = of_case(line.here)
    for state in (BankState.IN_FORCE, BankState.FROZEN, BankState.RETURNED, BankState.CANCELLED):
        line.give(told(line, B1, state, fen=600_000, step="stop.t0"))
    assert of_case(line.here) == before
    assert line.here.traced[0].state is TransferState.SETTLED


def held(case: Case) -> int:
    tree = money_tree(case, policy().trace)
    assert tree is not None
    return tree.total.held


def test_of_a_stopped_account_only_as_much_is_held_as_its_bank_says_is_there() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    before = held(line.here)
    line.give(told(line, B1, BankState.IN_FORCE, fen=250_000, step="stop.t0"))
    assert held(line.here) - before == 250_000
    line.give(told(line, B1, BankState.FROZEN, fen=200_000, step="stop.t0"))
    assert held(line.here) - before == 200_000
    assert of_case(line.here).frozen == 0


def test_what_a_bank_holds_counts_once_though_two_payments_money_is_there() -> None:
    line = Journal()
    line.approves = False
    paid_to = [payment(f"bank:{n}", 500_000, TransferState.SETTLED, f"a{n}") for n in (1, 2)]
    line.alert(Level.RED, *paid_to)
    line.give(answer(line, moved("a1", "b1", 500_000, 3), moved("a2", "b1", 500_000, 4)))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, fen=700_000, step="stop.t0"))
    tree = money_tree(line.here, policy().trace)
    assert tree is not None
    assert [each.figures.held for each in tree.payments] == [500_000, 200_000]


def test_the_release_desk_lists_such_orders_and_stops_under_a_number_of_their_own() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    book = BankBook()
    for event in line.events:
        book.add(event)
    found = next(each for each in book.in_force(lambda _: True) if each.payee == "b1")
    assert (found.number, found.transfer, found.bank) == (FIRST_TRACED, B1, "b")
    assert book.orders[line.here.id, "stop.t0"].number == FIRST_TRACED
    assert [each.transfer for each in book.sent.values() if each.payee == "b1"] == [B1]
    assert [number for number, _ in numbered(line.here)] == [0, FIRST_TRACED]
    assert of_number(line.here, FIRST_TRACED) is line.here.traced[0]
    assert [of_number(line.here, number) for number in (-1, 1, FIRST_TRACED + 1)] == [None, None, None]
    assert releases.has_stop(line.here, FIRST_TRACED)


def test_such_a_stop_is_lifted_by_two_persons_and_handed_over_like_every_other() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, step="stop.t0"))
    lift = ReleaseStopAct(transfer=B1, reason="wages of a third person", asked_by="han")
    sent = line.give(line.report(lift, "li", role=StaffRole.RELEASE_DESK)).dispatches
    assert [(out.action, out.step) for out in sent] == [(Action.STOP_RELEASE, "release.t0")]
    over = HandOverStopAct(order="stop.t0", decision="decision 17", authority="the city's police")
    line.give(line.report(over, "desk", role=StaffRole.RELEASE_DESK))
    assert line.here.traced[0].stop is not None
    assert line.here.traced[0].stop.state is StopState.FROZEN


def test_an_erased_case_has_no_account_or_movement_left_and_gets_no_order() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.give(line.report(CloseAct(reason="over"), "li", role=StaffRole.OPERATOR))
    line.pass_to(timedelta(days=3))
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="officer of data"))
    (left,) = line.here.traced
    assert (left.payee, left.movement, left.amount_fen) == (WITHHELD, WITHHELD, 600_000)
    assert without(line.here) == line.here
    line.give(answer(line, moved("b1", "c1", 600_000, 5), name="2"))
    assert len(line.here.traced) == 1


ACCOUNTS = st.sampled_from(["a1", "b1", "b2", "c1", "c2", "d1", "v1"])
MOVED = st.builds(moved, ACCOUNTS, ACCOUNTS, st.integers(1, 900_000), st.integers(1, 30))


@given(st.lists(st.lists(MOVED, max_size=6), max_size=6), st.integers(0, 4), st.integers(1, 300_000))
def test_each_account_has_at_most_one_order_at_a_time_within_the_policy_and_none_goes_out_unapproved(
    answers: list[list[OnwardMovement]], most: int, least: int
) -> None:
    line = paid()
    with_rules(line, orders=most, order_least_fen=least)
    for number, movements in enumerate(answers):
        line.give(answer(line, *movements, name=str(number)))
    made = onward(line.here)
    tokens = [each.payee for each in line.here.traced]
    assert len(tokens) == len(set(tokens)) == len({order.transfer for order in made}) <= most
    assert max(Counter(order.transfer for order in made if order.state is OrderState.PROPOSED).values(), default=0) <= 1
    assert "a1" not in tokens
    assert all(order.amount_fen >= least for order in made)
    assert all(order.amount_fen <= 1_000_000 for order in made)
    assert not [out for out in line.sent() if out.payment and out.payment.movement]


def test_the_desk_that_approves_at_once_stops_each_account_once() -> None:
    line = paid_and_approved()
    line.give(answer(line, FIRST_HOP, moved("b1", "c1", 300_000, 5)))
    asked = [out.payment.payee for out in line.sent() if out.payment and out.action is Action.STOP_PAYMENT]
    assert sorted(asked) == ["b1", "c1"]  # a1's bank has stopped it already

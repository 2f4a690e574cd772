"""The books of money beyond the payees' accounts: what banks freeze there or give back has one place, like all else."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identity.personal import without
from domain.payments.books import PLACES, standing
from domain.payments.ledger import booked_transfers, of_case
from schemas.casework.acts import CloseAct
from schemas.casework.books import BookLine
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import BankState
from schemas.levels import Level
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, payment
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import B1, FIRST_HOP, paid, told
from tests.domain.casework.test_movements import MINUTE, answer

WHOLE, MOVED = 1_000_000, 600_000  # the payment, and what went on from the payee's account


def another_payment() -> Payment:
    """A payment of ¥10,000, one minute earlier, to an account that is in no movement."""
    return payment("bank:2", WHOLE, payee="a2", state=TransferState.SETTLED, at=NOON - MINUTE)


def reached(*others: Payment) -> Journal:
    """A payment of ¥10,000, of which ¥6,000 went on to an account that its bank has been asked to stop."""
    line = paid()
    if others:
        line.alert(Level.RED, payment(amount=WHOLE, state=TransferState.SETTLED), *others)
    line.give(answer(line, FIRST_HOP))
    line.approve()
    return line


def followed() -> Journal:
    """As `reached`; all of the payment is lost, and the account's bank has stopped the account."""
    line = reached()
    line.victim(WHOLE, "bank:1")
    line.give(told(line, B1, BankState.IN_FORCE, fen=MOVED, step="stop.t0"))
    return line


def next_case(line: Journal) -> Case:
    """The resident's next case, a month later, in which the same payment is reported as lost."""
    line.dissuaded()
    line.act(CloseAct(reason="办结"))
    line.pass_to(timedelta(days=31))
    line.alert(Level.RED, payment(amount=WHOLE, state=TransferState.SETTLED))
    line.victim(WHOLE, "bank:1")
    return line.here


def places(case: Case) -> dict[BookLine, int]:
    return {line: fen for line, fen in standing(case).items() if line in PLACES and fen}


def test_money_that_a_bank_freezes_beyond_the_payee_is_frozen_and_no_longer_stopped_or_lost() -> None:
    line = followed()
    assert places(line.here) == {BookLine.STOPPED: MOVED, BookLine.LOST: WHOLE - MOVED}
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    assert places(line.here) == {BookLine.FROZEN: 500_000, BookLine.LOST: WHOLE - 500_000}
    assert of_case(line.here).frozen == 0, "loss avoided and frozen money in the ledger are of the own payments only"


def test_a_loss_that_names_the_account_to_which_the_money_went_on_is_no_other_money() -> None:
    line = reached()
    line.victim(WHOLE, "bank:1")
    line.victim(MOVED, B1)
    assert of_case(line.here).lost == WHOLE
    assert places(line.here) == {BookLine.LOST: WHOLE}


def test_money_that_a_bank_gives_back_from_beyond_the_payee_leaves_frozen_for_returned() -> None:
    line = followed()
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    line.give(told(line, B1, BankState.RETURNED, fen=200_000, step="stop.t0"))
    found = places(line.here)
    assert (found[BookLine.FROZEN], found[BookLine.RETURNED]) == (300_000, 200_000)
    line.give(told(line, B1, BankState.RETURNED, fen=500_000, step="stop.t0"))
    assert places(line.here)[BookLine.RETURNED] == 500_000
    assert BookLine.FROZEN not in places(line.here)


def test_frozen_money_beyond_the_payee_stays_in_the_books_when_its_stop_has_run_out() -> None:
    line = followed()
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    line.pass_to(line.now.replace(year=2027))
    found = places(line.here)
    assert (found[BookLine.FROZEN], found.get(BookLine.STOPPED, 0)) == (500_000, 0)


def test_the_same_message_again_changes_nothing() -> None:
    line = followed()
    for _ in range(2):
        line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    booked = line.here.booked
    line.give(told(line, B1, BankState.FROZEN, fen=1, step="stop.t0"))
    assert line.here.booked == booked


def test_a_later_case_does_not_book_again_what_a_bank_has_given_back_beyond_the_payee() -> None:
    line = reached()
    line.give(told(line, B1, BankState.RETURNED, fen=500_000, step="stop.t0"))
    assert sum(places(line.here).values()) == 500_000
    later = next_case(line)
    assert (later.number, later.booked_before, places(later)) == (2, ["bank:1"], {})


def test_danger_again_while_money_is_frozen_beyond_the_payee_is_the_same_case_which_books_it_once() -> None:
    line = reached()
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    later = next_case(line)
    assert (later.number, places(later)) == (1, {BookLine.FROZEN: 500_000, BookLine.LOST: WHOLE - 500_000})


def test_a_later_case_does_not_book_again_what_a_stop_holds_beyond_the_payee() -> None:
    line = reached()
    line.give(told(line, B1, BankState.IN_FORCE, fen=MOVED, step="stop.t0"))
    assert booked_transfers(line.here) == booked_transfers(without(line.here)) == ["bank:1"]


def test_money_beyond_one_payee_books_no_payment_to_another() -> None:
    line = reached(another_payment())
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    assert booked_transfers(line.here) == ["bank:1"]


def test_money_frozen_beyond_one_payee_is_not_missing_from_the_loss_of_another_payment() -> None:
    line = reached(another_payment())
    line.victim(WHOLE, "bank:2")
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    assert places(line.here) == {BookLine.FROZEN: 500_000, BookLine.LOST: WHOLE}
    line.victim(WHOLE, "bank:1")
    assert places(line.here) == {BookLine.FROZEN: 500_000, BookLine.LOST: WHOLE + 500_000}


@pytest.mark.parametrize("lost", ["bank:1", "bank:2", "bank:unknown", None])
def test_an_erased_case_has_the_same_loss_until_the_amounts_show_another_one(lost: str | None) -> None:
    line = reached(another_payment())
    line.victim(WHOLE, lost)
    line.give(told(line, B1, BankState.FROZEN, fen=500_000, step="stop.t0"))
    erased = without(line.here)
    assert standing(erased) == standing(line.here)
    all_back = erased.model_copy(update={"returned_beyond": {B1: 2 * WHOLE}})
    unknown = {BookLine.LOST: WHOLE} if lost == "bank:unknown" else {}
    assert places(all_back) == {BookLine.RETURNED: 2 * WHOLE} | unknown


ANSWERS = st.tuples(
    st.sampled_from(["bank:1", B1]),
    st.sampled_from([BankState.IN_FORCE, BankState.FROZEN, BankState.RETURNED, BankState.RELEASED]),
    st.sampled_from([0, 1, 300_000, MOVED, WHOLE, 9 * WHOLE]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANSWERS, max_size=8))
def test_whatever_two_banks_say_each_fen_of_the_payment_is_in_one_place_on_each_day(
    answers: list[tuple[str, BankState, int]],
) -> None:
    line = followed()
    for transfer, state, fen in answers:
        step = "stop.t0" if transfer == B1 else "none"
        line.give(told(line, transfer, state, fen=fen, step=step))
        found = standing(line.here)
        assert all(found[place] >= 0 for place in PLACES)
        assert sum(found[place] for place in PLACES) <= WHOLE
        total = Counter[BookLine]()
        for lines in line.here.booked.values():
            total.update(lines)
        assert +total == found
        assert sum(found[place] for place in (BookLine.STOPPED, BookLine.FROZEN, BookLine.RETURNED)) <= WHOLE

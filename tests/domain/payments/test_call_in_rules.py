"""A resident calls: which payments a report may still stop, and how wrong codes slow down."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.payments.call_in import FIRST_WAIT, FREE_TRIES, LONGEST_WAIT, REMEMBERED, in_danger, next_try, to_stop
from schemas.casework.acts import AskStopAct
from schemas.casework.inputs import BankState
from schemas.levels import Level
from tests.domain.builders import NOON, Line, payment

SECOND = timedelta(seconds=1)


def test_three_wrong_codes_cost_no_time_and_each_more_doubles_the_wait() -> None:
    wrong = [NOON + n * SECOND for n in range(FREE_TRIES)]
    assert next_try(wrong[:-1], NOON + 5 * SECOND) is None
    assert next_try(wrong, wrong[-1]) == wrong[-1] + FIRST_WAIT
    assert next_try([*wrong, NOON + 60 * SECOND], NOON + 60 * SECOND) == NOON + 60 * SECOND + 2 * FIRST_WAIT


def test_wrong_codes_of_yesterday_do_not_count() -> None:
    assert next_try([NOON - REMEMBERED] * 20, NOON) is None


@given(st.lists(st.integers(0, 40_000), max_size=50), st.integers(0, 40_000))
def test_nobody_waits_longer_than_the_longest_wait(seconds: list[int], later: int) -> None:
    now = NOON + max([*seconds, later]) * SECOND
    until = next_try([NOON + n * SECOND for n in seconds], now)
    assert until is None or now < until <= now + LONGEST_WAIT


def test_a_report_stops_what_was_paid_to_the_reported_account_and_nothing_else() -> None:
    line = Line()
    line.alert(Level.ORANGE, payment("bank:1", payee="a1"), payment("bank:2", payee="a2"))
    assert to_stop(line.here, "a1") == ["bank:1"]
    assert to_stop(line.here, "a3") == []


def test_what_is_stopped_or_safe_is_not_asked_for_again() -> None:
    line = Line()
    line.alert(Level.ORANGE, payment("bank:1", payee="a1"), payment("bank:2", payee="a1"))
    line.act(AskStopAct(transfer="bank:1"))
    line.pass_to(timedelta(0))
    assert "bank:1" not in to_stop(line.here, "a1")
    line.bank(BankState.CANCELLED, "bank:2", 1_000_000)
    assert "bank:2" not in to_stop(line.here, "a1")


def test_a_settled_case_is_no_case_in_danger() -> None:
    line = Line()
    assert not in_danger(None)
    line.alert(Level.RED)
    assert in_danger(line.here)
    line.dissuaded()
    assert not in_danger(line.here)

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.triage import Turn, order, weigh, worth
from schemas.cases import Case, CaseState
from schemas.levels import Level
from schemas.signals import TransferState
from tests.domain.builders import NOON, Line, danger, payment


def case(level: Level, amount: int = 0, letter: str = "a", **more: object) -> Case:
    line = Line()
    line.alert(level, *([payment(amount=amount)] if amount else []))
    resident = "r" + letter * 16
    return line.here.model_copy(update={"resident": resident, "id": f"{resident}-1", **more})


def test_more_money_still_to_go_is_taken_first() -> None:
    large, small = case(Level.RED, 8_000_000), case(Level.RED, 6_000_000, "b")
    assert [item.case.id for item in order([small, large], NOON)] == [large.id, small.id]
    assert "¥80,000 still to go" in worth(large, NOON).because


def test_money_that_is_gone_weighs_no_more_than_the_level() -> None:
    settled = [payment(amount=9_000_000, state=TransferState.SETTLED)]
    gone = case(Level.RED, payments=settled)
    assert worth(gone, NOON).fen == worth(case(Level.RED), NOON).fen


def test_a_call_in_progress_is_more_urgent_and_says_so() -> None:
    calling = case(Level.RED, danger=danger(Level.RED, call_since=NOON - timedelta(minutes=6)))
    assert worth(calling, NOON).fen > worth(case(Level.RED), NOON).fen
    assert "call in progress for 6 min" in worth(calling, NOON).because


def test_a_case_that_waits_long_enough_comes_before_a_larger_one() -> None:
    later = NOON + timedelta(hours=4)
    waiting = case(Level.ORANGE, 1_500_000)
    fresh = case(Level.ORANGE, 4_000_000, "b", opened_at=later, updated_at=later)
    assert order([fresh, waiting], later)[0].case.id == waiting.id


CASES = [case(level, letter=letter) for level, letter in zip(Level, "abcd", strict=True)]


@given(st.permutations(CASES))
def test_the_order_does_not_depend_on_the_order_in_which_cases_are_given(cases: list[Case]) -> None:
    assert [item.case.level for item in order(cases, NOON)] == [Level.RED, Level.ORANGE, Level.YELLOW, Level.BLUE]


def test_who_is_on_the_desk_comes_before_who_is_under_way_and_who_is_settled_comes_last() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=31))
    offered = line.here
    taken = offered.model_copy(update={"claimed_by": "li"})
    settled = case(Level.RED, 90_000_000, state=CaseState.DISSUADED)
    places = [weigh(each).place(line.now) for each in (offered, taken, settled)]
    assert [weigh(each).turn for each in (offered, taken, settled)] == [Turn.OFFERED, Turn.UNDER_WAY, Turn.SETTLED]
    assert places == sorted(places)


def test_a_cases_weight_is_what_its_worth_is_made_of() -> None:
    red, later = case(Level.RED, 8_000_000), NOON + timedelta(minutes=30)
    assert weigh(red).at(NOON) == worth(red, NOON).fen
    assert weigh(red).at(later) == worth(red, later).fen == 2 * weigh(red).fen

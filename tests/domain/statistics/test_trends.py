"""Figures beside the period before, added up, and in small pictures."""

from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.situation import DAYS, Sums, last_days
from domain.statistics.trends import (
    ROUND,
    SHOWN,
    Compared,
    before,
    cumulative,
    four,
    multiples,
    round_top,
    summed,
)

AMOUNTS = st.integers(0, 10**13)


def test_a_period_stands_beside_as_many_days_before_it() -> None:
    week = last_days("2026-03-14", 7)
    assert before(week) == ["2026-03-01", *last_days("2026-03-07", 6)]
    assert before(last_days("2026-03-14", DAYS)) is None, "what is forgotten is not compared with"


def test_four_figures_tell_by_how_much_they_have_changed() -> None:
    figures = {
        each.name: each for each in four(Sums(cases=12, dissuaded_evidenced=6, lost=50), Sums(cases=10, lost=100))
    }
    assert (figures["cases"].change, figures["lost"].change) == (20, -50)
    assert figures["dissuaded_evidenced"].change is None, "from nothing there is no percentage"
    assert [figures[name].better for name in ("cases", "lost", "kept")] == [None, True, None]
    assert all(each.change is None for each in four(Sums(cases=12), None))


def test_an_estimate_is_in_none_of_the_four() -> None:
    assert {each.now for each in four(Sums(kept_d=1000), None)} == {0}


def test_more_avoided_is_better_and_less_is_worse() -> None:
    assert Compared("kept", 5, 3).better is True
    assert Compared("kept", 3, 5).better is False


def test_the_pictures_with_most_cases_are_shown() -> None:
    found = multiples({f"s{n}": [n, 0, 1] for n in range(12)})
    assert [each.value for each in found] == [f"s{n}" for n in range(11, 11 - SHOWN, -1)]
    assert found[0].cases == [11, 0, 1]


@given(st.lists(AMOUNTS, min_size=1, max_size=DAYS))
def test_what_comes_together_never_falls_and_ends_at_the_sum(days: list[int]) -> None:
    line = cumulative(days)
    assert line == sorted(line)
    assert line[-1] == summed(Sums(lost=each) for each in days).lost


@given(AMOUNTS)
def test_an_axis_ends_at_a_round_number_that_is_not_far_above(most: int) -> None:
    top = round_top(most)
    assert int(str(top).rstrip("0")) in ROUND
    assert most <= top <= max(1, 2 * most)

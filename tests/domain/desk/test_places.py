"""What a map tells of each place, and the ramp by which it is coloured."""

from hypothesis import given
from hypothesis import strategies as st

from domain.desk.places import STEPS, Layer, OpenCase, PlaceFigures, by_division, figures_of, ramp, ranges
from schemas.levels import Level

FIGURES = st.integers(0, 10**12)


def case(division: str, level: Level = Level.BLUE, *, waiting: bool = False, money: int = 0) -> OpenCase:
    return OpenCase(division, level, waiting, money)


def test_a_place_has_the_figures_of_its_cases_and_officers() -> None:
    cases = [case("220102001", Level.RED, waiting=True, money=500), case("220102", money=100), case("220103")]
    found = by_division(cases, ["220102", "220102002"])
    assert found["220102"] == PlaceFigures(open=2, red=1, waiting=1, officers=2, money=600)
    assert figures_of(found, "2201") == PlaceFigures(open=3, red=1, waiting=1, officers=2, money=600)
    assert figures_of(found, "2202") == PlaceFigures()


def test_every_layer_is_a_figure() -> None:
    figures = PlaceFigures(1, 2, 3, 4, 5)
    assert [figures.measured(layer) for layer in Layer] == [1, 2, 3, 4, 5]


def test_one_case_that_is_red_is_one_case_of_volume() -> None:
    """The ramp tells how many, and never how grave."""
    red, blue = (by_division([case("220102", level)], [])["220102"] for level in (Level.RED, Level.BLUE))
    assert ramp(red.open, 40) == ramp(blue.open, 40) == 1


def test_small_places_differ_beside_a_large_one() -> None:
    assert [ramp(n, 160) for n in (0, 1, 10, 11, 40, 41, 90, 91, 160)] == [0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_few_cases_need_few_steps() -> None:
    assert [(each.least, each.most) for each in ranges(1)] == [(1, 1)]
    assert ranges(0) == []


@given(FIGURES, FIGURES)
def test_more_is_never_lighter(one: int, other: int) -> None:
    most = max(one, other)
    low, high = sorted((one, other))
    assert 0 <= ramp(low, most) <= ramp(high, most) <= STEPS
    assert (ramp(one, most) == 0) == (one == 0)


@given(st.integers(1, 10**12), st.data())
def test_the_legend_tells_every_value_s_colour(most: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(1, most))
    (there,) = [each for each in ranges(most) if each.least <= value <= each.most]
    assert there.step == ramp(value, most)

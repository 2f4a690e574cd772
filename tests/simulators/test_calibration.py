import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import quanzu
from schemas.people.residents import Sex
from simulators.assumptions import figures
from simulators.studies.calibration import FACTS, LARGE_CASES, LOSS_YUAN, Line, Year, judge, measures
from simulators.studies.year import simulate_year

SEEDS = (11, 12)
Measured = Mapping[str, float]


@pytest.fixture(scope="module")
def years() -> list[Year]:
    return [Year(*simulate_year(seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def measured(years: list[Year]) -> list[Measured]:
    return [measures(year) for year in years]


def verdict(measured: Sequence[Measured]) -> dict[str, Line]:
    return {line.fact: line for line in judge(measured)}


def test_every_share_of_two_years_is_within_its_tolerance(measured: list[Measured]) -> None:
    counts = {"direct loss", "cases of ¥1 million and more"}  # two seeds are few for these
    wrong = [line for line in judge(measured) if not line.ok and line.fact not in counts]
    assert not wrong


def test_two_years_have_about_the_cases_the_loss_and_the_large_cases_of_jilin(measured: list[Measured]) -> None:
    lines = verdict(measured)
    assert lines["cases a year"].mean == pytest.approx(figures.CASES_A_YEAR, rel=0.05)
    assert lines["direct loss"].mean == pytest.approx(LOSS_YUAN, rel=0.2)
    assert lines["cases of ¥1 million and more"].mean == pytest.approx(LARGE_CASES, rel=0.3)
    assert figures.LARGEST_YUAN / 2 < lines["largest single case"].mean < figures.LARGEST_YUAN * 1.4


def test_large_cases_carry_a_good_part_of_the_loss(years: list[Year]) -> None:
    for year in years:
        sums = sorted((crime.lost_fen for crime in year.crimes), reverse=True)
        assert sum(sums[: len(sums) // 100]) > 0.2 * sum(sums)


def test_a_year_with_its_sexes_exchanged_is_told_from_jilin(years: list[Year]) -> None:
    other = {Sex.MALE: Sex.FEMALE, Sex.FEMALE: Sex.MALE}
    swapped = [replace(year, crimes=[replace(crime, sex=other[crime.sex]) for crime in year.crimes]) for year in years]
    lines = verdict([measures(year) for year in swapped])
    for fact in ("men among the victims", "brushing: women", "loans: men", "romance: women"):
        assert not lines[fact].ok
    assert lines["cases a year"].ok


def test_a_year_with_half_its_loss_is_told_from_jilin(years: list[Year]) -> None:
    halved = [
        replace(year, crimes=[replace(crime, lost_fen=crime.lost_fen // 2) for crime in year.crimes]) for year in years
    ]
    lines = verdict([measures(year) for year in halved])
    assert not lines["direct loss"].ok
    assert not lines["cases of ¥1 million and more"].ok


@given(st.sampled_from([fact.name for fact in FACTS if fact.published.startswith("over")]), st.floats(0, 1))
def test_over_a_share_means_above_it_by_fifteen_points_at_most(name: str, share: float) -> None:
    published = next(fact.published for fact in FACTS if fact.name == name)
    least = int(published.split()[1].rstrip("%")) / 100
    assert verdict([{fact.name: share for fact in FACTS}])[name].ok == (least < share <= least + 0.15)


@given(st.permutations([50.0, 61.0, 75.0]))
def test_the_order_of_the_seeds_changes_no_verdict(values: list[float]) -> None:
    lines = judge([{fact.name: value for fact in FACTS} for value in values])
    assert [line.ok for line in lines] == [
        line.ok for line in judge([{fact.name: value for fact in FACTS} for value in sorted(values)])
    ]


def test_a_count_may_be_off_by_three_standard_errors_when_it_scatters() -> None:
    name = "cases of ¥1 million and more"
    scattered = [{fact.name: value for fact in FACTS} for value in (40.0, 70.0)]
    steady = [{fact.name: value for fact in FACTS} for value in (55.0, 54.0)]
    far = [{fact.name: value for fact in FACTS} for value in (20.0, 22.0)]
    assert verdict(scattered)[name].ok
    assert not verdict(steady)[name].ok
    assert not verdict(far)[name].ok
    assert math.isclose(verdict(scattered)[name].mean, 55)


def test_the_command_ends_with_one_when_a_figure_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(figures.SCAMS, "loan", replace(figures.SCAMS["loan"], men=0.3))
    ended = CliRunner().invoke(quanzu.app, ["lab", "calibrate", "--seed", "11", "--seeds", "1"], env={"COLUMNS": "200"})
    last = ended.stdout.strip().splitlines()[-1]
    assert ended.exit_code == 1
    assert last.startswith("calibrated: ")
    good, of = (int(word) for word in last.removeprefix("calibrated: ").split(" of "))
    assert good < of == len(FACTS)

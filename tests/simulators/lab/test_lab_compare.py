import json
from datetime import timedelta

import pytest

from schemas.errors import UserError
from simulators.lab import compare, tables
from simulators.lab.compare import Contender, contenders
from simulators.lab.intervals import interval, paired
from simulators.lab.setup import ORDINARY_AN_OPERATOR, STORIES_AN_OPERATOR, Setup, made_for
from tests.simulators.lab.runs import HOUR, TEXT

pytest.importorskip("scipy")


def test_an_interval_is_student_s() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert found.mean - found.low == pytest.approx(found.half)


def test_what_two_share_falls_out_of_their_difference() -> None:
    assert paired([10.0, 500.0, 90.0], [9.0, 499.0, 89.0]).half == pytest.approx(0)
    assert paired([10.0, 500.0, 90.0], [9.0, 499.0, 89.0]).mean == 1


def test_one_seed_has_no_interval() -> None:
    assert interval([5.0]).half == 0


BESIDE = ["level_then_age", "first_come", "oracle", "nobody"]


def test_the_policy_in_force_is_first_and_four_always_stand_beside_it() -> None:
    assert [each.name for each in contenders(TEXT, [("mild", TEXT)])] == ["default", "mild", *BESIDE]


def test_two_contenders_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="oracle"):
        contenders(TEXT, [("oracle", TEXT)])


def test_three_times_the_load_is_three_times_what_fills_the_operators_time() -> None:
    setup = made_for(4, 8, timedelta(days=2), overload=3)
    assert (setup.stories, setup.ordinary) == (12 * STORIES_AN_OPERATOR, 12 * ORDINARY_AN_OPERATOR)
    assert setup.residents > setup.stories * 48


def small() -> Setup:
    return made_for(1, 2, HOUR / 2, 0.4, 300, compressed=True)


def test_a_contender_equal_to_another_differs_in_nothing() -> None:
    among = [Contender("default", TEXT), Contender("twin", TEXT)]
    found = compare.run(small(), among, [1, 2, 3])
    told = compare.report(small(), among, found)
    assert all(value == {"mean": 0, "low": 0, "high": 0} for value in told["differences"]["twin"].values())
    assert told["policies"]["twin"] == told["policies"]["default"]


def test_the_report_names_each_contender_with_its_figures_and_intervals() -> None:
    among = contenders(TEXT, [])
    told = compare.report(small(), among, compare.run(small(), among, [1, 2]))
    again = json.loads(json.dumps(told))
    assert list(again["policies"]) == ["default", *BESIDE]
    for figures in again["policies"].values():
        assert figures["loss_avoided_fen"].keys() == {"mean", "low", "high"}
        assert figures["contacts"]["low"] <= figures["contacts"]["mean"] <= figures["contacts"]["high"]
    assert tables.compared(again).row_count == len(tables.ROWS)
    assert tables.ROWS.keys() <= {*compare.MEASURES, compare.BEYOND_NOBODY}


def test_processes_share_the_seeds_and_change_nothing() -> None:
    among = [Contender("default", TEXT)]
    told: list[tuple[int, int]] = []
    shared = compare.run(small(), among, [1, 2], processes=2, progress=lambda done, of: told.append((done, of)))
    assert shared == compare.run(small(), among, [1, 2])
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_what_the_desk_brings_is_told_beside_the_same_line_with_nobody_at_it() -> None:
    among = [Contender("default", TEXT), Contender("nobody", TEXT, "nobody")]
    found = compare.run(small(), among, [1, 2])
    told = compare.report(small(), among, found)
    avoided, beyond = (
        {name: told["policies"][name][measure]["mean"] for name in ("default", "nobody")}
        for measure in (compare.AVOIDED, compare.BEYOND_NOBODY)
    )
    assert beyond["nobody"] == 0
    assert beyond["default"] == pytest.approx(avoided["default"] - avoided["nobody"])
    assert {found[seed]["nobody"].operator_hours for seed in (1, 2)} == {0}
    alone = compare.report(small(), among[:1], found)
    assert compare.BEYOND_NOBODY not in alone["policies"]["default"]
    assert tables.compared(alone).row_count < tables.compared(told).row_count

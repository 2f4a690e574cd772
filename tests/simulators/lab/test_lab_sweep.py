import pytest

from domain.policy import load
from schemas.errors import UserError
from schemas.levels import Level
from simulators.lab import sweep
from simulators.lab.compare import run
from simulators.lab.intervals import Interval
from simulators.lab.setup import made_for
from simulators.lab.sweep import Point
from tests.simulators.lab.runs import HOUR, TEXT

SETUP = made_for(1, 2, HOUR / 2, 0.4, 300, compressed=True)


def test_one_value_changes_and_every_other_line_stays_as_it_was_written() -> None:
    text = sweep.changed(TEXT, "risk.levels.orange", "-4.5")
    assert load(text).risk.levels[Level.ORANGE] == -4.5
    differing = [new for old, new in zip(TEXT.splitlines(), text.splitlines(), strict=True) if old != new]
    assert len(differing) == 1
    assert "# " in text


def test_a_duration_is_swept_as_a_duration() -> None:
    parameter = "plan.levels.red.steps.operator.after"
    values = sweep.steps(parameter, "30s", "5m", 4, TEXT)
    assert values == ["30s", "120s", "210s", "300s"]
    red = load(sweep.changed(TEXT, parameter, "210s")).plan.levels[Level.RED]
    assert red.steps["operator"].after.total_seconds() == 210


def test_whole_numbers_stay_whole_and_people_are_counted() -> None:
    assert sweep.steps("risk.bound", "8", "64", 3, TEXT) == ["8", "36", "64"]
    assert sweep.steps("operators", "1", "3", 5, TEXT) == ["1", "2", "3"]
    among = sweep.among("officers", ["2", "9"], TEXT, SETUP)
    assert [each.setup.officers for each in among if each.setup] == [2, 9]
    assert {each.setup.stories for each in among if each.setup} == {SETUP.stories}


@pytest.mark.parametrize(
    ("parameter", "since", "until"),
    [
        ("risk.level.orange", "-4", "-2"),
        ("risk.levels", "-4", "-2"),
        ("risk.levels.orange", "low", "high"),
        ("plan.soon", "1", "2"),
        ("plan.quiet", "1", "2"),
        ("nothing", "1", "2"),
    ],
)
def test_what_cannot_be_swept_is_said_in_words(parameter: str, since: str, until: str) -> None:
    with pytest.raises(UserError):
        sweep.steps(parameter, since, until, 3, TEXT)


def exactly(value: float) -> Interval:
    return Interval(value, value, value)


def point(name: str, avoided: float, contacts: float, hours: float) -> Point:
    return Point(name, exactly(avoided), exactly(contacts), exactly(hours), exactly(0), more=None)


def test_on_the_front_is_what_nothing_beats_in_all() -> None:
    cheap, dear = point("cheap", 10, 5, 1), point("dear", 20, 9, 3)
    beaten = point("beaten", 9, 6, 2)
    others = [cheap, dear, beaten]
    assert [each.value for each in others if sweep._on_front(each, others)] == ["cheap", "dear"]


def test_a_curve_has_a_point_for_each_value_and_says_what_each_step_brings() -> None:
    pytest.importorskip("scipy")
    names = sweep.steps("operators", "0", "2", 2, TEXT)
    found = run(SETUP, sweep.among("operators", names, TEXT, SETUP), [1, 2])
    curve = sweep.points(found, names)
    first, last = curve
    assert (first.value, last.value) == ("0", "2")
    assert first.more is None
    assert last.more is not None
    assert last.more.mean == pytest.approx(last.loss_avoided_fen.mean - first.loss_avoided_fen.mean)
    assert (first.operator_hours.mean, last.operator_hours.mean > 0) == (0, True)
    assert any(each.front for each in curve)
    assert [each["value"] for each in sweep.report("operators", curve, SETUP, [1, 2])["points"]] == names

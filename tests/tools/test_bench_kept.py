"""What CI holds the cost of a signal to (tests/tools/bench/kept.py): that it can fail, and by what it does."""

import pytest

from tests.tools.bench import kept, yardstick

KEPT = {"core.us_per_signal": 5.0, "screening.cpu_us_per_signal": 7.0}


def times(by: float, which: str = "core.us_per_signal") -> dict[str, float]:
    """Figures of which one is so many times what was kept."""
    return {**KEPT, which: KEPT[which] * by}


@pytest.mark.parametrize("name", KEPT)
def test_a_figure_of_1_4_times_what_was_kept_fails_and_says_what_to_do(name: str) -> None:
    verdicts = kept.held(KEPT, times(1.4, name))
    assert [each.name for each in verdicts if not each.holds] == [name]
    (told,) = [str(each) for each in verdicts if not each.holds]
    assert told.startswith(f"NOT KEPT: {name}")
    assert "1.40 times" in told
    assert "a commit that says why" in told


@pytest.mark.parametrize("by", [0.5, 1.0, 1.29])
def test_up_to_1_3_times_what_was_kept_holds(by: float) -> None:
    assert all(each.holds for each in kept.held(KEPT, times(by)))


def test_a_figure_that_was_kept_and_is_no_longer_measured_fails() -> None:
    (verdict,) = [each for each in kept.held(KEPT, {"core.us_per_signal": 5.0}) if not each.holds]
    assert verdict.name == "screening.cpu_us_per_signal"


def test_a_figure_of_which_nothing_was_kept_fails() -> None:
    (verdict,) = kept.held({}, {"core.us_per_signal": 5.0})
    assert not verdict.holds
    assert "both must be there" in str(verdict)


def test_what_is_kept_is_of_core_and_of_screening() -> None:
    assert set(kept.kept()) == {kept.CORE, kept.SCREENING}


@pytest.mark.parametrize(("found", "code"), [(times(1.4), 1), (times(1.2), 0)])
def test_the_command_ends_with_1_when_something_costs_too_much(
    found: dict[str, float], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measured() -> dict[str, float]:
        return found

    monkeypatch.setattr(kept, "measured", measured)
    monkeypatch.setattr(kept, "kept", lambda: KEPT)
    assert kept.main() == code


async def test_a_run_is_measured_by_the_yardsticks_before_and_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter([1.0, 3.0, 1.0, 3.0, 1.0, 3.0])  # a machine that gets slower and faster

    async def ten() -> float:
        return 10.0

    monkeypatch.setattr(yardstick, "us_per_signal", lambda: next(steps))
    assert await kept.by_turns(ten, 5) == 5.0


def test_the_yardstick_works_each_time() -> None:
    assert all(yardstick.us_per_signal() > 0 for _ in range(2))

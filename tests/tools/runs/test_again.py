"""What failed once is run again only if the machine may be the cause."""

import pytest

from tests.tools.runs.again import MOST, NEVER, NotAgainError, failed_once
from tests.tools.runs.order import SECONDS


def test_some_failed_tests_are_run_again() -> None:
    assert failed_once({"tests/b.py::test_b": True, "tests/a.py::test_a": True}) == [
        "tests/a.py::test_a",
        "tests/b.py::test_b",
    ]


def test_a_run_that_failed_without_a_failed_test_is_not_repeated() -> None:
    with pytest.raises(NotAgainError, match="no test did"):
        failed_once(())


def test_many_failures_are_not_the_machines() -> None:
    with pytest.raises(NotAgainError, match="16 tests failed"):
        failed_once(f"tests/a.py::test_{number}" for number in range(MOST + 1))


@pytest.mark.parametrize("never", NEVER)
def test_an_order_of_events_drawn_by_chance_gets_no_second_run(never: str) -> None:
    with pytest.raises(NotAgainError, match="the order of events"):
        failed_once(["tests/a.py::test_a", f"{never}x"])


def test_the_tests_without_a_second_run_exist() -> None:
    assert "tests/tools/chaos/test_chaos.py" in SECONDS
    from tests.tools.chaos import test_chaos

    assert hasattr(test_chaos, NEVER[1].partition("::")[2] + "_loses_nothing_and_warns_nobody_twice")

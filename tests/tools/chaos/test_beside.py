"""The processes beside a round, which write down what it is judged by."""

from pathlib import Path

import pytest

from tests.tools.chaos.round import beside


def test_a_round_whose_observer_ends_before_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="observer ended by itself with -9 during the round"):
        observed_until_killed(tmp_path)


def observed_until_killed(folder: Path) -> None:
    with (
        (folder / "log").open("wb") as log,
        beside(log, "tests.tools.chaos.judging.observer", "127.0.0.1:1", folder / "seen") as process,
    ):
        process.kill()
        process.wait()

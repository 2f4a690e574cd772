"""Reports drawn: made up ones, of the form that the commands write."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import UserError
from simulators.lab import plots
from simulators.lab.compare import BEYOND_NOBODY, MEASURES

pytest.importorskip("matplotlib")


def about(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": 0.9 * mean, "high": 1.1 * mean}


def judged(brier: float) -> dict[str, Any]:
    return {"brier": brier, "calibration": [(0.1, 0.2), (0.8, 0.7)]}


ALL = {"by_hand": judged(0.2), "free": judged(0.05), "learnt": judged(0.1)}
COMPARED = {
    "policies": {
        name: dict.fromkeys((*MEASURES, BEYOND_NOBODY), about(10**9)) for name in ("default", "oracle", "nobody")
    },
}
POINT = {"loss_avoided_fen": about(10**9), "contacts": about(300)}
SWEPT = {
    "parameter": "operators",
    "points": [{"value": "1", "front": True, **POINT}, {"value": "2", "front": False, **POINT}],
}
FITTED = {"unseen": {"7": ALL}, "by_time": [{"from": "2026-03-03", **ALL}]}
CURVE = {
    "people": 9,
    "defrauded": 1,
    "points": [
        {"days": 0.0, "share": 1.0, "low": 1.0, "high": 1.0},
        {"days": 1.0, "share": 0.9, "low": 0.7, "high": 1.0},
    ],
}
WARNED = {"not_defrauded": {"level": {"red": CURVE, "blue": CURVE}, "channel": {"sms": CURVE}}}


@pytest.mark.parametrize(
    ("report", "name"), [(COMPARED, "compare"), (SWEPT, "sweep"), (FITTED, "fit"), (WARNED, "survival")]
)
def test_every_report_is_drawn_as_png_and_as_svg(report: Mapping[str, Any], name: str, tmp_path: Path) -> None:
    drawn = plots.drawn(report, tmp_path / "plots")
    assert [path.name for path in drawn] == [f"{name}.png", f"{name}.svg"]
    assert all(path.stat().st_size > 1000 for path in drawn)


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    first, second = (plots.drawn(SWEPT, tmp_path / name)[1].read_bytes() for name in ("a", "b"))
    assert first == second


def test_what_is_no_report_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--report"):
        plots.drawn({"accepted": 3}, tmp_path)

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quanzu
from tests.simulators.lab.test_lab_plots import SWEPT

pytest.importorskip("matplotlib")


def test_a_report_is_drawn_again_and_it_is_said_where_the_plots_are(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    report.write_text(json.dumps(SWEPT), "utf-8")
    ended = CliRunner().invoke(quanzu.app, ["lab", "plot", str(report), str(tmp_path / "plots")])
    assert ended.exit_code == 0, ended.output
    drawn = [tmp_path / "plots" / name for name in ("sweep.png", "sweep.svg")]
    assert ended.output.split() == [str(path) for path in drawn]
    assert all(path.exists() for path in drawn)


def test_what_is_no_json_is_no_report(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    report.write_text("levels = 3", "utf-8")
    ended = CliRunner().invoke(quanzu.app, ["lab", "plot", str(report)])
    assert ended.exit_code != 0
    assert "not JSON" in f"{ended.output}{ended.exception}"

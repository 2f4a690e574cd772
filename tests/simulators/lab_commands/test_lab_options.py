"""The laboratory's commands take the same options, and each tells what it has done."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import quanzu
import simulators.lab_commands

SHORT = ["--days", "0.02", "--compressed", "--seeds", "2", "--processes", "1", "--operators", "1", "--officers", "1"]
ALIKE = {"default", "first_seed", "residents", "compressed", "report", "processes"}


def options(name: str) -> Mapping[str, Any]:
    """The defaults of a command's parameters, by name."""
    group = typer.main.get_command(simulators.lab_commands.app)
    command = group.commands[name]  # type: ignore[attr-defined]  # it is a group
    return {each.name: each.default for each in command.params if each.name != "help"}


def run(*arguments: str) -> str:
    ended = CliRunner().invoke(quanzu.app, ["lab", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_what_one_command_that_lives_through_provinces_takes_the_others_take_too() -> None:
    compare, sweep, money = (options(name) for name in ("compare", "sweep", "money"))
    assert sweep.keys() - compare.keys() == {"parameter", "since", "until", "steps"}
    assert compare.keys() - money.keys() == {"policies", "plots"}
    assert all(compare[name] == sweep[name] == money[name] for name in ALIKE)
    assert (compare["seeds"], sweep["seeds"], money["seeds"]) == (20, 20, 100)


def test_a_comparison_is_told_and_written(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    told = run("compare", *SHORT, "--first-seed", "3", "--report", str(tmp_path / "r.json"))
    assert "first_come" in told
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["seeds"] == [3, 4]
    assert (report["setup"]["operators"], report["setup"]["compressed"]) == (1, True)


def test_a_sweep_has_a_line_for_each_value(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    told = run("sweep", "operators", "1", "2", "--steps", "2", *SHORT, "--report", str(tmp_path / "r.json"))
    assert "operators, mean" in told
    assert [point["value"] for point in json.loads((tmp_path / "r.json").read_text("utf-8"))["points"]] == ["1", "2"]


def test_the_study_of_stops_prints_its_ways_and_names_the_bars_that_are_missed(tmp_path: Path) -> None:
    report = tmp_path / "stops.json"
    told = ["lab", "stops", "--seeds", "2", "--days", "1", "--processes", "1", "--report", str(report)]
    ended = CliRunner().invoke(quanzu.app, told)
    found = json.loads(report.read_text("utf-8"))
    assert ended.exit_code == int(bool(found["missed"])), ended.output
    assert f"bars missed: {', '.join(found['missed']) or 'none'}" in ended.output
    assert set(found["ways"]) == {"followed", "each_hop", "one_hop", "fed", "oracle"}
    assert found["ways"]["followed"]["reports"] == 42

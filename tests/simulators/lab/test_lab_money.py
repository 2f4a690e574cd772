"""`quanzu lab money`: the ledger beside the truth, and who is defrauded after a warning."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import quanzu
from schemas.levels import EvidenceClass
from simulators.lab import money, tables
from simulators.lab.money import Seed
from tests.simulators.lab.runs import TEXT, setup

pytest.importorskip("lifelines")
A, B, C, D = EvidenceClass


@pytest.fixture(scope="module")
def found() -> dict[int, Seed]:
    return money.run(setup(), TEXT, range(1, 4))


def told(table: object) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_banks_words_are_never_over_the_truth(found: dict[int, Seed]) -> None:
    for one in found.values():
        assert (one.judged[A].over, one.judged[B].over) == (0, 0)
    by_class = {each.evidence: each for each in money.verdicts(found)}
    assert by_class[A].honest
    assert by_class[A].claims == 3


def test_whoever_is_defrauded_after_a_warning_was_warned_before(found: dict[int, Seed]) -> None:
    rows = [row for one in found.values() for row in one.followed]
    assert any(row.defrauded for row in rows)
    assert all(row.warned_at <= row.until for row in rows)
    first = sum(row.first for row in rows)
    assert sum(curve.people for curve in money.curves(found)["level"].values()) == first


def test_the_report_tells_each_class_each_seed_and_each_hour_of_a_short_curve(found: dict[int, Seed]) -> None:
    verdicts, curves = money.verdicts(found), money.curves(found)
    report = json.loads(json.dumps(money.report(setup(), TEXT, found, verdicts, curves)))
    assert report["classes"].keys() == {"A", "B", "C", "D"}
    assert report["by_seed"].keys() == {"1", "2", "3"}
    curve = report["not_defrauded"]["channel"]["sms"]
    assert [point["days"] for point in curve["points"]] == pytest.approx([0, 1 / 24])
    assert all(point["low"] <= point["share"] <= point["high"] for point in curve["points"][1:])


def test_the_tables_name_every_class_level_and_channel(found: dict[int, Seed]) -> None:
    classes = told(tables.honest(money.verdicts(found)))
    assert all(f" {each} " in classes for each in EvidenceClass)
    warned = told(tables.warned(money.curves(found), [1 / 24]))
    assert all(f" {name} " in warned for name in ("red", "blue", "sms", "phone", "visit"))


def test_the_command_ends_with_1_and_says_why_where_a_class_is_not_shown_to_be_honest(tmp_path: Path) -> None:
    arguments = ["--seeds", "1", "--days", "0.02", "--compressed", "--processes", "1"]
    report = tmp_path / "money.json"
    ended = CliRunner().invoke(quanzu.app, ["lab", "money", *arguments, "--report", str(report)])
    assert ended.exit_code == 1
    assert "class D" in ended.output
    assert ended.output.splitlines()[-1].startswith("honest: ")
    assert json.loads(report.read_text("utf-8"))["setup"]["operators"] == 1

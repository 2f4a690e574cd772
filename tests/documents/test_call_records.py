"""The worked example of docs/how-to/call-records.md does what the page shows, and its tables are those of the code."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quanzu
from console.commands import common
from domain.carriers.call_causes import end_by_asterisk, end_by_freeswitch, end_by_q850, end_by_sip
from domain.carriers.call_rows import CallFault
from schemas.risk.signals import CallEnd
from streams.intake.formats.call_files import CALL_FORMATS

PAGE = (Path(__file__).parents[2] / "docs/how-to/call-records.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
CAUSES = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
COMMAND = ["intake", "calls", "Master.csv", "--format", "asterisk-csv", "--source", "carrier-a"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ((rows,),) = [[text] for kind, text in BLOCKS if kind == "csv"]
    (tmp_path / "Master.csv").write_text(rows, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common.out, "width", 200)  # no row is folded
    return tmp_path


def lines(text: str) -> list[str]:
    """The lines, each with one blank where the terminal has several."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_the_trial_shows_what_the_page_shows(folder: Path) -> None:
    ((first, shown),) = [text.split("\n", 1) for _, text in BLOCKS if "--try" in text]
    command = shlex.split(first.removeprefix("$ quanzu "))
    ended = CliRunner().invoke(quanzu.app, command)
    assert (ended.exit_code, lines(ended.output)) == (1, lines(shown))
    assert "14200000001" not in ended.output
    assert "+8614200000001" in CliRunner().invoke(quanzu.app, [*command, "--no-mask"]).output
    last = (folder / "Master.csv").read_text("utf-8").replace('"UNKNOWN"', '"FAILED"')
    (folder / "Master.csv").write_text(last, "utf-8")
    assert CliRunner().invoke(quanzu.app, command).exit_code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["intake", "calls", "Master.csv"], "--format"),
        (["intake", "calls", "Master.csv", "--format", "asterisk"], "asterisk-csv"),
        (["intake", "calls", "Master.csv", "--format", "asterisk-csv"], "--source"),
        ([*COMMAND, "--area", "04x"], "area"),
        ([*COMMAND, "--country", "cn"], "country"),
        ([*COMMAND, "--zone", "Mars/Base"], "time zone"),
        (["intake", "jsonl", "Master.csv", "--source", "carrier-a"], "--source"),
        (["intake", "jsonl", "Master.csv", "--try"], "--try"),
    ],
)
def test_options_that_are_missing_or_wrong_are_named(folder: Path, command: list[str], said: str) -> None:
    ended = CliRunner().invoke(quanzu.app, command)
    assert ended.exit_code == 2
    assert said in ended.output


def test_the_pages_table_of_causes_is_the_codes() -> None:
    assert {row[0] for row in CAUSES} >= set(CallEnd)
    for meaning, q850, sip, freeswitch, asterisk in (row for row in CAUSES if row[0] in set(CallEnd)):
        for cause in re.findall(r"\b\d+\b", q850):
            assert end_by_q850(int(cause)) == meaning, cause
        for status in re.findall(r"\b\d+\b", sip.replace("from 300 on", "")):
            assert end_by_sip(int(status)) == meaning, status
        for name in re.findall(r"`([A-Z_]+)`", freeswitch):
            assert end_by_freeswitch(name) == meaning, name
        for name in re.findall(r"`([A-Z ]+)`", asterisk):
            assert end_by_asterisk(name) == meaning, name


def test_the_page_names_every_format_and_every_code() -> None:
    assert [name for name in (*CALL_FORMATS, *CallFault) if f"`{name}`" not in PAGE] == []

"""The worked example of docs/how-to/reported-frauds.md: the file, mapping and commands do as shown."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quanzu
from console.commands import common

PAGE = (Path(__file__).parents[2] / "docs/how-to/reported-frauds.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
NUMBER = "990101198001010014"
SECRETS = ("王某某", "14200000009", "6200000000000001", "A0000000001")


def block(kind: str, contains: str = "") -> str:
    """The page's only block of this kind that contains the text."""
    (found,) = [text for of, text in BLOCKS if of == kind and contains in text]
    return str(found)


def without_blanks(text: str) -> list[str]:
    """The lines, each with one blank where the terminal has several."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "frauds.csv").write_bytes(block("csv").encode("gb18030"))
    (tmp_path / "force.toml").write_text(block("toml"), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common.out, "width", 230)  # no row is folded
    return tmp_path


def test_the_trial_shows_what_the_page_shows_and_hides_the_victim(folder: Path) -> None:
    first, _, shown = block("", "--try").partition("\n")
    command = shlex.split(first.removeprefix("$ quanzu "))
    ended = CliRunner().invoke(quanzu.app, command)
    assert ended.exit_code == 1, ended.output
    assert without_blanks(ended.output) == without_blanks(shown)
    assert [secret for secret in (*SECRETS, NUMBER) if secret in ended.output] == []
    whole = CliRunner().invoke(quanzu.app, [*command, "--no-mask"]).output
    assert [secret for secret in SECRETS if secret not in whole] == []
    assert NUMBER not in whole


def test_the_word_that_the_page_adds_makes_every_row_readable(folder: Path) -> None:
    (added,) = re.findall(r'add `("杀猪盘" = "\w+")`', PAGE)
    (folder / "force.toml").write_text(block("toml") + added + "\n", "utf-8")
    ended = CliRunner().invoke(quanzu.app, ["intake", "frauds", "frauds.csv", "--mapping", "force.toml", "--try"])
    assert ended.exit_code == 0, ended.output


def test_a_file_with_our_columns_is_tried_without_a_mapping(folder: Path) -> None:
    (folder / "day.csv").write_text(f"案件编号,受理时间,身份证号,姓名\nA1,2026-03-01 11:00,{NUMBER},王某某\n", "utf-8")
    ended = CliRunner().invoke(quanzu.app, ["intake", "frauds", "day.csv", "--source", "police", "--try"])
    assert ended.exit_code == 0, ended.output
    assert "hashed" in ended.output
    assert "王**" in ended.output


@pytest.mark.parametrize("options", [[], ["--mapping", "force.toml", "--source", "police"]])
def test_a_file_needs_its_source_or_its_mapping_and_not_both(folder: Path, options: list[str]) -> None:
    ended = CliRunner().invoke(quanzu.app, ["intake", "frauds", "frauds.csv", *options])
    assert ended.exit_code == 2
    assert "--source" in ended.output

"""The worked example of docs/how-to/bank-files.md: its file, its mapping and its commands do what the page shows."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quanzu
from console.commands import common
from domain.feeds.bank_mapping import load
from schemas.risk.signals import Channel, TransferState
from streams.intake.acceptor import Intake
from streams.intake.files import intake_file
from streams.intake.formats import Options
from streams.messaging import topics
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/bank-files.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ADDED = '"网上银行" = "web_bank"\n"柜面" = "counter"'


def block(kind: str, contains: str = "") -> str:
    """The page's only block of this kind that contains the text."""
    (found,) = [text for of, text in BLOCKS if of == kind and contains in text]
    return str(found)


def without_blanks(text: str) -> list[str]:
    """The lines, each with one blank where the terminal has several."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "payments.csv").write_bytes(block("csv").encode("gb18030"))
    (tmp_path / "bank.toml").write_text(block("toml"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_trial_shows_what_the_page_shows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common.out, "width", 200)  # no row is folded
    first, _, shown = block("", "--try").partition("\n")
    command = shlex.split(first.removeprefix("$ quanzu "))
    ended = CliRunner().invoke(quanzu.app, command)
    assert ended.exit_code == 1
    assert without_blanks(ended.output) == without_blanks(shown)
    whole = CliRunner().invoke(quanzu.app, [*command, "--no-mask"])
    assert "6222000000000001" in whole.output
    assert "6222000000000001" not in ended.output
    assert f"Add `{ADDED.splitlines()[1]}` to `[channel]`" in PAGE
    (folder / "bank.toml").write_text(block("toml").replace(ADDED.splitlines()[0], ADDED), "utf-8")
    assert CliRunner().invoke(quanzu.app, command).exit_code == 0


@pytest.mark.parametrize("options", [[], ["--no-mask"]])
def test_the_trial_says_that_an_id_number_is_hashed_and_never_shows_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(common.out, "width", 200)
    number = "990101198001010014"  # its check digit fits, and its region is none
    title, header, *rows = block("csv").splitlines()
    lines = [title, f"{header},证件号码", f"{rows[0]},{number}", f"{rows[1]},E1234", rows[-1]]
    (folder / "payments.csv").write_bytes("\n".join(lines).encode("gb18030"))
    text = block("toml").replace("[amount]", 'payer_id = "证件号码"\n\n[amount]', 1)
    (folder / "bank.toml").write_text(text, "utf-8")
    command = ["intake", "csv", "payments.csv", "--mapping", "bank.toml", "--try", *options]
    ended = CliRunner().invoke(quanzu.app, command)
    assert ended.exit_code == 0, ended.output
    assert number not in ended.output
    shown = without_blanks(ended.output)
    assert shown[0].endswith("ID number")
    assert [line.rsplit(" ", 1)[1] for line in shown[1:3]] == ["hashed", "–"]


async def test_the_file_is_taken_in_with_the_report_that_the_page_shows(folder: Path, settings: Settings) -> None:
    topics.create(settings)
    mapping = load(block("toml").replace(ADDED.splitlines()[0], ADDED))
    producer = make_producer(settings)
    await producer.start()
    try:
        intake, path = Intake(producer, settings), folder / "payments.csv"
        report = await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=mapping))
    finally:
        await producer.stop()
    assert report.model_dump_json(indent=2) == block("", '"rows"').partition("\n")[2].strip()


def test_the_page_names_every_state_and_channel() -> None:
    assert [each for each in (*TransferState, *Channel) if f"`{each}`" not in PAGE] == []


@pytest.mark.parametrize("options", [["csv"], ["jsonl", "--try"], ["cdr", "--mapping"]])
def test_options_that_do_not_fit_the_format_are_refused(folder: Path, options: list[str]) -> None:
    given = [*options, "bank.toml"] if "--mapping" in options else options
    ended = CliRunner().invoke(quanzu.app, ["intake", given[0], "payments.csv", *given[1:]])
    assert ended.exit_code == 2
    assert "--mapping" in ended.output


def test_a_mapping_that_cannot_be_used_is_named_with_its_file(folder: Path) -> None:
    (folder / "bank.toml").write_text(block("toml").replace('"yuan"', '"jiao"'), "utf-8")
    ended = CliRunner().invoke(quanzu.app, ["intake", "csv", "payments.csv", "--mapping", "bank.toml"])
    assert str(ended.exception) == "bank.toml, [amount] unit: not a known value. Write 'yuan', 'fen' or 'wan_yuan'"

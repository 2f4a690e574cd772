"""Two policies over files of recorded signals, to the report and the table."""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import quanzu
from domain.policy import load
from domain.risk.backtest import CaseDifference
from simulators.backtest.recorded import RecordedError
from simulators.backtest.register import ResidentsError
from simulators.backtest.report import report, table
from simulators.backtest.run import Answer, NothingRecordedError, Policies, from_files
from simulators.demo.simulate import simulate
from streams.intake.formats import Options
from tests.domain.risk.riskworld import POLICY
from tests.simulators.backtest.recordings import JILIN

AMLSIM = "sourceNodeId,targetNodeId,value,time\n10,20,5000,1\n11,20,7000,1\n10,20,9000,4\n12,21,100,4\nx,1,1,1\n"
WATCH = {"kind": "watchlist", "source": "police", "id": "w", "at": "2026-01-03T12:00:00+08:00", "subject": "account"}
CONFIRMED = {**WATCH, "value": "AML00000020", "state": "confirmed"}
CDR = (
    "RecordID,EventTimestamp,Direction,EventType,CallingNumber,CalledNumber,DurationSec\n"
    "A2,2026-01-02 10:00:00,MT,VOICE,+529296149297,+8619900000001,1900\n"
    "A1,2026-01-01 10:00:00,MT,VOICE,+529296149297,+8619900000001,30\n"
    "A3,2026-01-01 11:00:00,MT,SMS,+529296149297,+8619900000001,0\n"
)


def candidate(before: str, after: str) -> Policies:
    assert before in JILIN
    return Policies(load(JILIN.replace(before, after)), load(JILIN))


SAME = Policies(load(JILIN), load(JILIN))
MORE_ORANGE = candidate("orange = -3.0", "orange = -6.9")
FEWER = candidate("blue = -10.0, yellow = -7.0", "blue = -7.0, yellow = -6.0")


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("province")
    simulate(7, 1, folder, residents=400)
    return folder


async def of_province(province: Path, policies: Policies) -> Answer:
    files = [("jsonl", province / "signals.jsonl")]
    return await from_files(policies, files, Options(), province / "residents.jsonl")


async def of(tmp_path: Path, policies: Policies, *files: tuple[str, str]) -> Answer:
    named = []
    for number, (name, text) in enumerate(files):
        path = tmp_path / f"{number}.{name}"
        path.write_text(text, "utf-8")
        named.append((name, path))
    return await from_files(policies, named, Options(), None)


def counted(answer: Answer, *changes: CaseDifference) -> Sequence[int]:
    return [answer.comparison.changes[change] for change in changes]


async def test_a_candidate_equal_to_the_other_differs_in_nothing(province: Path) -> None:
    answer = await of_province(province, SAME)
    assert answer.comparison.differences == []
    assert answer.comparison.alike == answer.comparison.other.levels.total() > 20
    assert answer.refused == 0


async def test_a_lower_orange_threshold_raises_sooner_and_never_later(province: Path) -> None:
    answer = await of_province(province, MORE_ORANGE)
    better = counted(answer, CaseDifference.GRAVER, CaseDifference.SOONER)
    assert all(better)
    assert counted(answer, CaseDifference.LATER, CaseDifference.MILDER, CaseDifference.MISSED, CaseDifference.MORE) == [
        0,
        0,
        0,
        0,
    ]


async def test_higher_thresholds_miss_cases_and_raise_none_more(province: Path) -> None:
    answer = await of_province(province, FEWER)
    assert counted(answer, CaseDifference.MISSED)[0] > 0
    assert counted(answer, CaseDifference.MORE, CaseDifference.GRAVER, CaseDifference.SOONER) == [0, 0, 0]


async def test_cases_are_counted_by_level_and_prefecture_and_differences_told_with_reasons(province: Path) -> None:
    told = report(await of_province(province, MORE_ORANGE))
    assert "长春市" in told["against"]["places"]
    assert told["against"]["cases"] == sum(told["against"]["levels"].values())
    first = told["differences"][0]
    assert first["candidate"][-1]["reasons"]
    assert first["against"][-1]["reasons"]
    assert first["who"].startswith("r")
    json.dumps(told)


async def test_payments_of_amlsim_are_judged_by_the_watchlist_of_another_file(tmp_path: Path) -> None:
    shorter = candidate('window = "72h"', 'window = "24h"')
    answer = await of(tmp_path, shorter, ("amlsim", AMLSIM), ("jsonl", json.dumps(CONFIRMED)))
    assert (answer.signals, answer.refused) == (5, 1)
    assert answer.comparison.other.levels.total() == 2
    assert counted(answer, CaseDifference.MISSED, CaseDifference.LATER) == [
        1,
        1,
    ]  # one pays again once the payee is known


async def test_call_records_in_any_order_are_one_persons_case(tmp_path: Path) -> None:
    answer = await of(tmp_path, SAME, ("cdr", CDR))
    assert answer.comparison.alike == 1
    assert f"{answer.since:%d %H:%M:%S}" == "01 10:00:30"


async def test_no_telephone_and_no_account_is_in_what_is_told(tmp_path: Path) -> None:
    answer = await of(tmp_path, FEWER, ("cdr", CDR), ("amlsim", AMLSIM), ("jsonl", json.dumps(CONFIRMED)))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table(answer))
    text = json.dumps(report(answer), ensure_ascii=False) + console.export_text()
    assert answer.comparison.differences
    assert "person 1" in text
    for number in ("9900000001", "6149297", "AML0"):
        assert number not in text


async def test_a_packed_file_is_read_and_one_that_is_cut_off_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(CDR.encode())
    (tmp_path / "whole.gz").write_bytes(whole)
    (tmp_path / "part.gz").write_bytes(whole[:-20])
    answer = await from_files(SAME, [("cdr", tmp_path / "whole.gz")], Options(), None)
    assert answer.signals == 3
    with pytest.raises(RecordedError, match="cut off"):
        await from_files(SAME, [("cdr", tmp_path / "part.gz")], Options(), None)


async def test_a_file_of_another_kind_and_an_empty_one_are_told(tmp_path: Path) -> None:
    with pytest.raises(RecordedError, match="lacks the column"):
        await of(tmp_path, SAME, ("cdr", AMLSIM))
    with pytest.raises(NothingRecordedError):
        await of(tmp_path, SAME, ("jsonl", "\n"))


async def test_a_file_of_residents_that_is_none_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "people").write_text('{"name": "x"}\n', "utf-8")
    (tmp_path / "signals").write_text(json.dumps(CONFIRMED), "utf-8")
    with pytest.raises(ResidentsError, match="line 1"):
        await from_files(SAME, [("jsonl", tmp_path / "signals")], Options(), tmp_path / "people")


def command(*arguments: object) -> tuple[int, str]:
    told = CliRunner().invoke(quanzu.app, ["lab", "backtest", *map(str, arguments)])
    return told.exit_code, told.output


def test_the_command_tells_the_differences_and_writes_them_down(
    province: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANZU_DATA", str(tmp_path))
    mine, written = tmp_path / "mine.toml", tmp_path / "r.json"
    mine.write_text(JILIN.replace("orange = -3.0", "orange = -6.9"), "utf-8")
    given = ("--file", province / "signals.jsonl", "--format", "jsonl", "--residents", province / "residents.jsonl")
    code, text = command(mine, "--against", POLICY, *given, "--report", written)
    assert code == 0
    assert "what the candidate does otherwise" in text
    assert json.loads(written.read_text("utf-8"))["changes"]["later"] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "--file"),
        (["--file", str(POLICY), "--format", "xml"], "no format"),
        (["--file", str(POLICY)], "one --format"),
    ],
)
def test_the_command_says_what_it_needs(
    given: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANZU_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    code, text = command(POLICY, *given)
    assert code == 2
    assert words in text

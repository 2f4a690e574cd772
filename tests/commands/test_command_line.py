"""The command line as whoever begins with Quanzu uses it: what is wrong is said in words, and what was done is told."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import redis.exceptions
import typer
from kafka.errors import KafkaTimeoutError

import quanzu
from console.commands.running import in_words
from streams.messaging import topics
from streams.runtime.embedded import LOCK, RUNNING, Embedded
from streams.runtime.server_discovery import announce
from streams.runtime.settings import POLICY, Settings

REPOSITORY = Path(quanzu.__file__).parent
START_SECONDS = 60.0


class Told(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Told]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("QUANZU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANZU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["quanzu", *arguments])
        code: object = 0
        try:
            quanzu.main()
        except SystemExit as ended:
            code = ended.code
        return Told(int(str(code or 0)), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Embedded(tmp_path_factory.mktemp("house")) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        announce(settings)
        yield settings


@pytest.fixture
def house(own_servers: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An embedded Quanzu that runs in the data folder."""
    monkeypatch.setenv("QUANZU_DATA", str(own_servers.data))
    return own_servers


def _commands(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, member in group.commands.items():
        if isinstance(member, typer.core.TyperGroup):
            yield from _commands(member, (*path, name))
        else:
            yield (*path, name)


def _all_commands() -> list[tuple[str, ...]]:
    group = typer.main.get_command(quanzu.app)
    assert isinstance(group, typer.core.TyperGroup)
    return list(_commands(group))


@pytest.mark.parametrize("path", _all_commands(), ids=" ".join)
def test_every_command_says_what_it_is_for(command: Command, path: tuple[str, ...]) -> None:
    told = command(*path, "--help")
    assert told.code == 0
    assert f"Usage: quanzu {' '.join(path)}".strip() in told.out


@pytest.mark.parametrize("arguments", [["demo"], ["hold", "add", "--by", "me", "--reason", "a trial"]], ids=" ".join)
def test_a_time_without_its_unit_is_refused_with_how_to_write_it(command: Command, arguments: list[str]) -> None:
    told = command(*arguments, "--for", "5")
    assert told.code == 2
    assert 'Write "5m" for five minutes' in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["admin", "topics", "check"],
        ["residents", "export", "a.csv"],
        ["case", "list"],
        ["case", "show", "x"],
        ["admin", "ledger"],
        ["admin", "official"],
    ],
    ids=" ".join,
)
def test_a_command_that_needs_a_running_quanzu_says_how_to_start_one(command: Command, arguments: list[str]) -> None:
    told = command(*arguments)
    assert told.code == 1
    assert "Start `quanzu worker` in another terminal" in told.err


def test_the_official_form_is_printed_as_json_and_written_once_as_a_csv_file(
    command: Command, house: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "form.csv"
    told = command("admin", "official", "--day", "2026-03-05", "--csv", str(file))
    assert told.code == 0, told.err
    assert json.loads(told.out)["periods"]["day"]["before"] == ["2025-03-05", "2025-03-05"]
    assert file.read_text("utf-8-sig").splitlines()[1].startswith("avoided,fen,day,2026-03-05,2026-03-05,0,")
    assert command("admin", "official", "--csv", str(file)).code == 1, "no file is written over"
    for day in ("2000-02-29", "2026-02-30"):
        assert command("admin", "official", "--day", day).code == 2


def test_the_addresses_that_a_killed_quanzu_left_behind_are_not_believed(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / LOCK).touch()
    (data / RUNNING).write_text(json.dumps({"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0"}))
    assert "no servers" in command("admin", "topics", "check").err


def test_a_demo_does_not_mix_with_a_quanzu_that_runs_in_its_folder(command: Command, house: Settings) -> None:
    told = command("demo", "--for", "1s")
    assert told.code == 1
    assert "another Quanzu runs" in told.err


def test_a_report_that_could_not_be_written_is_refused_before_the_run(command: Command, tmp_path: Path) -> None:
    told = command("demo", "--report", str(tmp_path / "nowhere" / "r.json"))
    assert told.code == 2
    assert "there is no folder" in told.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("QUANZU_CLOCK", "noon", "Write speed@start@epoch seconds"),
        ("QUANZU_LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("QUANZU_KAFKA", "one:9092", "belong together"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    told = command("doctor")
    assert told.code == 1
    assert name in told.err
    assert words in told.err


def test_a_policy_with_a_mistake_names_the_file_and_the_place(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(POLICY.read_text("utf-8").replace("busy_in_a_row = 2", 'busy_in_a_row = "two"'), "utf-8")
    told = command("policy", "check", str(file))
    assert told.code == 1
    assert "policy mine.toml cannot be used" in told.err
    assert '[plan.busy_in_a_row = "two"] It must be a whole number' in told.err


def test_a_policy_in_another_encoding_is_refused_with_what_to_do(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(POLICY.read_text("utf-8").encode("gb18030"))
    told = command("policy", "check", str(file))
    assert told.code == 1
    assert "save the file as UTF-8" in told.err


def test_a_hold_on_a_channel_that_is_none_is_refused_with_the_channels(command: Command, house: Settings) -> None:
    told = command("hold", "add", "--by", "me", "--reason", "a trial", "--for", "5m", "--channel", "pigeon")
    assert told.code == 1
    assert "'sms', 'phone', 'visit', 'payment' or 'province'" in told.err


def test_a_hold_that_is_not_in_force_cannot_be_lifted(command: Command, house: Settings) -> None:
    told = command("hold", "lift", "hnone", "--by", "me", "--reason", "a trial")
    assert (told.code, told.err.strip()) == (1, "no hold 'hnone' is in force")


def test_an_unknown_case_is_answered_with_where_the_ids_are(command: Command, house: Settings) -> None:
    told = command("case", "show", "rnobody-1")
    assert told.code == 1
    assert "`quanzu case list` has them" in told.err


def test_people_who_are_known_already_are_counted_as_unchanged(
    command: Command, house: Settings, tmp_path: Path
) -> None:
    file = str(tmp_path / "people.csv")
    command("residents", "example", file)
    command("residents", "import", file)
    assert json.loads(command("residents", "import", file).out)["unchanged"] == 20


def test_a_row_that_is_refused_is_told_by_line_and_kept_in_a_file(
    command: Command, house: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,occupation,division,birth_year,sex\n某某,farmer,220102,1960,robot\n", "utf-8")
    told = command("residents", "import", str(file))
    assert json.loads(told.out) == {"rows": 1, "imported": 0, "unchanged": 0, "refused": 1}
    assert "line 2, sex:" in told.err
    assert "people.csv.refused.csv" in told.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("people.csv", "name;age\n".encode("utf-16"), "Save it as UTF-8 or GB 18030"),
        ("people.csv", b"who,where\n", "unknown column: 'where', 'who'; missing: "),
        ("people.xlsx", b"PK", "only .csv and .parquet are read"),
    ],
)
def test_a_file_that_is_no_table_of_residents_is_refused_with_the_reason(
    command: Command, house: Settings, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    told = command("residents", "import", str(tmp_path / name))
    assert told.code == 1
    assert words in told.err


@pytest.mark.parametrize("name", ["people.txt", "nowhere/people.csv"])
def test_residents_cannot_be_exported_to_where_no_table_can_be(command: Command, house: Settings, name: str) -> None:
    told = command("residents", "export", name)
    assert told.code == 1
    assert "only .csv and .parquet are written" in told.err or "there is no such folder" in told.err


def test_a_file_taken_in_by_servers_of_its_own_is_said_to_be_gone(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "transactions.csv"
    file.write_text("sourceNodeId,targetNodeId,value,time\n1,2,3.50,1\n1,2,3.505,1\n", "utf-8")
    told = command("intake", "amlsim", str(file), "--report", str(tmp_path / "r.json"))
    found = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (found["rows"], found["accepted"], found["dead_lettered"]) == (2, 1, 1)
    assert "gone now with what was taken in" in told.err


def test_doctor_tells_of_missing_topics_and_ends_well(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Embedded(tmp_path / "data") as embedded:
        announce(embedded.settings(Settings()))
        told = command("doctor")
    assert told.code == 1
    assert "topic signals is missing" in told.out
    assert "quanzu admin topics create" in told.out


def test_a_fault_of_the_program_keeps_its_traceback_and_servers_that_are_away_are_told_in_words() -> None:
    assert in_words(ValueError("a mistake in the program")) is None
    assert "`quanzu doctor`" in (in_words(KafkaTimeoutError()) or "")
    assert "`quanzu doctor`" in (in_words(redis.exceptions.ConnectionError()) or "")
    assert in_words(FileNotFoundError(2, "No such file or directory", "people.csv")) == (
        "people.csv: No such file or directory"
    )


def test_a_table_is_not_cut_where_there_is_no_terminal() -> None:
    wide = "from rich.table import Table\nfrom console.commands.common import out\nt = Table(*'abcd')\n"
    wide += "t.add_row(*('figure' * 6 for _ in range(4)))\nout.print(t)"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", wide]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.count("figure" * 6) == 4


def test_a_worker_whose_metrics_port_is_taken_ends_with_one_sentence(house: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = _started("worker", QUANZU_DATA=str(house.data), QUANZU_METRICS_PORT=port)
        told, _ = ended.communicate(timeout=START_SECONDS)
    assert ended.returncode == 1
    assert f"QUANZU_METRICS_PORT = {port}" in told
    assert "Traceback" not in told


def test_the_provinces_metrics_are_served_beside_a_worker_and_intakes_where_they_are_asked_for() -> None:
    with (
        _running("worker", until="the worker is ready"),
        _running("metrics", "serve", until="/metrics", QUANZU_EXPORTER_PORT="0") as address,
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        until = time.monotonic() + START_SECONDS
        nobody = 'quanzu_dissuaded{basis="evidenced"} 0.0'
        while nobody not in (told := httpx.get(address).text) and time.monotonic() < until:
            time.sleep(0.2)
        assert 'quanzu_partition_owned{partition="0"} 1.0' in told
        assert nobody in told
        port = str(taken.getsockname()[1])
        for names, setting in ((("metrics", "serve"), "EXPORTER"), (("intake", "serve"), "INTAKE_METRICS")):
            ended = _started(*names, **{f"QUANZU_{setting}_PORT": port})
            words, _ = ended.communicate(timeout=START_SECONDS)
            assert ended.returncode == 1
            assert f"QUANZU_{setting}_PORT = {port}" in words
            assert "Traceback" not in words


def test_a_first_signal_by_http_becomes_a_case_that_can_be_shown(command: Command, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with _running("worker", until="the worker is ready"), _running("intake", "serve", until="http://") as address:
        command("residents", "example", "people.csv")
        command("residents", "import", "people.csv")
        payer = (tmp_path / "people.csv").read_text("utf-8-sig").splitlines()[1].split(",")
        headers = {"Authorization": f"Bearer {(data / 'api-key').read_text().strip()}"}
        answer = httpx.post(f"{address}/signals", json=_danger(payer[2], payer[3]), headers=headers)
        assert answer.status_code == 202
        case = f"{payer[0]}-1"
        until = time.monotonic() + START_SECONDS
        red = f"case {case}  red"  # the call and the payment may be screened one after the other: yellow first
        while red not in (shown := command("case", "show", case)).out and time.monotonic() < until:
            time.sleep(0.2)
        assert red in shown.out
        assert case in command("case", "list").out


def _danger(phone: str, account: str) -> list[dict[str, object]]:
    now = datetime.now(UTC).isoformat()
    call = {"kind": "call", "source": "carrier", "id": "c1", "at": now, "caller": "+85212345678", "called": phone}
    payment = {"kind": "transfer", "source": "bank", "id": "t1", "at": now, "payer": account, "payee": "62000000000001"}
    return [
        call | {"seconds": 420, "ongoing": True, "number_class": "spoofed"},
        payment | {"amount_fen": 5_000_000, "channel": "mobile_bank", "state": "pending", "new_payee": True},
    ]


def _started(*arguments: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "QUANZU_HTTP_PORT": "0", "QUANZU_METRICS_PORT": "0", **more}
    environment["PYTHONPATH"] = str(REPOSITORY)
    program = [sys.executable, "-m", "quanzu", *arguments]
    return subprocess.Popen(program, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@contextmanager
def _running(*arguments: str, until: str, **more: str) -> Iterator[str]:
    """A command that runs beside the test; gives the line that says it is up."""
    process = _started(*arguments, **more)
    assert process.stdout is not None
    try:
        yield next(line.strip() for line in process.stdout if until in line)
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)

"""`quanzu dead` as an operator uses it: what came, why it was refused, and each letter sent again or dropped once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import quanzu
from streams.messaging import topics
from streams.runtime.embedded import Embedded
from streams.runtime.server_discovery import announce
from streams.runtime.settings import Settings

REPOSITORY = Path(quanzu.__file__).parent
BROKEN = 'sourceNodeId,targetNodeId,value,time\n1,9,3.50,1\n4,9,"¥4,000.00",1\n5,9,"¥5,000.00",1\n6,9,some,1\n'
WHO = ("--by", "operator-1", "--reason", "the bank writes ¥1,000")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Embedded(tmp_path_factory.mktemp("house")) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        announce(settings)
        yield settings


class House:
    """The command line, in the folder of servers that run."""

    def __init__(self, settings: Settings, capture: pytest.CaptureFixture[str]) -> None:
        self.settings, self._capture = settings, capture

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a command writes; with another code than 0, what it says is wrong too."""
        sys.argv = ["quanzu", *arguments]
        ended: object = 0
        try:
            quanzu.main()
        except SystemExit as exit_:
            ended = exit_.code
        told = self._capture.readouterr()
        assert int(str(ended or 0)) == code, told.err
        return told.out

    def wrong(self, *arguments: str, code: int) -> str:
        """What a command says is wrong."""
        sys.argv = ["quanzu", *arguments]
        with pytest.raises(SystemExit) as exit_:
            quanzu.main()
        assert exit_.value.code == code
        return " ".join(self._capture.readouterr().err.replace("│", " ").split())

    def dead(self, *arguments: str, code: int = 0) -> str:
        return self.run("dead", *arguments, code=code)


@pytest.fixture
def house(
    servers: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> House:
    for name in [name for name in os.environ if name.startswith("QUANZU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANZU_DATA", str(servers.data))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.chdir(tmp_path)
    return House(servers, capsys)


def test_a_file_with_a_broken_column_is_mended_by_a_mapping_and_each_row_counts_once(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "payments.csv").write_text(BROKEN, "utf-8")
    (tmp_path / "yuan.toml").write_text('strip = {value = "¥,"}\n', "utf-8")
    house.run("intake", "amlsim", str(tmp_path / "payments.csv"))
    told = house.dead("list")
    assert "3 of 3 letters" in told
    assert max(map(len, told.splitlines())) <= 80
    mend = ("--source", "amlsim", "--mapping", str(tmp_path / "yuan.toml"), *WHO, "--yes")
    tried = json.loads(house.dead("send-again", *mend, "--dry-run", "--json", code=1))
    assert (len(tried["done"]), len(tried["refused"])) == (2, 1)
    told = house.dead("send-again", *mend, code=1)
    assert "2  sent again" in told
    assert "accepted now: amlsim 2" in told
    (left,) = json.loads(house.dead("list", "--json"))["letters"]
    assert "value: not an amount of money" in left["why"]
    assert json.loads(house.dead("send-again", *mend, "--json", code=1))["accepted"] == {}
    assert "1  dropped" in house.dead("drop", left["id"], "--by", "operator-1", "--reason", "no amount")
    assert "no such letters" in house.dead("list")
    assert "was dropped by operator-1" in house.dead("show", left["id"])


def test_a_letter_is_shown_masked_or_raw_and_mended_in_an_editor(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.jsonl").write_text('{"kind": "sms", "source": "carrier", "receiver": "19900000001"}\n', "utf-8")
    house.run("intake", "jsonl", str(tmp_path / "one.jsonl"))
    (letter,) = json.loads(house.dead("list", "--json"))["letters"]
    assert "19900000001" in house.dead("show", letter["id"])
    assert "19900000001" not in house.dead("show", letter["id"], "--mask")
    raw = house.dead("show", letter["id"], "--raw")
    assert json.loads(raw)["receiver"] == "19900000001"
    mended = json.loads(raw) | {"at": "2026-03-01T11:12:00+08:00", "sender": "10690000"}
    (tmp_path / "mended.json").write_text(json.dumps(mended), "utf-8")
    monkeypatch.setenv("VISUAL", f"cp {tmp_path / 'mended.json'}")
    assert "1  sent again" in house.dead("send-again", letter["id"], "--edit", *WHO)
    assert "was sent again by operator-1" in house.dead("send-again", letter["id"], *WHO)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("send-again", *WHO), "name a letter, or select some"),
        (("send-again", "x", "--source", "bank", *WHO), "not both"),
        (("drop", "x"), "--by"),
        (("list", "--state", "lost"), "no state 'lost'"),
        (("list", "--since", "noon"), "write 2h (ago)"),
    ],
)
def test_what_was_asked_for_wrongly_is_said(house: House, arguments: tuple[str, ...], told: str) -> None:
    assert told in house.wrong("dead", *arguments, code=2)


def test_a_letter_nobody_has_is_said_to_be_unknown(house: House) -> None:
    for arguments in (("show", "x"), ("drop", "x", *WHO), ("send-again", "x", *WHO)):
        assert "there is no dead letter 'x'" in house.wrong("dead", *arguments, code=1)


def test_a_batch_ends_clean_at_ctrl_c_and_the_rest_can_be_sent_later(house: House, tmp_path: Path) -> None:
    rows = "".join(f'{number},9,"¥1",1\n' for number in range(1, 1501))
    (tmp_path / "many.csv").write_text(f"sourceNodeId,targetNodeId,value,time\n{rows}", "utf-8")
    (tmp_path / "yuan.toml").write_text('strip = {value = "¥"}\n', "utf-8")
    house.run("intake", "amlsim", str(tmp_path / "many.csv"))
    before = _number(house, "sent")
    mend = ("--topic", "file", "--mapping", str(tmp_path / "yuan.toml"), *WHO, "--yes", "--json")
    program = [sys.executable, "-m", "quanzu", "dead", "send-again", *mend]
    batch = subprocess.Popen(
        program,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while _number(house, "sent") == before and time.monotonic() < until:
        assert batch.poll() is None
    batch.send_signal(signal.SIGINT)
    told, log = batch.communicate(timeout=60)
    first = json.loads(told)
    assert batch.returncode == (1 if first["left"] else 0), log
    assert "Traceback" not in log
    assert len(first["done"]) + first["left"] == 1500
    assert (_number(house, "sent") - before, _number(house, "sending")) == (len(first["done"]), 0)


def _number(house: House, state: str) -> int:
    return int(json.loads(house.dead("list", "--state", state, "--json"))["total"])

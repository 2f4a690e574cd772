"""A feed's developers start a sandbox, send the conformance set, and compare what arrived with what they sent."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streams.runtime.embedded import free_port
from tests.commands.sandboxes import plain, served
from tests.tools.servers.forked import completed

ENDS_SECONDS = 60


def ran(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return completed(["admin", "sandbox", *words], plain(**environment), ENDS_SECONDS)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Its folder and its address."""
    folder = tmp_path_factory.mktemp("sandbox")
    with served(folder) as address:
        yield folder / "mine", address


@pytest.mark.timeout(200)
def test_the_whole_set_is_answered_as_it_is_told_and_arrives_under_the_sender_s_own_ids(
    sandbox: tuple[Path, str],
) -> None:
    folder, address = sandbox
    checked = ran("check", address, "--key-file", str(folder / "sandbox.key"), "--source", "bank-x")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.splitlines()[-1] == "27 of 27 as expected"
    told = ran("received", "--source", "bank-x", "--from", "10m", QUANZU_DATA=str(folder))
    assert told.returncode == 0, told.stderr
    signals = [json.loads(line) for line in told.stdout.splitlines()]
    times = Counter(signal["id"] for signal in signals)
    assert (len(signals), len(times), max(times.values())) == (517, 516, 2)
    assert {frozenset(signal) for signal in signals} == {frozenset({"id", "kind", "at", "arrived"})}
    nothing = ran("received", "--source", "bank-y", "--from", "10m", QUANZU_DATA=str(folder))
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_an_answer_that_is_another_is_named_and_ends_the_check_with_1(
    sandbox: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = sandbox
    key = tmp_path / "key"
    key.write_text("not the key")
    for words in (("--key-file", str(key), "--source", "bank-x"), ("--key-file", str(folder / "sandbox.key"))):
        checked = ran("check", address, *words)
        assert checked.returncode == 1
        assert "OTHERWISE    one " in checked.stdout
        assert "expected {'status': 202, 'accepted': 1, 'errors': []}" in checked.stdout
    nobody = ran("check", f"http://127.0.0.1:{free_port()}", "--key-file", str(key))
    assert (nobody.returncode, "Is the intake running there?" in nobody.stderr) == (1, True)


def test_the_files_are_the_requests_and_their_answers(sandbox: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = sandbox
    made = ran("files", str(tmp_path / "set"), "--source", "bank-x")
    assert made.returncode == 0, made.stderr
    key = (folder / "sandbox.key").read_text()
    for each in json.loads((tmp_path / "set" / "list.json").read_text()):
        body = (tmp_path / "set" / each["name"]).read_bytes()
        headers = {name: value.replace("KEY", key) for name, value in each["headers"].items()}
        answer = httpx.post(f"{address}/signals", content=body, headers=headers)
        assert answer.status_code == each["answer"]["status"], each["name"]
    again = ran("files", str(tmp_path / "set"))
    assert (again.returncode, "Traceback" in again.stderr) == (1, False)


def test_an_error_names_the_item_by_the_sender_s_id(sandbox: tuple[Path, str]) -> None:
    folder, address = sandbox
    headers = {"Authorization": f"Bearer {(folder / 'sandbox.key').read_text()}"}
    items = [{"id": "mine-1"}, {"id": 7}, 8, {"id": "x" * 200}]
    answer = httpx.post(f"{address}/signals", json=items, headers=headers)
    ids = {(each["item"], each["id"]) for each in answer.json()["errors"]}
    assert ids == {(0, "mine-1"), (1, None), (2, None), (3, None)}

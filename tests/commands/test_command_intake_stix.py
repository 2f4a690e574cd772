"""`quanzu intake stix` and `quanzu intake taxii`: another centre's suspects from a file, and polled from its server."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import quanzu
from domain.stix.objects import indicator_of
from schemas.risk.sharing import SharedSuspect
from streams.intake.taxii.collection import collection_id
from tests.streams.intake.stix.taxii_line import CENTRE, ROOT, serving_suspects, suspect
from tests.tools.servers.forked import completed

RIGHTS = {"QUANZU_SOURCE_RIGHTS": "police:all,liaoning:rated"}


def fresh(number: int) -> SharedSuspect:
    """A suspect that was confirmed yesterday, by the clock of this machine."""
    at = datetime.now(UTC) - timedelta(days=1)
    return suspect(number).model_copy(update={"since": at, "at": at})


def taken_in(folder: Path, *arguments: str, **more: str) -> tuple[int, str, str]:
    """Run the command with servers of its own; returns its exit code and what it printed."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")}
    own = {"QUANZU_DATA": str(folder / "data"), "COLUMNS": "200"}
    told = completed(["intake", *arguments], inherited | own | more, 240, folder)
    return told.returncode, told.stdout, told.stderr


def test_a_bundle_is_taken_in_and_a_refused_object_ends_the_command_with_1(tmp_path: Path) -> None:
    objects: list[dict[str, Any]] = [indicator_of(fresh(1), CENTRE), {"type": "identity", "name": CENTRE}]
    file = tmp_path / "bundle.json"
    for own, code, accepted in (({}, 0, 1), ({"QUANZU_SHARING_NAME": CENTRE}, 1, 0)):
        file.write_text(json.dumps({"type": "bundle", "objects": objects}), "utf-8")
        found, out, err = taken_in(tmp_path, "stix", str(file), "--source", "liaoning", **RIGHTS, **own)
        assert found == code, err
        report = json.loads(out)
        assert (report["rows"], report["accepted"], report["skipped"]) == (1, accepted, 1)


async def test_a_collection_is_polled_and_a_second_poll_goes_on(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key of liaoning\n", "utf-8")
    async with serving_suspects([fresh(1), fresh(2)]) as address:
        where = (f"{address}{ROOT}", "--collection", collection_id(CENTRE), "--key-file", "key")
        given = ("taxii", *where, "--source", "liaoning", "--report", "report.json")
        for rows in (2, 0):
            code, _, err = await asyncio.to_thread(taken_in, tmp_path, *given, **RIGHTS)
            assert code == 0, err
            report = json.loads((tmp_path / "report.json").read_text("utf-8"))
            assert (report["rows"], report["accepted"], report["whole"]) == (rows, rows, True)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("stix", "bundle.json"), "--source NAME"),
        (("stix", "bundle.json", "--source", "Not A Name"), "source"),
        (("stix", "nowhere.json", "--source", "liaoning"), "does not exist"),
        (("taxii",), "--source NAME"),
        (("taxii", "--source", "liaoning"), "API root"),
        (("taxii", "https://taxii.example/", "--source", "liaoning"), "--collection"),
        (("taxii", "http://taxii.example/", "--source", "liaoning", "--collection", "c", "--key-file", "key"), "https"),
        (
            (
                *("taxii", "https://taxii.example/", "--source", "liaoning", "--collection", "c"),
                *("--key-file", "key", "--every", "1s"),
            ),
            "every 10s",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_said_before_anything_starts(
    arguments: tuple[str, ...],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "key").write_text("the key", "utf-8")
    (tmp_path / "bundle.json").write_text("{}", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANZU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["quanzu", "intake", *arguments])
    with pytest.raises(SystemExit) as ended:
        quanzu.main()
    told = capsys.readouterr()
    assert ended.value.code in (1, 2)
    assert what in " ".join(told.err.split())
    assert "the key" not in told.err + told.out
    assert not (tmp_path / "data").exists()

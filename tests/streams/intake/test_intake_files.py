"""Files of signals: each row is accepted or a dead letter, whatever is in it and whenever the run is cut off."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.formats import Options
from streams.intake.row_files import LONGEST_LINE, FileRefusedError
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import dead_letters, transfer, watch_entry, written

AMLSIM = "sourceNodeId,targetNodeId,value,time\n"
CDR = (
    "RecordID,SubscriberID,SubscriberRole,EventTimestamp,Direction,EventType,CallingNumber,CalledNumber,DurationSec,"
    "SMSLength,IMEI,IMSI,CellTowerID,TowerName,Latitude,Longitude,Country\n"
)
REST = "000000000000000,000000000000000,T1,Somewhere,43.8,125.3,CN"
ROOT = Path(__file__).resolve().parents[3]
Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file with a name of its own."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / f"{uuid.uuid4().hex}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def figures(report: FileReport) -> tuple[int, int, int]:
    return report.rows, report.accepted, report.dead_lettered


def amlsim(rows: int) -> str:
    marker = uuid.uuid4().int % 10**7  # another content each time, so other ids
    return AMLSIM + "".join(f"{marker},{number},1{number}.07,1\n" for number in range(rows))


async def test_amlsim_rows_become_settled_transfers_to_the_fen(
    write: Write, intake: Intake, settings: Settings
) -> None:
    path = write(AMLSIM + f"216,{uuid.uuid4().int % 10**7},163.3,1\n322,5431,143.11,149\n")
    report = await intake_file("amlsim", path, intake, settings, Clock())
    assert figures(report) == (2, 2, 0)
    first, second = await signals_of(settings, path)
    assert (first["payer"], first["amount_fen"], first["state"]) == ("AML00000216", 16_330, "settled")
    assert (second["payee"], second["amount_fen"], second["at"]) == ("AML00005431", 14_311, "2026-05-30T00:00:00+08:00")


async def test_cdr_rows_become_calls_and_messages_with_the_class_of_the_other_partys_number(
    write: Write, intake: Intake, settings: Settings
) -> None:
    ids = [f"R{uuid.uuid4().hex[:8]}" for _ in range(3)]
    path = write(
        CDR
        + f"{ids[0]},S1,ROLE,2026-02-19 17:49:12,MT,VOICE,+85200000000,19900000001,120,,{REST}\n"
        + f"{ids[1]},S1,ROLE,2026-02-19 17:50:00,MO,SMS,19900000001,+85200000000,,66,{REST}\n"
        + f"{ids[2]},S1,ROLE,2026-02-19 17:51:00,MO,VOICE,+8619900000001,19900000002,7,,{REST}\n"
    )
    assert figures(await intake_file("cdr", path, intake, settings, Clock())) == (3, 3, 0)
    call, message, home = sorted(await written(settings, *ids), key=lambda each: ids.index(each["id"]))
    assert (call["kind"], call["called"], call["seconds"], call["number_class"]) == (
        "call",
        "+8619900000001",
        120,
        "overseas",
    )
    assert (message["kind"], message["sender"], message["number_class"]) == ("sms", "+8619900000001", "overseas")
    assert (home["number_class"], home["at"]) == ("ordinary", "2026-02-19T17:51:00Z")


async def test_jsonl_rows_are_signals_as_they_are(write: Write, intake: Intake, settings: Settings) -> None:
    named, nameless = transfer(), transfer()
    del nameless["id"]
    path = write("".join(json.dumps(each) + "\n" for each in (named, nameless, {"kind": "x"})) + "{\n\n")
    report = await intake_file("jsonl", path, intake, settings, Clock())
    assert figures(report) == (4, 2, 2)
    assert len(await written(settings, named["id"])) == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"1,2,3", "3 fields where the header has 4"),
        (b"1,2,3,4,5", "5 fields where the header has 4"),
        (b"1,2,abc,1", "value: not an amount"),
        (b"1,2,-5,1", "value: not an amount"),
        (b"1,2,NaN,1", "value: not an amount"),
        (b"1,2,1.005,1", "fractions of a fen"),
        (b"1,2,9999999999999,1", "amount_fen: "),
        (b"1,2,5,soon", "time: not a step"),
        (b"x,2,5,1", "a node is a whole number"),
        (b"1,2,5,\x001", "a NUL byte"),
        ("1,2,五,1".encode("gb18030"), "not UTF-8 at byte 5"),
        (b'1,2,"5,1', "a quote is not closed"),
        (b"1" * (LONGEST_LINE + 10), "longer than"),
    ],
)
async def test_a_broken_row_becomes_a_dead_letter_and_the_rows_around_it_pass(
    write: Write, intake: Intake, settings: Settings, row: bytes, why: str
) -> None:
    path = write(AMLSIM.encode() + b"1,2,3,4\n" + row + b'\r\n"1","2",3,4\n')
    assert figures(await intake_file("amlsim", path, intake, settings, Clock())) == (3, 2, 1)
    (letter,) = await dead_letters(settings, path.name)
    assert (getattr(letter.where, "line", None), letter.source) == (3, "amlsim")
    assert why in letter.why
    assert row.startswith(letter.content)


@pytest.mark.parametrize(
    "row",
    [
        f"R,S,R,yesterday,MT,VOICE,+85200000000,19900000001,1,,{REST}",
        f"R,S,R,2026-02-19 17:49:12,XX,VOICE,+85200000000,19900000001,1,,{REST}",
        f"R,S,R,2026-02-19 17:49:12,MT,FAX,+85200000000,19900000001,1,,{REST}",
        f"R,S,R,2026-02-19 17:49:12,MT,VOICE,+85200000000,19900000001,,,{REST}",
        f"R,S,R,2026-02-19 17:49:12,MT,VOICE,+85200000000,nobody,1,,{REST}",
    ],
)
async def test_a_broken_call_record_becomes_a_dead_letter(
    write: Write, intake: Intake, settings: Settings, row: str
) -> None:
    path = write(f"{CDR}{row}\n")
    assert figures(await intake_file("cdr", path, intake, settings, Clock())) == (1, 0, 1)
    (letter,) = await dead_letters(settings, path.name)
    assert not any(value in letter.why for value in ("nobody", "yesterday", "19900000001"))


@pytest.mark.parametrize("header", ["sourceNodeId,targetNodeId,amount,time", "五,六".encode("gb18030"), "\ufeffx"])
async def test_without_its_columns_every_row_is_a_dead_letter_that_says_so(
    write: Write, intake: Intake, settings: Settings, header: str | bytes
) -> None:
    path = write((header.encode() if isinstance(header, str) else header) + b"\n1,2,3,4\n5,6,7,8\n")
    report = await intake_file("amlsim", path, intake, settings, Clock())
    assert figures(report) == (2, 0, 2)
    letters = await dead_letters(settings, path.name)
    assert all("the header, line 1" in letter.why for letter in letters)


async def test_gzip_is_told_by_its_content_and_a_byte_order_mark_is_no_column(
    write: Write, intake: Intake, settings: Settings
) -> None:
    path = write(gzip.compress(b"\xef\xbb\xbf" + amlsim(3).encode()))
    assert figures(await intake_file("amlsim", path, intake, settings, Clock())) == (3, 3, 0)


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-9], lambda packed: packed[:20] + b"x" * 40])
async def test_of_a_broken_gzip_nothing_is_taken(
    write: Write, intake: Intake, settings: Settings, spoil: Callable[[bytes], bytes]
) -> None:
    path = write(spoil(gzip.compress(amlsim(1000).encode())))
    with pytest.raises(FileRefusedError, match="fetch the file again"):
        await intake_file("amlsim", path, intake, settings, Clock())


async def test_a_file_that_is_not_there_is_refused(tmp_path: Path, intake: Intake, settings: Settings) -> None:
    with pytest.raises(FileRefusedError, match="No such file"):
        await intake_file("amlsim", tmp_path / "none.csv", intake, settings, Clock())


@pytest.mark.parametrize("content", [AMLSIM, AMLSIM + "\n\n"])
async def test_a_header_without_rows_is_taken_as_nothing(
    write: Write, intake: Intake, settings: Settings, content: str
) -> None:
    assert figures(await intake_file("amlsim", write(content), intake, settings, Clock())) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("amlsim", "", "the file is empty"),
        ("jsonl", "", "the file is empty"),
        ("jsonl", "\n \n", "it has no row"),
        ("amlsim", "\n\n", "the header, line 1, lacks the column"),
        ("amlsim", "sourceNodeId,targetNodeId,amount,time\n\n", "the header, line 1, lacks the column value"),
        ("amlsim", amlsim(3).replace("\n", "\r"), "the lines end in CR: write LF or CRLF"),
        ("amlsim", amlsim(3).replace("time\n", "time,x\n").replace("\n", "\r") + "\n", "the lines end in CR"),
        ("jsonl", '{"kind": "x"}\r{"kind": "x"}\r', "the lines end in CR"),
    ],
    ids=["empty", "empty-lines", "blank", "no-header", "header-alone", "cr", "cr-then-lf", "cr-of-lines"],
)
async def test_a_file_that_would_be_lost_as_a_whole_is_refused(
    write: Write, intake: Intake, settings: Settings, name: str, content: str, why: str
) -> None:
    path = write(content)
    with pytest.raises(FileRefusedError, match=why):
        await intake_file(name, path, intake, settings, Clock())
    assert await dead_letters(settings, path.name) == []


async def test_the_report_is_written_and_progress_told(
    write: Write, intake: Intake, settings: Settings, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    await intake_file(
        "amlsim",
        write(amlsim(5)),
        intake,
        settings,
        Clock(),
        report_path=tmp_path / "report.json",
        progress=lambda done, total: told.append((done, total)),
        chunk=2,
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["rows"], report["accepted"], report["dead_lettered"]) == (5, 5, 0)
    assert told == [(3, 6), (5, 6), (6, 6)]


async def test_a_second_run_sends_the_same_ids(write: Write, intake: Intake, settings: Settings) -> None:
    path = write(amlsim(7))
    for _ in range(2):
        assert figures(await intake_file("amlsim", path, intake, settings, Clock(), resume=True)) == (7, 7, 0)
    signals = await signals_of(settings, path)
    assert (len(signals), len({each["id"] for each in signals})) == (14, 7)


async def test_a_run_that_was_killed_is_resumed_and_nothing_is_lost(
    write: Write, intake: Intake, settings: Settings
) -> None:
    path = write(gzip.compress(amlsim(95).encode()))
    killed = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-m", "tests.streams.intake.killed_intake", str(path)],
        env={**os.environ, **settings.environment()},
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    report = await intake_file("amlsim", path, intake, settings, Clock(), resume=True, chunk=10)
    assert (figures(report), report.resumed_from) == ((95, 95, 0), 22)
    signals = await signals_of(settings, path)
    assert len({each["id"] for each in signals}) == 95
    assert len(signals) == 105  # the chunk that Kafka had and nobody had noted came again, under the same ids


@pytest.mark.parametrize("other", [{"digest": "of another file"}, {"kafka": "of an earlier embedded broker:9092"}])
async def test_another_file_or_another_kafka_is_not_taken_for_the_one_that_was_cut_off(
    write: Write, intake: Intake, settings: Settings, other: dict[str, str]
) -> None:
    path = write(amlsim(30))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    cut_off = {"digest": digest, "format": "amlsim", "kafka": settings.kafka, "offset": 50, "line": 3} | other
    (settings.data / f".{path.name}.quanzu-intake.json").write_text(json.dumps(cut_off))
    report = await intake_file("amlsim", path, intake, settings, Clock(), resume=True)
    assert (figures(report), report.resumed_from) == ((30, 30, 0), None)


async def test_the_day_of_step_nought_can_be_set(write: Write, intake: Intake, settings: Settings) -> None:
    path = write(amlsim(1))
    await intake_file("amlsim", path, intake, settings, Clock(), options=Options(start=date(2026, 3, 1)))
    (signal_,) = await signals_of(settings, path)
    assert signal_["at"] == "2026-03-02T00:00:00+08:00"


def ids_of(path: Path) -> list[str]:
    """The ids of a file's rows, in the order of its lines."""
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    digest = hashlib.sha256(content).hexdigest()[:8]
    return [f"{digest}-{line}" for line in range(1, content.count(b"\n") + 2)]


async def signals_of(settings: Settings, path: Path) -> list[dict[str, object]]:
    """What lies on the topic of an amlsim file, in the order of its lines."""
    ids = ids_of(path)
    return sorted(await written(settings, *ids), key=lambda each: ids.index(each["id"]))


async def test_a_file_s_confirmed_suspect_of_a_source_that_may_not_is_a_dead_letter(
    write: Write, intake: Intake, settings: Settings
) -> None:
    path = write("\n".join(map(json.dumps, (watch_entry("confirmed"), transfer()))))
    report = await intake_file("jsonl", path, intake, settings, Clock())
    assert figures(report) == (2, 1, 1)
    assert report.reasons == {"state: this source may not confirm a suspect": 1}
    (letter,) = await dead_letters(settings, path.name)
    assert letter.source == "jsonl"

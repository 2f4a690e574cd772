"""Files of call records: each row is accepted or a dead letter, and a file that is sent twice adds no call."""

import base64
import gzip
import uuid
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.feeds.repair import load
from domain.feeds.source_rights import rights_of_sources
from schemas.administration.dead_letters import CallFile, DeadLetter, LinePlace
from streams.dead_letters.repaired import CannotSendError
from streams.dead_letters.taking import ready
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.formats import Options
from streams.intake.trial import try_calls, without_numbers
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.calls.exchange_records import CALLED, asterisk_line, calls, event, freeswitch_line
from tests.streams.intake.intake_signals import dead_letters, written

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def new_id() -> str:
    return f"pbx-{uuid.uuid4().hex}"


def options(declared: CallFile) -> Options:
    return Options(zone=SHANGHAI, calls=declared)


async def taken(path: Path, intake: Intake, settings: Settings, declared: CallFile) -> FileReport:
    return await intake_file(declared.format, path, intake, settings, Clock(), options=options(declared))


async def letter_of(path: Path, intake: Intake, settings: Settings, declared: CallFile) -> DeadLetter:
    assert (await taken(path, intake, settings, declared)).dead_lettered == 1
    (letter,) = await dead_letters(settings, path.name)
    return letter


async def test_each_row_is_accepted_or_becomes_a_dead_letter_of_its_source(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    first, last = new_id(), new_id()
    bad = asterisk_line(uniqueid=new_id(), start="yesterday")
    rows = [asterisk_line(uniqueid=first), bad, b"", asterisk_line(uniqueid=last, dst="81234567")]
    path = tmp_path / f"{uuid.uuid4().hex}.csv.gz"
    path.write_bytes(gzip.compress(b"\n".join(rows) + b"\n"))
    report = await taken(path, intake, settings, calls("asterisk-csv"))
    assert (report.format, report.rows, report.accepted, report.dead_lettered) == ("asterisk-csv", 3, 2, 1)
    assert list(report.reasons) == ["time_invalid: start: not a time such as 2026-03-01 11:12:00"]
    found = await written(settings, f"{first}-20260301T111200", f"{last}-20260301T111200")
    assert sorted(each["called"] for each in found) == [f"+86{CALLED}", "+8643181234567"]
    assert {(each["source"], each["at"], each["ended"]) for each in found} == {
        ("carrier-a", "2026-03-01T11:12:00+08:00", "answered")
    }
    (letter,) = await dead_letters(settings, path.name)
    assert (letter.source, letter.content, getattr(letter.where, "line", None)) == ("carrier-a", bad, 2)


async def test_a_file_that_grew_and_is_sent_again_has_the_same_ids_for_the_same_calls(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    own = new_id()
    path = tmp_path / "Master.csv"
    path.write_bytes(freeswitch_line(uuid=own) + b"\n")
    assert (await taken(path, intake, settings, calls("freeswitch-csv"))).accepted == 1
    path.write_bytes(freeswitch_line(uuid=own) + b"\n" + freeswitch_line(uuid=new_id()) + b"\n")
    assert (await taken(path, intake, settings, calls("freeswitch-csv"))).accepted == 2
    one, again = await written(settings, own)
    assert {**one, "arrived": ""} == {**again, "arrived": ""}


async def test_a_dead_letter_is_read_again_by_its_format_once_it_is_mended(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    own = new_id()
    path = tmp_path / f"{uuid.uuid4().hex}.csv"
    path.write_bytes(asterisk_line(uniqueid=own, disposition="UNKNOWN", dst="81234567") + b"\n")
    letter = await letter_of(path, intake, settings, calls("asterisk-csv"))
    with pytest.raises(CannotSendError, match="end_unknown: disposition"):
        ready(letter, None, 4, NOW)
    (mended,) = ready(letter, load('[replace.disposition]\n"UNKNOWN" = "FAILED"'), 4, NOW).signals
    assert mended.kind == "call"
    assert (mended.id, mended.source, mended.ended) == (f"{own}-20260301T111200", "carrier-a", "failed")
    assert (mended.called, mended.at) == ("+8643181234567", datetime(2026, 3, 1, 11, 12, tzinfo=SHANGHAI))
    by_hand = asterisk_line(uniqueid=own, disposition="BUSY")
    assert [each.uid for each in ready(letter, by_hand, 4, NOW).signals] == [mended.uid]
    for change in (load('set = {uniqueid = "other"}'), asterisk_line(uniqueid="other")):
        with pytest.raises(CannotSendError, match="uniqueid: must stay"):
            ready(letter, change, 4, NOW)


async def test_a_dead_letter_of_json_is_mended_by_the_names_of_its_fields(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    own = new_id()
    path = tmp_path / f"{uuid.uuid4().hex}.json"
    path.write_bytes(event(UniqueID=own, Destination="s") + b"\n")
    letter = await letter_of(path, intake, settings, calls("asterisk-json"))
    (mended,) = ready(letter, load(f'set = {{Destination = "{CALLED}"}}'), 4, NOW).signals
    assert (mended.kind == "call" and mended.called, mended.id) == (f"+86{CALLED}", f"{own}-20260301T111200")
    with pytest.raises(CannotSendError, match="UniqueID: must stay"):
        ready(letter, load('set = {UniqueID = "other"}'), 4, NOW)


async def test_the_declaration_is_kept_with_the_dead_letter_and_no_header_is(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    declared = calls("asterisk-json", country="KR", area_code="02")
    path = tmp_path / f"{uuid.uuid4().hex}.json"
    path.write_bytes(event(UniqueID=new_id(), Destination="s") + b"\n")
    letter = await letter_of(path, intake, settings, declared)
    assert isinstance(letter.where, LinePlace)
    assert letter.where.reading is not None
    assert (letter.where.reading.calls, base64.b64decode(letter.where.reading.header)) == (declared, b"")


def test_the_trial_shows_ten_rows_and_hides_numbers(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_bytes(b"\n".join([asterisk_line(), b"", *[asterisk_line(start="x")] * 12]))
    rows = try_calls(path, options(calls("asterisk-csv")), NOW)
    assert [row.line for row in rows] == [1, *range(3, 12)]
    first, second, *_ = rows
    assert first.call is not None
    assert first.call.called == f"+86{CALLED}"
    assert (without_numbers(first.call).caller, without_numbers(first.call).called) == ("142****0009", "142****0001")
    assert (second.signal, second.why) == (None, "time_invalid: start: not a time such as 2026-03-01 11:12:00")


def test_a_source_without_the_right_to_send_calls_is_refused_in_the_trial(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_bytes(asterisk_line())
    (row,) = try_calls(path, options(calls("asterisk-csv")), NOW, rights_of_sources("carrier-a:report"))
    assert (row.signal, row.why) == (None, "kind: this source may not send signals of the kind call")

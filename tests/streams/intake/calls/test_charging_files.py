"""Files of TS 32.297: whatever is damaged, the records before it are read, and the rest is a dead letter."""

import random
import resource
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.administration.dead_letters import LinePlace
from streams.dead_letters.taking import ready
from streams.intake.acceptor import Examined, Intake, Unreadable, examine
from streams.intake.files import intake_file
from streams.intake.formats import Options, format_of
from streams.intake.formats.charging.files import records_in
from streams.intake.formats.rows import RowError
from streams.intake.trial import try_calls
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.streams.intake.calls.charging_file import BY_HAND, RECORDS, WHOLE, file_of, row
from tests.streams.intake.calls.exchange_records import calls
from tests.streams.intake.intake_signals import dead_letters, written

OPTIONS = Options(calls=calls("3gpp"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = records_in(WHOLE)
MUTATIONS = 10_000


def taken(content: bytes) -> Examined:
    """What becomes of each row of a file."""
    read = format_of("3gpp", OPTIONS).open(b"", OPTIONS)
    items: list[object] = []
    for each in records_in(content):
        try:
            items.append(read(each, "0-1"))
        except RowError as error:
            items.append(Unreadable(str(error)))
    return examine(items, NOW)


def reference(number: int) -> bytes:
    """A record of a call of its own."""
    return row(BY_HAND.replace(bytes.fromhex("9d020a0e"), b"\x9d\x02" + number.to_bytes(2)))


def test_each_record_of_a_file_is_a_row_with_its_header() -> None:
    assert len(ROWS) == 6
    assert b"".join(ROWS) == WHOLE[54:]
    found = taken(WHOLE)
    assert [each.seconds for each in found.signals if each.kind == "call"] == [120, 0, 0, 120, 0, 120]
    assert found.faults == []


def test_a_header_may_have_an_extension_of_any_length() -> None:
    assert records_in(file_of(ROWS, bytes(3000))) == ROWS


@pytest.mark.parametrize("cut", [1, 5, 60, 200, len(WHOLE) - 55])
def test_of_a_file_that_is_cut_off_all_whole_records_are_read_and_the_rest_is_one_dead_letter(cut: int) -> None:
    content = WHOLE[: len(WHOLE) - cut]
    rows = records_in(content)
    assert b"".join(rows) == content[54:]
    assert rows[:-1] == ROWS[: len(rows) - 1]
    found = taken(content)
    assert (len(found.good), len(found.faults)) == (len(rows) - 1, 1)
    assert found.faults[0].what.startswith("damaged: ")


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"\n",
        bytes(53),
        bytes(4000),
        b"\xff" * 4000,
        b"not a file of call records\n" * 9,
        (2**32 - 1).to_bytes(4) * 30,
        WHOLE[:4] + (2**31).to_bytes(4) + WHOLE[8:],
        WHOLE[:4] + (3).to_bytes(4) + WHOLE[8:],
    ],
)
def test_a_file_without_its_header_is_one_dead_letter(content: bytes) -> None:
    assert records_in(content) == [content]
    found = taken(content)
    assert (len(found.good), len(found.faults)) == (0, 1)
    assert found.faults[0].what.startswith("damaged: ")


def test_an_empty_file_has_no_row() -> None:
    assert records_in(b"") == []


def test_a_length_that_lies_loses_nothing_before_it_and_no_byte_after_it() -> None:
    third = b"\xff\xff" + ROWS[2][2:]
    content = file_of([*ROWS[:2], third, *ROWS[3:]])
    assert records_in(content) == [*ROWS[:2], b"".join([third, *ROWS[3:]])]
    shorter = (len(WHOLE) - len(ROWS[-1])).to_bytes(4) + WHOLE[4:]  # the file is longer than its header says
    assert records_in(shorter) == ROWS
    longer = (len(WHOLE) + 9).to_bytes(4) + WHOLE[4:]
    assert records_in(longer) == ROWS


def test_ten_thousand_damaged_files_end_in_calls_and_dead_letters_within_bounds() -> None:
    chance, outcomes = random.Random(297), Counter[str]()
    taken(WHOLE)  # the schema is loaded
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    for _ in range(MUTATIONS):
        content = bytearray(WHOLE)
        first = len(content)
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(content))
            first = min(first, at)
            match chance.randrange(4):
                case 0:
                    content[at] = chance.randrange(256)
                case 1:
                    content[at] ^= 1 << chance.randrange(8)
                case 2:
                    del content[at : at + chance.randrange(1, 40)]
                case _:
                    content[at:at] = chance.randbytes(chance.randrange(1, 40))
            content = content or bytearray(b"\0")
        rows, found = records_in(bytes(content)), taken(bytes(content))
        assert len(found.good) + len({fault.item for fault in found.faults}) == len(rows)
        whole = [each for at, each in zip(_ends(), ROWS, strict=True) if at <= first] if first >= 54 else []
        assert rows[: len(whole)] == whole
        outcomes["calls"] += len(found.good)
        outcomes.update(fault.what.partition(":")[0] for fault in found.faults)
    seconds = time.process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"\n{MUTATIONS:,} files, {seconds:.0f} s of CPU, {grown / 1024:.0f} MiB more, {dict(outcomes)}")
    assert outcomes["calls"] > MUTATIONS
    assert outcomes["damaged"] > 100
    assert outcomes["encoding"] > 100
    assert seconds < 120
    assert grown < 64 * 1024


def _ends() -> list[int]:
    ends, at = [], 54
    for each in ROWS:
        at += len(each)
        ends.append(at)
    return ends


async def test_a_file_is_taken_in_record_by_record_and_a_dead_letter_is_mended_by_hand(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    numbers = [uuid.uuid4().int % 2**15 for _ in range(2)]
    path = tmp_path / f"{uuid.uuid4().hex}.dat"
    bad = row(BY_HAND.replace(b"\x96\x02", b"\x97\x02"))
    blank = b"  \n\n"
    path.write_bytes(file_of([reference(numbers[0]), bad, reference(numbers[1])]) + blank)
    report = await intake_file("3gpp", path, intake, settings, Clock(), options=OPTIONS)
    assert (report.rows, report.accepted, report.dead_lettered) == (4, 2, 2)
    ids = [f"9143-{number:04x}-20260301T031200" for number in numbers]
    assert {each["id"] for each in await written(settings, *ids)} == set(ids)
    broken, rest = sorted(await dead_letters(settings, path.name), key=lambda letter: str(letter.where))
    assert (broken.content, rest.content, broken.source) == (bad, blank, "carrier-a")
    assert isinstance(rest.where, LinePlace)
    assert rest.where.line == 4
    (mended,) = ready(broken, reference(7), 4, NOW).signals
    assert (mended.kind, mended.id) == ("call", "9143-0007-20260301T031200")


def test_the_trial_shows_the_records_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "calls.dat"
    path.write_bytes(file_of([row(RECORDS["mo_sms"]), *ROWS]))
    rows = try_calls(path, OPTIONS, NOW)
    assert [each.line for each in rows] == list(range(1, 8))
    assert [bool(each.call) for each in rows] == [False, *[True] * 6]
    assert rows[0].why.startswith("record_type: ")

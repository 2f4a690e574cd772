"""A bank's own file is taken in like any other: counted, resumed, and each refused row kept as it came."""

import base64
import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from schemas.administration.dead_letters import DeadLetter, LinePlace, Reading
from schemas.risk.signals import Signal
from streams.intake import files
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.formats import Options, mapped
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.domain.feeds.bank_mappings import CELLS, mapping
from tests.streams.intake.intake_signals import dead_letters, written

TITLED = mapping(
    ('format = "delimited"', 'format = "delimited"\nencoding = "gb18030"\nskip_first = 1\nfooter = ["合计"]')
)
XLSX = mapping(('format = "delimited"', 'format = "xlsx"'))


def row(serial: str, **cells: str) -> str:
    return ",".join((CELLS | {"serial": serial} | cells).values())


def figures(report: FileReport) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.dead_lettered, report.skipped


def reading_of(letter: DeadLetter) -> Reading:
    assert isinstance(letter.where, LinePlace)
    assert letter.where.reading is not None
    return letter.where.reading


def line_of(letter: DeadLetter) -> tuple[int, str | None]:
    reading = reading_of(letter)
    assert isinstance(letter.where, LinePlace)
    return letter.where.line, reading.mapping


async def test_each_row_is_accepted_or_a_dead_letter_with_its_bytes_and_mapping(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    refused = row(f"{name}-2", state="冲正")
    rows = ["明细", ",".join(CELLS), row(f"{name}-1"), refused, "", row(f"{name}-3"), "合计,3"]
    path.write_bytes("\r\n".join(rows).encode("gb18030"))
    report = await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=TITLED))
    assert figures(report) == (3, 2, 1, 2)
    assert report.reasons == {"state, column state: the word is not in [state] of the mapping": 1}
    assert len(await written(settings, *(f"{name}-{number}" for number in (1, 2, 3)))) == 2
    (letter,) = await dead_letters(settings, path.name)
    assert (letter.source, letter.content) == ("alder", refused.encode("gb18030"))
    assert line_of(letter) == (4, TITLED.text)


async def test_a_workbooks_row_is_kept_as_an_array(tmp_path: Path, intake: Intake, settings: Settings) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.xlsx", uuid.uuid4().hex
    book = Workbook()
    for cells in (list(CELLS), row(name).split(","), [], row(f"{name}-2", sum="=1").split(",")):
        book.active.append(cells)
    book.save(path)
    report = await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=XLSX))
    assert figures(report) == (2, 1, 1, 0)
    (letter,) = await dead_letters(settings, path.name)
    assert json.loads(letter.content)[:2] == [f"{name}-2", CELLS["time"]]
    assert line_of(letter)[0] == 4


async def test_of_long_lines_fewer_are_held_at_once(
    tmp_path: Path, intake: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    path.write_text("\n".join([",".join(CELLS), *(row(f"{name}-{number}") for number in range(6))]), "utf-8")
    monkeypatch.setattr(files, "CHUNK_BYTES", 2 * len(row(f"{name}-0").encode()))
    done: list[int] = []
    options, told = Options(mapping=mapping()), lambda line, total: done.append(line)
    report = await intake_file("csv", path, intake, settings, Clock(), options=options, progress=told)
    assert (figures(report), done) == ((6, 6, 0, 0), [3, 5, 7])


class Stopped(Intake):
    """An intake that fails after its first chunk."""

    taken = 0

    async def accept(self, signals: Sequence[Signal]) -> dict[str, int]:
        self.taken += 1
        if self.taken > 1:
            raise InterruptedError
        return await super().accept(signals)


async def test_an_interrupted_run_goes_on_by_the_same_mapping_only(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    path.write_text("\n".join([",".join(CELLS), *(row(f"{name}-{number}") for number in range(6))]), "utf-8")
    same, other = Options(mapping=mapping()), Options(mapping=mapping(('"成功"', '"已成功"')))
    for options, resumed_from in ((other, None), (same, 4)):
        stopped = Stopped(intake.producer, settings)
        with pytest.raises(InterruptedError):
            await intake_file("csv", path, stopped, settings, Clock(), options=same, chunk=2)
        report = await intake_file("csv", path, intake, settings, Clock(), options=options, resume=True)
        assert (figures(report), report.resumed_from) == ((6, 6, 0, 0), resumed_from)


NUMBER = "990101198001010014"  # an ID number whose check digit fits, and whose region is none


@pytest.mark.parametrize("form", ["delimited", "xlsx"])
async def test_an_id_number_is_hashed_in_its_signal_and_stars_in_a_dead_letter(
    tmp_path: Path, intake: Intake, settings: Settings, form: str
) -> None:
    name = uuid.uuid4().hex
    path = tmp_path / f"{name}.{form}"
    table = [
        [*CELLS, "id card"],
        [*row(f"{name}-1").split(","), NUMBER],
        [*row(f"{name}-2", state="冲正").split(","), NUMBER],
        [*row(f"{name}-3").split(","), "one cell too many", "", NUMBER],
    ]
    if form == "xlsx":
        book = Workbook()
        for cells in table:
            book.active.append(cells)
        book.save(path)
    else:
        path.write_text("\n".join(map(",".join, table)), "utf-8")
    bank = mapping(('format = "delimited"', f'format = "{form}"'), ('first"', 'first"\npayer_id = "id card"'))
    report = await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=bank))
    assert figures(report) == (3, 1, 2, 0)
    (signal,) = await written(settings, f"{name}-1")
    assert signal["payer_id"] == settings.id_number_keys().hashes(NUMBER)[-1]
    letters = await dead_letters(settings, path.name)
    assert len(letters) == 2
    assert all(NUMBER.encode() not in letter.model_dump_json().encode() for letter in letters)
    assert all(NUMBER.encode() not in letter.content for letter in letters)
    assert CELLS["from"].encode() in letters[0].content, "what a person needs to repair a row stays"


WITH_NUMBER = ('first"', 'first"\npayer_id = "id card"')


def numbered(serial: str, **cells: str) -> str:
    return f"{row(serial, **cells)},{NUMBER}"


async def test_a_file_without_its_header_leaves_no_digit_of_its_first_payment(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    path.write_text("\n".join(numbered(f"{name}-{number}") for number in range(3)), "utf-8")
    report = await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=mapping(WITH_NUMBER)))
    assert figures(report) == (2, 0, 2, 0)
    letters = await dead_letters(settings, path.name)
    assert len(letters) == 2
    headers = [base64.b64decode(reading_of(letter).header).decode() for letter in letters]
    assert not any(char.isdecimal() for char in "".join(headers))
    assert headers[0].count(",") == len(CELLS), "the line can still be recognized"


async def test_a_header_that_fits_its_mapping_is_kept_with_its_digits(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    header = ",".join([*CELLS, "id card", "column 12"])
    path.write_text("\n".join([header, f"{numbered(name, state='冲正')},"]), "utf-8")
    await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=mapping(WITH_NUMBER)))
    (letter,) = await dead_letters(settings, path.name)
    assert base64.b64decode(reading_of(letter).header).decode() == header


async def test_a_row_that_is_shifted_by_a_column_keeps_no_number(
    tmp_path: Path, intake: Intake, settings: Settings
) -> None:
    path, name = tmp_path / f"{uuid.uuid4().hex}.csv", uuid.uuid4().hex
    shifted = f"{row(name)},6222000000000003,{NUMBER}"
    path.write_text("\n".join([",".join([*CELLS, "id card", "note"]), shifted.replace("手机", "?")]), "utf-8")
    await intake_file("csv", path, intake, settings, Clock(), options=Options(mapping=mapping(WITH_NUMBER)))
    (letter,) = await dead_letters(settings, path.name)
    assert not any(char.isdecimal() for char in letter.content.decode())


FIXED = (
    'source = "alder"\n\n[file]\nformat = "fixed"\ncolumns = ['
    + ", ".join(f'{{name = "{name}", width = 20}}' for name in CELLS)
    + ', {name = "id card", width = 18}, {name = "note", width = 4}]'
)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_a_line_of_fixed_width_keeps_no_end_of_a_number(shift: int) -> None:
    bank = mapping(WITH_NUMBER, ('source = "alder"\n\n[file]\nformat = "delimited"', FIXED))
    cells = "".join(value + " " * (20 - len(value.encode())) for value in CELLS.values())  # widths are in bytes
    line = cells + " " * shift + NUMBER + " " * (4 - shift)
    kept = mapped.stored(b"", bank)(line.encode()).decode()
    assert NUMBER[-3:] not in kept
    assert ("6222" in kept) is (not shift)

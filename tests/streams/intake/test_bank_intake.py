"""A bank's own file is taken in like any other: counted, resumed, and each refused row kept as it came."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from schemas.administration.dead_letters import DeadLetter, LinePlace
from schemas.risk.signals import Signal
from streams.intake import files
from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.formats import Options
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


def line_of(letter: DeadLetter) -> tuple[int, str | None]:
    assert isinstance(letter.where, LinePlace)
    assert letter.where.reading is not None
    return letter.where.line, letter.where.reading.mapping


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

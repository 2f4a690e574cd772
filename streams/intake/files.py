"""Intake of signal files: every row is accepted or becomes a dead letter, and an interrupted run can be resumed.

A row is a line of the file, or a transaction of an ISO 20022 document. The header of a CSV is its first line, or the
line that a bank's mapping names. A row without an id gets one made of the file's digest and the row's number, so a row
sent twice (after a crash, or by a second run) has the same id and counts once.
"""

import asyncio
import base64
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from domain.feeds.source_rights import SourceRights
from schemas.administration.dead_letters import DeadLetter, LinePlace, Reading
from streams.intake.acceptor import Intake, Unreadable, examine
from streams.intake.formats import Format, Options, Row, format_of
from streams.intake.formats.rows import RowError
from streams.intake.row_files import (
    CR_ENDS,
    LONGEST_FILE,
    LONGEST_LINE,
    FileRefusedError,
    Line,
    lines_of,
    look_through,
    open_rows_file,
    read_header,
    whole,
)
from streams.messaging import dead_letter_writer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings

CHUNK = 4_000  # lines that are written and acknowledged together
CHUNK_BYTES = 2**25  # after which no further line is read into a chunk
LONGEST_HEADER = 2**16


class FileReport(BaseModel):
    """The counts of a file's rows over all runs: `rows` = `accepted` + `dead_lettered`.

    `skipped`: number of lines before the header and of footers, which the bank's mapping declares to have no payment;
    of STIX, number of objects that only explain others.
    """

    file: str
    format: str
    rows: int
    accepted: int
    dead_lettered: int
    skipped: int = 0
    resumed_from: int | None = None  # the first line of this run, if it resumed an interrupted one
    reasons: dict[str, int] = {}  # number of dead letters by reason


class _State(BaseModel):
    """The progress on a file. Kafka has acknowledged everything that is counted here."""

    digest: str
    format: str
    mapping: str | None = None  # by what the rows are read: a mapping's digest, or the declaration of call records
    kafka: str | None  # the brokers' address; an embedded broker loses its data, and the next one has another port
    offset: int = 0  # bytes of the decompressed file
    line: int = 0
    rows: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    reasons: dict[str, int] = {}


Progress = Callable[[int, int], None]  # called with the number of lines done, and of all lines


async def intake_file(
    name: str,
    path: Path,
    intake: Intake,
    settings: Settings,
    clock: Clock,
    *,
    options: Options | None = None,
    resume: bool = False,
    report_path: Path | None = None,
    progress: Progress = lambda done, total: None,
    chunk: int = CHUNK,
) -> FileReport:
    """Accept all rows of a file, and return the report once Kafka has them all; refused rows become dead letters. Waits
    while Kafka is unavailable.

    `name`: the format; "csv" is a bank's file, read by the mapping in `options`, and call records and objects of STIX
    are read as `options.calls` and `options.stix` declare. `resume`: continue an interrupted run after its last
    acknowledged chunk, whose place is stored in the data folder. `report_path`: where to write the report as JSON too.
    `progress`: called with the number of lines done and of all lines. `chunk`: number of lines that are sent and
    acknowledged together. The file is read twice, first for its digest, so that a broken gzip is found before anything
    is sent.

    Raises FileRefusedError or WorkbookError if the file cannot be read or would be lost as a whole (`why_lost`),
    SendError if Kafka refuses a record permanently, KeyError if there is no such format, and OSError if the progress or
    the report cannot be written.
    """
    options = options or Options()
    if options.mapping is not None and options.mapping.columns.payer_id is not None:
        options = replace(options, id_keys=settings.id_number_keys())
    if options.stix is not None:
        options = replace(options, now=clock.now())
    with await asyncio.to_thread(open_rows_file, path, options.mapping) as file:
        digest, total = await asyncio.to_thread(look_through, file, path)
        sidecar = settings.data / f".{path.name}.quanzu-intake.json"
        read_by = _read_by(options)
        new = _State(digest=digest, format=name, mapping=read_by, kafka=settings.kafka)
        state = (_resumed(sidecar, new) if resume else None) or new
        resumed_from = state.line + 1 if state.line else None
        taking = _Taking(format_of(name, options), path, options, intake, clock, settings.rights())
        taking.read_header(file, state)
        if resumed_from is None:
            taking.check_rows(file, state)
        while lines := taking.next_rows(file, state.line, chunk):
            await taking.take(lines, state)
            state.offset, state.line = file.tell(), lines[-1][0]
            _save(sidecar, state)
            progress(state.line, len(taking.rows or ()) or total)
    report = _report(path, state, resumed_from)
    await asyncio.to_thread(_finish, report, report_path, sidecar)
    return report


@dataclass(slots=True)
class _Taking:
    """Reads one file and sends its rows, one chunk at a time."""

    format: Format
    path: Path
    options: Options
    intake: Intake
    clock: Clock
    rights: SourceRights
    header: bytes = b""
    row: Row = lambda line, row_id: Unreadable("no header was read")
    reading: Reading | None = None  # stored with each dead letter, which is later parsed without the file
    stored: Callable[[bytes], bytes] = lambda line: line  # makes a row fit to be stored with its dead letter
    rows: list[bytes] | None = None  # of a file that is read as a whole

    def next_rows(self, file: IO[bytes], done: int, most: int) -> list[Line]:
        """Return the next rows with their numbers, at most `most`. `done`: number of rows or lines that are already
        done.

        Raises FileRefusedError if the file must be read as a whole and is too long for that.
        """
        if self.format.split is None:
            return _next_lines(file, done, most)
        if self.rows is None:
            file.seek(0)
            self.rows = self.format.split(whole(file, self.path))
        return list(enumerate(self.rows[done : done + most], done + 1))

    def read_header(self, file: IO[bytes], state: _State) -> None:
        """Read the column names, and seek to the first row, or to the row at which an interrupted run stopped."""
        before, header = read_header(file, self.format)
        if len(fit := self.format.kept(header)) <= LONGEST_HEADER:
            mapping = self.options.mapping.text if self.options.mapping else None
            kept = base64.b64encode(fit).decode()
            zone = str(self.options.zone)
            self.reading = Reading(
                header=kept,
                start=self.options.start,
                zone=zone,
                mapping=mapping,
                calls=self.options.calls,
                stix=self.options.stix,
            )
        self.header, self.row = header, row_reader(self.format, header, self.options)
        self.stored = self.format.stored(header)
        if not state.line:
            state.offset, state.line, state.skipped = file.tell(), before + int(self.format.header), before
        file.seek(state.offset)

    def check_rows(self, file: IO[bytes], state: _State) -> None:
        """Raise FileRefusedError if the file would be lost as a whole. Its position stays the same."""
        if self.format.split is not None:
            return
        why = why_lost(self.format, self.header, _next_lines(file, state.line, CHUNK), self.options)
        if why is not None:
            raise FileRefusedError(f"{self.path}: {why}. Nothing of it was taken in.")
        file.seek(state.offset)

    async def take(self, lines: list[Line], state: _State) -> None:
        """Write the signals and dead letters of `lines`, and add them to the counts of `state` once Kafka has all of
        them.
        """
        filled = [line for line in lines if self.format.binary or line[1].strip()]
        rows = [line for line in filled if not self.format.is_footer(line[1])]
        now = self.clock.now()
        found = examine([self._item(line, state.digest) for line in rows], now, self.rights)
        reasons: dict[int, str] = {}
        for fault in found.faults:
            reasons.setdefault(fault.item, fault.why)
        letters = [
            DeadLetter.of(
                self.format.source, self._place(rows[item][0], state.digest), why, self.stored(rows[item][1]), now
            )
            for item, why in reasons.items()
        ]
        await self.intake.accept(found.signals)
        await dead_letter_writer.write(self.intake.producer, letters)
        state.rows += len(rows)
        state.skipped += len(filled) - len(rows)
        state.accepted += len(found.good)
        state.dead_lettered += len(letters)
        self.format.count(len(found.good), len(filled) - len(rows), list(reasons.values()))
        for why in reasons.values():
            state.reasons[why] = state.reasons.get(why, 0) + 1

    def _item(self, line: Line, digest: str) -> object:
        longest = LONGEST_LINE if self.format.split is None else LONGEST_FILE
        return item_of(self.row, line, row_id(digest, line[0]), longest)

    def _place(self, number: int, digest: str) -> LinePlace:
        return LinePlace(file=_printable(self.path.name), digest=digest[:16], line=number, reading=self.reading)


def row_id(digest: str, number: int) -> str:
    """Return the id of a row that has none: the first 8 characters of the file's digest, "-" and the line number.

    The id depends on the file's content, not on its name.
    """
    return f"{digest[:8]}-{number}"


def item_of(row: Row, line: Line, name: str, longest: int = LONGEST_LINE) -> object:
    """Return the item of a row: the fields of a signal, or an Unreadable with the reason for which the row cannot be
    parsed. `name`: the row's id; `longest`: the maximum length of the row in bytes.
    """
    if len(line[1]) > longest:
        return Unreadable(f"the line is longer than {longest:,} bytes")
    try:
        return row(line[1], name)
    except RowError as error:
        return Unreadable(str(error))


def row_reader(form: Format, header: bytes, options: Options) -> Row:
    """Return the function that parses the file's rows. It raises RowError for an invalid row; if the header is invalid,
    it returns an Unreadable with the reason for every row. Raises ValueError if the options lack what the format needs,
    such as a mapping.
    """
    try:
        return form.open(header, options)
    except RowError as error:
        return partial(_refused, str(error))


def why_lost(form: Format, header: bytes, lines: Sequence[Line], options: Options) -> str | None:
    """Return why a file would be lost as a whole, or None. It would be lost if its lines end in CR, so that it has one
    line, or if none of `lines` is a row and either the header is invalid or the format has none. `lines`: the first
    ones after the header, or of the file without one.
    """
    filled = [line for line in (header, *(text for _, text in lines)) if line.strip()]
    if len(filled) == 1 and b"\r" in filled[0]:
        return CR_ENDS
    if any(text.strip() for _, text in lines):
        return None
    try:
        form.open(header, options)
    except RowError as error:
        return str(error)
    return None if form.header else "it has no row"


def _read_by(options: Options) -> str | None:
    if options.stix is not None:
        return options.stix.model_dump_json()
    if options.calls is not None:
        return f"{options.zone} {options.calls.model_dump_json()}"
    return options.mapping.hash if options.mapping else None


def _refused(why: str, line: bytes, row_id: str) -> object:
    return Unreadable(why)


def _next_lines(file: IO[bytes], done: int, most: int) -> list[Line]:
    """Return the next lines with their numbers: at most `most`, and fewer once they exceed CHUNK_BYTES together."""
    lines, size = [], 0
    for line in islice(lines_of(file, done), most):
        lines.append(line)
        size += len(line[1])
        if size >= CHUNK_BYTES:
            break
    return lines


def _resumed(sidecar: Path, new: _State) -> _State | None:
    """Return the stored state of an interrupted run on the same content, format, mapping and Kafka, or None."""
    try:
        state = _State.model_validate_json(sidecar.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    same = (state.digest, state.format, state.mapping, state.kafka) == (new.digest, new.format, new.mapping, new.kafka)
    return state if same else None


def _save(sidecar: Path, state: _State) -> None:
    sidecar.parent.mkdir(parents=True, exist_ok=True)
    made = sidecar.with_name(f"{sidecar.name}.{os.getpid()}")
    made.write_text(state.model_dump_json(), encoding="utf-8")
    made.replace(sidecar)


def _finish(report: FileReport, path: Path | None, sidecar: Path) -> None:
    if path:
        path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    sidecar.unlink(missing_ok=True)  # a later run starts over: its topics may be new ones


def _report(path: Path, state: _State, resumed_from: int | None) -> FileReport:
    return FileReport(
        file=path.name,
        format=state.format,
        rows=state.rows,
        accepted=state.accepted,
        dead_lettered=state.dead_lettered,
        skipped=state.skipped,
        resumed_from=resumed_from,
        reasons=state.reasons,
    )


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)[:128]

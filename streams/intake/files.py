"""Intake of signal files: every row is accepted or becomes a dead letter, and an interrupted run can be resumed.

A row is a line; the first line of a CSV is its header. A row without its own id gets one made of the file's digest and
the line number, so a row sent twice (after a kill, or by a second run) has the same id and counts once.
"""

import asyncio
import base64
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Literal, cast

from pydantic import BaseModel, ValidationError

from schemas.administration.dead_letters import DeadLetter, LinePlace, Reading
from schemas.errors import UserError
from streams.intake.acceptor import Intake, Unreadable, examine
from streams.intake.formats import FORMATS, Format, Options, Row
from streams.intake.formats.rows import RowError
from streams.messaging import dead_letter_writer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings

CHUNK = 4_000  # lines that are written and acknowledged together
LONGEST_LINE = 2**20  # bytes
LONGEST_HEADER = 2**16
_BLOCK = 2**20
_GZIP_MAGIC = b"\x1f\x8b"


class FileRefusedError(UserError, ValueError):
    """Nothing of the file was accepted; the text says why and what to do."""


class FileReport(BaseModel):
    """The counts of a file's rows over all its runs: `rows` = `accepted` + `dead_lettered`."""

    file: str
    format: str
    rows: int
    accepted: int
    dead_lettered: int
    resumed_from: int | None = None  # the first line of this run, if it resumed an interrupted one
    reasons: dict[str, int] = {}  # number of dead letters by reason


class _State(BaseModel):
    """The progress on a file: everything counted here is acknowledged by Kafka."""

    digest: str
    format: str
    kafka: str | None  # the brokers' address; an embedded broker loses its data, and the next one has another port
    offset: int = 0  # bytes of the decompressed file
    line: int = 0
    rows: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    reasons: dict[str, int] = {}


Line = tuple[int, bytes]  # its number, from 1, and its content without the line end
Progress = Callable[[int, int], None]  # called with the number of lines done, and of all lines


async def intake_file(
    name: Literal["jsonl", "amlsim", "cdr"],
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
    """Accept all rows of a file, and return the report once Kafka has them all; waits while Kafka is unavailable.

    With `resume`, an interrupted run continues after its last acknowledged chunk. The file is read twice, first for its
    digest, so a broken gzip is found before anything is sent. `name`: the format. `report_path`: where the report is
    also written, as JSON. `chunk`: lines sent and acknowledged together.

    Raises FileRefusedError if the file cannot be read, and SendError if Kafka refuses a record for good.
    """
    digest, total = await asyncio.to_thread(_look_through, path)
    sidecar = settings.data / f".{path.name}.quanzu-intake.json"
    new = _State(digest=digest, format=name, kafka=settings.kafka)
    state = (_resumed(sidecar, new) if resume else None) or new
    resumed_from = state.line + 1 if state.line else None
    taking = _Taking(FORMATS[name], path, options or Options(), intake, clock)
    with _opened(path) as file:
        taking.read_header(file, state)
        while lines := _next_lines(file, state.line, chunk):
            await taking.take(lines, state)
            state.offset, state.line = file.tell(), lines[-1][0]
            _save(sidecar, state)
            progress(state.line, total)
    report = _report(path, state, resumed_from)
    await asyncio.to_thread(_finish, report, report_path, sidecar)
    return report


@dataclass(slots=True)
class _Taking:
    """Reads and sends the lines of one file, one chunk at a time."""

    format: Format
    path: Path
    options: Options
    intake: Intake
    clock: Clock
    row: Row = lambda line, row_id: Unreadable("no header was read")
    reading: Reading | None = None  # stored with each dead letter, which is later parsed without the file

    def read_header(self, file: IO[bytes], state: _State) -> None:
        """Read the column names, and seek to the first row, or to where an interrupted run stopped."""
        header = file.readline(LONGEST_LINE).rstrip(b"\r\n") if self.format.header else b""
        if len(header) <= LONGEST_HEADER:
            zone = str(self.options.zone)
            kept = base64.b64encode(header).decode()
            self.reading = Reading(header=kept, start=self.options.start, zone=zone)
        try:
            self.row = self.format.open(header, self.options)
        except RowError as error:
            self.row = partial(_refused, str(error))
        if not state.line:
            state.offset, state.line = file.tell(), int(self.format.header)
        file.seek(state.offset)

    async def take(self, lines: list[Line], state: _State) -> None:
        """Write the lines' signals and dead letters, and add them to the counts once Kafka has both."""
        rows = [line for line in lines if line[1].strip()]
        now = self.clock.now()
        found = examine([self._item(line, state.digest) for line in rows], now)
        reasons: dict[int, str] = {}
        for fault in found.faults:
            reasons.setdefault(fault.item, f"{fault.field}: {fault.what}" if fault.field else fault.what)
        letters = [
            DeadLetter.of(self.format.source, self._place(rows[item][0], state.digest), why, rows[item][1], now)
            for item, why in reasons.items()
        ]
        await self.intake.accept(found.signals)
        await dead_letter_writer.write(self.intake.producer, letters)
        state.rows += len(rows)
        state.accepted += len(found.good)
        state.dead_lettered += len(letters)
        for why in reasons.values():
            state.reasons[why] = state.reasons.get(why, 0) + 1

    def _item(self, line: Line, digest: str) -> object:
        number, text = line
        if len(text) > LONGEST_LINE:
            return Unreadable(f"the line is longer than {LONGEST_LINE:,} bytes")
        try:
            return self.row(text, row_id(digest, number))
        except RowError as error:
            return Unreadable(str(error))

    def _place(self, number: int, digest: str) -> LinePlace:
        return LinePlace(file=_printable(self.path.name), digest=digest[:16], line=number, reading=self.reading)


def row_id(digest: str, number: int) -> str:
    """Return the id of a row without its own: the first 8 characters of the file's digest, and the line number.

    So it depends on the file's content, not on its name.
    """
    return f"{digest[:8]}-{number}"


def _refused(why: str, line: bytes, row_id: str) -> object:
    return Unreadable(why)


def _next_lines(file: IO[bytes], done: int, most: int) -> list[Line]:
    return list(islice(_lines(file, done), most))


def _lines(file: IO[bytes], done: int) -> Iterator[Line]:
    while text := file.readline(LONGEST_LINE + 1):
        done += 1
        rest = text
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):  # too long: skip the rest of the line
            rest = file.readline(LONGEST_LINE + 1)
        yield done, text.rstrip(b"\r\n")


def _look_through(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of the decompressed content, and the number of lines."""
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    try:
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                lines += block.count(b"\n")
                last = block[-1:]
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefusedError(f"{path}: {_trouble(error)}. Nothing of it was taken in.") from None
    return digest.hexdigest(), lines + (last != b"\n")


def _opened(path: Path) -> IO[bytes]:
    """Open the file for reading, decompressed. gzip is recognized by the first bytes, not by the name."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _trouble(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the gzip is cut off; fetch the file again"
    if isinstance(error, zlib.error | gzip.BadGzipFile):
        return "the gzip is broken; fetch the file again"
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def _resumed(sidecar: Path, new: _State) -> _State | None:
    """Return the state of an interrupted run of the same content into the same Kafka, or None."""
    try:
        state = _State.model_validate_json(sidecar.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    same = (state.digest, state.format, state.kafka) == (new.digest, new.format, new.kafka)
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
        resumed_from=resumed_from,
        reasons=state.reasons,
    )


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)[:128]

"""Import of residents from a CSV or Parquet file, and export to one; one row for each resident (columns: see rows.py).

An unreadable row is refused with its line, column and reason; the other rows are imported. Refused rows are written
unchanged to `FILE.refused.csv` beside the file, with the reason in the first columns. After correction, that file can
be imported. Called by the `residents` commands.
"""

import asyncio
import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from domain.identity.entries import changed, confirmed, confirms, merge, renewed
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import BEIJING, held, new_resident_id
from schemas.errors import field_name
from schemas.people.residents import Resident, ResidentId
from streams.repositories.residents.example import write_example as write_example
from streams.repositories.residents.register import Asked, Residents
from streams.repositories.residents.rehash import check_keys
from streams.repositories.residents.rows import COLUMNS, EXPORTED, REQUIRED, RowError, known_as, read_row, write_row
from streams.repositories.residents.tables import FileError, Row, open_rows, write_table
from streams.runtime.clock import Clock

CHUNK = 3000  # rows looked up and written together
SHOWN = 10  # most columns named in one error
REFUSED = ("refused_line", "refused_column", "refused_reason")

Progress = Callable[[int, float], None]
"""Called after each chunk with the number of rows done and the fraction of the file read (0 to 1)."""


class Refusal(NamedTuple):
    """A refused row: the number of its line in the file, the invalid column and the reason. It never contains the row's
    values.
    """

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@dataclass(slots=True)
class ImportReport:
    """The result of an import.

    `rows`: number of rows read; `imported`: of rows that added or changed an entry; `unchanged`: of rows equal to the
    stored entry; `refused`: the refused rows. `encoding`: of the file; `refused_file`: the file with the refused rows,
    None if no row was refused.
    """

    encoding: str
    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    refused_file: Path | None = None


async def import_file(
    path: Path, register: Residents, keys: IdKeys, progress: Progress | None = None, at: datetime | None = None
) -> ImportReport:
    """Import all residents of a file into the register. Write refused rows to FILE.refused.csv beside it, which
    replaces an earlier such file; none is written if no row is refused. Returns the counts and the refused rows. The
    columns: see rows.py.

    A resident known by id, or by the hash of the ID number, is updated, so a file can be imported again. A telephone or
    account that a later row of the same resident leaves out ends at `at` (default: now). `progress` is called after
    each chunk of rows with the number of rows read and the fraction of the file read (0 to 1).

    Raises FileError if the file is not CSV or Parquet, or a column is missing, unknown or given twice, OSError if it
    cannot be opened, and UnknownKeyError if the register's ID numbers are hashed under a key that is not in `keys`;
    nothing is imported then. Further on, raises FileError if a Parquet file is damaged (all rows up to the one that the
    error names are imported), and OSError if the file cannot be read on or the refused rows cannot be written (earlier
    rows may be imported). Errors of `Residents.put` and of Redis pass through.
    """
    at = at or Clock().now()
    await check_keys(register, keys)
    table = open_rows(path)
    check_heading(table.heading)
    report = ImportReport(table.encoding)
    taking = asyncio.create_task(asyncio.sleep(0))
    with _RefusedFile(path, table.encoding, table.heading) as refused:
        try:
            for chunk in _chunks(table.rows):
                read = await _remembered(await _read(chunk, keys, at, refused), register, refused)
                await taking  # the next chunk is read while this one is written
                taking = asyncio.create_task(_take(read, register, at, report, refused))
                report.rows += len(chunk)
                if progress:
                    progress(report.rows, table.share())
        finally:
            await taking
    report.refused = refused.refusals
    report.refused_file = refused.path if refused.refusals else None
    return report


async def export_file(path: Path, register: Residents) -> int:
    """Write the register to a file readable only by its owner, and return the number of entries, merged ones included.

    The file appears under its name once it is complete. It has the hash of each ID number instead of the number. Raises
    FileError if the name ends in neither .csv nor .parquet, or the folder does not exist, OSError if the file cannot be
    written, and RedisError if Redis is unavailable.
    """
    count = 0
    with write_table(path, EXPORTED) as table:
        async for batch in register.all():
            table.write([write_row(resident) for resident in batch])
            count += len(batch)
    return count


def check_heading(heading: list[str]) -> None:
    """Raise FileError, which lists the columns, if a heading has unknown or repeated columns, or lacks a required one;
    else do nothing.
    """
    unknown = [column for column in heading if column not in COLUMNS and column not in REFUSED]
    missing = [column for column in REQUIRED if column not in heading]
    double = {column for column in heading if heading.count(column) > 1}
    if unknown or missing or double:
        raise FileError(
            "; ".join(
                f"{what}: {', '.join(repr(field_name(column)) for column in sorted(columns)[:SHOWN])}"
                for what, columns in (("unknown column", unknown), ("missing", missing), ("twice", double))
                if columns
            )
            + f". The columns are {', '.join(COLUMNS)}"
        )


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield the rows, CHUNK at a time. Raises FileError if the file is damaged, after the rows read before it."""
    chunk: list[Row] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    except FileError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


class _Read(NamedTuple):
    row: Row
    resident: Resident
    named: bool  # the row gives an id
    hashes: Sequence[str]  # of the ID number, under every key that the register may have used


async def _read(rows: Sequence[Row], keys: IdKeys, at: datetime, refused: "_RefusedFile") -> list[_Read]:
    today = at.astimezone(BEIJING).date()
    read = []
    for place, row in enumerate(rows):
        if place % 100 == 0:
            await asyncio.sleep(0)  # lets the event loop answer Kafka and Redis
        try:
            resident = _resident(row, keys, today)
        except RowError as error:
            refused.add(row, error)
        else:
            named = bool(row.fields.get("id", "").strip())
            read.append(_Read(row, resident, named, known_as(row.fields, resident, keys, today)))
    return read


async def _remembered(read: list[_Read], register: Residents, refused: "_RefusedFile") -> list[_Read]:
    """Return the rows without those that name the id of an erased resident; these are refused."""
    gone = await register.forgotten(each.resident.id for each in read if each.named)
    for each in read:
        if each.resident.id in gone:
            refused.add(each.row, RowError("id", "was forgotten: an erased resident's id cannot be used again"))
    return [each for each in read if each.resident.id not in gone]


def _resident(row: Row, keys: IdKeys, today: date) -> Resident:
    if row.wrong:
        raise RowError(*row.wrong)
    return read_row(row.fields, keys, _new_id, today)


def _new_id() -> ResidentId:
    return new_resident_id(os.urandom(10))


async def _take(
    read: list[_Read], register: Residents, at: datetime, report: ImportReport, refused: "_RefusedFile"
) -> None:
    """Look up the rows' residents, merge the rows into the stored entries, and write the entries that changed."""
    ids = await _ids(read, register)
    holders = await _phone_holders(read, register, at)
    into = (each.resident.merged_into for each in read if each.resident.merged_into)
    stored = await register.get([*ids, *into, *(entry for entries in holders for entry in entries)])
    stored |= await register.get({entry.merged_into for entry in stored.values() if entry.merged_into} - stored.keys())
    latest = dict(stored)
    for each, entry, some in zip(read, ids, holders, strict=True):
        try:
            entry, person = _meant(each, entry, [latest[name] for name in some if name in latest], latest, at)
            old = latest.get(entry)
            told = each.resident if each.resident.id == entry else each.resident.model_copy(update={"id": entry})
            latest |= _taken(old, told, latest, at)
            if person is not None:
                latest |= _merged(confirmed(person, latest[entry]), latest[entry], at, "phones")
        except ValueError as error:
            refused.add(each.row, RowError(*str(error).split(": ", 1)))
            continue
        report.unchanged += latest[entry] == old
        report.imported += latest[entry] != old
    await register.put(new for entry, new in latest.items() if new != stored.get(entry))


def _meant(
    read: _Read, entry: ResidentId, some: Sequence[Resident], latest: Mapping[ResidentId, Resident], at: datetime
) -> tuple[ResidentId, Resident | None]:
    """Return the entry that a row is about, and a provisional entry of the same person that is to be merged with it.

    `some`: the entries that hold a telephone of the row. A provisional entry keeps its id when the register delivers
    the person, because cases, orders and evidence are stored under it (domain/desk/unknown_caller).

    A row without an id, of somebody new, is about the provisional entry itself. A row under an id that was merged is
    about the entry that replaced it, if that one has the same ID number.
    """
    told, old = read.resident, latest.get(entry)
    target = latest.get(old.merged_into or "") if old and not told.merged_into else None
    if target is not None and target.id_hash and target.id_hash == told.id_hash:
        return target.id, None
    person = next((each for each in some if each.id != entry and confirms(told, each, at)), None)
    if person is not None and old is None and not read.named:
        return person.id, None
    return entry, person


def _taken(
    old: Resident | None, told: Resident, latest: Mapping[ResidentId, Resident], at: datetime
) -> dict[ResidentId, Resident]:
    """Return the entries that a row changes, by id. A row merged into another entry also changes that other entry.

    Otherwise the telephones of the merged entry would belong to nobody. If the other entry does not exist (yet), its
    own row will bring everything. Raises ValueError whose text begins with the column's name.
    """
    if old and old.merged_into and told.merged_into != old.merged_into:
        raise ValueError(f"id: was merged into {old.merged_into}. Give what is new under that id")
    if old and old.provisional and told.provisional is None:
        new = confirmed(old, told)
    else:
        new = renewed(old, told, at) if old else told
    keep = latest.get(new.merged_into or "")
    if keep is None or new == old:
        return {new.id: new}
    return _merged(keep, changed(new, merged_into=None), at, "merged_into")


def _merged(keep: Resident, gone: Resident, at: datetime, column: str) -> dict[ResidentId, Resident]:
    """Return both entries merged, by id. Raises ValueError whose text begins with the column's name."""
    try:
        return {each.id: each for each in merge(keep, gone, at)}
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


async def _phone_holders(read: Sequence[_Read], register: Residents, at: datetime) -> list[list[ResidentId]]:
    """Return for each row the ids of the entries that hold one of its telephones at `at`."""
    asked = [(number, each.value) for number, row in enumerate(read) for each in row.resident.phones if held(each, at)]
    owners = await register.holders([Asked("phones", value, at) for _, value in asked])
    found: list[list[ResidentId]] = [[] for _ in read]
    for (number, _), names in zip(asked, owners, strict=True):
        found[number] += names
    return found


async def _ids(read: list[_Read], register: Residents) -> list[ResidentId]:
    """Return each row's resident id: the row's own, else that of the same ID number in the register or in an earlier
    row, else a new one.
    """
    hashes = list({hashed for each in read if not each.named for hashed in each.hashes})
    found = zip(hashes, await register.by_id_hash(hashes), strict=True)
    by_hash = {hashed: entry for hashed, entry in found if entry}
    ids: list[ResidentId] = []
    for each in read:
        known = (by_hash[hashed] for hashed in each.hashes if hashed in by_hash)
        entry = each.resident.id if each.named else next(known, each.resident.id)
        for hashed in each.hashes:
            by_hash.setdefault(hashed, entry)
        ids.append(entry)
    return ids


class _RefusedFile:
    """Writes refused rows unchanged and in the source's encoding. The file is created with the first refused row."""

    def __init__(self, source: Path, encoding: str, heading: list[str]) -> None:
        self.path = source.with_name(f"{source.name}.refused.csv")
        self.refusals: list[Refusal] = []
        # A corrected file of refused rows already starts with the reason columns: they are replaced.
        self._width = len(heading)
        self._places = [place for place, column in enumerate(heading) if column not in REFUSED]
        self._heading = [heading[place] for place in self._places]
        self._encoding = encoding
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, row: Row, error: RowError) -> None:
        """Write a refused row with the reason."""
        refusal = Refusal(row.line, error.column, error.reason)
        self.refusals.append(refusal)
        fits = len(row.cells) == self._width
        cells = [row.cells[place] for place in self._places] if fits else row.cells
        csv.writer(self._open()).writerow([refusal.line, refusal.column, refusal.reason, *cells])

    def _open(self) -> IO[str]:
        if self._file is None:
            private = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(private, "w", encoding=self._encoding, errors="surrogateescape", newline="")
            csv.writer(self._file).writerow([*REFUSED, *self._heading])
        return self._file

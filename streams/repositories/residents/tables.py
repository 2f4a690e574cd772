"""Reading and writing tables row by row: CSV in UTF-8 or GB 18030, and Parquet; all cells are text.

An unreadable row is returned with a reason and does not end the file: an unclosed quote makes only its own line
unreadable, a byte outside the encoding only its own row. Called by the import and export of residents.
"""

import codecs
import csv
import io
import math
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import UserError

_STRANGE = re.compile("[\udc80-\udcff]")  # the characters that surrogateescape puts for undecodable bytes
LONGEST = 20  # lines of one row: more means that a quote was never closed
LONGEST_LINE = 2**16  # bytes of a line; characters of a row of several lines
MOST_COLUMNS = 100
PARQUET_BATCH = 1000
EXACT = 2**53  # at and above this, one float stands for several whole numbers
LARGEST_GROUP = 2**31  # bytes of a row group, as declared and unpacked: a group is unpacked as a whole


class FileError(UserError, ValueError):
    """A file cannot be read or written; the text says why and how to correct it."""


class Row(NamedTuple):
    """A row of a table.

    `line`: the number of its first line in the file (Parquet: of the row, from 1); `cells`: in order; `fields`: the
    cells by column, empty if the row has more or fewer cells than the heading. `wrong`: (column, reason) if the row
    cannot be read, else None.
    """

    line: int
    cells: list[str]
    fields: dict[str, str]
    wrong: tuple[str, str] | None = None


@dataclass(slots=True)
class Table:
    """An open file with its `encoding` ("utf-8", "utf-8-sig" or "gb18030" for CSV) and `heading` (the columns, in
    order).

    `rows` is read lazily, and may raise FileError if the file is damaged further on; `share` returns the fraction of
    the file read so far (0 to 1).
    """

    encoding: str
    heading: list[str]
    rows: Iterator[Row]
    share: Callable[[], float]


class Sink(Protocol):
    """A file to which rows are written."""

    def write(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Write rows, each a mapping from column to text. Raises OSError if the file cannot be written."""


def open_rows(path: Path) -> Table:
    """Open a CSV or Parquet file, according to the ending of its name, and return it with its heading; its rows are
    read later.

    Raises FileError if the name has another ending, or the file is damaged or has no valid heading; OSError if it
    cannot be opened.
    """
    if path.suffix.lower() == ".csv":
        return _open_csv(path)
    if path.suffix.lower() == ".parquet":
        return _open_parquet(path)
    raise FileError(f"{path.name}: only .csv and .parquet are read")


@contextmanager
def write_table(path: Path, columns: Sequence[str]) -> Iterator[Sink]:
    """Context manager: create a file with these columns, and yield an object that writes rows to it. Only its owner may
    read it.

    The file appears under its name when the block ends without an error; a file of that name is replaced. Raises
    FileError if the name ends in neither .csv nor .parquet, or the folder does not exist, and OSError if it cannot be
    written.
    """
    sinks: dict[str, Callable[[IO[bytes], Sequence[str]], _CsvSink | _ParquetSink]]
    sinks = {".csv": _CsvSink, ".parquet": _ParquetSink}
    if path.suffix.lower() not in sinks:
        raise FileError(f"{path.name}: only .csv and .parquet are written")
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: there is no such folder")
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            sink = sinks[path.suffix.lower()](file, columns)
            yield sink
            sink.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file: "utf-8", "utf-8-sig" (with a byte order mark) or "gb18030".

    It counts as UTF-8 if at least half of the lines with non-ASCII bytes decode as UTF-8. Nearly any bytes decode as GB
    18030, so one broken line must not garble all names of the file. Raises OSError if the file cannot be read.
    """
    telling = broken = 0
    with path.open("rb") as file:
        marked = file.read(3) == b"\xef\xbb\xbf"
        file.seek(0)
        while line := file.readline(LONGEST_LINE):
            if not line.isascii():
                telling += 1
                broken += not _reads_as_utf8(line)
    if 2 * broken > telling:
        return "gb18030"
    return "utf-8-sig" if marked else "utf-8"


def _reads_as_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _open_csv(path: Path) -> Table:
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise FileError(f'{path.name}: in UTF-16 ("Unicode text"). Save it as UTF-8 or GB 18030')
    encoding, size = encoding_of(path), path.stat().st_size
    read = [0]
    records = _records(_lines(path, encoding, read))
    heading = next((cells for _, cells, _ in records if cells), None)
    if not heading or not all(column.isidentifier() for column in map(str.strip, heading)):
        raise FileError(f"{path.name}: the first line must name the columns, with commas between")
    heading = _few([column.strip() for column in heading], path)
    rows = (_csv_row(heading, *record) for record in records if any(record[1]) or record[2])
    return Table(encoding, heading, rows, lambda: read[0] / size if size else 1.0)


def _csv_row(heading: list[str], line: int, cells: list[str], wrong: str | None) -> Row:
    if wrong is None and len(cells) != len(heading):
        wrong = f"has {len(cells)} cells and not {len(heading)}"
    if wrong is None:
        fields = dict(zip(heading, cells, strict=True))
        if not _STRANGE.search("".join(cells)):
            return Row(line, cells, fields)
        strange = next(column for column, cell in zip(heading, cells, strict=True) if _STRANGE.search(cell))
        return Row(line, cells, fields, (strange, "has bytes that are not in the file's encoding"))
    return Row(line, cells, {}, ("row", wrong))


def _lines(path: Path, encoding: str, read: list[int]) -> Iterator[str]:
    codec = encoding.removesuffix("-sig")
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            text = line.decode(codec, "surrogateescape")
            yield _whole(text.removeprefix("\ufeff") if read[0] == 0 else text, line, file, read)
            read[0] += len(line)


class _Cut(str):
    """The beginning of a line that is too long."""


def _whole(text: str, line: bytes, file: IO[bytes], read: list[int]) -> str:
    """Return the line, or its beginning if it is too long; the rest of a long line is skipped. `read`: the number of
    bytes read so far.
    """
    if len(line) < LONGEST_LINE or line.endswith(b"\n"):
        return text
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        read[0] += len(rest)
    read[0] += len(rest)
    return _Cut(text[:100])


def _few(heading: list[str], path: Path) -> list[str]:
    if len(heading) > MOST_COLUMNS:
        raise FileError(f"{path.name}: {len(heading):,} columns; a file of residents has {MOST_COLUMNS} at most")
    return heading


def _records(lines: Iterator[str]) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield each row's first line number, its cells, and the error or None; an unreadable line is its own only cell."""
    ahead: deque[str] = deque()
    line = 1
    while ahead or _fill(ahead, lines):
        count, cells, wrong = _record(ahead, lines)
        yield line, cells, wrong
        for _ in range(count):
            ahead.popleft()
        line += count


def _record(ahead: deque[str], lines: Iterator[str]) -> tuple[int, list[str], str | None]:
    if isinstance(ahead[0], _Cut):
        return 1, [ahead[0]], f"is longer than {LONGEST_LINE:,} bytes"
    characters = 0
    for count in range(1, LONGEST + 1):
        if len(ahead) < count and not _fill(ahead, lines):
            break
        characters += len(ahead[count - 1])
        if characters > LONGEST_LINE or isinstance(ahead[count - 1], _Cut):
            break
        if count > 1 and '"' not in ahead[count - 1]:
            continue  # the line has no quote that could close the open one
        try:
            return count, next(csv.reader(islice(ahead, count), strict=True), []), None
        except csv.Error as error:
            if "unexpected end" not in str(error):
                return 1, [ahead[0].rstrip("\r\n")], f"is not CSV: {error}"
    return 1, [ahead[0].rstrip("\r\n")], "has a quote that is never closed"


def _fill(ahead: deque[str], lines: Iterator[str]) -> bool:
    more = list(islice(lines, 1))
    ahead.extend(more)
    return bool(more)


def _open_parquet(path: Path) -> Table:
    try:
        file = pq.ParquetFile(path)
        heading, total, read = _few(list(file.schema_arrow.names), path), file.metadata.num_rows, [0]
        groups = [file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups)]
    except (FileNotFoundError, PermissionError, FileError):
        raise
    except (*_DAMAGED, ValueError):
        raise FileError(f"{path.name}: not a Parquet file, or cut off") from None
    if max(groups, default=0) > LARGEST_GROUP:
        raise FileError(f"{path.name}: a row group of over {LARGEST_GROUP:,} bytes. Write it in smaller ones")
    rows = _parquet_rows(file, heading, read, path.name)
    return Table("utf-8", heading, rows, lambda: read[0] / total if total else 1.0)


# What Arrow raises for a damaged file. A missing file is handled separately.
_DAMAGED = (pa.ArrowException, OSError)


def _parquet_rows(file: pq.ParquetFile, heading: list[str], read: list[int], name: str) -> Iterator[Row]:
    batches = file.iter_batches(PARQUET_BATCH)
    while batch := _next_batch(batches, read, name):
        for values in _values(batch):
            read[0] += 1
            if values is None:
                yield Row(read[0], [], {}, ("row", "has a value that cannot be written as text"))
                continue
            fields = {column: _text(values[column]) for column in heading}
            rounded = next((column for column in heading if _rounded(values[column])), None)
            wrong = (rounded, "is a float, which has lost its last digits: write it as text") if rounded else None
            yield Row(read[0], list(fields.values()), fields, wrong)


def _next_batch(batches: Iterator[pa.RecordBatch], read: list[int], name: str) -> pa.RecordBatch | None:
    try:
        return next(batches, None)
    except (*_DAMAGED, ValueError):
        raise FileError(
            f"{name}: damaged after row {read[0]:,}; the rows before it were taken. Fetch the file again"
        ) from None


def _values(batch: pa.RecordBatch) -> Iterator[Mapping[str, object] | None]:
    """Yield the batch's rows; None for a row with a value that Python cannot represent, such as a day in the year
    30000.
    """
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        for place in range(batch.num_rows):
            try:
                yield from batch.slice(place, 1).to_pylist()
            except (ValueError, OverflowError):
                yield None


def _rounded(value: object) -> bool:
    """Return whether a value is a float too large to be exact: a 19-digit card number would become another one."""
    if isinstance(value, list):
        return any(map(_rounded, value))
    return isinstance(value, float) and abs(value) >= EXACT


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
        return ";".join(map(_text, value))
    if isinstance(value, date):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


class _CsvSink:
    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._writer = csv.DictWriter(self._text, columns)
        self._writer.writeheader()

    def write(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._writer.writerows(rows)

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class _ParquetSink:
    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        self._writer = pq.ParquetWriter(file, self._schema)

    def write(self, rows: Sequence[Mapping[str, str]]) -> None:
        if rows:
            self._writer.write_table(pa.Table.from_pylist(list(rows), self._schema))

    def close(self) -> None:
        self._writer.close()

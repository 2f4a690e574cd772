"""A sheet of an Excel workbook as lines: a row becomes the JSON array of its cells as texts, an empty row a blank line.

So a row keeps its number, and is read, counted, resumed and kept as a dead letter like a line of any file. A workbook
is an archive that may unpack to anything: its size is limited before it is opened.
"""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

import orjson

from schemas.errors import UserError

MOST_UNPACKED = 2**28  # bytes of all parts of a workbook
MOST_SHARED = 2**26  # bytes of a part that is held in memory: all but the sheets
MOST_WRITTEN = 2**29  # bytes of the rows as lines: each cell may repeat one long text, or be in a far column
MOST_PARTS = 1_000
MOST_ROWS = 2**20  # as Excel has
_EXACT = 10**15  # from here on, Excel rounds a number


class WorkbookError(UserError, ValueError):
    """A workbook cannot be read. The text says why and what to do."""


def write_lines(path: Path, sheet: str | None, file: IO[bytes], most: int = MOST_ROWS) -> None:
    """Write the rows of a sheet (None: the first one) as lines to `file`, `most` of them at most.

    Raises WorkbookError if it is no workbook, is too large or broken, or has no such sheet or more than 1,048,576 rows.
    """
    try:
        _check_size(path)
        for line in islice(_lines(path, sheet), most):
            file.write(line + b"\n")
    except WorkbookError:
        raise
    except Exception as error:  # a broken archive or document makes its reader fail in many ways
        raise WorkbookError(
            f"{path}: no workbook that can be read ({type(error).__name__}). Save it again as .xlsx, or as CSV"
        ) from None


def _check_size(path: Path) -> None:
    """Raise WorkbookError if the archive declares too much. No more is unpacked than it declares."""
    with ZipFile(path) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts if not _is_sheet(part)), default=0)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or largest > MOST_SHARED:
        raise WorkbookError(
            f"{path}: unpacked it has {unpacked:,} bytes in {len(parts):,} parts. A workbook has {MOST_UNPACKED:,} at "
            f"most in {MOST_PARTS:,} parts, and {MOST_SHARED:,} in one outside its sheets. Save it as CSV, or in parts"
        )
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise WorkbookError(f"{path}: packed in a way that Excel does not use. Save it again as .xlsx, or as CSV")


def _is_sheet(part: ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/")


def _lines(path: Path, sheet: str | None) -> Iterator[bytes]:
    from openpyxl import load_workbook  # here: workers import this module for dead letters, and open no workbook

    book = load_workbook(path, read_only=True, keep_links=False)
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise WorkbookError(f"{path}: has no sheet {sheet}. Correct the name in the mapping, [file] sheet")
        page = book[sheet] if sheet is not None else book.worksheets[0]
        page.reset_dimensions()  # what the sheet says of its size may be anything
        size = 0
        for number, row in enumerate(page.iter_rows(values_only=True), 1):
            if number > MOST_ROWS:
                raise WorkbookError(f"{path}: over {MOST_ROWS:,} rows. Save it as CSV, or in parts")
            line = _line(row)
            if (size := size + len(line)) > MOST_WRITTEN:
                raise WorkbookError(f"{path}: its rows have over {MOST_WRITTEN:,} bytes. Save it as CSV, or in parts")
            yield line
    finally:
        book.close()


def _line(row: tuple[object, ...]) -> bytes:
    cells = [_text(value) for value in row]
    return orjson.dumps(cells) if any(cells) else b""


def _text(value: object) -> str:
    """Return a cell as text. A formula begins with "="; a number that Excel has rounded has an exponent."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value)
        case datetime():
            return _whole_second(value).isoformat(" ")
        case date() | time():
            return value.isoformat()
        case str():
            return value
        case _:  # the formula of an array, or of a table
            return "="


def _number(value: float) -> str:
    if abs(value) >= _EXACT:
        return f"{value:.14E}"
    return str(int(value)) if value == int(value) else repr(value)


def _whole_second(value: datetime) -> datetime:
    """Return the time to the second: a workbook keeps it as a fraction of a day, which is not exact."""
    return (value + timedelta(milliseconds=500)).replace(microsecond=0)

"""A sheet of an Excel workbook as lines: a row becomes the JSON array of its cells as texts, an empty row a blank line.

A row keeps its number, and is read, counted, resumed and stored as a dead letter like a line of any file. A workbook is
an archive that may unpack to any size, so its declared size is checked before it is opened.
"""

import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile, ZipInfo

import orjson
from lxml import etree

from schemas.errors import UserError

MOST_UNPACKED = 2**28  # bytes of all parts of a workbook
MOST_SHARED = 2**26  # bytes of the part with the texts, which are held in memory
MOST_TREE = 2**24  # bytes of other parts: a tree of one needs up to thirty times as much memory
MOST_WRITTEN = 2**29  # bytes of the rows as lines: each cell may repeat one long text, or be in a far column
MOST_PARTS = 1_000
MOST_ROWS = 2**20  # as Excel has
_TYPES = "[Content_Types].xml"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_TEXTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_EXACT = 10**15  # from here on, Excel rounds a number


class WorkbookError(UserError, ValueError):
    """A workbook cannot be read. The text gives the reason and the correction."""


def write_lines(path: Path, sheet: str | None, file: IO[bytes], most: int = MOST_ROWS) -> None:
    """Write the rows of a sheet (None: the first sheet) as lines to `file`, at most `most` rows: the JSON array of a
    row's cells as texts, or a blank line for an empty row.

    Raises WorkbookError if the file is not a workbook, is too large or broken, or lacks the sheet; rows before the
    fault may have been written.
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
    """Raise WorkbookError if the archive declares too many parts or bytes. Unpacking stops at the declared size."""
    with ZipFile(path) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED:
            raise WorkbookError(
                f"{path}: unpacked it has {unpacked:,} bytes in {len(parts):,} parts. A workbook has {MOST_UNPACKED:,} "
                f"at most in {MOST_PARTS:,} parts. Save it as CSV, or in parts"
            )
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
            raise WorkbookError(f"{path}: packed in a way that Excel does not use. Save it again as .xlsx, or as CSV")
        _check_parts(path, archive, parts)


def _check_parts(path: Path, archive: ZipFile, parts: Sequence[ZipInfo]) -> None:
    """Raise WorkbookError if a part is too large for openpyxl, which holds all parts but sheets and texts in memory."""
    large = [part for part in parts if part.file_size > MOST_TREE]
    kinds = _kinds(archive) if large and all(part.filename != _TYPES for part in large) else {}
    for part in large:
        most = _most(part.filename, kinds.get(part.filename, set()))
        if part.file_size > most:
            raise WorkbookError(
                f"{path}: unpacked, a part of it has {part.file_size:,} bytes. It has {most:,} at most: sheets may be "
                "larger, and texts. Save it as CSV, or in parts"
            )


def _kinds(archive: ZipFile) -> dict[str, set[str]]:
    """Return the content types that the workbook declares for each part, by part name. openpyxl finds the parts by
    them.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    types = etree.fromstring(archive.read(_TYPES), etree.XMLParser(resolve_entities=False, no_network=True))
    for each in types.iter("{*}Override"):
        found[each.get("PartName", "")[1:]].add(each.get("ContentType", ""))
    return found


def _most(name: str, kinds: set[str]) -> int:
    if kinds == {_SHEET} and name.startswith("xl/worksheets/") and name.endswith(".xml"):
        return MOST_UNPACKED
    return MOST_SHARED if kinds == {_TEXTS} and name.endswith("haredStrings.xml") else MOST_TREE


def _lines(path: Path, sheet: str | None) -> Iterator[bytes]:
    book = _opened(path)
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


def _opened(path: Path) -> Any:  # noqa: ANN401 - openpyxl has no types
    """Return the workbook without its chart sheets, which openpyxl would load into memory whatever their size."""
    from openpyxl.reader.excel import ExcelReader  # here: workers import this module, and open no workbook

    reader = ExcelReader(path, read_only=True, keep_links=False)
    reader.read_chartsheet = lambda sheet, rel: None
    reader.read()
    return reader.wb


def _line(row: tuple[object, ...]) -> bytes:
    cells = [_text(value) for value in row]
    return orjson.dumps(cells) if any(cells) else b""


def _text(value: object) -> str:
    """Return a cell's value as text. The text of a formula begins with "="; a number that Excel has rounded has an
    exponent.
    """
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
    """Return the time rounded to the second, because a workbook stores times as inexact fractions of a day."""
    return (value + timedelta(milliseconds=500)).replace(microsecond=0)

"""A bank's own file, parsed by its declared mapping: a row's bytes are split into cells, and the cells become a
payment.

A value cannot contain a line break. A workbook's row also arrives as a line: the JSON array of its cells.
"""

import csv
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from typing import assert_never

import orjson

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.bank_rows import payment
from domain.feeds.cells import CellError, Cells, header_places, without_id_number
from domain.feeds.file_mapping import MOST_COLUMNS, Delimited, FileMapping, Fixed, Workbook
from domain.identity.identifiers import parse_id_number
from streams.intake.formats.rows import Options, Row, RowError

Split = Callable[[bytes], list[str]]
_ID_LENGTH = 18


def open_rows(header: bytes, options: Options) -> Row:
    """Return the function that parses rows by the mapping in `options`: it returns the fields of a transfer signal, or
    raises RowError.

    Raises RowError if the header lacks a column or cannot be parsed, and ValueError if the options have no mapping.
    """
    if options.mapping is None:
        raise ValueError("a bank's file needs a mapping")
    return partial(_row, options, options.mapping, open_cells(header, options.mapping))


def open_cells(header: bytes, mapping: FileMapping) -> Callable[[bytes], Cells]:
    """Return the function that splits a line into cells by column name. Raises RowError if the header is invalid; the
    function raises RowError if a line is invalid.
    """
    split = splitter(mapping)
    try:
        names = split(header) if has_header(mapping) else list(mapping.file.declared or ())
        places = header_places(names, mapping)
    except (CellError, RowError) as error:
        raise RowError(f"the header, line {mapping.file.skip_first + 1}: {error}") from None
    even = _padded if isinstance(mapping.file, Workbook) else _whole
    return lambda line: _named(even(split(line), len(names)), places)


def has_header(mapping: FileMapping) -> bool:
    """Return True if the file has a header: a line with the column names."""
    return mapping.file.declared is None


def is_footer(mapping: FileMapping, line: bytes) -> bool:
    """Return True if the line begins like a footer of the mapping, that is, a line without a payment."""
    if not mapping.file.footer:
        return False
    return line.lstrip(_OPENING).startswith(_footers(mapping.file.footer, file_encoding(mapping)))


_OPENING = b" \t\"'[,"  # what may stand before a line's first word: blanks, empty cells, a quote, an array's bracket


@lru_cache(maxsize=8)
def _footers(words: tuple[str, ...], encoding: str) -> tuple[bytes, ...]:
    return tuple(word.encode(encoding) for word in words)


def splitter(mapping: FileMapping) -> Split:
    """Return the function that splits a line into cells, from left to right. That function raises RowError if the line
    is invalid.
    """
    match mapping.file:
        case Delimited() as file:
            return partial(_delimited, file)
        case Fixed() as file:
            return partial(_fixed, file, _last_read(mapping, file))
        case Workbook():
            return _array
        case _:
            assert_never(mapping.file)


def stored(header: bytes, mapping: FileMapping) -> Callable[[bytes], bytes]:
    """Return a function that makes a line fit to be stored with a dead letter: the ID number in it becomes
    stars, or, if the number cannot be found for certain, every digit of the line. If the mapping has no ID number,
    lines stay unchanged.
    """
    if mapping.columns.secret is None:
        return lambda line: line
    try:
        read = open_cells(header, mapping)
    except RowError:
        return partial(_hidden, mapping, None)
    return partial(_hidden, mapping, read)


def kept_header(header: bytes, mapping: FileMapping) -> bytes:
    """Return a file's header line as it may be stored with dead letters: unchanged, except that every digit becomes a
    star if the mapping names a column for ID numbers and the line is not the header that the mapping
    expects. Such a line may be the first payment of a file without a header.
    """
    if mapping.columns.secret is None:
        return header
    try:
        open_cells(header, mapping)
    except RowError:
        return _hidden(mapping, None, header)
    return header


def _hidden(mapping: FileMapping, read: Callable[[bytes], Cells] | None, line: bytes) -> bytes:
    encoding = file_encoding(mapping)
    try:
        cells = read(line) if read is not None else None
        text = line.decode(encoding)
    except (RowError, UnicodeDecodeError):
        cells, text = None, line.decode(encoding, "replace")
    return without_id_number(mapping, text, cells, is_id_number).encode(encoding)


def is_id_number(text: str) -> bool:
    """Return True for a valid ID number of 18 characters. False for one of 15: it has no check digit, so an account may
    look like it.
    """
    try:
        parse_id_number(text)
    except ValueError:
        return False
    return len(text) == _ID_LENGTH


def _row(options: Options, mapping: BankMapping, cells: Callable[[bytes], Cells], line: bytes, row_id: str) -> object:
    try:
        return payment(mapping, cells(line), row_id, options.id_keys.hash_of_text if options.id_keys else None)
    except CellError as error:
        raise RowError(str(error)) from None


def file_encoding(mapping: FileMapping) -> str:
    """Return the encoding of the file's lines; those of a workbook are UTF-8."""
    return "utf-8" if isinstance(mapping.file, Workbook) else mapping.file.encoding


def _delimited(file: Delimited, line: bytes) -> list[str]:
    text = _decoded(line, file.encoding).removeprefix("\ufeff")
    if text.count(file.delimiter) > MOST_COLUMNS * 2:  # before a list of all of them is made
        raise RowError(f"over {MOST_COLUMNS:,} fields")
    if not file.quote or file.quote not in text:
        return text.split(file.delimiter)
    try:
        return next(csv.reader([text], delimiter=file.delimiter, quotechar=file.quote, strict=True))
    except csv.Error:
        raise RowError("a quote is not closed, or stands within a field") from None


def _fixed(file: Fixed, last: int, line: bytes) -> list[str]:
    """Return the cells of a line with columns of fixed width. The line may end after the column `last`, the last column
    that is used, because blanks at the end are often cut.

    Raises RowError if the line is shorter than that, or longer than all columns.
    """
    by_bytes = file.widths_in == "bytes"
    line = line.removeprefix("\ufeff".encode(file.encoding))  # a byte order mark would shift every column
    text = line.decode("latin-1") if by_bytes else _decoded(line, file.encoding)
    ends = list(accumulate(column.width for column in file.columns))
    if len(text) < ends[last]:
        raise RowError("the line is shorter than the columns of the mapping")
    if text[ends[-1] :].strip():
        raise RowError("the line is longer than the columns of the mapping")
    cells = [text[start:end] for start, end in pairwise([0, *ends])]
    return [_decoded(cell.encode("latin-1"), file.encoding) for cell in cells] if by_bytes else cells


def _last_read(mapping: FileMapping, file: Fixed) -> int:
    return max(file.declared.index(name) for name in mapping.columns.all)


def _array(line: bytes) -> list[str]:
    try:
        cells = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise RowError("not a JSON array, which a workbook's row is kept as") from None
    if not isinstance(cells, list) or not all(isinstance(cell, str) for cell in cells):
        raise RowError("not a JSON array of texts, which a workbook's row is kept as")
    return cells


def _decoded(line: bytes, encoding: str) -> str:
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        raise RowError(f"not {encoding}, which the mapping declares") from None
    if "\0" in text:
        raise RowError("there is a NUL byte in the line")
    return text


def _whole(cells: list[str], count: int) -> list[str]:
    """Return the first `count` cells. Some programs add empty cells at the end, which are dropped. Raises RowError if
    there are fewer cells, or if a dropped cell is not empty.
    """
    if len(cells) < count or any(cell.strip() for cell in cells[count:]):
        raise RowError(f"{len(cells)} fields where the header has {count}")
    return cells[:count]


def _padded(cells: list[str], count: int) -> list[str]:
    """Return `count` cells of a workbook's row, with empty cells added at the end. Raises RowError if
    the row has more.
    """
    return _whole(cells + [""] * (count - len(cells)), count)


def _named(cells: list[str], places: dict[str, int]) -> Cells:
    return {name: cells[place] for name, place in places.items()}

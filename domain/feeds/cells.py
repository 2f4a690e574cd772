"""Reads cells of a mapped file: its header, times, money and texts. No error text contains a value."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.feeds.file_mapping import EPOCHS, MOST_COLUMNS, Amount, FileMapping, TimeRules

HashId = Callable[[str], str | None]
"""Returns the hash of an ID number, or None if the text is none."""

_STAR = "*"
_MARKS = " \t=\"'`"  # around a value that a spreadsheet keeps as text
Cells = Mapping[str, str]  # a row's cells by the name of their column; of equal names, none is read

_FEN: Mapping[str, int] = {"fen": 0, "yuan": 2, "wan_yuan": 6}  # the power of ten of a unit in fen
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,16})(?:\.([0-9]{1,9}))?")
_CURRENCY = re.compile(r"^([+-]?) ?¥ ?")  # with the sign on either side of it
_EXPONENT = re.compile(r"[0-9](\.[0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)
_UNIX = re.compile(r"[0-9]{1,14}")
_MARKED = re.compile(r'="([^"=]*)"')  # how a CSV keeps a spreadsheet from rounding a long number


class CellError(ValueError):
    """A cell or row cannot be read. The text names the field and its column, without the value."""


def header_places(names: Sequence[str], mapping: FileMapping) -> dict[str, int]:
    """Return the position (from 0) of each column that the mapping reads, by column name. Blanks and a byte order mark
    around a name do not count.

    Raises CellError if such a column is missing or occurs twice, or if the header has over 1,000 columns.
    """
    if len(names) > MOST_COLUMNS:
        raise CellError(f"the header has over {MOST_COLUMNS:,} columns")
    plain = [name.strip().strip("\ufeff") for name in names]
    places = {}
    for name in mapping.columns.all:
        if (times := plain.count(name)) != 1:
            raise CellError(f"the header lacks the column {name}" if not times else f"the header has {name} twice")
        places[name] = plain.index(name)
    return places


def without_id_number(mapping: FileMapping, line: str, cells: Cells | None, is_number: Callable[[str], bool]) -> str:
    """Return a line of a file with the ID number replaced by stars, so that the row may be stored; the length
    stays the same. If the mapping has no column of ID numbers, return the line unchanged.

    `cells`: those of the line; None if it cannot be split. `is_number`: returns True for a valid ID number. If the
    number's cell holds a valid one, only that number is replaced. Otherwise all digits of the line are: the number may
    be in another cell, as in a row that is shifted by a column, or be written differently from its cell, as with
    doubled quotes.
    """
    if mapping.columns.secret is None:
        return line
    number = written_id_number(mapping, cells, is_number) if cells is not None else None
    return line.replace(number, _STAR * len(number)) if number and number in line else without_digits(line)


def written_id_number(mapping: FileMapping, cells: Cells, is_number: Callable[[str], bool]) -> str | None:
    """Return the ID number in its cell, without a spreadsheet's marks; None if the mapping has no column of ID numbers,
    or the cell has no valid one. `is_number`: returns True for a valid ID number.
    """
    column = mapping.columns.secret
    number = cells[column].strip(_MARKS) if column is not None else ""
    return number if is_number(number) else None


def without_digits(text: str) -> str:
    """Return the text with a star for each digit of any script."""
    return "".join(_STAR if unicodedata.decimal(char, None) is not None else char for char in text)


def in_fen(text: str, notation: Amount, where: str) -> int:
    """Return the exact amount in a text, in fen, with its sign. Full-width digits and a ¥ in front are accepted, with a
    blank after it and the sign on either side. The notation gives the text's unit and thousands separator.

    `where`: the field and column, for the error text. Raises CellError if the text is not an amount in that
    notation, has an exponent, or has fractions of a fen.
    """
    plain = _CURRENCY.sub(r"\1", unicodedata.normalize("NFKC", text).strip())
    unrounded(plain, where)
    match = _AMOUNT.fullmatch(_ungrouped(plain, notation.thousands, where))
    if match is None:
        raise CellError(f"{where}: not an amount in {notation.unit} as the mapping declares it")
    sign, whole, part = match.groups()
    amount = Decimal(f"{whole}.{part or 0}").scaleb(_FEN[notation.unit])
    if amount != amount.to_integral_value():
        raise CellError(f"{where}: has fractions of a fen")
    return -int(amount) if sign == "-" else int(amount)


def unsigned_fen(text: str, notation: Amount, where: str) -> int:
    """Return the amount in a text, in fen, without its sign. Raises CellError as `in_fen` does, and if the sign is not
    what the notation declares: a minus under "none", no minus under "out_is_minus".
    """
    fen = in_fen(text, notation, where)
    match notation.sign:
        case "none" if fen < 0:
            raise CellError(f"{where}: a minus, where the mapping declares no sign")
        case "out_is_minus" if fen > 0:
            raise CellError(f"{where}: no minus, so no payment out")
        case _:
            return abs(fen)


def cell_time(text: str, clock: TimeRules, where: str) -> datetime:
    """Return the time in a cell as an aware datetime: with the offset in the text, or without one, in the mapping's
    zone. Times of the formats "unix" and "unix_ms" are in UTC.

    `where`: the field and column, for the error text. Raises CellError if the text is not a time in the mapping's
    format.
    """
    try:
        at = _epoch(text, clock) if clock.format in EPOCHS else _written(text, clock)
    except (ValueError, OverflowError):
        raise CellError(f"{where}: not a time of the format {clock.format}") from None
    return at if at.tzinfo else at.replace(tzinfo=clock.tzinfo)


def _epoch(text: str, clock: TimeRules) -> datetime:
    if not _UNIX.fullmatch(text):
        raise ValueError("not a whole number")
    unit = timedelta(milliseconds=1) if clock.format == "unix_ms" else timedelta(seconds=1)
    return datetime(1970, 1, 1, tzinfo=UTC) + int(text) * unit


def _written(text: str, clock: TimeRules) -> datetime:
    at = datetime.strptime(text, clock.format)  # noqa: DTZ007 - the caller adds the zone
    if clock.compact is not None and not text.startswith(at.strftime(clock.compact)):
        raise ValueError("digits are missing")
    return at


def _ungrouped(text: str, separator: str, where: str) -> str:
    """Return the amount without its thousands separators. Raises CellError if they do not part groups of three."""
    if not separator or separator not in text:
        return text
    if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(separator)}[0-9]{{3}})+(?:\.[0-9]+)?", text):
        raise CellError(f"{where}: a thousands separator at a wrong place")
    return text.replace(separator, "")


def unrounded(text: str, where: str) -> None:
    """Raise CellError if a text is a number with an exponent. `where`: the field and column, for the error text."""
    if _EXPONENT.fullmatch(text):
        raise CellError(f"{where}: written with an exponent, so a spreadsheet has rounded it. Write the column as text")


def joined_cells(field: str, columns: Sequence[str], cells: Cells, between: str) -> str:
    """Return the texts of a field's columns, with `between` between them. Raises CellError if one is empty or a
    formula.
    """
    return between.join(required_cell(field, column, cells) for column in columns)


def required_cell(field: str, column: str, cells: Cells) -> str:
    """Return a cell's text. Raises CellError if it is empty or a formula."""
    if not (text := cell_text(field, column, cells)):
        raise CellError(f"{field}, column {column}: empty")
    return text


def cell_text(field: str, column: str, cells: Cells) -> str:
    """Return a cell's text without blanks around it and without a spreadsheet's marks for text (="…", ' or `). Raises
    CellError if it is a formula.
    """
    text = cells[column].strip()
    if marked := _MARKED.fullmatch(text):
        text = marked[1].strip()
    if text.startswith(("=", "@")):
        raise CellError(f"{field}, column {column}: a formula. Write its value")
    return text.lstrip("'`").strip()


def meant(field: str, column: str | None, words: Mapping[str, Any], constant: object, cells: Cells) -> Any:  # noqa: ANN401 - a word means anything
    """Return the meaning of the word in a field's cell; `constant` if the field has no column.

    Raises CellError if the mapping does not have the word, or the cell is a formula.
    """
    if column is None:
        return constant
    word = cell_text(field, column, cells)
    if word not in words:
        raise CellError(f"{field}, column {column}: the word is not in [{field}] of the mapping")
    return words[word]

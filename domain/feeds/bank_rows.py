"""Reads a row of a bank's file, by its mapping, into the fields of a payment signal. No error text contains a value."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.feeds.bank_mapping import EPOCHS, MOST_COLUMNS, BankMapping, TimeRules

HashId = Callable[[str], str | None]
"""Returns the hash of an ID number, or None if the text is none."""

_STAR = "*"
_MARKS = " \t=\"'`"  # around a value that a spreadsheet keeps as text
Cells = Mapping[str, str]  # a row's cells by the name of their column; of equal names, none is read

_AMOUNT = re.compile(r"([+-]?)[¥]?([0-9]{1,16})(?:\.([0-9]{1,9}))?")
_EXPONENT = re.compile(r"[0-9](\.[0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)
_UNIX = re.compile(r"[0-9]{1,14}")
_MARKED = re.compile(r'="([^"=]*)"')  # how a CSV keeps a spreadsheet from rounding a long number


class CellError(ValueError):
    """A cell or row cannot be read. The text names the field and its column, without the value."""


def header_places(names: Sequence[str], mapping: BankMapping) -> dict[str, int]:
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


def payment(mapping: BankMapping, cells: Cells, row_id: str, hash_id: HashId | None = None) -> dict[str, Any]:
    """Return the fields of the payment signal of a row, as its JSON has them, but with `at` as a datetime. `cells`: the
    row's texts by column name. `row_id`: the id if the row has none of its own. `hash_id`: hashes the payer's ID
    number; None: the number is dropped.

    Money is in fen and not negative; an overdrawn balance becomes 0. Fields that the file does not have are left out.
    Raises CellError, which names the first field that cannot be read; errors of `hash_id` pass through.
    """
    columns = mapping.columns
    fields: dict[str, Any] = {
        "kind": "transfer",
        "source": mapping.source,
        "id": own_id(mapping, cells) or row_id,
        "at": moment(_joined("at", columns.at, cells, " "), mapping.time, columns.at[0]),
        "payer": _number("payer", columns.payer, cells),
        "payee": _number("payee", columns.payee, cells),
        "amount_fen": _amount(mapping, cells),
        "channel": _meant("channel", columns.channel, mapping.channel, mapping.constant.channel, cells),
        "state": _meant("state", columns.state, mapping.state, mapping.constant.state, cells),
    }
    if columns.balance and (text := _cell("balance", columns.balance, cells)):
        fields["balance_fen"] = max(
            0, in_fen(text, mapping, f"balance, column {columns.balance}")
        )  # overdrawn: none left
    new = _meant("new_payee", columns.new_payee, {**mapping.new_payee, "": False}, mapping.constant.new_payee, cells)
    if new is not None:
        fields["new_payee"] = new
    if hash_id is not None and (hashed := _payer_id(mapping, cells, hash_id)):
        fields["payer_id"] = hashed
    return fields


def _payer_id(mapping: BankMapping, cells: Cells, hash_id: HashId) -> str | None:
    """Return the hash of the payer's ID number. None if the row has none, or another document's
    number: the account still says who paid.
    """
    column = mapping.columns.payer_id
    text = _cell("payer_id", column, cells) if column is not None else ""
    if column is None or not text:
        return None
    _unrounded(text, f"payer_id, column {column}")
    return hash_id(text)


def without_id_number(mapping: BankMapping, line: str, cells: Cells | None, is_number: Callable[[str], bool]) -> str:
    """Return a line of a file with the payer's ID number replaced by stars, so that the row may be stored; the length
    stays the same. If the mapping has no column of ID numbers, return the line unchanged.

    `cells`: those of the line; None if it cannot be split. `is_number`: returns True for a valid ID number. If the
    number's cell holds a valid one, only that number is replaced. Otherwise all digits of the line are: the number may
    be in another cell, as in a row that is shifted by a column, or be written differently from its cell, as with
    doubled quotes.
    """
    column = mapping.columns.payer_id
    if column is None:
        return line
    number = cells[column].strip(_MARKS) if cells is not None else ""
    if number not in line or not is_number(number):
        return "".join(_STAR if unicodedata.decimal(char, None) is not None else char for char in line)
    return line.replace(number, _STAR * len(number))


def own_id(mapping: BankMapping, cells: Cells) -> str | None:
    """Return the row's own id: the texts of its id columns, joined with dashes. None if the mapping names no column for
    it, or if one of these columns is empty.

    Raises CellError if a cell is a formula.
    """
    columns = mapping.columns.id or ()
    parts = [_cell("id", column, cells) for column in columns]
    return "-".join(parts) if parts and all(parts) else None


def in_fen(text: str, mapping: BankMapping, where: str) -> int:
    """Return the exact amount in a text, in fen, with its sign. Full-width digits and a ¥ in front are accepted. The
    mapping gives the text's unit (yuan or fen) and thousands separator.

    `where`: the field and column, for the error text. Raises CellError if the text is not an amount in the mapping's
    notation, has an exponent, or has fractions of a fen.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    _unrounded(plain, where)
    match = _AMOUNT.fullmatch(_ungrouped(plain, mapping.amount.thousands, where))
    if match is None:
        raise CellError(f"{where}: not an amount in {mapping.amount.unit} as the mapping declares it")
    sign, whole, part = match.groups()
    amount = Decimal(f"{whole}.{part or 0}").scaleb(2 if mapping.amount.unit == "yuan" else 0)
    if amount != amount.to_integral_value():
        raise CellError(f"{where}: has fractions of a fen")
    return -int(amount) if sign == "-" else int(amount)


def moment(text: str, clock: TimeRules, column: str) -> datetime:
    """Return the time in a cell as an aware datetime: with the offset in the text, or without one, in the mapping's
    zone. Times of the formats "unix" and "unix_ms" are in UTC.

    `column`: for the error text. Raises CellError if the text is not a time in the mapping's format.
    """
    try:
        at = _epoch(text, clock) if clock.format in EPOCHS else _written(text, clock)
    except (ValueError, OverflowError):
        raise CellError(f"at, column {column}: not a time of the format {clock.format}") from None
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


def _amount(mapping: BankMapping, cells: Cells) -> int:
    where = f"amount, column {mapping.columns.amount}"
    fen = in_fen(_needed("amount", mapping.columns.amount, cells), mapping, where)
    match mapping.amount.sign:
        case "none" if fen < 0:
            raise CellError(f"{where}: a minus, where the mapping declares no sign")
        case "out_is_minus" if fen > 0:
            raise CellError(f"{where}: no minus, so no payment out")
        case _:
            return abs(fen)


def _ungrouped(text: str, separator: str, where: str) -> str:
    """Return the amount without its thousands separators. Raises CellError if they do not part groups of three."""
    if not separator or separator not in text:
        return text
    if not re.fullmatch(rf"[+-]?¥?[0-9]{{1,3}}(?:{re.escape(separator)}[0-9]{{3}})+(?:\.[0-9]+)?", text):
        raise CellError(f"{where}: a thousands separator at a wrong place")
    return text.replace(separator, "")


def _number(field: str, column: str, cells: Cells) -> str:
    text = _needed(field, column, cells)
    _unrounded(text, f"{field}, column {column}")
    return text


def _unrounded(text: str, where: str) -> None:
    if _EXPONENT.fullmatch(text):
        raise CellError(f"{where}: written with an exponent, so a spreadsheet has rounded it. Write the column as text")


def _meant(field: str, column: str | None, words: Mapping[str, Any], constant: object, cells: Cells) -> Any:  # noqa: ANN401
    if column is None:
        return constant
    word = _cell(field, column, cells)
    if word not in words:
        raise CellError(f"{field}, column {column}: the word is not in [{field}] of the mapping")
    return words[word]


def _joined(field: str, columns: Sequence[str], cells: Cells, between: str) -> str:
    return between.join(_needed(field, column, cells) for column in columns)


def _needed(field: str, column: str, cells: Cells) -> str:
    if not (text := _cell(field, column, cells)):
        raise CellError(f"{field}, column {column}: empty")
    return text


def _cell(field: str, column: str, cells: Cells) -> str:
    """Return a cell's text without blanks around it and without a spreadsheet's marks for text (="…", ' or `). Raises
    CellError if it is a formula.
    """
    text = cells[column].strip()
    if marked := _MARKED.fullmatch(text):
        text = marked[1].strip()
    if text.startswith(("=", "@")):
        raise CellError(f"{field}, column {column}: a formula. Write its value")
    return text.lstrip("'`").strip()

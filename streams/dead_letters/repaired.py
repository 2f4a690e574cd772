"""Repairs the bytes of a dead letter, by hand or by a mapping. Its valid ids and source must stay unchanged."""

import csv
import io
from collections.abc import Callable

import orjson
from pydantic import TypeAdapter, ValidationError

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.bank_rows import own_id
from domain.feeds.cells import CellError, Cells
from domain.feeds.repair import Fields, RepairMapping, repair
from schemas.administration.dead_letters import CallFile
from schemas.base import Text, Token
from schemas.errors import UserError
from streams.intake.formats.call_files import call_header
from streams.intake.formats.mapped import open_cells
from streams.intake.formats.rows import RowError, fields
from streams.intake.parsing import BodyError, items_of_body

Repair = bytes | RepairMapping | None
"""How a letter is repaired: by new bytes, by a mapping, or (None) not at all."""

HOW_TO_REPAIR = "Repair it by hand (--file) or by a mapping (--mapping)"

_IDENTITY: dict[str, TypeAdapter[str]] = {
    "id": TypeAdapter(Text),
    "source": TypeAdapter(Token),
    "RecordID": TypeAdapter(Text),  # of a call detail record
    "uniqueid": TypeAdapter(Text),  # of Asterisk's, in CSV and in the manager's event
    "UniqueID": TypeAdapter(Text),
    "uuid": TypeAdapter(Text),  # of FreeSWITCH's
}


class CannotSendError(UserError, ValueError):
    """The dead letter cannot be sent again in this form. The text states why, and how to correct it."""


def repaired_json(raw: bytes, mended: Repair) -> bytes:
    """Return the repaired bytes of a JSON dead letter: `mended` itself if it is bytes, the mapping's result, or `raw`
    if it is None.

    Raises CannotSendError if the repair changes a valid id or source, or a mapping is given and `raw` is not one JSON
    object, and MappingError if the mapping fails. It is not checked whether new bytes are JSON.
    """
    if mended is None:
        return raw
    before = _fields_of(raw)
    if isinstance(mended, bytes):
        _keep_identity(before, _fields_of(mended))
        return mended
    if before is None:
        raise CannotSendError("it cannot be read as fields, so no mapping fits it: repair it by hand (--file)")
    after = repair(before, mended)
    _keep_identity(before, after)
    return orjson.dumps(after)


def repaired_row(header: bytes, line: bytes, mended: Repair) -> tuple[bytes, bytes]:
    """Return the repaired header and row (without line end) of a dead letter from a file; both unchanged if `mended` is
    None. New bytes replace only the row; a mapping may change both.

    Raises CannotSendError if the repair changes a valid id or source, or a mapping does not fit the row, and
    MappingError if the mapping fails.
    """
    if mended is None:
        return header, line
    before = _row_fields(header, line)
    if isinstance(mended, bytes):
        row = mended.rstrip(b"\r\n")
        _keep_identity(before, _row_fields(header, row))
        return header, row
    if before is None:
        raise CannotSendError(
            "its fields are not those of the header, so no mapping fits it: repair it by hand (--file)"
        )
    after = repair(before, mended)
    _keep_identity(before, after)
    return _csv(list(after)), _csv([str(value) for value in after.values()])


def repaired_cells(header: bytes, line: bytes, bank: BankMapping, mended: Repair) -> Cells:
    """Return the repaired cells, by the bank's column names, of a dead letter from a bank's file.

    The rules of a mapping name the bank's columns. Raises CannotSendError if a column is missing or the payment's id
    changes, MappingError if the mapping fails, and RowError if the line or the new bytes are invalid.
    """
    read = open_cells(header, bank)
    if isinstance(mended, bytes):
        before, after = _cells(read, line), read(mended.rstrip(b"\r\n"))
    else:
        before = read(line)
        after = before if mended is None else {name: str(value) for name, value in repair(before, mended).items()}
    if missing := [name for name in bank.columns.all if name not in after]:
        raise CannotSendError(f"the column {missing[0]} is missing after the repair, and the bank's mapping reads it")
    if before is not None and (own := _own_id(bank, before)) and _own_id(bank, after) != own:
        raise CannotSendError("id: must stay as it came, for by it is known what counted before")
    return after


def repaired_call(calls: CallFile, line: bytes, mended: Repair) -> bytes:
    """Return the repaired bytes of a dead letter from a file of call records; `line` itself if `mended` is None. The
    rules of a mapping name the columns of the exchange, or the fields of the JSON.

    Raises CannotSendError if the repair changes the record's id or a mapping does not fit, RowError if the line does
    not have the format's columns, and MappingError if the mapping fails.
    """
    if mended is None:
        return line
    header = call_header(calls, mended.rstrip(b"\r\n") if isinstance(mended, bytes) else line)
    return repaired_json(line, mended) if header is None else repaired_row(header, line, mended)[1]


def _cells(read: Callable[[bytes], Cells], line: bytes) -> Cells | None:
    try:
        return read(line)
    except RowError:
        return None


def _own_id(bank: BankMapping, cells: Cells) -> str | None:
    try:
        return own_id(bank, cells)
    except CellError:
        return None


def items_of(raw: bytes) -> list[object]:
    """Return the items of a JSON body, in order: the elements of an array, or the single value. Raises CannotSendError
    if the body is not JSON or has over 5,000 items.
    """
    try:
        return items_of_body(raw)
    except BodyError as error:
        raise CannotSendError(f"{error}. {HOW_TO_REPAIR}") from None


def one_object(items: list[object]) -> Fields:
    """Return the only item of a list, which must be a JSON object.

    Raises CannotSendError if it is not an object, or not the only item.
    """
    if len(items) != 1 or not isinstance(items[0], dict):
        raise CannotSendError("it must be one JSON object")
    return items[0]


def lacks(item: Fields, name: str) -> bool:
    """Return True if the item has no valid value for the identifying field `name` (id, source, RecordID, uniqueid,
    UniqueID or uuid); else False.

    Raises KeyError for another name.
    """
    return not _valid(_IDENTITY[name], item.get(name))


def _keep_identity(before: Fields | None, after: Fields | None) -> None:
    for name in _IDENTITY:
        if before and after is not None and not lacks(before, name) and after.get(name) != before[name]:
            raise CannotSendError(f"{name}: must stay as it came, for by it is known what counted before")


def _valid(adapter: TypeAdapter[str], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _fields_of(raw: bytes) -> Fields | None:
    try:
        return one_object(items_of(raw))
    except CannotSendError:
        return None


def _row_fields(header: bytes, line: bytes) -> Fields | None:
    try:
        names, values = [name.strip() for name in fields(header.removeprefix(b"\xef\xbb\xbf"))], fields(line)
    except RowError:
        return None
    return dict(zip(names, values, strict=True)) if len(names) == len(values) == len(set(names)) else None


def _csv(values: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue().encode()

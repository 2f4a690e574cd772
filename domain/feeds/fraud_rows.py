"""Reads a row of a file of reported frauds, by its mapping, into the fields of a record. No error has a value in it."""

import re
from typing import Any

from domain.feeds.cells import (
    CellError,
    Cells,
    cell_text,
    cell_time,
    joined_cells,
    meant,
    required_cell,
    unrounded,
    unsigned_fen,
)
from domain.feeds.file_mapping import Columns
from domain.feeds.fraud_mapping import FraudMapping, FraudState

WITHDRAWN_VERSION = 2  # of a withdrawn record in a file without versions, where all other records have the first
_BETWEEN_ACCOUNTS = re.compile(r"[;；,，、|\s]+")
_VERSION = re.compile(r"[0-9]{1,6}")
_VICTIM = ("id_number", "phone", "name")


def fraud_record(mapping: FraudMapping, cells: Cells) -> dict[str, Any] | None:
    """Return the fields of a row's record, as POST /v1/reported-frauds takes them, but with times as datetimes; None if
    the row's state says that it is no record of a fraud. `cells`: the row's texts by column name.

    Fields that the file does not have, and empty ones, are left out; the loss is in fen. A withdrawn record has nothing
    of its victim, so that it matches nobody. Raises CellError, which names the first field that cannot be read.
    """
    state = meant("state", mapping.columns.state, mapping.state, FraudState.FRAUD, cells)
    if state is FraudState.LEFT_OUT:
        return None
    columns = mapping.columns
    fields: dict[str, Any] = {
        "source": mapping.source,
        "id": joined_cells("id", columns.id, cells, "-"),
        "reported_at": _time(mapping, "reported_at", columns.reported_at, cells),
    }
    for field in ("happened_from", "happened_to"):
        written = getattr(columns, field)
        if written is not None and any(cells[column].strip() for column in written):
            fields[field] = _time(mapping, field, written, cells)
    found = {
        "version": _version(mapping, cells, withdrawn=state is FraudState.WITHDRAWN),
        "loss_fen": _loss(mapping, cells),
        "scam_type": _scam_type(mapping, cells),
    }
    victim = {} if state is FraudState.WITHDRAWN else _victim(mapping, cells)
    return fields | {name: value for name, value in (found | victim).items() if value not in (None, "", [])}


def _victim(mapping: FraudMapping, cells: Cells) -> dict[str, Any]:
    columns = mapping.columns
    found: dict[str, Any] = {field: _text(field, getattr(columns, field), cells) for field in _VICTIM}
    found["accounts"] = [account for column in columns.accounts or () for account in _accounts(column, cells)]
    found["division"] = mapping.constant.division or _text("division", columns.division, cells)
    return found


def _accounts(column: str, cells: Cells) -> list[str]:
    found = [account for account in _BETWEEN_ACCOUNTS.split(cell_text("accounts", column, cells)) if account]
    for account in found:
        unrounded(account, f"accounts, column {column}")
    return found


def _time(mapping: FraudMapping, field: str, columns: Columns, cells: Cells) -> object:
    return cell_time(joined_cells(field, columns, cells, " "), mapping.time, f"{field}, column {columns[0]}")


def _text(field: str, column: str | None, cells: Cells) -> str:
    if column is None:
        return ""
    text = cell_text(field, column, cells)
    unrounded(text, f"{field}, column {column}")
    return text


def _version(mapping: FraudMapping, cells: Cells, *, withdrawn: bool) -> int | None:
    column = mapping.columns.version
    if column is None:
        return WITHDRAWN_VERSION if withdrawn else None
    text = required_cell("version", column, cells)
    if not _VERSION.fullmatch(text):
        raise CellError(f"version, column {column}: not a whole number of up to six digits")
    return int(text)


def _loss(mapping: FraudMapping, cells: Cells) -> int | None:
    column = mapping.columns.loss
    text = cell_text("loss", column, cells) if column is not None else ""
    if not text or mapping.amount is None:
        return None
    return unsigned_fen(text, mapping.amount, f"loss, column {column}")


def _scam_type(mapping: FraudMapping, cells: Cells) -> str | None:
    column = mapping.columns.scam_type
    if column is None or not (text := cell_text("scam_type", column, cells)):
        return mapping.constant.scam_type
    kind: str = meant("scam_type", column, mapping.scam_type, None, cells) if mapping.scam_type else text
    return kind

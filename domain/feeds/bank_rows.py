"""Reads a row of a bank's file, by its mapping, into the fields of a payment signal. No error text contains a value."""

from typing import Any

from domain.feeds.bank_mapping import BankMapping
from domain.feeds.cells import (
    Cells,
    HashId,
    cell_text,
    cell_time,
    in_fen,
    joined_cells,
    meant,
    required_cell,
    unrounded,
    unsigned_fen,
)


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
        "at": cell_time(joined_cells("at", columns.at, cells, " "), mapping.time, f"at, column {columns.at[0]}"),
        "payer": _number("payer", columns.payer, cells),
        "payee": _number("payee", columns.payee, cells),
        "amount_fen": _amount(mapping, cells),
        "channel": meant("channel", columns.channel, mapping.channel, mapping.constant.channel, cells),
        "state": meant("state", columns.state, mapping.state, mapping.constant.state, cells),
    }
    if columns.balance and (text := cell_text("balance", columns.balance, cells)):
        fields["balance_fen"] = max(
            0, in_fen(text, mapping.amount, f"balance, column {columns.balance}")
        )  # overdrawn: none left
    new = meant("new_payee", columns.new_payee, {**mapping.new_payee, "": False}, mapping.constant.new_payee, cells)
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
    text = cell_text("payer_id", column, cells) if column is not None else ""
    if column is None or not text:
        return None
    unrounded(text, f"payer_id, column {column}")
    return hash_id(text)


def own_id(mapping: BankMapping, cells: Cells) -> str | None:
    """Return the row's own id: the texts of its id columns, joined with dashes. None if the mapping names no column for
    it, or if one of these columns is empty.

    Raises CellError if a cell is a formula.
    """
    columns = mapping.columns.id or ()
    parts = [cell_text("id", column, cells) for column in columns]
    return "-".join(parts) if parts and all(parts) else None


def _amount(mapping: BankMapping, cells: Cells) -> int:
    column = mapping.columns.amount
    return unsigned_fen(required_cell("amount", column, cells), mapping.amount, f"amount, column {column}")


def _number(field: str, column: str, cells: Cells) -> str:
    text = required_cell(field, column, cells)
    unrounded(text, f"{field}, column {column}")
    return text

"""Mappings of banks' files: each declares how columns, units and words of a file become fields of a payment signal.

A mapping is a TOML file that the bank's developer or the centre writes; docs/how-to/bank-files.md explains each key. It
cannot run code or read anything. An error names the file, the key and the correction.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from domain.feeds.file_mapping import Amount, Column, Columns, FileMapping, MappedColumns, Word, column_faults, load_as
from schemas.base import Model
from schemas.risk.signals import Channel, TransferState


class FieldColumns(MappedColumns):
    """Which column gives which field of a payment; None: no column does. Several columns of `id` are joined with a
    dash, those of `at` with a blank. `payer_id`: the payer's ID number, which is hashed at once and stored nowhere.

    Without `id`, a row's id is made of the file's content and the line's number. `amount`, `balance`: in the unit of
    the mapping's `amount`. `state`, `channel`, `new_payee`: in the bank's words.
    """

    id_number_field: ClassVar[str] = "payer_id"

    id: Columns | None = None
    at: Columns
    payer: Column
    payee: Column
    amount: Column
    balance: Column | None = None
    state: Column | None = None
    channel: Column | None = None
    new_payee: Column | None = None
    payer_id: Column | None = None


class Constant(Model):
    """Fields with the same value in every row: `state`, `channel`, and `new_payee` (True: the payee was never paid
    before).

    None: a column gives the field, or it is left out.
    """

    state: TransferState | None = None
    channel: Channel | None = None
    new_payee: Annotated[bool, Field(strict=True)] | None = None


class BankMapping(FileMapping):
    """The mapping of a bank's file. `source`: the bank's name in signals, counts and dead letters.

    `state`, `channel`, `new_payee`: the meaning of each of the bank's words. `constant`: values of all rows. `text`:
    the TOML text. The constructor raises ValidationError if the mapping is invalid or incomplete; `load` raises
    FileMappingError instead.
    """

    columns: FieldColumns
    amount: Amount
    state: dict[Word, TransferState] = Field(default_factory=dict)
    channel: dict[Word, Channel] = Field(default_factory=dict)
    new_payee: dict[Word, Annotated[bool, Field(strict=True)]] = Field(default_factory=dict)
    constant: Constant = Constant()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if wrong := [*_word_faults(self), *column_faults(self)]:
            raise ValueError("\n".join(wrong))
        return self


def load(text: str, name: str = "the mapping") -> BankMapping:
    """Return the mapping in a TOML text. `name`: the file's name, for error texts.

    Raises FileMappingError if the text has over 8,192 characters, is not TOML, is nested too deep, or is invalid or
    incomplete as a mapping.
    """
    return load_as(BankMapping, text, name)


# --- whether a mapping is complete ------------------------------------------------------------------------------------


def _word_faults(mapping: BankMapping) -> Iterator[str]:
    """Yield what is wrong with the fields that have words or a constant value."""
    for field, needed in (("state", True), ("channel", True), ("new_payee", False)):
        column = getattr(mapping.columns, field) is not None
        words, constant = bool(getattr(mapping, field)), getattr(mapping.constant, field) is not None
        if column and constant:
            yield f"[constant] {field}: the column of [columns] gives it too. Leave one of them out"
        elif column and not words:
            yield f"[{field}] is missing: the meaning of each word in the column. Add a line such as {_EXAMPLES[field]}"
        elif words and not column:
            yield f"[columns] {field} is missing: the column with the words of [{field}]. Add it"
        elif needed and not column and not constant:
            yield f"[columns] {field} is missing. Name its column, or write the value of all rows in [constant]"


_EXAMPLES = {"state": '"处理中" = "pending"', "channel": '"手机银行" = "mobile_bank"', "new_payee": '"是" = true'}

"""Mappings of the police's files of reported frauds: each declares how columns, units and words of a file become fields
of a record of a fraud.

A mapping is a TOML file that the force's developer or the centre writes; docs/how-to/reported-frauds.md explains each
key, and docs/how-to/bank-files.md those that it shares with banks' files.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from domain.feeds.file_mapping import Amount, Column, Columns, FileMapping, MappedColumns, Word, column_faults, load_as
from schemas.base import Model, Token
from schemas.people.residents import DivisionCode


class FraudState(StrEnum):
    """What a force's word for a record's state means. FRAUD: it counts. WITHDRAWN: it turned out to be no fraud, so it
    is sent without its victim. LEFT_OUT: the row is no record of a fraud, and is passed over.
    """

    FRAUD = "fraud"
    WITHDRAWN = "withdrawn"
    LEFT_OUT = "left_out"


class FraudColumns(MappedColumns):
    """Which column gives which field of a record; None: no column does. Several columns of `id` are joined with a dash,
    those of a time with a blank, and each of `accounts` may hold several accounts. `loss`: in the unit of the mapping's
    `amount`. `scam_type`, `state`: in the force's words. `id_number`: the victim's, hashed at once and stored nowhere.
    """

    id_number_field: ClassVar[str] = "id_number"

    id: Columns
    reported_at: Columns
    happened_from: Columns | None = None
    happened_to: Columns | None = None
    version: Column | None = None
    loss: Column | None = None
    scam_type: Column | None = None
    state: Column | None = None
    id_number: Column | None = None
    phone: Column | None = None
    accounts: Columns | None = None
    name: Column | None = None
    division: Column | None = None


class FraudConstant(Model):
    """Fields with the same value in every row; None: a column gives the field, or it is left out."""

    scam_type: Token | None = None
    division: DivisionCode | None = None


class FraudMapping(FileMapping):
    """The mapping of a file of reported frauds. `source`: the force's name in records, counts and dead letters.

    `state`, `scam_type`: the meaning of each of the force's words; without `scam_type`, its column has our words.
    `constant`: values of all rows. The constructor raises ValidationError if the mapping is invalid or incomplete;
    `load` raises FileMappingError instead.
    """

    columns: FraudColumns
    amount: Amount | None = None
    state: dict[Word, FraudState] = Field(default_factory=dict)
    scam_type: dict[Word, Token] = Field(default_factory=dict)
    constant: FraudConstant = FraudConstant()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if wrong := [*_field_faults(self), *column_faults(self)]:
            raise ValueError("\n".join(wrong))
        return self


def load(text: str, name: str = "the mapping") -> FraudMapping:
    """Return the mapping in a TOML text. `name`: the file's name, for error texts.

    Raises FileMappingError if the text has over 8,192 characters, is not TOML, is nested too deep, or is invalid or
    incomplete as a mapping.
    """
    return load_as(FraudMapping, text, name)


def _field_faults(mapping: FraudMapping) -> Iterator[str]:
    columns = mapping.columns
    if columns.state is not None and not mapping.state:
        yield '[state] is missing: the meaning of each word in the column. Add a line such as "已立案" = "fraud"'
    if mapping.state and columns.state is None:
        yield "[columns] state is missing: the column with the words of [state]. Add it"
    if mapping.scam_type and columns.scam_type is None:
        yield "[columns] scam_type is missing: the column with the words of [scam_type]. Add it"
    for field in ("scam_type", "division"):
        if getattr(columns, field) is not None and getattr(mapping.constant, field) is not None:
            yield f"[constant] {field}: the column of [columns] gives it too. Leave one of them out"
    if columns.loss is not None and mapping.amount is None:
        yield '[amount] is missing: the unit of the column of the loss. Add [amount] and a line such as unit = "yuan"'
    if mapping.amount is not None and mapping.amount.sign == "out_is_minus":
        yield '[amount] sign: a loss has no direction. Write "none", or "ignored" if your losses have a minus'

"""Mappings: TOML rules that repair the fields of dead letters. Fields that are not named stay unchanged.

    [rename]                 # old field name = new name
    amount = "amount_fen"
    [strip]                  # characters to remove from a text
    amount_fen = "¥, "
    [replace.state]          # old whole text = new text
    PAID = "settled"
    [rescale]                # multiply a number, or a text that is one; exactly, never rounded
    amount_fen = 100
    [default]                # value of a missing or empty field
    channel = "mobile_bank"
    [set]                    # new value of a field
    source = "bank"

and `remove = ["field"]` above the tables. They are applied in this order. A mapping cannot run code, read anything, or
reach nested fields.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping as Reads
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.errors import UserError

LONGEST = 65_536  # characters of a mapping's text
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")

Fields = dict[str, Any]


class MappingError(UserError, ValueError):
    """A mapping is invalid, or does not fit the fields. The text names the place and the correction."""


def _factor(value: object) -> Decimal:
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)) or not Decimal(str(value)):
        raise ValueError("a factor is a number such as 100 or 0.01, of at most 18 digits, and not 0")
    return Decimal(str(value))


Name = Annotated[str, Field(min_length=1, max_length=128)]
Value = str | bool | int | float
Factor = Annotated[Decimal, BeforeValidator(_factor)]


class RepairMapping(BaseModel):
    """The rules that repair a dead letter's fields, in the order in which they are applied, with `remove` before
    `strip`.

    `rename`: new name by old name. `remove`: fields to drop. `strip`: by field, characters to remove from its text.
    `replace`: by field, new value by old text. `rescale`: by field, the factor by which its number is multiplied,
    exactly. `default`: values of missing or empty fields. `set`: new values of fields. `hash`: the first 16 hex digits
    of the SHA-256 of the mapping's text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    hash: str = ""
    rename: dict[Name, Name] = Field(default_factory=dict)
    remove: list[Name] = Field(default_factory=list)
    strip: dict[Name, Name] = Field(default_factory=dict)
    replace: dict[Name, dict[str, Value]] = Field(default_factory=dict)
    rescale: dict[Name, Factor] = Field(default_factory=dict)
    default: dict[Name, Value] = Field(default_factory=dict)
    set: dict[Name, Value] = Field(default_factory=dict)


def load(text: str) -> RepairMapping:
    """Return the mapping in a TOML text.

    Raises MappingError if the text has over 65,536 characters, is not TOML or nested too deep, is invalid (the error
    names each table and key), or changes nothing.
    """
    if len(text) > LONGEST:
        raise MappingError(f"a mapping has {LONGEST:,} characters at most")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"the mapping is not TOML: {error}") from None
    except RecursionError:
        raise MappingError("the mapping is nested too deep: it has tables of plain values") from None
    return of_tables({**raw, "hash": hashlib.sha256(text.encode()).hexdigest()[:16]})


def of_tables(tables: Reads[str, object]) -> RepairMapping:
    """Return the mapping in parsed TOML tables. Raises MappingError if it is invalid or changes nothing."""
    try:
        found = RepairMapping.model_validate(tables)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        lines = (f"[{'.'.join(map(str, each['loc']))}] {each['msg'].removeprefix('Value error, ')}" for each in faults)
        raise MappingError("the mapping cannot be used:\n" + "\n".join(lines)) from None
    if not any(getattr(found, name) for name in type(found).model_fields if name != "hash"):
        raise MappingError(
            "the mapping changes nothing. Write a table: rename, strip, replace, rescale, default or set"
        )
    return found


def repair(fields: Reads[str, Any], mapping: RepairMapping) -> Fields:
    """Return the repaired fields as a new dict, changed by the rules in the order of RepairMapping. A rescaled number
    stays a text if it was one.

    Raises MappingError that names the field if `rename` would overwrite a field, or if `rescale` meets a value that is
    not a number (an empty one is left as it is).
    """
    renamed = _renamed(fields, mapping)
    mended = {name: _repaired(name, value, mapping) for name, value in renamed.items() if name not in mapping.remove}
    missing = {name: value for name, value in mapping.default.items() if mended.get(name) in (None, "")}
    return mended | missing | mapping.set


def _repaired(name: str, value: object, mapping: RepairMapping) -> object:
    if isinstance(value, str):
        value = value.translate(dict.fromkeys(map(ord, mapping.strip.get(name, ""))))
        value = mapping.replace.get(name, {}).get(value, value)
    if name in mapping.rescale and value not in (None, ""):
        value = _times(name, value, mapping.rescale[name])
    return value


def _renamed(fields: Reads[str, Any], mapping: RepairMapping) -> Fields:
    """Return the fields renamed, in their order. Raises MappingError if a field would be overwritten."""
    names = [mapping.rename.get(name, name) for name in fields]
    if twice := sorted({name for name in names if names.count(name) > 1} & set(mapping.rename.values())):
        raise MappingError(f"[rename] would write over {', '.join(twice)}: remove that field first, by another mapping")
    return dict(zip(names, fields.values(), strict=True))


def _times(name: str, value: object, factor: Decimal) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not _NUMBER.fullmatch(str(value).strip()):
        raise MappingError(f"[rescale] {name}: not a number. Take other characters away with [strip]")
    exact = Decimal(str(value).strip()) * factor
    whole = exact == exact.to_integral_value()
    if isinstance(value, str):
        return str(int(exact)) if whole else format(exact.normalize(), "f")
    return int(exact) if whole else float(exact)

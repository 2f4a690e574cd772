"""The personal parts of records, identified by field names: removed for encryption, and put back.

The rest is still a record of its kind: it can be counted, folded and displayed, and identifies nobody. It keeps the
random id, levels, steps, times, sums, sex, group, language, prefecture and decade of birth, which the monthly figures
use; and a payment's number at its bank, by which only that bank can identify the payment.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.identity.divisions import COUNTY_DIGITS, PREFECTURE_DIGITS
from schemas.levels import EvidenceClass

WITHHELD = "[forgotten]"
"""Replaces a removed text."""

Thing = TypeVar("Thing", bound=BaseModel)

Json = Any
"""A JSON value as orjson parses it."""

_HOLDERS = (dict, list)
_CLASSES = frozenset(map(str, EvidenceClass))


def _blank(value: Json) -> Json:
    match value:
        case str():
            return WITHHELD
        case list():
            return []
        case dict():
            return {}
        case _:
            return value  # in a profile, `contacts` is the number of trusted contacts


def _none(value: Json) -> None:
    return None


def _empty(value: str) -> str:
    return ""


def _proof(value: str) -> str:
    """Return a release's evidence blanked; the evidence class of money is kept."""
    return value if value in _CLASSES else WITHHELD


def _prefecture(code: str) -> str:
    return code[:PREFECTURE_DIGITS].ljust(COUNTY_DIGITS, "0") if code else code


def _decade(year: int) -> int:
    return year - year % 10


PERSONAL: Mapping[str, Callable[[Any], Json]] = {
    **dict.fromkeys(("name", "phone", "phones", "accounts", "address", "contacts", "flags"), _blank),
    **dict.fromkeys(("words", "note", "detail", "reason", "reasons", "text"), _blank),
    **dict.fromkeys(("from_bank", "from_account", "to_bank", "holder", "scammer_phone", "wechat", "scam_link"), _blank),
    **dict.fromkeys(("answers", "withdrawn", "payee", "receipt", "recording", "movement", "movements"), _blank),
    **dict.fromkeys(("decision", "authority"), _blank),  # of freezing a payee's account
    "own_account": _blank,  # a token
    "files": _blank,  # a case's evidence files
    **dict.fromkeys(("id_hash", "guardian", "division_at", "latitude", "longitude", "household"), _none),
    **dict.fromkeys(("division", "place", "area"), _prefecture),
    "birth_year": _decade,
    "evidence": _proof,
    "raw": _empty,  # a dead letter's bytes in base64
}
"""By field name, at any depth of a record: the function that returns what remains of the value."""


def parted(record: Json) -> Json:
    """Remove the personal parts from a JSON value, in place, and return them for `join`; None if it has none. Each
    removed value is replaced as PERSONAL defines, for example by "[forgotten]".

    The returned parts have the shape of the record, as nested objects: items of a list are keyed by index, as in
    {"facts": {"0": {...}}}. The function runs for every record, so it walks once and copies nothing.
    """
    if type(record) is dict:
        fields: Iterable[tuple[Any, Json]] = record.items()
    elif type(record) is list:
        fields = enumerate(record)
    else:
        return None
    taken = {}
    for name, value in fields:
        left = PERSONAL.get(name)
        if left is None:
            part = parted(value) if type(value) in _HOLDERS else None
        elif value and (plain := left(value)) != value:
            part, record[name] = value, plain  # assigning to an existing key is safe while iterating
        else:
            part = None
        if part is not None:
            taken[str(name)] = part
    return taken or None


def join(record: Json, taken: Json) -> Json:
    """Put the parts that `parted` returned back into the record, in place, and return the record.

    Do not call it if `parted` returned None: the result would be None. Raises IndexError or ValueError if the parts do
    not have the shape of the record.
    """
    if type(taken) is not dict:
        return taken
    whole = record if type(record) in _HOLDERS else {}
    for name, part in taken.items():
        if type(whole) is list:
            whole[int(name)] = join(whole[int(name)], part)
        else:
            whole[name] = join(whole.get(name), part)
    return whole


def without(thing: Thing) -> Thing:
    """Return a copy of a model without its personal parts, which PERSONAL names by field, at any depth.

    Texts become "[forgotten]", lists and objects become empty, divisions are cut to the prefecture, and years of birth
    to the decade. Raises ValidationError, a ValueError, if the model does not allow the values that remain.
    """
    record = thing.model_dump(mode="json")
    parted(record)
    return type(thing).model_validate(record)

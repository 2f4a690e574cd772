"""What of a record tells of a person, by the names of its fields: taken out of the record, and put back into it.

A record without it is still a record of its kind: it is counted, folded and shown like any other, and nobody is known
by it. What stays: the random id, levels, steps, times, sums, sex, group, language, the prefecture and the decade of
birth, as the monthly figures have them; and a payment's number at its bank, by which only that bank knows it again.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.identity.divisions import COUNTY_DIGITS, PREFECTURE_DIGITS
from schemas.levels import EvidenceClass

WITHHELD = "[forgotten]"
"""In place of a text."""

Thing = TypeVar("Thing", bound=BaseModel)

Json = Any
"""As orjson reads it: objects, lists, texts, numbers."""

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
            return value  # of a profile: how many trusted contacts there are


def _none(value: Json) -> None:
    return None


def _empty(value: str) -> str:
    return ""


def _proof(value: str) -> str:
    """What was shown for a release; money's evidence is a class, and stays."""
    return value if value in _CLASSES else WITHHELD


def _prefecture(code: str) -> str:
    return code[:PREFECTURE_DIGITS].ljust(COUNTY_DIGITS, "0") if code else code


def _decade(year: int) -> int:
    return year - year % 10


PERSONAL: Mapping[str, Callable[[Any], Json]] = {
    **dict.fromkeys(("name", "phone", "phones", "accounts", "address", "contacts", "flags"), _blank),
    **dict.fromkeys(("words", "because", "note", "detail", "reason", "reasons", "text"), _blank),
    **dict.fromkeys(("answers", "withdrawn", "payee", "receipt", "recording"), _blank),
    **dict.fromkeys(("id_hash", "guardian", "division_at"), _none),
    **dict.fromkeys(("division", "place", "area"), _prefecture),
    "birth_year": _decade,
    "evidence": _proof,
    "raw": _empty,  # of a dead letter: bytes in base 64
}
"""By the name of a field, wherever in a record it stands: what is left of its value."""


def parted(record: Json) -> Json:
    """Take what is personal out of a record, in place, and return it as `join` takes it; None: there was nothing.

    What was taken out is a record of the same shape, of a list's items by their places: {"facts": {"0": {...}}}.
    Done for every record of the line, so it does not walk twice, nor copy.
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
            part, record[name] = value, plain  # a field keeps its place: what is walked over stays as it is
        else:
            part = None
        if part is not None:
            taken[str(name)] = part
    return taken or None


def join(record: Json, taken: Json) -> Json:
    """Put back what `parted` took out, in place, and return the record."""
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
    """A model without what is personal of it."""
    record = thing.model_dump(mode="json")
    parted(record)
    return type(thing).model_validate(record)

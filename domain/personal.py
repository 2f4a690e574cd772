"""What of a record tells of a person, by the names of its fields: taken out of the record, and put back into it.

A record without it is still a record of its kind: it is counted, folded and shown like any other, and nobody is known
by it. What stays: the random id, levels, steps, times, sums, sex, group, language, the prefecture and the decade of
birth, as the monthly figures have them; and a payment's number at its bank, by which only that bank knows it again.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.counts import PREFECTURE
from schemas.levels import EvidenceClass

WITHHELD = "[forgotten]"
"""In place of a text."""

Thing = TypeVar("Thing", bound=BaseModel)

Json = Any
"""As orjson reads it: objects, lists, texts, numbers."""

CODE = 6  # digits of a division's code
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
    return code[:PREFECTURE].ljust(CODE, "0") if code else code


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


def parted(record: Json) -> tuple[Json, Json]:
    """The record without what is personal, and what was taken out of it, as `joined` takes it; None: nothing was.

    What was taken out is a record of the same shape, of a list's items by their places: {"facts": {"0": {...}}}.
    """
    match record:
        case dict():
            pairs = [(name, _of_field(name, value)) for name, value in record.items()]
        case list():
            pairs = [(str(place), parted(item)) for place, item in enumerate(record)]
        case _:
            return record, None
    taken = {name: part for name, (_, part) in pairs if part is not None}
    left = [plain for _, (plain, _) in pairs]
    plain = left if isinstance(record, list) else {name: each for (name, _), each in zip(pairs, left, strict=True)}
    return plain, taken or None


def joined(plain: Json, taken: Json) -> Json:
    """The record as it was before `parted`."""
    if not isinstance(taken, dict):
        return taken
    if isinstance(plain, list):
        return [joined(item, taken[place]) if (place := str(n)) in taken else item for n, item in enumerate(plain)]
    before = plain if isinstance(plain, dict) else {}
    return before | {name: joined(before.get(name), part) for name, part in taken.items()}


def without(thing: Thing) -> Thing:
    """A model without what is personal of it."""
    return type(thing).model_validate(parted(thing.model_dump(mode="json"))[0])


def _of_field(name: str, value: Json) -> tuple[Json, Json]:
    left = PERSONAL.get(name)
    if left is None:
        return parted(value)
    if value is None or (plain := left(value)) == value:
        return value, None
    return plain, value

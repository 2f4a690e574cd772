"""Turns an indicator of another centre into a verdict about its suspect, or says why it is refused.

The sender is not trusted: each field is checked before it is used, and no text of the object is repeated in a refusal.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.calendar import FAST_CLOCK
from domain.stix.objects import MARKINGS
from domain.stix.patterns import PatternError, suspect_in
from schemas.base import When
from schemas.risk.sharing import Tlp

LONGEST_OBJECT = 64 * 1024  # bytes
DEEPEST = 16  # containers within each other; an indicator of ours has 3
LONGEST_VALID = timedelta(days=366)  # of an object without an end, or with a later one; the policy sets less
CONTEXT = frozenset({"identity", "marking-definition", "extension-definition"})
"""Types of objects that only explain the indicators beside them: they are passed over."""

_STRICTER = tuple(Tlp)  # the widest first
_TLP_1 = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,  # "white" there
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}  # the marks of TLP 1.0 (STIX 2.1, 7.2.1.4), which older producers still write
_LEVELS = {name: tlp for tlp, name in MARKINGS.items()} | _TLP_1
_ID = re.compile(r"indicator--[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)
_when: TypeAdapter[datetime] = TypeAdapter(When)


class StixRefusal(StrEnum):
    """Why an object of another centre is refused: the codes under which refusals are counted."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    OTHER_TYPE = "other_type"
    OTHER_PATTERN = "other_pattern"
    OWN_OBJECT = "own_object"
    FUTURE = "future"
    EXPIRED = "expired"
    NO_CONFIDENCE = "no_confidence"
    MARKED_RED = "marked_red"


class StixError(ValueError):
    """An object of another centre is refused. `refusal`: the reason as a code. The text gives it in English, without
    any value of the object.
    """

    def __init__(self, refusal: StixRefusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal


def verdict_of(found: object, source: str, own: str | None, now: datetime) -> dict[str, object]:
    """Return the fields (as in JSON) of the `rated` watchlist signal that another centre's indicator becomes. `found`:
    the STIX object; `source`: the name of the centre.

    `own`: the id of this centre's identity, whose objects are refused: what was shared must not return as another
    centre's verdict; None: this centre shares nothing. The signal's time is that of the object's latest version, so
    that a later version replaces it. A revoked object becomes a verdict that ends at once. The verdict keeps the
    object's TLP mark (amber if it has none). Numbers and links are checked by intake, as those of every feed.

    Raises StixError, whose `refusal` is one of MALFORMED, OTHER_TYPE, OTHER_PATTERN, OWN_OBJECT, FUTURE, EXPIRED,
    NO_CONFIDENCE or MARKED_RED.
    """
    if not isinstance(found, dict):
        raise StixError(StixRefusal.MALFORMED, "not a JSON object: send objects of STIX")
    _require_type(found)
    if own is not None and found.get("created_by_ref") == own:
        raise StixError(StixRefusal.OWN_OBJECT, "created_by_ref: this centre made the object itself")
    modified, created = _time(found, "modified"), _time(found, "created")
    if modified < created:
        raise StixError(StixRefusal.MALFORMED, "modified: earlier than created")
    if modified > now + FAST_CLOCK:
        raise StixError(StixRefusal.FUTURE, "modified: lies in the future. Set the sender's clock")
    at = min(modified, now)
    named = _named(found)
    return {
        "kind": "watchlist",
        "source": source,
        "id": f"{found['id']}/{round(modified.timestamp() * 1000)}",
        "at": at.isoformat(),
        "subject": named.kind,
        "value": named.value,
        "state": "rated",
        "verdict": "scam",
        "until": _until(found, at, now).isoformat(),
        "confidence": _confidence(found),
        "tlp": _mark(found),
    }


def too_deep(value: object) -> bool:
    """Return True if dicts and lists are nested more than 16 deep in `value`."""
    level = [value]
    for _ in range(DEEPEST + 1):
        held = [each for each in level if isinstance(each, dict | list)]
        if not held:
            return False
        level = [inner for each in held for inner in (each.values() if isinstance(each, dict) else each)]
    return True


def _require_type(found: Mapping[Any, Any]) -> None:
    if found.get("type") == "bundle":
        raise StixError(StixRefusal.OTHER_TYPE, "type: a bundle within a bundle. Send its objects by themselves")
    if found.get("type") != "indicator":
        raise StixError(StixRefusal.OTHER_TYPE, "type: only indicators are read")
    if found.get("spec_version") != "2.1":
        raise StixError(StixRefusal.OTHER_TYPE, "spec_version: only 2.1 is read")
    name = found.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise StixError(StixRefusal.MALFORMED, "id: not indicator-- and a UUID")


def _named(found: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - a named tuple of patterns
    if found.get("pattern_type") != "stix":
        raise StixError(StixRefusal.OTHER_PATTERN, "pattern_type: only stix is read")
    pattern = found.get("pattern")
    if not isinstance(pattern, str):
        raise StixError(StixRefusal.MALFORMED, "pattern: not a text")
    try:
        return suspect_in(pattern)
    except PatternError as error:
        raise StixError(StixRefusal.OTHER_PATTERN, f"pattern: {error}") from None


def _until(found: Mapping[Any, Any], at: datetime, now: datetime) -> datetime:
    """Return when the verdict ends: with the object's validity, at most 366 days after its latest version."""
    revoked = found.get("revoked", False)
    if not isinstance(revoked, bool):
        raise StixError(StixRefusal.MALFORMED, "revoked: neither true nor false")
    if revoked:
        return at + timedelta(milliseconds=1)
    begins = _time(found, "valid_from")
    if begins > now + FAST_CLOCK:
        raise StixError(StixRefusal.FUTURE, "valid_from: not valid yet. Send it again then")
    ends = _time(found, "valid_until") if "valid_until" in found else at + LONGEST_VALID
    if ends <= begins:
        raise StixError(StixRefusal.MALFORMED, "valid_until: not later than valid_from")
    if min(ends, at + LONGEST_VALID) <= now:
        raise StixError(StixRefusal.EXPIRED, "valid_until: no longer valid")
    return min(ends, at + LONGEST_VALID)


def _confidence(found: Mapping[Any, Any]) -> int | None:
    told = found.get("confidence")
    if told is None:
        return None
    if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= 100:
        raise StixError(StixRefusal.MALFORMED, "confidence: not a whole number from 0 to 100")
    if told == 0:
        raise StixError(StixRefusal.NO_CONFIDENCE, "confidence: 0, so that the sender itself does not believe it")
    return told


def _mark(found: Mapping[Any, Any]) -> Tlp:
    """Return the strictest mark of the object and of its parts. A mark that is unknown here, or none, counts as amber.

    Red is for named persons only, so such an object is refused, unless it is revoked: a withdrawal tells of nobody.
    """
    whole, parts = found.get("object_marking_refs", []), found.get("granular_markings", [])
    if not isinstance(whole, list) or not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts):
        raise StixError(StixRefusal.MALFORMED, "object_marking_refs, granular_markings: not lists of marks")
    refs = [*whole, *(each["marking_ref"] for each in parts if "marking_ref" in each)]  # the others tell a language
    levels = [_LEVELS.get(each, Tlp.AMBER) if isinstance(each, str) else Tlp.AMBER for each in refs]
    mark = max(levels, default=Tlp.AMBER, key=_STRICTER.index)
    if mark is Tlp.RED and not found.get("revoked"):
        raise StixError(StixRefusal.MARKED_RED, "object_marking_refs: TLP:RED, for named persons only")
    return mark


def _time(found: Mapping[Any, Any], field: str) -> datetime:
    told = found.get(field)
    if not isinstance(told, str) or not _TIME.fullmatch(told):
        raise StixError(StixRefusal.MALFORMED, f"{field}: not a time in UTC such as 2026-03-01T03:12:00.000Z")
    try:
        return _when.validate_python(told)
    except ValidationError:
        raise StixError(StixRefusal.MALFORMED, f"{field}: not a possible time") from None

"""STIX 2.1: a file is a bundle, an envelope of TAXII, or one object; a row is one object, which becomes a verdict.

Objects that only explain others are passed over. Each other object is accepted or becomes a dead letter, however deeply
it is nested or large the bundle is.
"""

from collections.abc import Sequence
from datetime import datetime

import orjson
from prometheus_client import Counter

from domain.stix.reading import CONTEXT, DEEPEST, LONGEST_OBJECT, StixError, StixRefusal, too_deep, verdict_of
from schemas.administration.dead_letters import StixFile
from streams.intake.formats.rows import Options, Row, RowError
from streams.messaging import sources

MOST_OBJECTS = 20_000  # of one bundle
_ACCEPTED, _PASSED_OVER, _INVALID = "accepted", "context", "invalid"
_BOM = b"\xef\xbb\xbf"

STIX_OBJECTS = Counter("quanzu_stix_objects", "Objects of other centres, by source and result", ["source", "result"])


class StixReading:
    """Reads the objects of one centre, and counts them by result. `stix`: whose they are; `now`: the time by which they
    are valid.
    """

    def __init__(self, stix: StixFile, now: datetime) -> None:
        self._stix, self._now = stix, now
        self._refusals: dict[str, StixRefusal] = {}  # by the text of a dead letter, which has no values in it

    def open_rows(self, header: bytes, options: Options) -> Row:
        """Return the function that reads an object: it returns the fields of a `watchlist` signal, or raises RowError.
        `header` and `options` are ignored: the format has none.
        """
        return self._row

    def count(self, accepted: int, passed_over: int, reasons: Sequence[str]) -> None:
        """Add objects to the metric, once they are written: the accepted ones, those that were passed over, and the
        refused ones by the reasons of their dead letters.
        """
        results = [self._refusals.get(reason, _INVALID) for reason in reasons]
        for result, number in ((_ACCEPTED, accepted), (_PASSED_OVER, passed_over), *((each, 1) for each in results)):
            if number:
                STIX_OBJECTS.labels(sources.label(self._stix.source), str(result)).inc(number)

    def _row(self, line: bytes, row_id: str) -> object:
        try:
            return verdict_of(_object(line), self._stix.source, self._stix.own, self._now)
        except StixError as error:
            self._refusals[str(error)] = error.refusal
            raise RowError(str(error)) from None


def stix_objects(content: bytes) -> list[bytes]:
    """Return the objects of a bundle, an envelope or a single object, each as a JSON object of its own; `[content]` if
    it is no JSON object, its `objects` are not a list, or it has over 20,000 objects. A JSON object without `type` is
    an envelope; one without `objects` gives an empty list. Of an object that is nested too deep, the inner containers
    are cut.
    """
    value = _parsed(content)
    if not isinstance(value, dict):
        return [content]
    found = value.get("objects", []) if value.get("type", "bundle") == "bundle" else [value]
    if not isinstance(found, list) or len(found) > MOST_OBJECTS:
        return [content]
    return [orjson.dumps(_cut(each, DEEPEST + 1)) for each in found]


def is_context(line: bytes) -> bool:
    """Return True if an object only explains others: a centre, a mark, or an extension. False for any other object, and
    for what is not JSON.
    """
    value = _parsed(line)
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in CONTEXT


def _object(line: bytes) -> object:
    value = _parsed(line)
    if value is None:
        raise StixError(StixRefusal.MALFORMED, "not JSON in UTF-8, or nested too deep: send a bundle of STIX 2.1")
    if isinstance(value, dict) and isinstance(value.get("objects"), list) and len(value["objects"]) > MOST_OBJECTS:
        raise StixError(StixRefusal.TOO_LARGE, f"over {MOST_OBJECTS:,} objects: send them in several bundles")
    if len(line) > LONGEST_OBJECT:
        raise StixError(StixRefusal.TOO_LARGE, f"the object is longer than {LONGEST_OBJECT:,} bytes")
    if too_deep(value):
        raise StixError(StixRefusal.TOO_LARGE, f"the object is nested over {DEEPEST} deep")
    return value


def _parsed(content: bytes) -> object:
    """Return the JSON value, or None if it is invalid or null."""
    try:
        value: object = orjson.loads(content.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        return None
    return value


def _cut(value: object, depth: int) -> object:
    """Return the value with null for the containers that lie more than `depth` deep: JSON that is nested deeper cannot
    be written, and is refused by what is left.
    """
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_cut(each, depth - 1) for each in value]
    return {name: _cut(each, depth - 1) for name, each in value.items()}

"""Makes the fields of a call signal from what a call record says. No error text contains a value.

The parsers of the formats (streams/intake/formats) find the texts in a row; this module decides what they mean.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from domain.identity.identifiers import normal_phone
from schemas.risk.signals import CallEnd, NumberClass

WITHHELD = "anonymous"  # RFC 3323, section 4.1.1.3
_NO_NUMBER = frozenset({"", "anonymous", "unknown", "<unknown>", "private", "restricted", "unavailable", "withheld"})
_LOCAL = re.compile(r"[2-9][0-9]{4,8}")  # a number as dialled within its area; none begins with 0 or 1
_SECONDS = re.compile(r"[0-9]{1,6}")
_MICROSECONDS = re.compile(r"[0-9]{1,17}")
_SEPARATORS = re.compile(r"[ ().\-]")


class CallFault(StrEnum):
    """Why a call record is a dead letter. The value is the code with which the dead letter's reason begins."""

    COLUMNS = "columns"
    FIELDS = "fields"
    ID_MISSING = "id_missing"
    NUMBER_MISSING = "number_missing"
    NUMBER_INVALID = "number_invalid"
    TIME_INVALID = "time_invalid"
    SECONDS_INVALID = "seconds_invalid"
    END_UNKNOWN = "end_unknown"
    RECORD_TYPE = "record_type"
    ENCODING = "encoding"
    DAMAGED = "damaged"


class CallRowError(ValueError):
    """A call record cannot be read. The text is the code, the place, the problem and the correction."""

    def __init__(self, code: CallFault, place: str, what: str) -> None:
        super().__init__(f"{code}: {place}: {what}" if place else f"{code}: {what}")
        self.code = code


@dataclass(frozen=True, slots=True)
class NumberRule:
    """How the numbers of a source are written. `country`: two letters, of numbers without a country code. `area`: what
    is dialled before a local number to reach it from elsewhere, such as 0431; None: local numbers are refused.
    """

    country: str = "CN"
    area: str | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """The contents of a call record. `id`: the record's own, unique within the source. `seconds`: from the answer on, 0
    without one. `called_place`: the name of the field of the called number, for error texts.
    """

    id: str
    at: datetime
    caller: str
    called: str
    seconds: int
    ended: CallEnd
    called_place: str


def call_signal(row: CallRow, source: str, rule: NumberRule) -> dict[str, Any]:
    """Return the fields of the call signal by name, as its JSON has them, except that `at` is a datetime. `source`: the
    source's name; `rule`: how it writes numbers.

    A withheld caller becomes "anonymous"; a caller that is no number stays as it came. The class is OVERSEAS if the
    caller's number is not of mainland China. Raises CallRowError if the called number is empty or invalid.
    """
    caller = _caller(row.caller, rule)
    return {
        "kind": "call",
        "source": source,
        "id": row.id,
        "at": row.at,
        "caller": caller,
        "called": _called(row, rule),
        "seconds": row.seconds,
        "number_class": class_of_number(caller),
        "ended": row.ended,
    }


def e164(text: str, rule: NumberRule) -> str:
    """Return a number in E.164, or the bare digits of a service number. A local number is read with the area code of
    the rule; a number without a country code, as one of the rule's country.

    Raises ValueError for anything else, also for a local number if the rule has no area. The error's text has the
    reason, not the number.
    """
    plain = _SEPARATORS.sub("", text.strip())
    try:
        return normal_phone(text, rule.country)
    except ValueError:
        if rule.area is None or not _LOCAL.fullmatch(plain):
            raise
    return normal_phone(rule.area + plain, rule.country)


def class_of_number(number: str) -> NumberClass:
    """Return OVERSEAS for a number in E.164 outside mainland China; else ORDINARY, also for a name or a withheld
    number.
    """
    abroad = number.startswith("+") and not number.startswith("+86")
    return NumberClass.OVERSEAS if abroad else NumberClass.ORDINARY


def call_time(text: str, place: str, zone: tzinfo) -> datetime:
    """Return the aware time in a text such as 2026-03-01 11:12:00. A text without an offset is taken to be in `zone`;
    one with an offset keeps it.

    Raises CallRowError (TIME_INVALID), which names `place`, if the text is not a time in ISO form or is shorter than
    this example.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or len(text) < len("2026-03-01 11:12:00"):
        raise CallRowError(CallFault.TIME_INVALID, place, "not a time such as 2026-03-01 11:12:00")
    return at if at.tzinfo else at.replace(tzinfo=zone)


def call_time_of_epoch(text: str, place: str, unit: timedelta) -> datetime:
    """Return the time in UTC that lies `text` times `unit` after the beginning of 1970.

    Raises CallRowError (TIME_INVALID), which names `place`, if `text` is not a whole number of 1 to 17 digits or the
    year is over 9999.
    """
    if not _MICROSECONDS.fullmatch(text):
        raise CallRowError(CallFault.TIME_INVALID, place, "not a whole number")
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + int(text) * unit
    except OverflowError:
        raise CallRowError(CallFault.TIME_INVALID, place, "too far from now") from None


def call_seconds(text: str, place: str) -> int:
    """Return a duration in seconds. Raises CallRowError (SECONDS_INVALID) unless it is a whole number of one to six
    digits.
    """
    if not _SECONDS.fullmatch(text):
        raise CallRowError(CallFault.SECONDS_INVALID, place, "not a whole number of seconds")
    return int(text)


def known_end(ended: CallEnd | None, place: str) -> CallEnd:
    """Return `ended`. Raises CallRowError (END_UNKNOWN) if it is None, because the cause code in `place` has no known
    meaning.
    """
    if ended is None:
        raise CallRowError(CallFault.END_UNKNOWN, place, "a cause that is not in the table of its standard")
    return ended


def known_id(text: str, place: str, do: str) -> str:
    """Return a record's own id, unchanged. Raises CallRowError (ID_MISSING), which names `place`, if it is empty,
    because a file without ids cannot be sent twice safely. `do`: how to make the exchange write ids, for the error's
    text.
    """
    if not text:
        raise CallRowError(CallFault.ID_MISSING, place, f"the record has no id of its own. {do}")
    return text


def _caller(text: str, rule: NumberRule) -> str:
    if text.strip().lower() in _NO_NUMBER:
        return WITHHELD
    try:
        return e164(text, rule)
    except ValueError:
        return text


def _called(row: CallRow, rule: NumberRule) -> str:
    if not row.called.strip():
        raise CallRowError(CallFault.NUMBER_MISSING, row.called_place, "empty")
    try:
        return e164(row.called, rule)
    except ValueError as error:
        raise CallRowError(CallFault.NUMBER_INVALID, row.called_place, str(error)) from None

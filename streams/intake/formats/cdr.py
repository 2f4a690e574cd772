"""Call detail records: VOICE becomes a call that has ended, SMS becomes a text message.

The caller or sender is CallingNumber, the called party or receiver CalledNumber. Direction says which of them is the
subscriber: MO, the subscriber called; MT, the subscriber was called. The other party's number is classed as overseas
unless it is a number of mainland China (+86) or a service number. EventTimestamp has no zone; `Options.zone` gives it.
"""

import re
from datetime import datetime

from domain.identity.identifiers import normal_phone
from schemas.risk.signals import NumberClass
from streams.intake.formats.rows import Options, Row, RowError, columns, picked

NEEDED = ("RecordID", "EventTimestamp", "Direction", "EventType", "CallingNumber", "CalledNumber", "DurationSec")

_SECONDS = re.compile(r"[0-9]{1,5}")


def open_rows(header: bytes, options: Options) -> Row:
    """Return the function that parses the rows of a file whose first line is `header`: it returns the fields of a call
    or SMS signal, or raises RowError. Raises RowError if a column of NEEDED is missing; they may be in any order.
    """
    count, places = columns(header, NEEDED)

    def row(line: bytes, row_id: str) -> object:
        record, at, direction, event, calling, called, seconds = picked(line, count, places)
        common = {
            "source": "cdr",
            "id": record or row_id,
            "at": _time(at, options),
            "number_class": _class_of(_other(direction, calling, called)),
        }
        if event == "VOICE":
            return {**common, "kind": "call", "caller": calling, "called": called, "seconds": _seconds(seconds)}
        if event == "SMS":
            return {**common, "kind": "sms", "sender": calling, "receiver": called}
        raise RowError("EventType: neither VOICE nor SMS")

    return row


def _other(direction: str, calling: str, called: str) -> str:
    if direction not in ("MO", "MT"):
        raise RowError("Direction: neither MO nor MT")
    return called if direction == "MO" else calling


def _class_of(number: str) -> NumberClass:
    try:
        abroad = normal_phone(number).startswith("+") and not normal_phone(number).startswith("+86")
    except ValueError:  # a sender may have a name; the subject's number is checked with the signal
        abroad = False
    return NumberClass.OVERSEAS if abroad else NumberClass.ORDINARY


def _time(text: str, options: Options) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RowError("EventTimestamp: not a time such as 2026-03-01 11:12:00") from None
    return at if at.tzinfo else at.replace(tzinfo=options.zone)


def _seconds(text: str) -> int:
    if not _SECONDS.fullmatch(text):
        raise RowError("DurationSec: not a whole number of seconds")
    return int(text)

"""What a call record of 3GPP TS 32.298 says: mobile-originated and mobile-terminated calls of an exchange (MSC), and
sessions of an S-CSCF or telephony application server of IMS.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from domain.carriers.call_causes import end_by_q850, end_by_sip
from domain.carriers.call_rows import CallFault, CallRow, CallRowError, known_end
from domain.carriers.charging_fields import (
    address_number,
    charging_number,
    charging_time,
    end_by_gsm,
    end_by_reasons,
)
from schemas.risk.signals import LONGEST_CALL, CallEnd
from streams.intake.formats.charging.ber import BerError, element
from streams.intake.formats.charging.files import DamagedError, record_of
from streams.intake.formats.rows import Options

_MOST_PARTS = 2**32
Fields = Mapping[str, Any]
_TYPES = {0: "moCallRecord", 1: "mtCallRecord", 63: "sCSCFRecord", 69: "aSRecord"}
_SPECIFICATION = {"moCallRecord": "32.250", "mtCallRecord": "32.250", "sCSCFRecord": "32.260", "aSRecord": "32.260"}
# causeForTerm (TS 32.298, CauseForTerm) of a call without diagnostics. 3: an attempt that nobody answered.
_TERMINATED = {0: CallEnd.CANCELLED, 3: CallEnd.NO_ANSWER, 4: CallEnd.FAILED, 5: CallEnd.FAILED}


def charging_row(row: bytes, options: Options) -> CallRow:
    """Return the call of a record with its header (TS 32.297). `options` are ignored: the times have their offset.

    Raises CallRowError if the bytes are damaged, the record is of another type, or a field cannot be read.
    """
    try:
        record = record_of(row)
    except DamagedError as error:
        raise CallRowError(CallFault.DAMAGED, "", str(error)) from None
    if not record.ber:
        raise CallRowError(CallFault.ENCODING, "record header", "not in BER. Have the charging function write BER")
    kind, fields = _decoded(record.content)
    if _SPECIFICATION[kind] != record.specification:
        raise CallRowError(CallFault.RECORD_TYPE, "record header", "another specification than the record's type has")
    return _exchange_call(kind, fields) if kind in ("moCallRecord", "mtCallRecord") else _session_call(fields)


def _decoded(content: bytes) -> tuple[str, Fields]:
    """Return the record's type and fields, decoded by pycrate."""
    try:
        found = element(content)
    except BerError as error:
        raise CallRowError(CallFault.ENCODING, "", f"not BER: {error}") from None
    if found.tag not in _TYPES or found.identifier[0] >> 6 != 2:
        raise CallRowError(CallFault.RECORD_TYPE, "", f"no call: read are {', '.join(_TYPES.values())}")
    kind = _TYPES[found.tag]
    schema, tags = _schema()
    try:
        schema.from_ber(found.only(tags[kind]).encoded())
        name, fields = schema.get_val()
    except Exception as error:  # pycrate fails in many ways at elements of another type than the schema's
        what = f"a field does not have its type ({type(error).__name__})"
        raise CallRowError(CallFault.ENCODING, kind, what) from None
    return str(name), fields


@cache
def _schema() -> tuple[Any, Mapping[str, frozenset[int]]]:
    """Return the schema of a record, and the tags of its types' fields, by type."""
    from streams.intake.formats.charging.schema import CallChargingRecords  # here: it takes half a second

    schema = CallChargingRecords.CallRecord
    tags = {name: frozenset(tag for _, tag in kind._cont_tags) for name, kind in schema._cont.items()}
    return schema, tags


# --- calls of an exchange ---------------------------------------------------------------------------------------------


def _exchange_call(kind: str, fields: Fields) -> CallRow:
    originating = kind == "moCallRecord"
    answered = "answerTime" in fields
    start = "seizureTime" if "seizureTime" in fields else "answerTime"
    ended = CallEnd.ANSWERED if answered else _terminated(fields)
    at = _time(fields, start)
    subscriber = _number(fields, "servedMSISDN")
    other = _number(fields, "callingNumber")
    return CallRow(
        id=_exchange_id(fields, at),
        at=at,
        caller=(subscriber or other) if originating else other,
        called=_number(fields, "calledNumber") if originating else subscriber,
        seconds=_duration(fields["callDuration"]) if answered else 0,
        ended=ended,
        called_place="calledNumber" if originating else "servedMSISDN",
    )


def _exchange_id(fields: Fields, at: datetime) -> str:
    """Return a call's id. With a network call reference, both subscribers' records of one call have the same id."""
    exchange, reference = "recordingEntity", "callReference"
    if "networkCallReference" in fields and "mSCAddress" in fields:
        exchange, reference = "mSCAddress", "networkCallReference"
    when = at.astimezone(UTC).strftime("%Y%m%d" if reference == "networkCallReference" else "%Y%m%dT%H%M%S")
    return f"{fields[exchange].hex()}-{fields[reference].hex()}-{when}{_sequence(fields, 'sequenceNumber')}"


def _terminated(fields: Fields) -> CallEnd:
    kind, cause = fields.get("diagnostics", ("", 0))
    if kind == "gsm0408Cause":
        return known_end(end_by_gsm(cause), "diagnostics")
    if kind == "itu-tQ767Cause":
        return known_end(end_by_q850(cause), "diagnostics")
    return known_end(_TERMINATED.get(fields["causeForTerm"]), "causeForTerm")


# --- sessions of IMS --------------------------------------------------------------------------------------------------


def _session_call(fields: Fields) -> CallRow:
    if fields.get("sIP-Method", "INVITE") != "INVITE":
        raise CallRowError(CallFault.RECORD_TYPE, "sIP-Method", "not INVITE, so no call")
    start, end = "serviceDeliveryStartTimeStamp", "serviceDeliveryEndTimeStamp"
    at = _time(fields, "serviceRequestTimeStamp" if "serviceRequestTimeStamp" in fields else start)
    answered = start in fields
    lasted = (_time(fields, end) - _time(fields, start)).total_seconds() if answered and end in fields else 0
    callers = fields.get("list-Of-Calling-Party-Address", [])
    own = fields.get("iMS-Charging-Identifier", b"")
    if not own:
        raise CallRowError(CallFault.ID_MISSING, "iMS-Charging-Identifier", "the session has no charging identifier")
    return CallRow(
        id=f"{own.hex()}{_sequence(fields, 'recordSequenceNumber')}",
        at=at,
        caller=address_number(callers[0][1]) if callers else "",
        called=address_number(fields["called-Party-Address"][1]) if "called-Party-Address" in fields else "",
        seconds=_duration(int(lasted)),
        ended=CallEnd.ANSWERED if answered else _unanswered(fields),
        called_place="called-Party-Address",
    )


def _unanswered(fields: Fields) -> CallEnd:
    place = "listOfReasonHeader, serviceReasonReturnCode"
    status = fields.get("serviceReasonReturnCode", "")
    by_status = end_by_sip(int(status)) if len(status) == 3 and status.isascii() and status.isdigit() else None
    return known_end(end_by_reasons(fields.get("listOfReasonHeader", [])) or by_status, place)


# --- fields -----------------------------------------------------------------------------------------------------------


def _time(fields: Fields, name: str) -> datetime:
    try:
        return charging_time(fields.get(name, b""))
    except ValueError as error:
        raise CallRowError(CallFault.TIME_INVALID, name, str(error)) from None


def _number(fields: Fields, name: str) -> str:
    return charging_number(fields[name]) if name in fields else ""


def _sequence(fields: Fields, name: str) -> str:
    """Return the end of the id of a part of a call; empty for a whole one."""
    number = fields.get(name)
    if number is None:
        return ""
    if not 0 <= number < _MOST_PARTS:
        raise CallRowError(CallFault.ENCODING, name, f"not between 0 and {_MOST_PARTS:,}")
    return f"-{number}"


def _duration(seconds: int) -> int:
    if not 0 <= seconds <= LONGEST_CALL:
        raise CallRowError(CallFault.SECONDS_INVALID, "", f"not between 0 and {LONGEST_CALL:,} seconds")
    return seconds

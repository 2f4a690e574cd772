"""Asterisk's call detail records: lines of Master.csv (cdr_csv), and JSON objects, one on each line.

A line of Master.csv has no header; its columns are those of cdr/cdr_csv.c in their order: 16, then the unique id
(loguniqueid), the user field (loguserfield), and, with newcdrcolumns, the peer's account, linked id and sequence. The
JSON has the fields of the manager's event Cdr (cdr/cdr_manager.c), or the names of CDR's variables.

A call may have several records with one unique id; a record's own id is therefore the unique id with the sequence, or
with the start.
"""

from collections.abc import Mapping
from functools import partial

from domain.carriers.call_causes import end_by_asterisk, end_by_q850
from domain.carriers.call_rows import (
    CallFault,
    CallRow,
    CallRowError,
    call_seconds,
    call_time,
    known_end,
    known_id,
)
from schemas.risk.signals import CallEnd
from streams.intake.formats.rows import Options, fields, json_object, texts_of

_FIRST = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags",
)  # fmt: skip
_NEW = ("peeraccount", "linkedid", "sequence")
_COLUMNS = {
    17: (*_FIRST, "uniqueid"),
    18: (*_FIRST, "uniqueid", "userfield"),
    20: (*_FIRST, "uniqueid", *_NEW),
    21: (*_FIRST, "uniqueid", "userfield", *_NEW),
}
_EVENT = {  # the manager's name of each field that is read
    "src": "Source", "dst": "Destination", "start": "StartTime", "billsec": "BillableSeconds",
    "disposition": "Disposition", "uniqueid": "UniqueID", "sequence": "Sequence", "hangupcause": "HangupCause",
}  # fmt: skip
_LOG_ID = "Set loguniqueid=yes in cdr.conf"


def column_names(line: bytes) -> tuple[str, ...]:
    """Return the names of the columns of a line of Master.csv, from left to right.

    Raises CallRowError if cdr_csv writes no lines with this number of columns, and RowError if it is no CSV.
    """
    count = len(fields(line))
    if count == len(_FIRST):
        raise CallRowError(CallFault.COLUMNS, "", f"{count} columns, without a unique id. {_LOG_ID}")
    if count not in _COLUMNS:
        known = ", ".join(map(str, _COLUMNS))
        raise CallRowError(CallFault.COLUMNS, "", f"{count} columns, where cdr_csv writes {known}")
    return _COLUMNS[count]


def master_row(line: bytes, options: Options) -> CallRow:
    """Return the call of a line of Master.csv. Raises CallRowError if the columns or a field cannot be read, or
    RowError if the line is no CSV.
    """
    cells = dict(zip(column_names(line), map(str.strip, fields(line)), strict=True))
    return _row(cells, options, {})


def event_row(line: bytes, options: Options) -> CallRow:
    """Return the call of a line with a JSON object. Raises CallRowError if it is an event other than Cdr or a field
    cannot be read, or RowError if the line is no JSON object.
    """
    item = texts_of(json_object(line))
    if item.get("Event", "Cdr") != "Cdr":
        raise CallRowError(CallFault.RECORD_TYPE, "Event", "not a Cdr event")
    names = _EVENT if "UniqueID" in item or "Destination" in item else {}
    return _row(item, options, names)


def _row(cells: Mapping[str, str], options: Options, names: Mapping[str, str]) -> CallRow:
    place = partial(_place, names)
    at = call_time(_cell(cells, place("start")), place("start"), options.zone)
    ended = _ended(cells, names)
    seconds = call_seconds(_cell(cells, place("billsec")), place("billsec"))
    own = known_id(cells.get(place("uniqueid"), ""), place("uniqueid"), _LOG_ID)
    return CallRow(
        id=f"{own}-{cells.get(place('sequence')) or at.strftime('%Y%m%dT%H%M%S')}",
        at=at,
        caller=cells.get(place("src"), ""),
        called=cells.get(place("dst"), ""),
        seconds=seconds if ended is CallEnd.ANSWERED else 0,
        ended=ended,
        called_place=place("dst"),
    )


def _ended(cells: Mapping[str, str], names: Mapping[str, str]) -> CallEnd:
    """Return the meaning of the disposition. A hangup cause, which dialplans add to JSON, says more of a call that
    nobody answered.
    """
    place = partial(_place, names)
    ended = known_end(end_by_asterisk(_cell(cells, place("disposition"))), place("disposition"))
    cause = cells.get(place("hangupcause"), "")
    if ended is CallEnd.ANSWERED or cause in ("", "0"):
        return ended
    if not cause.isascii() or not cause.isdigit() or len(cause) > 3:
        raise CallRowError(CallFault.END_UNKNOWN, place("hangupcause"), "not a number of Q.850")
    return known_end(end_by_q850(int(cause)), place("hangupcause"))


def _place(names: Mapping[str, str], field: str) -> str:
    return names.get(field, field)


def _cell(cells: Mapping[str, str], place: str) -> str:
    if place not in cells:
        raise CallRowError(CallFault.FIELDS, place, "the field is missing")
    return cells[place]

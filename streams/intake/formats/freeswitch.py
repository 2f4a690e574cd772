"""FreeSWITCH's call detail records: lines of Master.csv (mod_cdr_csv, template "example") and of mod_json_cdr.

The template "example" is the default of cdr_csv.conf.xml. Its times have no zone; those of the JSON are counted from
1970. Values of the JSON's variables are URL-encoded unless encode-values is off. Log leg A only (`legs`, `log-b-leg`):
leg B of a call is a record of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote

from domain.carriers.call_causes import end_by_freeswitch
from domain.carriers.call_rows import (
    CallFault,
    CallRow,
    CallRowError,
    call_seconds,
    call_time,
    call_time_of_epoch,
    known_end,
    known_id,
)
from schemas.risk.signals import CallEnd
from streams.intake.formats.rows import Options, fields, json_object, texts_of

COLUMNS = (
    "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp", "end_stamp",
    "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode", "read_codec", "write_codec",
)  # fmt: skip
_LOG_ID = "FreeSWITCH gives each one: fetch the file again"


def example_row(line: bytes, options: Options) -> CallRow:
    """Return the call of a line of Master.csv. Raises CallRowError if the columns or a field cannot be read, or
    RowError if the line is no CSV.
    """
    found = [cell.strip() for cell in fields(line)]
    if len(found) != len(COLUMNS):
        raise CallRowError(
            CallFault.COLUMNS, "", f"{len(found)} columns, where the template example has {len(COLUMNS)}"
        )
    cells = dict(zip(COLUMNS, found, strict=True))
    at = call_time(cells["start_stamp"], "start_stamp", options.zone)
    numbers = cells["caller_id_number"], cells["destination_number"]
    return _row(cells, at=at, answered=bool(cells["answer_stamp"]), numbers=numbers)


def json_row(line: bytes, options: Options) -> CallRow:
    """Return the call of a line with the JSON of a call. Raises CallRowError if a field cannot be read, or RowError if
    the line is no JSON object.
    """
    item = json_object(line)
    variables = {name: unquote(text) for name, text in texts_of(item.get("variables")).items()}
    if "start_uepoch" in variables:
        at = call_time_of_epoch(variables["start_uepoch"], "variables.start_uepoch", timedelta(microseconds=1))
    else:
        at = call_time_of_epoch(variables.get("start_epoch", ""), "variables.start_epoch", timedelta(seconds=1))
    profile = _profile(item.get("callflow"))
    numbers = unquote(profile.get("caller_id_number", "")), unquote(profile.get("destination_number", ""))
    answered = variables.get("answer_epoch", "0") not in ("", "0")
    return _row(variables, at=at, answered=answered, numbers=numbers)


def _row(cells: Mapping[str, str], *, at: datetime, answered: bool, numbers: tuple[str, str]) -> CallRow:
    ended = (
        CallEnd.ANSWERED if answered else known_end(end_by_freeswitch(cells.get("hangup_cause", "")), "hangup_cause")
    )
    seconds = call_seconds(cells.get("billsec", ""), "billsec")
    caller, called = numbers
    return CallRow(
        id=known_id(cells.get("uuid", ""), "uuid", _LOG_ID),
        at=at,
        caller=caller,
        called=called,
        seconds=seconds if answered else 0,
        ended=ended,
        called_place="destination_number",
    )


def _profile(callflow: object) -> Mapping[str, str]:
    """Return the caller's profile with which the call began: FreeSWITCH lists the profiles from the last to the first,
    and each transfer adds one.
    """
    parts = callflow if isinstance(callflow, list) else [callflow]
    first = parts[-1] if parts else None
    return texts_of(first.get("caller_profile") if isinstance(first, dict) else None)

"""Call records as Asterisk and FreeSWITCH write them. All numbers are invented."""

import json
from typing import Any
from urllib.parse import quote

from schemas.administration.dead_letters import CallFile

CALLER, CALLED = "14200000009", "14200000001"
EVENT = {  # an event of Asterisk's manager, cdr_manager
    "Event": "Cdr",
    "AccountCode": "",
    "Source": CALLER,
    "Destination": CALLED,
    "DestinationContext": "from-trunk",
    "CallerID": f'"Anna" <{CALLER}>',
    "Channel": "PJSIP/trunk-00000001",
    "DestinationChannel": "PJSIP/100-00000002",
    "LastApplication": "Dial",
    "LastData": "PJSIP/100,30",
    "StartTime": "2026-03-01 11:12:00",
    "AnswerTime": "2026-03-01 11:12:08",
    "EndTime": "2026-03-01 11:14:08",
    "Duration": "128",
    "BillableSeconds": "120",
    "Disposition": "ANSWERED",
    "AMAFlags": "DOCUMENTATION",
    "UniqueID": "pbx-1772334720.1",
    "UserField": "",
}


def calls(form: str, **other: str | None) -> CallFile:
    """The declaration of a carrier's file."""
    return CallFile.model_validate({"format": form, "source": "carrier-a", "area_code": "0431"} | other)


def asterisk_line(new: bool = False, **other: object) -> bytes:
    """A line of Master.csv with the unique id and the user field; `new`: with newcdrcolumns."""
    cells: dict[str, object] = {
        "accountcode": "",
        "src": CALLER,
        "dst": CALLED,
        "dcontext": "from-trunk",
        "clid": f'"Anna" <{CALLER}>',
        "channel": "PJSIP/trunk-00000001",
        "dstchannel": "PJSIP/100-00000002",
        "lastapp": "Dial",
        "lastdata": "PJSIP/100,30",
        "start": "2026-03-01 11:12:00",
        "answer": "2026-03-01 11:12:08",
        "end": "2026-03-01 11:14:08",
        "duration": 128,
        "billsec": 120,
        "disposition": "ANSWERED",
        "amaflags": "DOCUMENTATION",
        "uniqueid": "pbx-1772334720.1",
        "userfield": "",
    } | other
    if new:
        cells |= {"peeraccount": "", "linkedid": "pbx-1772334720.1", "sequence": 7}
    return ",".join(str(cell) if isinstance(cell, int) else _quoted(str(cell)) for cell in cells.values()).encode()


def freeswitch_line(**other: str) -> bytes:
    """A line of Master.csv by the template "example"."""
    cells = {
        "caller_id_name": "Anna",
        "caller_id_number": CALLER,
        "destination_number": CALLED,
        "context": "public",
        "start_stamp": "2026-03-01 11:12:00",
        "answer_stamp": "2026-03-01 11:12:08",
        "end_stamp": "2026-03-01 11:14:08",
        "duration": "128",
        "billsec": "120",
        "hangup_cause": "NORMAL_CLEARING",
        "uuid": "0f6b2c1e-0000-4000-8000-000000000001",
        "bleg_uuid": "0f6b2c1e-0000-4000-8000-000000000002",
        "accountcode": "",
        "read_codec": "PCMA",
        "write_codec": "PCMA",
    } | other
    return ",".join(f'"{cell}"' for cell in cells.values()).encode()


def freeswitch_json(profiles: list[dict[str, str]] | None = None, **other: str) -> bytes:
    """The JSON of a call by mod_json_cdr, its variables URL-encoded. `profiles`: the callers', the first one last."""
    variables = {
        "uuid": "0f6b2c1e-0000-4000-8000-000000000001",
        "direction": "inbound",
        "start_stamp": "2026-03-01 11:12:00",
        "start_epoch": "1772334720",
        "start_uepoch": "1772334720000000",
        "answer_epoch": "1772334728",
        "duration": "128",
        "billsec": "120",
        "hangup_cause": "NORMAL_CLEARING",
        "hangup_cause_q850": "16",
    } | other
    profiles = profiles or [{"caller_id_number": f"+86{CALLER}", "destination_number": CALLED}]
    item: dict[str, Any] = {
        "core-uuid": "0f6b2c1e-0000-4000-8000-00000000000f",
        "switchname": "pbx",
        "channel_data": {"state": "CS_REPORTING", "direction": "inbound"},
        "variables": {name: quote(text, safe="") for name, text in variables.items()},
        "callflow": [{"dialplan": "XML", "caller_profile": profile} for profile in profiles],
    }
    return json.dumps(item, separators=(",", ":")).encode()


def event(**other: object) -> bytes:
    """A Cdr event of Asterisk's manager as JSON."""
    return json.dumps(EVENT | other).encode()


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'

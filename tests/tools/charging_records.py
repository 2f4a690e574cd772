"""Call records encoded by pycrate's modules of the whole TS 32.298: `python -m tests.tools.charging_records`.

They take 0.6 GB of memory, so tests/streams/intake/calls/charging_records.json keeps the result, in hex by name. All
numbers are invented.
"""

import json
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parents[1] / "streams/intake/calls/charging_records.json"
_MSC = "9168310400000000"  # of an exchange, as AddressString
_MO = {
    "recordType": 0,
    "servedIMSI": bytes.fromhex("64001111111111f1"),
    "servedIMEI": bytes.fromhex("1111111111111111"),
    "servedMSISDN": bytes.fromhex("91684102000000f9"),
    "callingNumber": bytes.fromhex("91684102000000f9"),
    "calledNumber": bytes.fromhex("814102000000f1"),
    "recordingEntity": bytes.fromhex(_MSC),
    "location": {"locationAreaCode": b"\x12\x34", "cellId": b"\x56\x78"},
    "basicService": ("teleservice", b"\x11"),
    "seizureTime": bytes.fromhex("2603011112002b0800"),
    "answerTime": bytes.fromhex("2603011112082b0800"),
    "releaseTime": bytes.fromhex("2603011114082b0800"),
    "callDuration": 120,
    "causeForTerm": 0,
    "diagnostics": ("gsm0408Cause", 16),
    "callReference": bytes.fromhex("0a0b0c"),
    "sequenceNumber": 1,
    "networkCallReference": bytes.fromhex("0102030405"),
    "mSCAddress": bytes.fromhex(_MSC),
    "systemType": "gERAN",
}
_MT = {
    "recordType": 1,
    "servedIMSI": bytes.fromhex("64001111111111f2"),
    "servedMSISDN": bytes.fromhex("91684102000000f1"),
    "callingNumber": bytes.fromhex("11835802000000f0"),
    "recordingEntity": bytes.fromhex(_MSC),
    "seizureTime": bytes.fromhex("2603011112002b0800"),
    "callDuration": 0,
    "causeForTerm": 3,
    "diagnostics": ("itu-tQ767Cause", 17),
    "callReference": bytes.fromhex("0a0b0d"),
}
_SESSION = {
    "recordType": 63,
    "sIP-Method": "INVITE",
    "role-of-Node": "terminating",
    "nodeAddress": ("domainName", "scscf.ims.example"),
    "session-Id": "a84b4c76e66710@ims.example",
    "list-Of-Calling-Party-Address": [("sIP-URI", "sip:+8614200000009@ims.example;user=phone"), ("tEL-URI", "tel:+1")],
    "called-Party-Address": ("tEL-URI", "tel:+8614200000001"),
    "serviceRequestTimeStamp": bytes.fromhex("2603011112002b0800"),
    "serviceDeliveryStartTimeStamp": bytes.fromhex("2603011112082b0800"),
    "serviceDeliveryEndTimeStamp": bytes.fromhex("2603011114082b0800"),
    "causeForRecordClosing": "serviceDeliveryEndSuccessfully",
    "iMS-Charging-Identifier": b"icid-0001",
    "serviceReasonReturnCode": "200",
}
_UNANSWERED = {
    **{name: value for name, value in _SESSION.items() if not name.startswith("serviceDelivery")},
    "recordType": 69,
    "causeForRecordClosing": "unSuccessfulServiceDelivery",
    "iMS-Charging-Identifier": b"icid-0002",
    "serviceReasonReturnCode": "486",
    "listOfReasonHeader": ['SIP;cause=486;text="Busy Here"', 'Q.850;cause=20;text="absent"'],
}

_SMS = {
    "recordType": 6,
    "servedIMSI": bytes.fromhex("64001111111111f1"),
    "msClassmark": b"\x30\x00\x00",
    "serviceCentre": bytes.fromhex(_MSC),
    "recordingEntity": bytes.fromhex(_MSC),
    "messageReference": b"\x01",
    "originationTime": bytes.fromhex("2603011112002b0800"),
}


def encoded() -> dict[str, str]:
    """The records in hex, by name."""
    from pycrate_asn1dir.CDR import CSChargingDataTypes, IMSChargingDataTypes

    def record(of: Any, kind: str, fields: dict[str, Any]) -> str:  # noqa: ANN401 - pycrate has no types
        of.set_val((kind, fields))
        return bytes(of.to_ber()).hex()

    calls, sessions = CSChargingDataTypes.CSRecord, IMSChargingDataTypes.IMSRecord
    busy = {name: value for name, value in _MO.items() if name not in ("answerTime", "networkCallReference")}
    return {
        "mo": record(calls, "moCallRecord", _MO),
        "mo_busy": record(calls, "moCallRecord", {**busy, "causeForTerm": 3, "diagnostics": ("gsm0408Cause", 17)}),
        "mt": record(calls, "mtCallRecord", _MT),
        "s_cscf": record(sessions, "sCSCFRecord", _SESSION),
        "as_absent": record(sessions, "aSRecord", _UNANSWERED),
        "mo_sms": record(calls, "moSMSRecord", _SMS),
    }


if __name__ == "__main__":
    KEPT.write_text(json.dumps(encoded(), indent=1) + "\n", "utf-8")
    sys.exit(0)

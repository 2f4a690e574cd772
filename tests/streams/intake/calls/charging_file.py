"""Files of TS 32.297, written by hand from the layout of its clause 6, around records of TS 32.298."""

import json
from collections.abc import Sequence
from pathlib import Path

RECORDS = {
    name: bytes.fromhex(text)
    for name, text in json.loads((Path(__file__).parent / "charging_records.json").read_text("utf-8")).items()
}
CALLS, IMS = 6, 9  # numbers of the specifications 32.250 and 32.260
# A mobile-terminated call that was answered, byte by byte from TS 32.298's layout: tag, length, content.
BY_HAND = bytes.fromhex(
    "a1 45"  # mtCallRecord [1], 69 bytes
    "80 01 01"  # recordType [0]: mtCallRecord
    "81 08 64001111111111f2"  # servedIMSI [1]
    "83 08 91 684102000000f1"  # servedMSISDN [3]: international, +86 142 0000 0001
    "84 07 81 4102000000f9"  # callingNumber [4]: as dialled, 14 2000 0000 9
    "86 02 91 43"  # recordingEntity [6]
    "93 09 260301111200 2b 0800"  # seizureTime [19]: 2026-03-01 11:12:00 +08:00
    "94 09 260301111208 2b 0800"  # answerTime [20]
    "96 02 0078"  # callDuration [22]: 120
    "9b 01 00"  # causeForTerm [27]: normalRelease
    "9d 02 0a0e"  # callReference [29]
)


def row(content: bytes, specification: int = CALLS, release: int = 7, form: int = 1) -> bytes:
    """A record with its header. `release`: the identifier; 7 has the release in a byte of its own."""
    header = len(content).to_bytes(2) + bytes((release << 5 | 1, form << 5 | specification))
    return header + (b"\x05" if release == 7 else b"") + content


def file_of(rows: Sequence[bytes], extra: bytes = b"") -> bytes:
    """A file with its header. `extra`: a private extension."""
    rest = b"".join(rows)
    head = 54 + len(extra)  # with two release extensions
    header = (
        (head + len(rest)).to_bytes(4)
        + head.to_bytes(4)
        + b"\xe1\xe1"  # high and low release identifier, version
        + b"\x31\x8b\x2c\x88"  # opened
        + b"\x31\x8b\x2c\x88"  # last record appended
        + len(rows).to_bytes(4)
        + (17).to_bytes(4)  # sequence number
        + b"\x00"  # closed normally
        + bytes(20)  # the node's address
        + b"\x00"  # no record was lost
        + (0).to_bytes(2)  # routeing filter
        + len(extra).to_bytes(2)
        + extra
        + b"\x05\x05"  # releases 15
    )
    assert len(header) == head
    return header + rest


WHOLE = file_of(
    [
        row(RECORDS["mo"]),
        row(RECORDS["mo_busy"], release=3),
        row(RECORDS["mt"]),
        row(RECORDS["s_cscf"], IMS),
        row(RECORDS["as_absent"], IMS),
        row(BY_HAND),
    ]
)

"""Splits a file of 3GPP TS 32.297 into its charging data records.

A file begins with a header (clause 6.1.1: the file's length and the header's, four bytes each, are its first fields).
Each record follows its own header (clause 6.1.2): its length in two bytes, release and version, the format with the
number of the record's specification, and one byte more from release 10 on. A row is a record with its header.

Nothing is lost before damage: all records before it are rows, and the rest of the file is one row, which cannot be read
and becomes a dead letter. The number of records in the header is not looked at, because a file that is still written to
has a wrong one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BER = 1
SHORTEST_FILE_HEADER = 52  # bytes: without routeing filter, private extension and release extensions
_LENGTH, _HEADER = 2, 4
_RELEASE_10 = 7  # of the release identifier: the release is in the byte that follows
_SPECIFICATIONS = {6: "32.250", 9: "32.260"}  # by the number in the record's header: circuit-switched calls, IMS


class DamagedError(ValueError):
    """Bytes are not a record with its header. The text gives the reason."""


@dataclass(frozen=True, slots=True)
class ChargingRecord:
    """A charging data record without its header. `specification`: 32.250 for circuit-switched calls, 32.260 for IMS;
    None: another.

    `ber`: True if it is in BER.
    """

    specification: str | None
    ber: bool
    content: bytes


def records_in(content: bytes) -> list[bytes]:
    """Return the records of a file, in order, each with its header; empty if the file is. From the first damage on, the
    rest of the file is one row.
    """
    return list(_rows(content))


def record_of(row: bytes) -> ChargingRecord:
    """Return the record of a row, without its header. Raises DamagedError if the row is not one record with
    its header.
    """
    end = _end(row, 0)
    if end != len(row):
        said = "has no header" if end is None else f"ends at byte {end} by its header"
        raise DamagedError(f"the record {said}, and {len(row):,} bytes are there. Fetch the file again")
    start = _start(row, 0)
    return ChargingRecord(_SPECIFICATIONS.get(row[3] & 0x1F), row[3] >> 5 == BER, row[start:])


def _rows(content: bytes) -> Iterator[bytes]:
    if not content:
        return
    length, at = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
    if not SHORTEST_FILE_HEADER <= at <= min(length, len(content)):
        yield content
        return
    last = min(length, len(content))
    while at < last:
        end = _end(content, at)
        if end is None or end > last:
            yield content[at:]
            return
        yield content[at:end]
        at = end
    if last < len(content):
        yield content[last:]


def _start(content: bytes, at: int) -> int:
    return at + _HEADER + (content[at + 2] >> 5 == _RELEASE_10)


def _end(content: bytes, at: int) -> int | None:
    """Return where the record ends that begins with its header at `at`; None if the header is cut off."""
    if at + _HEADER > len(content):
        return None
    return _start(content, at) + int.from_bytes(content[at : at + _LENGTH])

"""The protocol data units of SMPP 3.4, as far as a sender of messages needs them (specification, chapters 4 and 5)."""

import struct
from asyncio import StreamReader
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

VERSION = 0x34
LONGEST_PDU = 70_000  # octets: a message_payload has 64 KiB at most
RECEIPT_CLASS, KIND_OF_CLASS = 0x04, 0x3C  # esm_class: a delivery receipt; the bits that tell the kind
USER_HEADER = 0x40  # esm_class: the text begins with a header
DEST_SUBUNIT = 0x0203  # the optional parameter dest_addr_subunit; 1: the display
FLASH_BITS = 0x10  # data_coding: message class 0, shown at once (TS 23.038, chapter 4)
_HEADER = struct.Struct(">IIII")
_RESPONSE = 0x8000_0000
_ID_CODING = "latin-1"  # every octet has a sign: an id that is not ASCII is written back as it came
_NUMBERS_ONLY = 8  # digits: shorter senders are a service's number


class Command(IntEnum):
    """`command_id` of a request; its response has the highest bit too."""

    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = 0x8000_0000


class PduError(ValueError):
    """Raised if what came is no SMPP."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One unit. `body`: what follows the header, with numbers and texts, so it must stay out of logs."""

    command: int
    sequence: int
    status: int = 0
    body: bytes = field(default=b"", repr=False)

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return self.command >= _RESPONSE

    def encoded(self) -> bytes:
        """Return it as bytes."""
        return _HEADER.pack(_HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = 0, body: bytes = b"") -> "Pdu":
        """Return the response to a request."""
        return Pdu(self.command | _RESPONSE, self.sequence, status, body)


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """A message to submit. `phone`: E.164; `content`: as `segmented` codes it, with a header if `joined`."""

    sender: str
    phone: str = field(repr=False)
    content: bytes = field(repr=False)
    data_coding: int
    joined: bool
    flash: str = ""  # "data-coding" or "subunit": shown at once on the screen, told in this way


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a carrier delivers: a receipt, or a message from a telephone."""

    esm_class: int
    text: bytes = field(repr=False)
    parameters: Mapping[int, bytes] = field(repr=False)

    @property
    def kind(self) -> int:
        """The kind: 0 for a message from a telephone, RECEIPT_CLASS for a delivery receipt."""
        return self.esm_class & KIND_OF_CLASS


async def read_pdu(reader: StreamReader) -> Pdu:
    """Return the next unit.

    Raises PduError if its length is impossible, asyncio.IncompleteReadError at the end of the connection, and OSError.
    """
    length, command, status, sequence = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if not _HEADER.size <= length <= LONGEST_PDU:
        raise PduError(f"a unit of {length} octets: 16 to {LONGEST_PDU} are possible")
    return Pdu(command, sequence, status, await reader.readexactly(length - _HEADER.size))


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """Return the body of bind_transceiver."""
    return _text(system_id) + _text(password) + _text(system_type) + bytes([VERSION, 0, 0]) + _text("")


def submit(message: ShortMessage) -> bytes:
    """Return the body of submit_sm, with a request for a receipt. Raises ValueError if the content is over 254
    octets.
    """
    if len(message.content) > 254:
        raise ValueError(f"{len(message.content)} octets: a message has 254 at most")
    coding = message.data_coding | (FLASH_BITS if message.flash == "data-coding" else 0)
    extra = struct.pack(">HHB", DEST_SUBUNIT, 1, 1) if message.flash == "subunit" else b""
    head = _text("") + _address(message.sender) + _address(message.phone)
    rest = bytes([USER_HEADER if message.joined else 0, 0, 0]) + _text("") + _text("") + bytes([1, 0, coding, 0])
    return head + rest + bytes([len(message.content)]) + message.content + extra


def query(message: str, sender: str) -> bytes:
    """Return the body of query_sm. `message`: the carrier's id, as `message_id` returned it."""
    return message.encode(_ID_CODING) + b"\0" + _address(sender)


def message_id(body: bytes) -> str:
    """Return the carrier's id in the answer to submit_sm; "" if there is none. Raises PduError if it is over 64
    octets.
    """
    found = body.split(b"\0", 1)[0]
    if len(found) > 64:
        raise PduError("a message id of over 64 octets")
    return found.decode(_ID_CODING)


def message_state(body: bytes) -> int:
    """Return the `message_state` in the answer to query_sm. Raises PduError if it is cut off."""
    parts = body.split(b"\0", 1)
    end = parts[1].find(b"\0") if len(parts) == 2 else -1
    if end < 0 or len(parts[1]) <= end + 1:
        raise PduError("an answer to query_sm that is cut off")
    return parts[1][end + 1]


def delivered(body: bytes) -> Delivered:
    """Return what a deliver_sm carries. Raises PduError if it is cut off."""
    try:
        _, at = _string(body, 0)
        for _each in ("source", "destination"):
            _, at = _string(body, at + 2)
        esm_class = body[at]
        for _each in ("schedule", "validity"):
            _, at = _string(body, at + 3 if _each == "schedule" else at)
        length = body[at + 4]
        start = at + 5
        text = body[start : start + length]
        if len(text) < length:
            raise PduError("a deliver_sm that is cut off")
        return Delivered(esm_class, text, _parameters(body[start + length :]))
    except (IndexError, struct.error):
        raise PduError("a deliver_sm that is cut off") from None


def _text(text: str) -> bytes:
    return text.encode("ascii") + b"\0"


def _address(number: str) -> bytes:
    """Return type of number, numbering plan and number: international, a name, or a service's own number."""
    if number.startswith("+"):
        return bytes([1, 1]) + _text(number[1:])
    if not number.isdigit():
        return bytes([5, 0]) + _text(number)
    return bytes([3 if len(number) <= _NUMBERS_ONLY else 0, 0 if len(number) <= _NUMBERS_ONLY else 1]) + _text(number)


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    end = body.find(b"\0", at)
    if end < 0:
        raise PduError("a string without its end")
    return body[at:end], end + 1


def _parameters(rest: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(rest) >= 4:
        tag, length = struct.unpack_from(">HH", rest)
        found[tag] = rest[4 : 4 + length]
        rest = rest[4 + length :]
    return found

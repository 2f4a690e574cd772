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
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F  # parts of a long message, told beside the text
INTERNATIONAL = 1  # type of number
FLASH_BITS = 0x10  # data_coding: message class 0, shown at once (TS 23.038, chapter 4)
_HEADER = struct.Struct(">IIII")
_RESPONSE = 0x8000_0000
_ID_CODING = "latin-1"  # every octet has a sign: an id that is not ASCII is written back as it came
_NUMBERS_ONLY = 8  # digits: shorter senders are a service's number


class Command(IntEnum):
    """The `command_id` of a request. That of its response has the highest bit set too."""

    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = 0x8000_0000


class PduError(ValueError):
    """The received bytes are not SMPP, or a value in them is invalid."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One unit (PDU) of SMPP.

    `body`: the bytes after the header; they have numbers and texts, so they must not be logged.
    """

    command: int
    sequence: int
    status: int = 0
    body: bytes = field(default=b"", repr=False)

    @property
    def is_response(self) -> bool:
        """True if this unit is the response to a request."""
        return self.command >= _RESPONSE

    def encoded(self) -> bytes:
        """Return the unit as bytes, header and body."""
        return _HEADER.pack(_HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = 0, body: bytes = b"") -> "Pdu":
        """Return the response to this request, with the same sequence number. `status`: 0: accepted."""
        return Pdu(self.command | _RESPONSE, self.sequence, status, body)


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """A message to submit.

    `sender`: the number or name shown; `phone`: E.164; `content`: as `segmented` encodes it, with a header if `joined`;
    `flash`: "data-coding" or "subunit": how it is marked to be shown at once, "": it is not.
    """

    sender: str
    phone: str = field(repr=False)
    content: bytes = field(repr=False)
    data_coding: int
    joined: bool
    flash: str = ""  # "data-coding" or "subunit": shown at once on the screen, told in this way


@dataclass(frozen=True, slots=True)
class Delivered:
    """The contents of a deliver_sm: a receipt, or a message from a telephone (`source`) to our number (`destination`).
    `parameters`: the optional ones by tag; `coding`: the data_coding of `text`.
    """

    esm_class: int
    text: bytes = field(repr=False)
    parameters: Mapping[int, bytes] = field(repr=False)
    source: str = field(default="", repr=False)
    source_type: int = 0
    destination: str = ""
    coding: int = 0

    @property
    def kind(self) -> int:
        """The kind of delivery, as bits of `esm_class`: 0 for a message from a telephone, RECEIPT_CLASS (4) for a
        delivery receipt.
        """
        return self.esm_class & KIND_OF_CLASS


async def read_pdu(reader: StreamReader) -> Pdu:
    """Return the next unit from the connection.

    Raises PduError if its length is not 16 to 70,000 octets, asyncio.IncompleteReadError if the connection ends, and
    OSError if it fails.
    """
    length, command, status, sequence = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if not _HEADER.size <= length <= LONGEST_PDU:
        raise PduError(f"a unit of {length} octets: 16 to {LONGEST_PDU} are possible")
    return Pdu(command, sequence, status, await reader.readexactly(length - _HEADER.size))


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """Return the encoded body of a bind_transceiver request. Raises ValueError if a text is not ASCII."""
    return _text(system_id) + _text(password) + _text(system_type) + bytes([VERSION, 0, 0]) + _text("")


def submit(message: ShortMessage) -> bytes:
    """Return the encoded body of a submit_sm request for the message, which also asks for a receipt.

    Raises ValueError if the content is over 254 octets, or a number or name is not ASCII.
    """
    if len(message.content) > 254:
        raise ValueError(f"{len(message.content)} octets: a message has 254 at most")
    coding = message.data_coding | (FLASH_BITS if message.flash == "data-coding" else 0)
    extra = struct.pack(">HHB", DEST_SUBUNIT, 1, 1) if message.flash == "subunit" else b""
    head = _text("") + _address(message.sender) + _address(message.phone)
    rest = bytes([USER_HEADER if message.joined else 0, 0, 0]) + _text("") + _text("") + bytes([1, 0, coding, 0])
    return head + rest + bytes([len(message.content)]) + message.content + extra


def query(message: str, sender: str) -> bytes:
    """Return the encoded body of a query_sm request. `message`: the carrier's id, as `message_id` returned it;
    `sender`: that of the message. Raises ValueError if one of them cannot be encoded.
    """
    return message.encode(_ID_CODING) + b"\0" + _address(sender)


def message_id(body: bytes) -> str:
    """Return the carrier's id of the message in the body of an answer to submit_sm; "" if it has none. Raises PduError
    if the id is over 64 octets.
    """
    found = body.split(b"\0", 1)[0]
    if len(found) > 64:
        raise PduError("a message id of over 64 octets")
    return found.decode(_ID_CODING)


def message_state(body: bytes) -> int:
    """Return the `message_state` (a number of SMPP 3.4, 5.2.28) in the body of an answer to query_sm. Raises PduError
    if the answer is cut off.
    """
    parts = body.split(b"\0", 1)
    end = parts[1].find(b"\0") if len(parts) == 2 else -1
    if end < 0 or len(parts[1]) <= end + 1:
        raise PduError("an answer to query_sm that is cut off")
    return parts[1][end + 1]


def delivered(body: bytes) -> Delivered:
    """Return the contents of a deliver_sm's body. Raises PduError if it is cut off."""
    try:
        _, at = _string(body, 0)
        source_type = body[at]
        source, at = _string(body, at + 2)
        destination, at = _string(body, at + 2)
        esm_class = body[at]
        for _each in ("schedule", "validity"):
            _, at = _string(body, at + 3 if _each == "schedule" else at)
        coding, length = body[at + 2], body[at + 4]
        start = at + 5
        text = body[start : start + length]
        if len(text) < length:
            raise PduError("a deliver_sm that is cut off")
        parameters = _parameters(body[start + length :])
        addresses = source.decode(_ID_CODING), source_type, destination.decode(_ID_CODING)
        return Delivered(esm_class, text, parameters, *addresses, coding)
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

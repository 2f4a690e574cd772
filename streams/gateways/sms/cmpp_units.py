"""The units of CMPP 2.0 and 3.0 as bytes (China Mobile, interface protocol CMPP 3.0, chapter 7; 2.0 where it differs).

Version 3.0 has longer numbers, a type beside each, a LinkID for the reserved octets, and results of four octets.
"""

import hashlib
import struct
from asyncio import StreamReader
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntEnum

from domain.carriers.account import CarrierAccount
from domain.carriers.protocols import CMPP_SOURCE, CarrierProtocol
from streams.gateways.sms.pdu import FLASH_BITS, PduError, ShortMessage

LONGEST_UNIT = 4_096  # octets: a delivery has 97 and its text of 255 at most
VERSION_2, VERSION_3 = 0x20, 0x30
REPORT_NUMBERS = 15  # octets of Msg_Id and Stat, with which a report begins
_CHINA = timezone(timedelta(hours=8))
_HEADER = struct.Struct(">III")
_RESPONSE = 0x8000_0000
_NUMBER = {VERSION_2: 21, VERSION_3: 32}  # octets of a telephone number
_TAIL = {VERSION_2: 8, VERSION_3: 20}  # octets after the text: reserved, or LinkID
_RESULT = {VERSION_2: struct.Struct(">B"), VERSION_3: struct.Struct(">I")}
_COUNTS = ("submitted", "recipients", "delivered", "waiting", "failed", "replies", "replies_waiting", "replies_failed")
_DAY, _QUERY = "%Y%m%d", struct.Struct(">8sB10s8s")
_DELIVERY = struct.Struct(">8s21s10sBBB")  # up to Msg_Fmt; the number of the telephone follows


class CmppCommand(IntEnum):
    """`Command_Id` of a request; its response has the highest bit too."""

    CONNECT = 0x01
    TERMINATE = 0x02
    SUBMIT = 0x04
    DELIVER = 0x05
    QUERY = 0x06
    ACTIVE_TEST = 0x08


@dataclass(frozen=True, slots=True)
class CmppUnit:
    """One unit. `body`: what follows the header, with numbers and texts, so it must stay out of logs."""

    command: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    @property
    def is_response(self) -> bool:
        """True if this unit answers a request."""
        return self.command >= _RESPONSE

    def encoded(self) -> bytes:
        """Return the unit as bytes, header and body."""
        return _HEADER.pack(_HEADER.size + len(self.body), self.command, self.sequence) + self.body

    def responded(self, body: bytes = b"") -> "CmppUnit":
        """Return the response to this request, with the same sequence number."""
        return CmppUnit(self.command | _RESPONSE, self.sequence, body)


@dataclass(frozen=True, slots=True)
class CmppDelivery:
    """The contents of a CMPP_DELIVER. `id`: its Msg_Id, eight octets; `service`: the number written to; `phone`: of the
    sender; `report`: True if the content is a status report.
    """

    id: bytes
    service: str
    phone: str = field(repr=False)
    coding: int
    has_header: bool
    report: bool
    content: bytes = field(repr=False)


async def read_unit(reader: StreamReader) -> CmppUnit:
    """Return the next unit.

    Raises PduError if its length is not 12 to 4,096 octets, asyncio.IncompleteReadError if the connection ends, and
    OSError if it fails.
    """
    length, command, sequence = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if not _HEADER.size <= length <= LONGEST_UNIT:
        raise PduError(f"a unit of {length} octets: 12 to {LONGEST_UNIT} are possible")
    return CmppUnit(command, sequence, await reader.readexactly(length - _HEADER.size))


def cmpp_version(protocol: CarrierProtocol) -> int:
    """Return the protocol's version as CMPP_CONNECT states it: 0x20 for CMPP 2.0, else 0x30."""
    return VERSION_2 if protocol is CarrierProtocol.CMPP2 else VERSION_3


def stamp(now: float) -> str:
    """Return the time of a login as MMDDHHMMSS in China (UTC+8). `now`: in seconds since 1970."""
    return datetime.fromtimestamp(now, _CHINA).strftime("%m%d%H%M%S")


def authenticator(source: str, password: str, at: str) -> bytes:
    """Return AuthenticatorSource (16 bytes): the MD5 of the account `source`, nine octets of 0, the password and the
    time `at` (as `stamp` returns it). The protocol demands MD5. Raises ValueError if a text is not ASCII.
    """
    return _md5(source.encode("ascii") + bytes(9) + password.encode("ascii") + at.encode("ascii"))


def connect_body(source: str, proof: bytes, version: int, at: str) -> bytes:
    """Return the body of CMPP_CONNECT. `proof`: the 16 bytes of `authenticator`; `version`: 0x20 or 0x30; `at`: the
    time in the proof, as `stamp` returns it. Raises ValueError if the account `source` is over 6 octets or not ASCII,
    or `at` is no number.
    """
    return _octets(source, CMPP_SOURCE) + proof + bytes([version]) + int(at).to_bytes(4)


def connect_answer(body: bytes, version: int) -> tuple[int, bytes]:
    """Return (status, AuthenticatorISMG of 16 bytes) of CMPP_CONNECT_RESP; status 0: accepted. The length of either
    version is read, first that of `version`: a carrier of 3.0 may refuse in that of 2.0.

    Raises PduError for any other length.
    """
    for each in (version, VERSION_2, VERSION_3):
        size = _RESULT[each].size
        if len(body) == size + 17:
            return int.from_bytes(body[:size]), body[size : size + 16]
    raise PduError("an answer to CMPP_CONNECT of another length")


def is_proof(found: bytes, status: int, proof: bytes, password: str) -> bool:
    """Return True if AuthenticatorISMG (`found`) shows that the carrier knows the password: it is the MD5 of the
    status, our authenticator (`proof`) and the password. Carriers write the status in one octet or in four: both count.

    Raises OverflowError if the status is not 0 to 255, and ValueError if the password is not ASCII.
    """
    rest = proof + password.encode("ascii")
    return found in (_md5(status.to_bytes(1) + rest), _md5(status.to_bytes(4) + rest))


def cmpp_submit(message: ShortMessage, account: CarrierAccount) -> bytes:
    """Return the body of CMPP_SUBMIT to one number, with a request for a report. Raises ValueError if the content is
    over 140 octets, or a number or name does not fit its field or is not ASCII.

    A long message's parts have TP_udhi and Pk_total = 1: the header in the text joins them. A gateway that sees a
    Pk_total of several would add a header of its own.
    """
    if len(message.content) > 140:
        raise ValueError(f"{len(message.content)} octets: a message has 140 at most")
    terms, version = account.cmpp, cmpp_version(account.protocol)
    number, newer = _NUMBER[version], version == VERSION_3
    coding = message.data_coding | (FLASH_BITS if message.flash == "data-coding" else 0)
    return b"".join(
        (
            bytes([0] * 8 + [1, 1, 1, terms.msg_level]),
            _octets(terms.service_id, 10),
            bytes([terms.fee_user_type]),
            _octets(terms.fee_terminal_id, number),
            b"\0" if newer else b"",
            bytes([0, int(message.joined), coding]),
            _octets(terms.msg_src or account.system_id, CMPP_SOURCE),
            terms.fee_type.encode("ascii") + terms.fee_code.zfill(6).encode("ascii"),
            bytes(17 + 17),  # Valid_Time, At_Time: now, and as long as the carrier keeps it
            _octets(message.sender, 21),
            b"\x01" + _octets(_dialled(message.phone, national=terms.national_numbers), number),
            b"\0" if newer else b"",
            bytes([len(message.content)]) + message.content + bytes(_TAIL[version]),
        )
    )


def submit_result(body: bytes) -> tuple[str, int]:
    """Return (Msg_Id as 16 capital hexadecimal digits, result) of CMPP_SUBMIT_RESP of either version; result 0: the
    carrier has accepted the message. Raises PduError if it has another length.
    """
    if len(body) not in (9, 12):
        raise PduError("an answer to CMPP_SUBMIT of another length")
    return body[:8].hex().upper(), int.from_bytes(body[8:])


def cmpp_delivered(body: bytes, version: int) -> CmppDelivery:
    """Return the contents of a CMPP_DELIVER's body. `version`: 0x20 or 0x30. Raises PduError if the body is cut off."""
    number, newer = _NUMBER[version], version == VERSION_3
    at = _DELIVERY.size + number + (1 if newer else 0)
    if len(body) < at + 2:
        raise PduError("a CMPP_DELIVER that is cut off")
    named, service, _, _, header, coding = _DELIVERY.unpack_from(body)
    phone = body[_DELIVERY.size : _DELIVERY.size + number]
    report, length = body[at], body[at + 1]
    content = body[at + 2 : at + 2 + length]
    if len(content) < length:
        raise PduError("a CMPP_DELIVER that is cut off")
    return CmppDelivery(named, _read(service), _read(phone), coding, header == 1, report == 1, content)


def deliver_answer(body: bytes, version: int, result: int) -> bytes:
    """Return the body of CMPP_DELIVER_RESP: the Msg_Id, then the result. `body`: of the CMPP_DELIVER; `version`: 0x20
    or 0x30; `result`: 0: taken, 8: too much, deliver it again later.
    """
    return body[:8].ljust(8, b"\0") + _RESULT[version].pack(result)


def day_query(now: float) -> bytes:
    """Return the body of CMPP_QUERY for the figures of the day in China (UTC+8) at `now` (seconds since 1970)."""
    return _QUERY.pack(datetime.fromtimestamp(now, _CHINA).strftime(_DAY).encode("ascii"), 0, b"", b"")


def day_counts(body: bytes) -> dict[str, int]:
    """Return the eight numbers in CMPP_QUERY_RESP by what they count: submitted, recipients, delivered, waiting,
    failed, replies, replies_waiting and replies_failed. Raises PduError if it has another length.
    """
    if len(body) != 19 + 4 * len(_COUNTS):
        raise PduError("an answer to CMPP_QUERY of another length")
    return dict(zip(_COUNTS, struct.unpack_from(">8I", body, 19), strict=True))


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _octets(text: str, size: int) -> bytes:
    found = text.encode("ascii")
    if len(found) > size:
        raise ValueError(f"{len(found)} octets: this field has {size}")
    return found.ljust(size, b"\0")


def _read(field_: bytes) -> str:
    return field_.split(b"\0", 1)[0].decode("latin-1").strip()


def _dialled(phone: str, *, national: bool) -> str:
    return phone.removeprefix("+86") if national else phone.removeprefix("+")

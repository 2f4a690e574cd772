"""Messages from telephones: the text of each, and the parts of a long one joined again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from domain.carriers.segments import gsm7_text

MOST_PARTS = 10  # of one reply: a longer one is cut, since a warning asks for none
LONGEST_REPLY = 1_000  # characters that are kept
MISSING = "…"  # stands for a part that never came
_SAME_REFERENCE, _LONG_REFERENCE = 0x00, 0x08  # information elements that join parts (TS 23.040, 9.2.3.24)
_CHINA, _MOBILE = "86", 11  # China's code; digits of its mobile numbers, which begin with 1


class ReplyCoding(IntEnum):
    """How a message from a telephone is coded: SMPP's `data_coding`, or CMPP's `Msg_Fmt`, without the message class."""

    DEFAULT = 0
    ASCII = 1
    LATIN1 = 3
    UCS2 = 8
    GBK = 15


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """Which part of a long message a delivery is. `reference`: the same in all parts; `number`: from 1."""

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class TelephoneMessage:
    """A message from a telephone, or one part of it. `id`: the carrier's id of the delivery, None if the protocol has
    none; `phone`: the sender as the carrier wrote it, with + if it states that the number begins with a country code;
    `service`: the number written to; `part`: None if the message has one part.
    """

    id: str | None
    phone: str = field(repr=False)
    service: str
    text: str = field(repr=False)
    part: ReplyPart | None = None


def without_header(content: bytes, *, has_header: bool) -> tuple[bytes, ReplyPart | None]:
    """Return (content, part): the content without its user data header, and which part of a long message it is. The
    part is None if there is no header, or the header names no valid part.
    """
    if not has_header or not content:
        return content, None
    end = 1 + content[0]
    header, rest = content[1:end], content[end:]
    while len(header) >= 2:
        kind, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if len(value) == size and (found := _part(kind, value)):
            return rest, found
    return rest, None


def _part(kind: int, value: bytes) -> ReplyPart | None:
    if kind == _SAME_REFERENCE and len(value) == 3:
        reference, total, number = value
    elif kind == _LONG_REFERENCE and len(value) == 4:
        reference, total, number = int.from_bytes(value[:2]), value[2], value[3]
    else:
        return None
    return reply_part(reference, total, number)


def reply_part(reference: int, total: int, number: int) -> ReplyPart | None:
    """Return which part of a long message a delivery is; None if the message has one part only, or over 10, or the
    part's number is not from 1 to `total`.
    """
    return ReplyPart(reference, total, number) if 1 <= number <= total and 1 < total <= MOST_PARTS else None


def reply_text(content: bytes, coding: int, *, gsm7: bool) -> str:
    """Return the text of a message's content. `coding`: the data coding, see ReplyCoding. `gsm7`: True if the carrier's
    default alphabet is GSM's; else the default is read as GBK, which includes ASCII; so is any coding that ReplyCoding
    does not have. An octet that cannot be read becomes U+FFFD.
    """
    match coding & 0x0F:
        case ReplyCoding.UCS2:
            return content.decode("utf-16-be", "replace")
        case ReplyCoding.LATIN1:
            return content.decode("latin-1")
        case ReplyCoding.DEFAULT if gsm7:
            return gsm7_text(content)
        case _:
            return content.decode("gbk", "replace")


def joined_text(parts: Mapping[int, str], total: int) -> str:
    """Return the text of a message of `total` parts, cut to 1,000 characters. `parts`: the texts by part number, from
    1; a missing part becomes "…".
    """
    return "".join(parts.get(number, MISSING) for number in range(1, total + 1))[:LONGEST_REPLY]


def sender_number(written: str, *, international: bool = False) -> str:
    """Return the number of a message's sender without surrounding NULs and blanks; with a leading + if the carrier
    states (`international`) that it begins with a country code.
    """
    number = written.strip("\0 ")
    return f"+{number}" if international and number.isdigit() else number


def comparable_number(phone: str) -> str:
    """Return the digits of a number without China's code 86, so that one telephone compares equal however a carrier
    writes it.

    A bare 86 counts as the code only in front of a mobile number. A number of another country that has the form of a
    Chinese mobile number, as many of North America have, keeps its +: otherwise two different telephones would compare
    equal.
    """
    digits = "".join(char for char in phone if char.isascii() and char.isdigit())
    abroad = phone.startswith("00")
    if abroad:
        digits = digits.removeprefix("00")
    if abroad or phone.startswith("+"):
        foreign = not digits.startswith(_CHINA)
        return f"+{digits}" if foreign and _is_mobile(digits) else digits.removeprefix(_CHINA)
    national = digits.removeprefix(_CHINA)
    return national if _is_mobile(national) else digits


def _is_mobile(national: str) -> bool:
    return len(national) == _MOBILE and national.startswith("1")

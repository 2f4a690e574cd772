"""How a text is coded for SMPP or CMPP and cut into segments that a handset joins again (3GPP TS 23.038 and 23.040)."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENDED = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40}
_EXTENDED["€"] = 0x65
_CODES = {char: bytes([code]) for code, char in enumerate(_BASIC) if code != _ESCAPE}
_CODES |= {char: bytes([_ESCAPE, code]) for char, code in _EXTENDED.items()}
_SIGNS = {code: char for char, code in _CODES.items()}

MOST_SEGMENTS = 255  # the header has one octet for their number
_SINGLE = 140  # octets of a message
_HEADER = 6  # octets of the header of a joined message, with a reference of one octet
_SINGLE_SEPTETS, _JOINED_SEPTETS = 160, 153  # of 7 bits, as GSM packs them on the air


class Alphabet(IntEnum):
    """How a text is coded; the value is the `data_coding` of SMPP 3.4 (5.2.19) and the `Msg_Fmt` of CMPP. GBK: CMPP's
    only.
    """

    GSM7 = 0
    UCS2 = 8
    GBK = 15


class MessageScript(StrEnum):
    """The language that a text is probably in, by its letters."""

    KOREAN = "ko"
    CHINESE = "zh"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Segmented:
    """A text as it is sent: `segments` are the `short_message` of each. If there are several, each begins with its
    header.
    """

    alphabet: Alphabet
    segments: tuple[bytes, ...]

    @property
    def joined(self) -> bool:
        """True if there are several segments, so that each begins with a header."""
        return len(self.segments) > 1


def segmented(text: str, reference: int, *, gsm7: bool, gbk: bool = False) -> Segmented:
    """Return a text's segments, coded in the GSM alphabet (one octet for each septet) if `gsm7` and the alphabet has
    all characters; else in GBK if `gbk` and GBK has all characters; else in UCS-2.

    No character is divided between segments. `reference`: 0 to 255, written in the header of all segments of the text.
    Raises ValueError if the text needs more than 255 segments.
    """
    coded = _gsm7(text) if gsm7 else None
    if gbk and coded is None and (in_gbk := _gbk(text)) is not None:
        return _signs(in_gbk, reference)
    if coded is not None:
        alphabet, single, each = Alphabet.GSM7, _SINGLE_SEPTETS, _JOINED_SEPTETS
    else:
        alphabet, single, each = Alphabet.UCS2, _SINGLE, _SINGLE - _HEADER
        coded = [char.encode("utf-16-be", "replace") for char in text]
    whole = b"".join(coded)
    if len(whole) <= single:
        return Segmented(alphabet, (whole,))
    return _joined(alphabet, _cut(coded, each), reference)


def _signs(coded: list[bytes], reference: int) -> Segmented:
    """Return segments in GBK. They are cut by signs and not by octets: on the air each sign has two octets."""
    if len(coded) <= _SINGLE // 2:
        return Segmented(Alphabet.GBK, (b"".join(coded),))
    each = (_SINGLE - _HEADER) // 2
    cut = [b"".join(coded[at : at + each]) for at in range(0, len(coded), each)]
    return _joined(Alphabet.GBK, cut, reference)


def _joined(alphabet: Alphabet, cut: list[bytes], reference: int) -> Segmented:
    if len(cut) > MOST_SEGMENTS:
        raise ValueError(f"{len(cut)} segments: at most {MOST_SEGMENTS}")
    header = bytes([5, 0, 3, reference % 256, len(cut)])
    return Segmented(alphabet, tuple(header + bytes([at]) + part for at, part in enumerate(cut, 1)))


def gsm7_text(content: bytes) -> str:
    """Return the text of octets in the GSM alphabet, one octet for each septet; an unknown octet becomes U+FFFD."""
    found, escaped = [], False
    for octet in content:
        if octet == _ESCAPE and not escaped:
            escaped = True
            continue
        code = bytes([_ESCAPE, octet]) if escaped else bytes([octet])
        found.append(_SIGNS.get(code, "\ufffd"))
        escaped = False
    return "".join(found)


def message_script(text: str) -> MessageScript:
    """Return the probable language of a text: KOREAN if it has a Hangul syllable; else CHINESE if it has a Han
    character; else OTHER.
    """
    if any("\uac00" <= char <= "\ud7a3" for char in text):
        return MessageScript.KOREAN
    return MessageScript.CHINESE if any("\u4e00" <= char <= "\u9fff" for char in text) else MessageScript.OTHER


def _gsm7(text: str) -> list[bytes] | None:
    coded = [_CODES.get(char) for char in text]
    return None if None in coded else [each for each in coded if each is not None]


def _gbk(text: str) -> list[bytes] | None:
    try:
        return [char.encode("gbk") for char in text]
    except UnicodeEncodeError:
        return None


def _cut(coded: list[bytes], most: int) -> list[bytes]:
    parts = [b""]
    for each in coded:
        if len(parts[-1]) + len(each) > most:
            parts.append(b"")
        parts[-1] += each
    return parts

"""How a text is coded for SMPP and cut into segments that a handset joins again (3GPP TS 23.038 and 23.040)."""

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

MOST_SEGMENTS = 255  # the header has one octet for their number
_SINGLE = 140  # octets of a message
_HEADER = 6  # octets of the header of a joined message, with a reference of one octet
_SINGLE_SEPTETS, _JOINED_SEPTETS = 160, 153  # of 7 bits, as GSM packs them on the air


class Alphabet(IntEnum):
    """How a text is coded; the value is the `data_coding` of SMPP 3.4 (5.2.19)."""

    GSM7 = 0
    UCS2 = 8


class MessageScript(StrEnum):
    """The language that a text is probably in, by its letters."""

    KOREAN = "ko"
    CHINESE = "zh"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Segmented:
    """A text as it is sent. `segments`: the `short_message` of each; of several, each begins with its header."""

    alphabet: Alphabet
    segments: tuple[bytes, ...]

    @property
    def joined(self) -> bool:
        """Whether there are several, which begin with a header."""
        return len(self.segments) > 1


def segmented(text: str, reference: int, *, gsm7: bool) -> Segmented:
    """Return a text's segments: in the GSM alphabet, one octet a septet, if `gsm7` and it has all signs; else in UCS-2.

    No sign is cut in two. `reference`: 0 to 255, the same in all segments of a text. Raises ValueError if there are
    more than 255.
    """
    coded = _gsm7(text) if gsm7 else None
    if coded is not None:
        alphabet, single, each = Alphabet.GSM7, _SINGLE_SEPTETS, _JOINED_SEPTETS
    else:
        alphabet, single, each = Alphabet.UCS2, _SINGLE, _SINGLE - _HEADER
        coded = [char.encode("utf-16-be", "replace") for char in text]
    whole = b"".join(coded)
    if len(whole) <= single:
        return Segmented(alphabet, (whole,))
    cut = _cut(coded, each)
    if len(cut) > MOST_SEGMENTS:
        raise ValueError(f"{len(cut)} segments: at most {MOST_SEGMENTS}")
    header = bytes([5, 0, 3, reference % 256, len(cut)])
    return Segmented(alphabet, tuple(header + bytes([at]) + part for at, part in enumerate(cut, 1)))


def message_script(text: str) -> MessageScript:
    """Return the language that a text is probably in: Korean if it has a Hangul syllable, Chinese if a Han sign."""
    if any("\uac00" <= char <= "\ud7a3" for char in text):
        return MessageScript.KOREAN
    return MessageScript.CHINESE if any("\u4e00" <= char <= "\u9fff" for char in text) else MessageScript.OTHER


def _gsm7(text: str) -> list[bytes] | None:
    coded = [_CODES.get(char) for char in text]
    return None if None in coded else [each for each in coded if each is not None]


def _cut(coded: list[bytes], most: int) -> list[bytes]:
    parts = [b""]
    for each in coded:
        if len(parts[-1]) + len(each) > most:
            parts.append(b"")
        parts[-1] += each
    return parts

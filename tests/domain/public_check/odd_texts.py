"""Draws texts in whose numbers, links and words characters stand that Python and a browser may read differently."""

import random
import re
from collections.abc import Sequence
from functools import cache

from domain.public_check.scam_patterns import SCAM_PATTERNS
from tests.domain.public_check.scam_texts import EVERYDAY, SCAMS

ODD = (
    *("\u017f", "\u212a", "\u0130", "\u0131", "\u00df", "\u1e9e", "\u00b5", "\u0345", "\u03c2", "\u212b"),  # case
    *("\ufb01", "\ufb06", "\u01c5", "\u0149", "\u2126", "\u0390", "\u1fd3"),
    *("\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f"),  # ends of lines
    *(
        " ",
        "\t",
        "\u00a0",
        "\u1680",
        "\u180e",
        "\u2003",
        "\u202f",
        "\u205f",
        "\u3000",
        "\ufeff",
        "\0",
        "\x7f",
    ),  # blanks
    *("\U0001f600", "\U0001f468\u200d\U0001f469", "\U00020000", "\U0001d7d8", "\U000e0031", "\U0010ffff"),  # two halves
    *("\u0660", "\u0967", "\u2460", "\uff11", "\uff21", "\uff4b", "\uff33", "\uff0e", "\uff0f", "\u0301", "\u20e3"),
    *("\u200b", "\u00ad", "\u2060", "\ufe0f", "\u115f", "\u1160", "\u3164", "\uffa0", "\u1100\u1161", "\u11a8"),
)
"""Characters that differ in case, ends of lines, blanks, length, or digits between the two, or might."""
NUMBERS = (
    *("19800099001", "+86 198-0009-9001", "0431-88888888", "400-000-0000", "+44 20 7946 0958", "95588"),
    *("6200 0000 0000 0099 001", "220199199912319990", "19800099001 5000"),
    *("https://dl.scam.example/app?id=7", "scam.example", "HTTPS://Kiosk.Sites.LINK/Ski", "a.b.ASK.info:8080/x/y"),
)


def odd_text(chance: random.Random) -> str:
    """Return a drawn text of up to some hundred characters, rarely of over 5,000."""
    pieces = [_piece(chance) for _ in range(chance.randint(1, 5))]
    text = chance.choice(("", " ", "\n", "，", chance.choice(ODD))).join(pieces)
    if chance.random() < 0.002:
        text = chance.choice(ODD) * chance.randint(4_900, 5_000) + text
    return "".join(_spoiled(sign, chance) for sign in text) if chance.random() < 0.9 else text


def _piece(chance: random.Random) -> str:
    drawn = chance.random()
    if drawn < 0.35:
        return chance.choice(NUMBERS)
    if drawn < 0.75:
        return _worded(chance.choice(_patterns()), chance)
    if drawn < 0.9:
        return chance.choice(_whole_texts())
    return "".join(chr(chance.choice((0, 0x80, 0x2000, 0xFF00, 0x1F600)) + chance.randrange(256)) for _ in range(9))


def _spoiled(sign: str, chance: random.Random) -> str:
    if chance.random() > 0.06:
        return chance.choice((sign.upper(), sign.lower())) if chance.random() < 0.1 else sign
    likes = {"s": "\u017f", "k": "\u212a", "i": chance.choice("\u0130\u0131")}
    return chance.choice((likes.get(sign.lower(), sign), chance.choice(ODD), chance.choice(ODD) + sign))


def _worded(pattern: str, chance: random.Random) -> str:
    """A text that the pattern of a scam might fit: one of each choice, and odd characters between the words, sometimes
    one too many.
    """

    def between(found: re.Match[str]) -> str:
        return "".join(chance.choice((*ODD, "x", "的", "요")) for _ in range(chance.randint(0, int(found[1]) + 1)))

    text = re.sub(r"\.\{0,([0-9]+)\}", between, pattern.replace("[- ]", chance.choice("- ")))
    text = re.sub(r"\[a-z\]\{0,5\}", "ing", text)
    while (found := re.search(r"\(\?:([^()]*)\)(\??)", text)) is not None:
        text = text[: found.start()] + chance.choice(found[1].split("|")) + text[found.end() :]
    return re.sub(r"(.)\?", lambda found: chance.choice((found[1], "")), text)


@cache
def _patterns() -> Sequence[str]:
    return [pattern for patterns in SCAM_PATTERNS.values() for pattern in patterns]


@cache
def _whole_texts() -> Sequence[str]:
    return [*(text for texts in SCAMS.values() for text in texts), *EVERYDAY]

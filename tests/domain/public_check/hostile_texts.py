"""Draws hostile texts: what a scammer, or somebody who attacks the page, might paste. All numbers are reserved ones."""

import random
from collections.abc import Callable, Mapping

from tests.domain.public_check.scam_texts import SCAMS

_PHONE, _ACCOUNT, _LINK = "19800099001", "6200000000000099001", "https://dl.scam.example.invalid/app?id=7"
_HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069\ufe0f"
_DIGITS = ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "①①②③④⑤⑥⑦⑧⑨", "零一二三四五六七八九")
_MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}",
    "%s%n",
    "';--",
)
_SLOW = (
    "1",
    "1 ",
    "-1",
    "a.",
    "a-",
    "http://",
    "https://a",
    "0431-",
    "+86",
    "400 ",
    "贷",
    "我是你老板",
    "保证收益",
    "@",
)


def _with_hidden(chance: random.Random) -> str:
    text = chance.choice((_PHONE, _ACCOUNT, _LINK, _scam(chance)))
    return "".join(sign + (chance.choice(_HIDDEN) if chance.random() < 0.4 else "") for sign in text)


def _other_digits(chance: random.Random) -> str:
    digits = chance.choice(_DIGITS)
    text = "".join(digits[int(sign)] if chance.random() < 0.7 else sign for sign in chance.choice((_PHONE, _ACCOUNT)))
    return f"联系{text}{chance.randrange(10_000)}"


def _repeated(chance: random.Random) -> str:
    piece = "".join(chance.choices(_SLOW, k=chance.randint(1, 4)))
    return piece * (chance.randint(1, 30_000) // len(piece) + 1)


def _many_numbers(chance: random.Random) -> str:
    return " ".join(f"198000{chance.randrange(100_000):05}" for _ in range(chance.randint(1, 800)))


def _with_markup(chance: random.Random) -> str:
    return chance.choice(_MARKUP).join(chance.choices((_PHONE, _LINK, _scam(chance), ""), k=chance.randint(2, 9)))


def _any_signs(chance: random.Random) -> str:
    return "".join(
        chr(chance.choice((32, 127, 0x250, 0x3000, 0xD800, 0xFFFF, 0x1F600)) + chance.randrange(256))
        for _ in range(chance.randint(1, 2_000))
    )


def _scam_in_pieces(chance: random.Random) -> str:
    between = chance.choice((" ", "\n", "\t", ".", "*", "　", "\u0301"))
    return between.join(_scam(chance)) + str(chance.randrange(10_000))


def _scam(chance: random.Random) -> str:
    return chance.choice([text for texts in SCAMS.values() for text in texts])


_BY_KIND: Mapping[str, Callable[[random.Random], str]] = {
    "hidden signs": _with_hidden,
    "other digits": _other_digits,
    "repeated": _repeated,
    "many numbers": _many_numbers,
    "markup": _with_markup,
    "any signs": _any_signs,
    "in pieces": _scam_in_pieces,
}
KINDS = tuple(_BY_KIND)


def hostile_text(kind: str, chance: random.Random) -> str:
    """Return a drawn text of one of KINDS, of any length. Raises KeyError for another kind."""
    return _BY_KIND[kind](chance)

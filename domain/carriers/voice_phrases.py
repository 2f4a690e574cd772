"""Selects the recordings that say a message word for word, and writes a message for a speech synthesiser.

The message that a call plays is the text of the order. The policy has chosen that text by action, type of scam and
language; it contains the last digits of the number and the code of this call. Recorded phrases and digits are joined so
that exactly this text is heard. If a part of the text is not recorded, for example since the policy changed, no
recording is used at all: an outdated recording must never be played as the new text.
"""

import re
import unicodedata
from collections.abc import Mapping

_DIGITS = re.compile(r"\d{2,}")


def recordings_of(text: str, phrases: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the files that say `text` if they are played in this order, or None if the recordings cannot say all of
    it, or the text has nothing to say.

    `phrases`: file by the text that it says; a single digit is a phrase too. Punctuation and spaces need no recording.
    The choice with the fewest files is returned, because fewer joins are heard.
    """
    wanted = _plain(text)
    known = {plain: file for phrase, file in phrases.items() if (plain := _plain(phrase))}
    lengths = sorted({len(phrase) for phrase in known}, reverse=True)
    best: list[tuple[str, ...] | None] = [(), *([None] * len(wanted))]
    for end in range(1, len(wanted) + 1):
        for length in lengths:
            before = best[end - length] if length <= end else None
            file = known.get(wanted[end - length : end]) if before is not None else None
            if before is None or file is None:
                continue
            present = best[end]
            if present is None or len(before) + 1 < len(present):
                best[end] = (*before, file)
    return best[-1] if wanted else None


def spelled(text: str) -> str:
    """Return `text` with blanks between the digits of every number, so that a synthesiser reads them one by one."""
    return _DIGITS.sub(lambda found: " ".join(found[0]), text)


def _plain(text: str) -> str:
    """Return the letters and digits of a text (NFKC), which are what a voice reads out."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if each.isalnum())

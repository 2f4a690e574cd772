"""Which recordings say a message word for word, and how a message is written for a speech synthesiser.

The message that a call plays is the text of the order: the policy has chosen it by action, type of scam and language,
and it has the last digits of the number and the code of this call. Recorded phrases and digits are joined so that
exactly this text is heard. If the policy's text has changed and a part of it is not recorded, nothing of it is taken
from recordings: an outdated recording must never be played as the new text.
"""

import re
import unicodedata
from collections.abc import Mapping

_DIGITS = re.compile(r"\d{2,}")


def recordings_of(text: str, phrases: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the files that say `text` when they are played one after the other, or None if no choice of them does.

    `phrases`: files by the text that each says; a single digit is a phrase too. Punctuation and spaces between phrases
    need no recording. Of several choices the one with the fewest files is returned, since fewer joins are heard.
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
    """Return `text` with every number written digit by digit, so that a synthesiser reads a code as digits."""
    return _DIGITS.sub(lambda found: " ".join(found[0]), text)


def _plain(text: str) -> str:
    """Return the letters and digits of a text: what is heard of it."""
    return "".join(each for each in unicodedata.normalize("NFKC", text) if each.isalnum())

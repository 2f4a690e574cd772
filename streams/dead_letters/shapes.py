"""The JSON forms of dead letters, for scripts and HTTP. Only `shown` contains the bytes."""

import base64
import string
from typing import Any

from domain.feeds.dead_letters import masked
from schemas.administration.dead_letters import DeadLetter, LinePlace
from streams.dead_letters.index import Found, Page
from streams.dead_letters.sending import Outcome, status_text

_PLAIN = set(string.whitespace) - {"\v", "\f"}


def listed(found: Found) -> dict[str, Any]:
    """Return a dead letter as JSON values, without its bytes: id, source, topic, at (ISO 8601), why, size (bytes),
    state, and the act that led to the state (None while open).
    """
    letter, act = found.letter, found.standing.act
    return {
        "id": letter.id,
        "source": letter.source,
        "topic": letter.topic,
        "at": letter.at.isoformat(),
        "why": letter.why,
        "size": letter.size,
        "state": found.standing.state.value,
        "act": None if act is None else act.model_dump(mode="json", exclude={"act", "on"}),
    }


def paged(page: Page) -> dict[str, Any]:
    """Return a page of dead letters as JSON values: `letters` without their bytes, `next` (the argument `before` of the
    next page, or None), and over all matching ones `total`, `reasons` (numbers by reason) and `left_out`.
    """
    return {
        "letters": [listed(each) for each in page.found],
        "total": page.total,
        "reasons": page.reasons,
        "next": page.next,
        "left_out": page.left_out,
    }


def shown(letter: DeadLetter, found: Found, *, mask: bool) -> dict[str, Any]:
    """Return a dead letter as JSON values: those of `listed`, its state in words (`stands`), its place (`where`), its
    file's `header` (or None), `whole` (False if only a part of the bytes is stored), and its bytes as `text` if they
    are displayable text, else as `base64`, which is empty if this process cannot decrypt them.

    `mask` True: numbers and names in `text` are hidden, and `text` is None if the bytes are not text.
    """
    raw = letter.content
    text = text_of(raw) if raw or not letter.size else None  # None: this process cannot decrypt it
    bytes_told: dict[str, Any] = {"text": text} if text is not None else {"base64": base64.b64encode(raw).decode()}
    if mask:
        bytes_told = {"text": None if text is None else masked(text)}
    return {
        **listed(found),
        "stands": status_text(found),
        "where": letter.where.model_dump(mode="json", exclude={"reading"}),
        "header": header_of(letter),
        "whole": len(raw) == letter.size,
        **bytes_told,
    }


def outcome_of(outcome: Outcome) -> dict[str, Any]:
    """Return the result of an act as JSON values: `done`, `before`, `refused`, `accepted` and `left`, as in Outcome."""
    return {
        "done": outcome.done,
        "before": outcome.before,
        "refused": outcome.refused,
        "accepted": dict(outcome.accepted),
        "left": outcome.left,
    }


def text_of(raw: bytes) -> str | None:
    """Return the bytes as text, or None if they are not UTF-8 or contain characters, other than spaces, tabs and line
    ends, that a terminal cannot show.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in _PLAIN for char in text) else None


def header_of(letter: DeadLetter) -> str | None:
    """Return the header row, as text, of the file that a dead letter comes from.

    None if the dead letter is not a row of a file, or the header is unknown, empty or not text.
    """
    reading = letter.where.reading if isinstance(letter.where, LinePlace) else None
    return text_of(base64.b64decode(reading.header)) or None if reading else None

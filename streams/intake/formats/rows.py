"""What the formats share: rows of comma-separated values, one a line, in UTF-8."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo

Row = Callable[[bytes, str], object]
"""Reads a line; the second argument is the id that a row without one of its own gets. Raises RowError."""


class RowError(ValueError):
    """What is wrong with a row, in words, without its values."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not say: the day of amlsim's step 0 (in Beijing), and the zone of cdr's clock."""

    start: date = date(2026, 1, 1)
    zone: tzinfo = UTC


def columns(header: bytes, needed: Sequence[str]) -> tuple[int, list[int]]:
    """How many columns there are, and where the needed ones stand. Raises RowError that names the missing ones."""
    try:
        names = [name.strip() for name in fields(header.removeprefix(b"\xef\xbb\xbf"))]
    except RowError as error:
        raise RowError(f"the header, line 1: {error}") from None
    missing = [name for name in needed if name not in names]
    if missing:
        raise RowError(f"the header, line 1, lacks the column {', '.join(missing)}")
    return len(names), [names.index(name) for name in needed]


def fields(line: bytes) -> list[str]:
    """The line's fields. A field cannot go over several lines. Raises RowError."""
    text = decoded(line)
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise RowError("a quote is not closed, or stands within a field") from None


def decoded(line: bytes) -> str:
    """The line as text. Raises RowError when it is not UTF-8 or holds a NUL."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError(f"not UTF-8 at byte {error.start + 1} of the line") from None
    if "\0" in text:
        raise RowError("there is a NUL byte in the line")
    return text


def picked(line: bytes, count: int, places: Sequence[int]) -> list[str]:
    """The fields at `places` of a line that must have `count`. Raises RowError."""
    found = fields(line)
    if len(found) != count:
        raise RowError(f"{len(found)} fields where the header has {count}")
    return [found[place].strip() for place in places]

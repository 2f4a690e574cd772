"""What is wrong with a policy's text, and on which line: what the reader knows by table and key is found in the text.

TOML's own errors tell their line. Any other names its key, whose line is looked for by a light reading of the text: of
a key within braces that of the whole, of one that is missing its table's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.policy.file import LONGEST_MESSAGE, MOST_LINES, PolicyError, load

_TOLD = re.compile(r"\(at line (\d+), column \d+\)|^line (\d+):", re.MULTILINE)
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_NAMED = re.compile(r"[a-z_]+(?:\.[A-Za-z0-9_-]+)*")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """`line` counts from 1, none where none can be told; `where` is the table and key, or empty."""

    line: int | None
    where: str
    words: str


def faults(text: str) -> list[PolicyFault]:
    """All that is wrong with a policy, by line; nothing when it can be used."""
    try:
        load(text)
    except PolicyError as error:
        cause = error.__cause__
        if not isinstance(cause, ValidationError):
            return [_told(str(error), text)]
        places = dict(places_of(text))
        found = [_fault(item, places) for item in cause.errors(include_url=False)]
        return sorted(found, key=lambda fault: (fault.line or 0, fault.where))[:MOST_LINES]
    return []


def places_of(text: str) -> Iterator[tuple[Path, int]]:
    """Each table's and key's line; an array's tables are numbered: ("risk", "at_risk", "3", "ratio").

    A key that stands twice (which is an error of its own) has its last line.
    """
    table: Path = ()
    counted: dict[Path, int] = {}
    for number, line in _outside_strings(text):
        if header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counted[table] = counted.get(table, -1) + 1
                table = (*table, str(counted[table]))
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key[1])), number


def line_of(where: Sequence[object], places: dict[Path, int]) -> int | None:
    """The line of a key, else of what it lies in: the nearest that has one."""
    path = tuple(str(part) for part in where)
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
        inside = [line for place, line in places.items() if place[:length] == path[:length]]
        if inside:  # a table that is only ever named as a part of others
            return min(inside)
    return None


def _fault(item: ErrorDetails, places: dict[Path, int]) -> PolicyFault:
    loc: list[object] = [part for part in item["loc"] if part != "[key]"]
    words = item["msg"].removeprefix("Value error, ")[:LONGEST_MESSAGE]
    named = _NAMED.match(words)  # what is wrong with a table as a whole begins with the key that it is about
    parts = named[0].split(".") if named else []
    for length in range(len(parts), 0, -1):
        if (*map(str, loc), *parts[:length]) in places:
            loc += parts[:length]
            break
    return PolicyFault(line_of(loc, places), ".".join(str(part)[:64] for part in loc), words)


def _told(words: str, text: str) -> PolicyFault:
    match = _TOLD.search(words)
    line = int(match[1] or match[2]) if match else None
    if "at end of document" in words:
        line = text.rstrip("\n").count("\n") + 1
    return PolicyFault(line, "", words[:LONGEST_MESSAGE])


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """The lines, numbered, without those that lie in a text of several lines."""
    within = ""
    for number, line in enumerate(text.split("\n"), 1):
        if within:
            within = "" if within in line else within
            continue
        yield number, line
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                within = quotes


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))

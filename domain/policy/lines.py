"""Finds the line of a policy's table or key, which an editor needs; pydantic's errors have only the key.

The parser is approximate: a key within braces gets the line of the whole value, a missing key that of its table.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_ARRAY = re.compile(r"[ \t]*\[")
_SIGN = re.compile(  # a bracket, or a comment or text, in which brackets mean nothing
    r"""#[^\n]*|"{3}[\s\S]*?"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[\[\]{}]"""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")

Path = tuple[str, ...]


def places_of(text: str) -> Iterator[tuple[Path, int]]:
    """Yield (path, line) of each table and key, in the order of the text. Lines count from 1.

    Tables of an array are numbered from 0: ("risk", "at_risk", "3", "ratio").
    """
    yield from ((path, line) for path, line, _ in _entries(text))


def array_items(text: str) -> Iterator[tuple[Path, int]]:
    """Yield (path, line) of each table in braces that is an item of an array, such as those of `rules = [{…}, {…}]`, in
    the order of the text. Lines count from 1, items from 0: ("plan", "stop", "approval", "rules", "1"). The text must
    be valid TOML.
    """
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    for path, line, is_table in _entries(text):
        key = None if is_table else _KEY.match(lines[line - 1])
        if key is not None:
            for number, at in enumerate(_item_starts(text, starts[line - 1] + key.end())):
                yield (*path, str(number)), bisect_right(starts, at)


def _item_starts(text: str, value: int) -> Iterator[int]:
    """Yield where each item in braces begins of the array that begins at `value`; nothing if there is none."""
    if not _ARRAY.match(text, value):
        return
    opened: list[str] = []
    for part in _SIGN.finditer(text, value):
        sign = part[0]
        if sign == "{" and opened == ["["]:
            yield part.start()
        if sign in ("[", "{"):
            opened.append(sign)
        elif sign in ("]", "}"):
            opened.pop()
            if not opened:
                return


def line_of(where: Sequence[object], places: Mapping[Path, int]) -> int | None:
    """Return the line (from 1) of the key or table `where`; if it has none, that of the nearest table around it; None
    if there is no such table either.

    `places`: line by path, as `places_of` yields them.
    """
    path = tuple(str(part) for part in where)
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
        inside = [line for place, line in places.items() if place[:length] == path[:length]]
        if inside:  # a table that only occurs in the names of others
            return min(inside)
    return None


def repeated(text: str, until: int) -> tuple[Path, int] | None:
    """Return (path, line) of the first table or key that an earlier line already defines, or None if there is none.

    Only lines up to `until` (from 1) are searched.
    """
    tables: set[Path] = set()
    values: set[Path] = set()
    for path, line, is_table in _entries(text):
        if line > until:
            return None
        if path in tables or any(path[:length] in values for length in range(1, len(path) + 1)):
            return path, line
        (tables if is_table else values).add(path)
    return None


def _entries(text: str) -> Iterator[tuple[Path, int, bool]]:
    """Yield (path, line number, True if it is a table) for each table and key."""
    table: Path = ()
    counted: dict[Path, int] = {}
    for number, line in _outside_strings(text):
        if header := _HEADER.match(line):
            *parents, name = _parts(header[2])
            table = (*_numbered(parents, counted), name)
            if header[1] == "[[":
                counted[table] = counted.get(table, -1) + 1
                table = (*table, str(counted[table]))
            yield table, number, True
        elif key := _KEY.match(line):
            yield (*table, *_parts(key[1])), number, False


def _numbered(parents: Sequence[str], counted: Mapping[Path, int]) -> Path:
    """Return the path of a table's parents. In an array of tables, the latest one is meant."""
    path: Path = ()
    for name in parents:
        path = (*path, name)
        if path in counted:
            path = (*path, str(counted[path]))
    return path


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that are not inside a multi-line string."""
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

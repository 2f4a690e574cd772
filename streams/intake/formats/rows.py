"""Parsing shared by the file formats: rows of comma-separated values or JSON, one on each line, in UTF-8."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any

import orjson

from domain.feeds.bank_mapping import BankMapping
from domain.identity.id_keys import IdKeys
from schemas.administration.dead_letters import CallFile, StixFile

Row = Callable[[bytes, str], object]
"""The type of a function that parses a row: it takes the line and the row's id, and returns the row's item. The caller
makes the id (files.row_id); it becomes the signal's id if the row has none of its own. Raises RowError.
"""


class RowError(ValueError):
    """A row or header is invalid. The text gives the reason, without any value of the row."""


@dataclass(frozen=True, slots=True)
class Options:
    """Facts that a file does not contain: the date (in Beijing) of day 0 in an AMLSim file, the time zone of call
    records, a bank's mapping, and how an exchange's call records (`calls`) or a centre's objects (`stix`) are read.

    `id_keys`: the keys of ID numbers' hashes; None: ID numbers are dropped. `now`: the time by which objects of STIX
    are valid.
    """

    start: date = date(2026, 1, 1)
    zone: tzinfo = UTC
    mapping: BankMapping | None = None
    id_keys: IdKeys | None = None
    calls: CallFile | None = None
    stix: StixFile | None = None
    now: datetime | None = None


def columns(header: bytes, needed: Sequence[str]) -> tuple[int, list[int]]:
    """Return (the number of columns of the header, the positions of the `needed` columns from 0, in the order of
    `needed`). Raises RowError, naming them, if columns are missing, or if the header is no CSV.
    """
    try:
        names = [name.strip() for name in fields(header.removeprefix(b"\xef\xbb\xbf"))]
    except RowError as error:
        raise RowError(f"the header, line 1: {error}") from None
    missing = [name for name in needed if name not in names]
    if missing:
        raise RowError(f"the header, line 1, lacks the column {', '.join(missing)}")
    return len(names), [names.index(name) for name in needed]


def fields(line: bytes) -> list[str]:
    """Return the fields of a CSV line, from left to right; a field cannot contain a line break.

    Raises RowError if quotes or encoding are invalid.
    """
    text = decoded(line)
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise RowError("a quote is not closed, or stands within a field") from None


def decoded(line: bytes) -> str:
    """Return the line as text. Raises RowError if the line is not UTF-8 or contains a NUL byte."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError(f"not UTF-8 at byte {error.start + 1} of the line") from None
    if "\0" in text:
        raise RowError("there is a NUL byte in the line")
    return text


def picked(line: bytes, count: int, places: Sequence[int]) -> list[str]:
    """Return the stripped fields at the positions `places` (from 0), in the order of `places`.

    Raises RowError if the line is invalid or does not have `count` fields.
    """
    found = fields(line)
    if len(found) != count:
        raise RowError(f"{len(found)} fields where the header has {count}")
    return [found[place].strip() for place in places]


def json_object(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line; of a repeated key, the last value.

    Raises RowError if the line is not a JSON object.
    """
    try:
        item = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise RowError("not JSON, or nested too deep: each line is the JSON object of one record") from None
    if not isinstance(item, dict):
        raise RowError("not a JSON object: each line is the JSON object of one record")
    return item


def texts_of(value: object) -> dict[str, str]:
    """Return the texts and whole numbers of a JSON object as stripped texts, by name; null as "". Values of other
    types, and those with unprintable characters, are left out. Empty if `value` is no JSON object.
    """
    found = {}
    for name, each in value.items() if isinstance(value, dict) else ():
        text = "" if each is None else str(each).strip()
        if isinstance(each, str | int | None) and not isinstance(each, bool) and text.isprintable():
            found[name] = text
    return found

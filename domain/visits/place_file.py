"""The installation's places as a CSV file: id,kind,name,division,address,hours,latitude,longitude.

Hours are written as people write them: `mon-fri 09:00-17:00; sat,sun 09:00-12:00`, `always`, or nothing if they are
unknown. A file with a fault is refused as a whole, and every fault is told with its row and column.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

from pydantic import ValidationError

from domain.csv_cells import unguarded
from domain.identity.divisions import known
from schemas.people.places import OpeningHours, PlaceKind, PublicPlace

COLUMNS = ("id", "kind", "name", "division", "address", "hours", "latitude", "longitude")
REQUIRED = COLUMNS[:5]
MOST_ROWS = 50_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "always"
KINDS = tuple(kind.value for kind in PlaceKind if kind is not PlaceKind.USUAL)
_HOURS = re.compile(r"(?:([a-z,-]+) )?([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class PlaceFault:
    """A fault of a file of places. `row`: its number as in a spreadsheet, where the header is row 1; `column`: the
    column's name; `do`: the correction, in English.
    """

    row: int
    column: str
    do: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.do}"


def read_places(text: str) -> tuple[list[PublicPlace], list[PlaceFault]]:
    """Return (places, faults) of a CSV file, both in its order; a row with a fault gives a fault and no place. Faults
    are never raised.

    If a required column is missing or a column is unknown, no row is read. Reading ends after 50,000 rows, and at a row
    that is no CSV.
    """
    found: dict[str, PublicPlace] = {}
    faults: list[PlaceFault] = []
    first, rows = 1, csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        header = rows.fieldnames or []
        first = 2
        faults += _header_faults(header)
        for number, row in enumerate(rows if not faults else (), 2):
            if number > MOST_ROWS + 1:
                faults.append(PlaceFault(number, "id", f"a file has at most {MOST_ROWS} places"))
                break
            place = _place(number, {name: unguarded(row.get(name) or "").strip() for name in COLUMNS})
            if isinstance(place, PlaceFault):
                faults.append(place)
            elif place.id in found:
                faults.append(PlaceFault(number, "id", "another row has this id: each place has its own"))
            else:
                found[place.id] = place
    except csv.Error as error:  # the rest of the file cannot be read
        faults.append(
            PlaceFault(
                first + len(found) + len(faults), "a cell", f"it cannot be read ({error}): is a quotation mark missing?"
            )
        )
    return list(found.values()), faults


def _header_faults(header: Sequence[str]) -> list[PlaceFault]:
    if absent := [name for name in REQUIRED if name not in header]:
        return [PlaceFault(1, name, f"the file lacks this column: write {','.join(COLUMNS)}") for name in absent]
    unknown = [name for name in header if name not in COLUMNS]
    return [PlaceFault(1, name or "?", f"no such column: the columns are {','.join(COLUMNS)}") for name in unknown]


def read_hours(text: str) -> list[OpeningHours] | None:
    """Return the opening hours in a text as the file has them: None (unknown) for "", an empty list (never closed) for
    `always`.

    Raises ValueError for any other text that is not such as `mon-fri 09:00-17:00; sat 09:00-12:00`. Hours without days
    apply to every day.
    """
    if not text.strip():
        return None
    if text.lower() == ALWAYS:
        return []
    parts = [part.strip().lower() for part in text.split(";") if part.strip()]
    if not parts:
        raise ValueError(text)
    return [_span(part) for part in parts]


def _span(text: str) -> OpeningHours:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(text)
    days, *clock = match.groups()
    last = 0 if clock[2:] == ["24", "00"] else int(clock[2])  # 24:00 is the only hour after 23 that is read
    opens, closes = time(int(clock[0]), int(clock[1])), time(last, int(clock[3]))
    return OpeningHours(days=_days(days) if days else frozenset(range(7)), opens=opens, closes=closes)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        one, other = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(one, (other if other >= one else other + 7) + 1)}
    return frozenset(found)


def _place(number: int, row: Mapping[str, str]) -> PublicPlace | PlaceFault:
    if missing := next((name for name in REQUIRED if not row[name]), None):
        return PlaceFault(number, missing, "it is empty")
    if row["kind"] not in KINDS:
        return PlaceFault(number, "kind", f"write one of {', '.join(KINDS)}")
    if not known(row["division"]):
        return PlaceFault(number, "division", "write a code of GB/T 2260, with 6 or 9 digits")
    try:
        hours = read_hours(row["hours"])
    except ValueError:
        return PlaceFault(number, "hours", f"write hours such as mon-fri 09:00-17:00; sat 09:00-12:00, or {ALWAYS}")
    texts = {name: row[name] for name in REQUIRED}
    try:
        latitude, longitude = (float(row[name]) if row[name] else None for name in ("latitude", "longitude"))
        return PublicPlace.model_validate({**texts, "hours": hours, "latitude": latitude, "longitude": longitude})
    except ValidationError as error:
        where = error.errors()[0]["loc"]
        return PlaceFault(number, str(where[0]) if where else "longitude", "this is not allowed: see the guide")
    except ValueError:
        return PlaceFault(number, "latitude", "write degrees, such as 43.8868")

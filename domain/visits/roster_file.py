"""Rosters as CSV files: station,id,name,role,division,languages,start,end,phone; a row is a shift, or a person without
a shift. A file may lack the column `phone`.

Each invalid cell is reported with its row, column and reason; the changes are shown before a file is accepted.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from pydantic import ValidationError

from domain.csv_cells import guarded, unguarded
from domain.identity.divisions import known
from domain.identity.identifiers import normal_phone
from domain.visits.rostering import MOST_SHIFTS, Clash, RosterError, Wrong, clashes, shift
from schemas.errors import UserError
from schemas.people.residents import Language
from schemas.people.rosters import Officer, Role, Roster, Shift

REQUIRED = ("station", "id", "name", "role", "division", "languages", "start", "end")
COLUMNS = (*REQUIRED, "phone")
MOST_BYTES = 500_000  # the file is part of the preview's form, whose fields are limited to a megabyte
MOST_ROWS = 10_000
MOST_PEOPLE = 500  # of a station, as in the schema
_ROLES = {"民警": Role.OFFICER, "辅警": Role.AUXILIARY, "网格长": Role.GRID_WORKER, "楼栋长": Role.BUILDING_HEAD}
_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::\d{2})?")


class Cell(StrEnum):
    """The reason why a cell or row of a roster file is invalid.

    MISSING: it is empty. COLUMN: the file lacks the column. ROLE, DIVISION, LANGUAGE, TIME, PHONE: it is no valid value
    of this kind. ELSEWHERE: outside the area of the person who imports. TEXT: too long or not printable. DIFFERS: it
    contradicts another row about the same person. MANY: too many rows, people or shifts. NOT_FORWARD, TOO_LONG,
    OVERLAP, ABSENT: as in rostering.Wrong. NOBODY, REPEATS: a calendar event that is about nobody on the roster, or
    that repeats.
    """

    MISSING = "missing"
    COLUMN = "column"
    ROLE = "role"
    DIVISION = "division"
    ELSEWHERE = "elsewhere"
    LANGUAGE = "language"
    TIME = "time"
    TEXT = "text"
    DIFFERS = "differs"
    PHONE = "phone"
    MANY = "many"
    NOT_FORWARD = "not_forward"
    TOO_LONG = "too_long"
    OVERLAP = "overlap"
    ABSENT = "absent"
    NOBODY = "nobody"
    REPEATS = "repeats"


@dataclass(frozen=True, slots=True)
class WrongCell:
    """An invalid cell. `row`: as in a spreadsheet, where the header is row 1. `column`: its name in the header.

    `why`: the reason. `value`: the text of the cell, or the limit that is exceeded.
    """

    row: int
    column: str
    why: Cell
    value: str = ""


@dataclass(slots=True)
class Parsed:
    """The contents of a roster file. `stations`: people by station and id, each with their shifts. `wrong`: invalid
    cells.
    """

    stations: dict[str, dict[str, Officer]] = field(default_factory=dict)
    wrong: list[WrongCell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes from one roster to another. `people_in`, `people_out`: people who are added, and removed.

    `people_changed`: people whose data changed, with their new data. `shifts_in`, `shifts_out`: shifts that are added,
    and removed, each with its person. `clashes`: all conflicts in the new roster.
    """

    people_in: tuple[Officer, ...]
    people_out: tuple[Officer, ...]
    people_changed: tuple[Officer, ...]
    shifts_in: tuple[tuple[Officer, Shift], ...]
    shifts_out: tuple[tuple[Officer, Shift], ...]
    clashes: tuple[Clash, ...]

    @property
    def nothing(self) -> bool:
        """True if no person and no shift changes; conflicts do not count."""
        return not (self.people_in or self.people_out or self.people_changed or self.shifts_in or self.shifts_out)


class EncodingError(UserError, ValueError):
    """The file is neither UTF-8 nor GB18030. `at`: the position of the first invalid byte, from 1."""

    def __init__(self, at: int) -> None:
        super().__init__(f"neither UTF-8 nor GB18030 at byte {at}. Save the file as one of them")
        self.at = at


def decode(raw: bytes) -> str:
    """Return the text of bytes in UTF-8 (with or without a byte order mark) or GB18030, as spreadsheets in China save
    it.

    Raises EncodingError if they are in neither.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError as error:
        raise EncodingError(error.start + 1) from None


def parse(text: str, area: str, zone: tzinfo) -> Parsed:
    """Return the contents of a roster file (CSV). Invalid cells are in `wrong`, and their rows are left out; nothing is
    raised for them.

    If a required column is missing, no row is read. `area`: the required beginning of division codes. `zone`: the time
    zone of times without an offset.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    parsed = Parsed()
    try:
        header = [(name or "").strip() for name in reader.fieldnames or ()]
    except csv.Error:
        header = []
    parsed.wrong += [WrongCell(1, column, Cell.COLUMN) for column in REQUIRED if column not in header]
    if parsed.wrong:
        return parsed
    reader.fieldnames = header
    number = 1
    try:
        for number, raw in enumerate(reader, 2):
            if number > MOST_ROWS:
                parsed.wrong.append(WrongCell(number, COLUMNS[0], Cell.MANY, f"{MOST_ROWS}"))
                break
            row = {column: unguarded((raw.get(column) or "").strip()) for column in COLUMNS}
            if any(row.values()):
                _take(parsed, number, row, area, zone)
    except csv.Error:  # an unclosed cell, or a bare carriage return
        parsed.wrong.append(WrongCell(number + 1, COLUMNS[0], Cell.TEXT))
    return parsed


def imported(before: Roster | None, station: str, officers: Sequence[Officer]) -> Roster:
    """Return a copy of the station's roster with exactly the people and shifts of a file (`officers`); everybody else
    is removed, with their absences, swaps, open shifts and calendar feeds.

    People who stay keep these, and their telephone if the file has none. `before`: None if the station has no roster
    yet. Conflicts are not checked.
    """
    base = before or Roster(station=station)
    there = {officer.id for officer in officers}
    phones = {officer.id: officer.phone for officer in base.officers}
    sorted_ = [
        each.model_copy(
            update={
                "shifts": sorted(each.shifts, key=lambda one: one.start),
                "phone": each.phone or phones.get(each.id),
            }
        )
        for each in officers
    ]
    return base.model_copy(
        update={
            "officers": sorted_,
            "absences": [each for each in base.absences if each.officer in there],
            "open_shifts": [each for each in base.open_shifts if each.officer in there],
            "swaps": [each for each in base.swaps if each.asker in there and each.other in there],
            "feeds": [each for each in base.feeds if each.officer is None or each.officer in there],
        }
    )


def replaced(before: Roster, shifts: Mapping[str, Sequence[Shift]], now: datetime) -> Roster:
    """Return a copy of the roster with the future shifts of some people replaced. `shifts`: the new ones, by person's
    id.

    Shifts that began at `now` or before stay, and so do other people's shifts. Ids that are not on the roster are
    ignored. Conflicts are not checked.
    """
    officers = [
        officer.model_copy(update={"shifts": _from_now_on(officer.shifts, shifts[officer.id], now)})
        if officer.id in shifts
        else officer
        for officer in before.officers
    ]
    return before.model_copy(update={"officers": officers})


def difference(before: Roster | None, after: Roster) -> Difference:
    """Return the changes from `before` (None: no roster) to `after`, by person and shift, and all conflicts in `after`.
    Shifts are sorted by start for each person; added, removed and changed people are in no particular order.
    """
    old = {officer.id: officer for officer in before.officers} if before else {}
    new = {officer.id: officer for officer in after.officers}
    return Difference(
        people_in=tuple(new[name] for name in new.keys() - old.keys()),
        people_out=tuple(old[name] for name in old.keys() - new.keys()),
        people_changed=tuple(new[name] for name in new.keys() & old.keys() if _plain(new[name]) != _plain(old[name])),
        shifts_in=tuple(_more(new, old)),
        shifts_out=tuple(_more(old, new)),
        clashes=tuple(clashes(after)),
    )


def moment(text: str, zone: tzinfo) -> datetime | None:
    """Return the aware time in a text such as "2026-03-02 08:00" or "2026/3/2 8:00", in `zone`, or in ISO 8601 with an
    offset, which is kept.

    24:00 is the start of the next day. Seconds in the first forms are dropped. None if the text is no such time.
    """
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else None
        year, month, day, hour, minute = (int(part) for part in match.groups())
        late = hour == 24 and minute == 0
        return datetime(year, month, day, 0 if late else hour, minute, tzinfo=zone) + timedelta(days=late)
    except (ValueError, OverflowError):
        return None


def _take(parsed: Parsed, number: int, row: Mapping[str, str], area: str, zone: tzinfo) -> None:
    """Add one row's person and shift, or its errors."""
    wrong = [WrongCell(number, column, why, value) for column, why, value in _wrong_cells(row, area)]
    new = None
    if row["start"] or row["end"]:
        new, more = _shift(number, row, zone)
        wrong += more
    officer = None if wrong else _officer(row)
    if not wrong and officer is None:
        wrong = [WrongCell(number, "name", Cell.TEXT, row["name"])]
    if wrong or officer is None:
        parsed.wrong += wrong
        return
    people = parsed.stations.setdefault(row["station"], {})
    if officer.id not in people and len(people) == MOST_PEOPLE:
        parsed.wrong.append(WrongCell(number, "station", Cell.MANY, f"{MOST_PEOPLE}"))
        return
    known_as = people.setdefault(officer.id, officer)
    if _plain(known_as) != _plain(officer):
        parsed.wrong.append(WrongCell(number, "id", Cell.DIFFERS, row["id"]))
    elif new:
        _add(parsed, people, number, officer.id, new)


def _add(parsed: Parsed, people: dict[str, Officer], number: int, officer: str, new: Shift) -> None:
    person = people[officer]
    if any(new.start < old.end and old.start < new.end for old in person.shifts):
        parsed.wrong.append(WrongCell(number, "start", Cell.OVERLAP, person.id))
    elif len(person.shifts) == MOST_SHIFTS:
        parsed.wrong.append(WrongCell(number, "id", Cell.MANY, f"{MOST_SHIFTS}"))
    else:
        people[officer] = person.model_copy(update={"shifts": [*person.shifts, new]})


def _wrong_cells(row: Mapping[str, str], area: str) -> Iterator[tuple[str, Cell, str]]:
    for column in ("station", "id", "name", "role", "division"):
        if not row[column]:
            yield column, Cell.MISSING, ""
    for column in ("station", "id", "name"):
        if len(row[column]) > 128 or not row[column].isprintable():
            yield column, Cell.TEXT, row[column][:32]
    if row["role"] and _role(row["role"]) is None:
        yield "role", Cell.ROLE, row["role"][:32]
    if _languages(row["languages"]) is None:
        yield "languages", Cell.LANGUAGE, row["languages"][:32]
    if row["phone"] and duty_phone(row["phone"]) is None:
        yield "phone", Cell.PHONE, ""
    yield from _wrong_place(row, area)


def _wrong_place(row: Mapping[str, str], area: str) -> Iterator[tuple[str, Cell, str]]:
    if row["division"] and not known(row["division"]):
        yield "division", Cell.DIVISION, row["division"][:32]
    elif row["division"] and not row["division"].startswith(area):
        yield "division", Cell.ELSEWHERE, row["division"]


def _shift(number: int, row: Mapping[str, str], zone: tzinfo) -> tuple[Shift | None, list[WrongCell]]:
    start, end = moment(row["start"], zone), moment(row["end"], zone)
    wrong = [
        WrongCell(number, column, Cell.TIME if row[column] else Cell.MISSING, row[column][:32])
        for column, found in (("start", start), ("end", end))
        if found is None
    ]
    if start is None or end is None:
        return None, wrong
    try:
        return shift(start, end), []
    except RosterError as error:
        why = Cell.TOO_LONG if error.wrong is Wrong.TOO_LONG else Cell.NOT_FORWARD
        return None, [WrongCell(number, "end", why, row["end"])]
    except ValidationError:  # an impossible year
        return None, [WrongCell(number, "start", Cell.TIME, row["start"])]


def _officer(row: Mapping[str, str]) -> Officer | None:
    try:
        return Officer(
            id=row["id"],
            name=row["name"],
            role=_role(row["role"]) or Role.OFFICER,
            division=row["division"],
            languages=_languages(row["languages"]) or frozenset(),
            phone=duty_phone(row["phone"]),
        )
    except ValidationError:
        return None


def duty_phone(text: str) -> str | None:
    """Return an officer's telephone number in E.164; None if the text is empty, not a telephone number, or a service
    number such as 96110.
    """
    try:
        found = normal_phone(text) if text else ""
    except ValueError:
        return None
    return found if found.startswith("+") else None  # not a service number such as 96110


def _role(text: str) -> Role | None:
    return _ROLES.get(text) or next((role for role in Role if role.value == text), None)


def _languages(text: str) -> frozenset[Language] | None:
    """Return the languages of a cell (Chinese if empty), or None if one is unknown."""
    names = re.split(r"[\s;,、/|]+", text.strip()) if text.strip() else [Language.CHINESE.value]
    known_ones = {language.value: language for language in Language}
    return frozenset(known_ones[name] for name in names) if all(name in known_ones for name in names) else None


def _plain(officer: Officer) -> Officer:
    return officer.model_copy(update={"shifts": []})


def _more(these: Mapping[str, Officer], those: Mapping[str, Officer]) -> Iterator[tuple[Officer, Shift]]:
    """Yield the shifts that `these` people have and `those` do not."""
    for name, officer in these.items():
        has = set(those[name].shifts) if name in those else set()
        for one in sorted(officer.shifts, key=lambda each: each.start):
            if one not in has:
                yield officer, one


def _from_now_on(old: Sequence[Shift], new: Sequence[Shift], now: datetime) -> list[Shift]:
    kept = [one for one in old if one.start <= now and one not in new]
    return sorted([*kept, *new], key=lambda one: one.start)


def written(rosters: Iterable[Roster], zone: tzinfo) -> str:
    """Return rosters as a CSV text that `parse` reads: a header, then a row for each shift, and one for a person
    without any.

    Times are in `zone`. No cell is a formula in a spreadsheet.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for roster in rosters:
        for officer in roster.officers:
            languages = " ".join(sorted(officer.languages))
            about = (roster.station, officer.id, officer.name, officer.role.value, officer.division, languages)
            hours = [(_told(each.start, zone), _told(each.end, zone)) for each in officer.shifts] or [("", "")]
            writer.writerows(map(guarded, (*about, *each, officer.phone or "")) for each in hours)
    return out.getvalue()


def _told(at: datetime, zone: tzinfo) -> str:
    """Return a time as people type it, with seconds only if it has some."""
    local = at.astimezone(zone)
    return local.isoformat() if local.second or local.microsecond else f"{local:%Y-%m-%d %H:%M}"

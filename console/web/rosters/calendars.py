"""Shifts as iCalendar (RFC 5545): read from a file that somebody uploads, and told to a calendar that subscribes.

What is told holds shifts and who has them, and nothing of any resident.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from icalendar import Calendar, Component, Event
from pydantic import ValidationError

from domain.ids import short_hash
from domain.visits.roster_file import Cell, WrongCell
from domain.visits.rostering import RosterError, Wrong, shift
from schemas.people.rosters import Officer, Roster, Shift

OFFICER = "X-QUANZU-OFFICER"  # in what we tell, so that it can be read again
MOST_EVENTS = 10_000


def told(station: str, officers: Iterable[Officer], now: datetime, title: str) -> bytes:
    """The shifts of these people as a calendar. `title`: what a shift is called."""
    calendar = Calendar()
    calendar.add("prodid", "-//Quanzu//Rosters//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"{station} {title}")
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    for officer in officers:
        for one in officer.shifts:
            calendar.add_component(_event(station, officer, one, now, title))
    return bytes(calendar.to_ical())


def read(raw: bytes, roster: Roster, whose: str, zone: tzinfo) -> tuple[dict[str, list[Shift]], list[WrongCell]]:
    """Shifts by person, and what is wrong with the file: `row` counts its events from 1, `column` is the property.

    `whose`: to whom events belong that name nobody; empty: to whom the summary names, by id or name. `zone`: of times
    without one.
    """
    try:
        events = Calendar.from_ical(raw).walk("VEVENT")
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        RecursionError,
    ):  # the library's reader raises whichever comes first
        return {}, [WrongCell(1, "VCALENDAR", Cell.TEXT)]
    shifts: dict[str, list[Shift]] = {}
    wrong: list[WrongCell] = []
    if len(events) > MOST_EVENTS:
        return {}, [WrongCell(MOST_EVENTS + 1, "VEVENT", Cell.MANY, f"{MOST_EVENTS}")]
    for number, event in enumerate(events, 1):
        if str(event.get("status", "")).upper() == "CANCELLED":
            continue
        officer = _whose(event, roster, whose)
        found = _shift(event, number, zone)
        if officer is None:
            wrong.append(WrongCell(number, "SUMMARY", Cell.NOBODY, str(event.get("summary", ""))[:32]))
        elif isinstance(found, WrongCell):
            wrong.append(found)
        else:
            shifts.setdefault(officer, []).append(found)
    return shifts, [*wrong, *_overlaps(shifts)]


def _event(station: str, officer: Officer, one: Shift, now: datetime, title: str) -> Event:
    """One shift. In UTC: a zone that is only an offset would need a definition of its own, or calendars misread it."""
    start, end = one.start.astimezone(UTC), one.end.astimezone(UTC)
    event = Event()
    event.add("uid", f"{short_hash(station, officer.id, start.isoformat())}@quanzu")
    event.add("dtstamp", now)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", f"{title} {officer.name}")
    event.add("location", station)
    event.add(OFFICER, officer.id)
    return event


def _whose(event: Component, roster: Roster, whose: str) -> str | None:
    named = str(event.get(OFFICER, "")) or whose
    summary = str(event.get("summary", "")).strip()
    for officer in roster.officers:
        if officer.id == named or (not named and summary in (officer.id, officer.name)):
            return officer.id
    return None


def _shift(event: Component, number: int, zone: tzinfo) -> Shift | WrongCell:
    if event.get("rrule") is not None or event.get("rdate") is not None:
        return WrongCell(number, "RRULE", Cell.REPEATS)
    start, end = _moment(event, "dtstart", zone), _moment(event, "dtend", zone)
    if start is None or end is None:
        return WrongCell(number, "DTSTART" if start is None else "DTEND", Cell.TIME)
    try:
        return shift(start, end)
    except RosterError as error:
        return WrongCell(number, "DTEND", Cell.TOO_LONG if error.wrong is Wrong.TOO_LONG else Cell.NOT_FORWARD)
    except ValidationError:
        return WrongCell(number, "DTSTART", Cell.TIME)


def _moment(event: Component, name: str, zone: tzinfo) -> datetime | None:
    """A property's moment; a day without its hours is none."""
    try:
        at = getattr(event.get(name), "dt", None)
    except ValueError:  # the library keeps what it could not read, and says so when it is asked for
        return None
    if not isinstance(at, datetime):
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _overlaps(shifts: dict[str, list[Shift]]) -> Iterator[WrongCell]:
    for officer, each in shifts.items():
        ordered = sorted(each, key=lambda one: one.start)
        for one, following in pairwise(ordered):
            if following.start < one.end:
                yield WrongCell(0, "DTSTART", Cell.OVERLAP, officer)

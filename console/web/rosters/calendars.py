"""Shifts as iCalendar (RFC 5545): parsed from an uploaded file, and written for subscribed calendars.

Written calendars contain shifts and officers, and nothing about residents.
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

OFFICER = "X-QUANZU-OFFICER"  # the officer's id in our own files, so that they can be read again
MOST_EVENTS = 10_000


def calendar(station: str, officers: Iterable[Officer], now: datetime, title: str) -> bytes:
    """Return the officers' shifts as an iCalendar file, with times in UTC. `title`: the word for a shift, which begins
    each event's summary; `now`: the file's time stamp.
    """
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
    """Return (shifts by officer id, errors of the file). In an error, `row` is the event's number from 1 (0: two events
    overlap) and `column` the property. A file that cannot be parsed, or has over MOST_EVENTS (10,000) events, gives no
    shifts and one error. Cancelled events are left out.

    `whose`: the officer of events that name nobody; "": each event's summary names its officer by id or name. `zone`:
    the zone of times without a zone.
    """
    try:
        events = Calendar.from_ical(raw).walk("VEVENT")
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        RecursionError,
    ):  # the library raises any of these for invalid files
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
    """Return one shift as an event with times in UTC, because a calendar may misread a zone that is only an offset."""
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
    """Return the time of a property; None if it is missing, invalid, or a date without a time."""
    try:
        at = getattr(event.get(name), "dt", None)
    except ValueError:  # the library raises only when an invalid value is used
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

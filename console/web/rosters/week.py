"""A station's week for its page: shifts by day, gaps, absences; and the list of stations."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from console.web.auth.who import Who
from console.web.kit.filled import form_value, new_form
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.rosters.rostering import RefusedError, duty, name_of, seen, words
from domain.visits import coverage, rostering, swaps
from domain.wording import people_labels
from schemas.people.rosters import Absence, AbsenceKind, Officer, Roster, Shift
from streams.repositories.stations import Stored

WEEK = timedelta(days=7)
DAY = timedelta(days=1)

KINDS = {
    AbsenceKind.LEAVE: "休假",
    AbsenceKind.SICK: "病假",
    AbsenceKind.TRAINING: "培训",
    AbsenceKind.OTHER: "其他",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A station in the list: its numbers of people, of people on duty now, of open shifts and of waiting swaps.

    `missing`: the person-hours that the coming week's shifts lack.
    """

    name: str
    people: int
    on_duty: int
    missing: float
    open_shifts: int
    swaps: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A shift in the week's table. `name`: "officer|start/end", for links; `late`: True if it began on an
    earlier day.
    """

    shift: Shift
    name: str
    late: bool


async def listed(made: Services, who: Who) -> list[Listed]:
    """Return the stations of the person's area with their present numbers, those that lack most people first, else by
    name; `missing` is in person-hours. Raises PolicyError if the policy in force cannot be read by this version, and
    OSError if the settings' policy file must be read and cannot. Errors of Kafka and Redis pass through.
    """
    now, asked = made.line.clock.now(), await duty(made)
    needs = asked.needs if asked else ()
    stations = []
    for name, roster in (await seen(made, who)).items():
        gaps = coverage.gaps(roster.officers, needs, now, now + WEEK, ZONE)
        stations.append(
            Listed(
                name,
                len(roster.officers),
                sum(any(shift.start <= now < shift.end for shift in each.shifts) for each in roster.officers),
                sum(gap.missing * (gap.end - gap.start).total_seconds() / 3600 for gap in gaps),
                len(roster.open_shifts),
                sum(swap.state in swaps.OPEN for swap in roster.swaps),
            )
        )
    return sorted(stations, key=lambda each: -each.missing)


async def station_page(
    request: Request,
    stored: Stored,
    week: str,
    *,
    editing: str = "",
    person: str = "",
    kept: FormData | None = None,
    refused: RefusedError | None = None,
) -> Response:
    """Return the page of a station's week, with the error's status if a change was `refused`; `kept`: that change's
    fields. `week`: a date in the week (YYYY-MM-DD), else the present week; `editing`: the shift to edit, as Cell.name;
    `person`: the officer's id to edit. Raises PolicyError if the policy in force cannot be read by this version, and
    OSError if the settings' policy file must be read and cannot. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    roster, now = stored.roster, made.line.clock.now()
    monday = _monday(week, now)
    days = [monday + number * DAY for number in range(7)]
    asked = await duty(made)
    begins = max(monday, now)
    people = sorted(roster.officers, key=lambda each: each.name)
    gaps = coverage.gaps(people, asked.needs, begins, monday + WEEK, ZONE) if asked and begins < monday + WEEK else []
    return page(
        request,
        "roster_week.html",
        refused.status if refused else 200,
        roster=roster,
        mark=stored.mark,
        week=f"{monday:%Y-%m-%d}",
        earlier=f"{monday - WEEK:%Y-%m-%d}",
        later=f"{monday + WEEK:%Y-%m-%d}",
        days=days,
        rows=[(officer, [_cells(officer, day) for day in days]) for officer in people],
        away={(each.officer, day): each for each in roster.absences for day in days if _touches(each, day)},
        gaps=gaps,
        asked=asked,
        edited=_edited(roster, form_value(kept, "editing") if kept else editing),
        person=next((each for each in people if each.id == person), None),
        candidates={each.id: rostering.candidates(roster, each, now) for each in roster.open_shifts},
        names={officer.id: officer.name for officer in roster.officers},
        clashes=[clash for clash in rostering.clashes(roster) if clash.shift.end > now],
        kept=dict(kept) if kept else {},
        refused=words(request, refused) if refused else "",
        roles=people_labels.ROSTER_ROLES,
        kinds=KINDS,
        zone=ZONE,
        station_query=urlencode({"station": roster.station}),
        waiting=[each for each in roster.swaps if each.state in swaps.OPEN],
        form=new_form(),
    )


def _cells(officer: Officer, day: datetime) -> list[Cell]:
    """Return the officer's shifts that overlap a day."""
    return [
        Cell(shift, f"{officer.id}|{name_of(shift)}", shift.start < day)
        for shift in officer.shifts
        if shift.start < day + DAY and shift.end > day
    ]


def _edited(roster: Roster, named: str) -> tuple[Officer, Shift, str] | None:
    """Return the officer, the shift and the name that a link names, or None if the shift no longer exists."""
    return next(
        (
            (officer, shift, name)
            for officer in roster.officers
            for shift in officer.shifts
            if (name := f"{officer.id}|{name_of(shift)}") == named
        ),
        None,
    )


def _touches(absence: Absence, day: datetime) -> bool:
    return absence.start < day + DAY and absence.end > day


def _monday(week: str, now: datetime) -> datetime:
    """Return the start (Monday, in China) of the week with the day `week`; of the present week if the text is not a
    date.
    """
    try:
        day = datetime.combine(date.fromisoformat(week), time(), ZONE)
    except ValueError:
        day = now
    return coverage.monday(day if 2001 <= day.year <= 2098 else now, ZONE)

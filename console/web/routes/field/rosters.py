"""Routes of station rosters: the week with its gaps, shifts, absences, open shifts, and swaps to approve."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import Door
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.rosters.rostering import (
    Make,
    RefusedError,
    duty,
    form_value,
    found,
    name_of,
    seen,
    shift_from_form,
    typed,
    typed_shift,
    words,
    write,
)
from domain.identity.divisions import known
from domain.ids import short_hash
from domain.visits import coverage, rostering, swaps
from domain.visits.rostering import MOST_SHIFTS
from domain.wording import labels
from schemas.people.residents import Language
from schemas.people.rosters import Absence, AbsenceKind, Officer, Role, Roster, Shift
from schemas.people.staff import StaffRole
from streams.repositories.stations import Stored

door = Door("/rosters")
SUPERVISORS = frozenset({StaffRole.SUPERVISOR})
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
    """A station in the list: numbers of people, of people on duty now, of open shifts and of swaps that wait.

    `missing`: the person-hours missing in the coming week.
    """

    name: str
    people: int
    on_duty: int
    missing: float
    open_shifts: int
    swaps: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A shift in the week's table. `name`: "officer|start/end", for links; `late`: it began on an earlier day."""

    shift: Shift
    name: str
    late: bool


@door.page("", SUPERVISORS, name="rosters")
async def rosters(
    request: Request, who: Signed, station: str = "", week: str = "", shift: str = "", person: str = ""
) -> Response:
    """The page with the stations of the area, or with one station's week.

    `week`: a day in it, else the present week; `shift`: the shift to edit, as "officer|start/end"; `person`: the
    officer to edit. Raises NotFoundError if the station is not in the person's area.
    """
    made = services(request)
    if not station:
        return page(request, "rosters.html", stations=await _listed(made, who), form=_new_form())
    return await _station(request, await found(made, who, station), week, editing=shift, person=person)


@door.act("/shifts/add", SUPERVISORS, name="roster-shift-add")
async def add(request: Request, who: Signed) -> Response:
    """Add a shift for an officer and redirect to the station's week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        new, officer = typed_shift(form), form_value(form, "officer")
        return lambda roster, now: rostering.add(roster, officer, new, now, waived=_waived(form))

    return await _act(request, who, "roster-shift-added", make)


@door.act("/shifts/change", SUPERVISORS, name="roster-shift-change")
async def change(request: Request, who: Signed) -> Response:
    """Change a shift's times and redirect to the station's week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        old, new, officer = shift_from_form(form), typed_shift(form), form_value(form, "officer")
        return lambda roster, now: rostering.change(roster, officer, old, new, now, waived=_waived(form))

    return await _act(request, who, "roster-shift-changed", make)


@door.act("/shifts/end", SUPERVISORS, name="roster-shift-end")
async def end(request: Request, who: Signed) -> Response:
    """End a running shift now, or remove a future one, and redirect to the week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        old, officer = shift_from_form(form), form_value(form, "officer")
        return lambda roster, now: rostering.end(roster, officer, old, now)

    return await _act(request, who, "roster-shift-ended", make)


@door.act("/absences/add", SUPERVISORS, name="roster-absence-add")
async def absent(request: Request, who: Signed) -> Response:
    """Record an absence and redirect to the station's week; the officer's shifts in that time become open shifts.

    409, 422 or 503 if it is refused. Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        start, finish = typed(form, "start"), typed(form, "end")
        kind = next((each for each in AbsenceKind if each.value == form_value(form, "kind")), AbsenceKind.OTHER)
        name = short_hash("absence", form_value(form, "form"))
        try:
            absence = Absence(id=name, officer=form_value(form, "officer"), start=start, end=finish, kind=kind)
        except ValidationError:
            raise RefusedError("结束时间须晚于开始时间。") from None
        return lambda roster, now: rostering.absent(roster, absence, now)

    return await _act(request, who, "roster-absence-added", make)


@door.act("/absences/end", SUPERVISORS, name="roster-absence-end")
async def back(request: Request, who: Signed) -> Response:
    """Remove an absence and redirect to the station's week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "absence")
        return lambda roster, now: rostering.back(roster, name)

    return await _act(request, who, "roster-absence-ended", make)


@door.act("/open/take", SUPERVISORS, name="roster-open-take")
async def take(request: Request, who: Signed) -> Response:
    """Give an open shift to an officer and redirect to the station's week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        name, officer = form_value(form, "open"), form_value(form, "officer")
        return lambda roster, now: rostering.take(roster, name, officer, now, waived=_waived(form))

    return await _act(request, who, "roster-open-taken", make)


@door.act("/open/drop", SUPERVISORS, name="roster-open-drop")
async def drop(request: Request, who: Signed) -> Response:
    """Remove an open shift without a replacement and redirect to the week; 409, 422 or 503 if it is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "open")
        return lambda roster, now: rostering.drop(roster, name)

    return await _act(request, who, "roster-open-dropped", make)


@door.act("/swaps/approve", SUPERVISORS, name="roster-swap-approve")
async def approve(request: Request, who: Signed) -> Response:
    """Approve and make a swap that both officers agreed to, and redirect to the station's week.

    409, 422 or 503 if it is refused. Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.approve(roster, name, who.login, now, waived=_waived(form))

    return await _act(request, who, "roster-swap-approved", make)


@door.act("/swaps/refuse", SUPERVISORS, name="roster-swap-refuse")
async def refuse(request: Request, who: Signed) -> Response:
    """Refuse a swap and redirect to the station's week; 409, 422 or 503 if that is refused.

    Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.refuse(roster, name, who.login)

    return await _act(request, who, "roster-swap-refused", make)


@door.act("/people", SUPERVISORS, name="roster-person")
async def person(request: Request, who: Signed) -> Response:
    """Add an officer to the roster, or change their data, and redirect to the station's week; their shifts stay.

    409, 422 or 503 if it is refused. Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        new = _officer(who, form)

        def put(roster: Roster, now: datetime) -> Roster:
            others = [each for each in roster.officers if each.id != new.id]
            shifts = next((each.shifts for each in roster.officers if each.id == new.id), [])
            return roster.model_copy(
                update={"officers": [*others, new.model_copy(update={"shifts": shifts[:MOST_SHIFTS]})]}
            )

        return put

    return await _act(request, who, "roster-person-put", make)


@door.act("/people/remove", SUPERVISORS, name="roster-person-remove")
async def remove(request: Request, who: Signed) -> Response:
    """Remove an officer and their shifts from the roster, and redirect to the station's week.

    409, 422 or 503 if it is refused. Raises NotFoundError if the station is not in the person's area.
    """

    def make(form: FormData) -> Make:
        officer = form_value(form, "officer")

        def without(roster: Roster, now: datetime) -> Roster:
            left = rostering.without(roster, officer)
            if not left.officers and who.area:
                raise RefusedError("最后一人须由全省值班长移除：空站点不属于任何辖区。")
            return left

        return without

    return await _act(request, who, "roster-person-removed", make)


async def _act(request: Request, who: Who, act: str, make: Callable[[FormData], Make]) -> Response:
    """Make a form's change and redirect to the week; if it is refused, show the week with the reason and the typed
    values.
    """
    made, form = services(request), await request.form()
    stored = await found(made, who, form_value(form, "station"))
    try:
        await write(request, who, stored, form, act, make(form), form_value(form, "officer")[:128])
    except RefusedError as error:
        fresh = await found(made, who, stored.roster.station)
        return await _station(request, fresh, form_value(form, "week"), kept=form, refused=error)
    return RedirectResponse(
        "/rosters?" + urlencode({"station": stored.roster.station, "week": form_value(form, "week")}), 303
    )


async def _station(
    request: Request,
    stored: Stored,
    week: str,
    *,
    editing: str = "",
    person: str = "",
    kept: FormData | None = None,
    refused: RefusedError | None = None,
) -> Response:
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
        roles=labels.ROSTER_ROLES,
        kinds=KINDS,
        zone=ZONE,
        station_query=urlencode({"station": roster.station}),
        waiting=[each for each in roster.swaps if each.state in swaps.OPEN],
        form=_new_form(),
    )


async def _listed(made: Services, who: Who) -> list[Listed]:
    now, asked = made.line.clock.now(), await duty(made)
    needs = asked.needs if asked else ()
    found_ = []
    for name, roster in (await seen(made, who)).items():
        gaps = coverage.gaps(roster.officers, needs, now, now + WEEK, ZONE)
        found_.append(
            Listed(
                name,
                len(roster.officers),
                sum(any(shift.start <= now < shift.end for shift in each.shifts) for each in roster.officers),
                sum(gap.missing * (gap.end - gap.start).total_seconds() / 3600 for gap in gaps),
                len(roster.open_shifts),
                sum(swap.state in swaps.OPEN for swap in roster.swaps),
            )
        )
    return found_


def _cells(officer: Officer, day: datetime) -> list[Cell]:
    """Return the officer's shifts that overlap a day."""
    return [
        Cell(shift, f"{officer.id}|{name_of(shift)}", shift.start < day)
        for shift in officer.shifts
        if shift.start < day + DAY and shift.end > day
    ]


def _edited(roster: Roster, named: str) -> tuple[Officer, Shift, str] | None:
    """Return the officer, shift and name that a link means, or None if the shift is gone."""
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
    """Return the start (Monday, China) of the week with this day; of the present week if the text is no date."""
    try:
        day = datetime.combine(date.fromisoformat(week), time(), ZONE)
    except ValueError:
        day = now
    return coverage.monday(day if 2001 <= day.year <= 2098 else now, ZONE)


def _officer(who: Who, form: FormData) -> Officer:
    """Return the typed officer, without shifts. Raises RefusedError if a field is invalid."""
    division, role = form_value(form, "division").strip(), form_value(form, "role")
    if not known(division) or not who.sees(division):
        raise RefusedError("区划代码不对，或不在您的辖区。")
    languages = [language for language in Language if language.value in form.getlist("languages")]
    try:
        return Officer(
            id=form_value(form, "id").strip(),
            name=form_value(form, "name").strip(),
            role=next((each for each in Role if each.value == role), Role.OFFICER),
            division=division,
            languages=frozenset(languages or [Language.CHINESE]),
        )
    except ValidationError:
        raise RefusedError("请填写编号和姓名（不超过 128 字，不含特殊字符）。") from None


def _waived(form: FormData) -> bool:
    """Return whether the supervisor accepts a short rest."""
    return form_value(form, "waived") == "1"


def _new_form() -> str:
    return secrets.token_hex(10)

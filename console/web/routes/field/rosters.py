"""Routes of station rosters: the week with its gaps, shifts, absences, open shifts, and swaps to approve."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import form_value, new_form, one_of
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.rosters.rostering import (
    Make,
    RefusedError,
    found,
    shift_from_form,
    typed,
    typed_shift,
    write,
)
from console.web.rosters.week import listed, station_page
from domain.identity.divisions import known
from domain.ids import short_hash
from domain.visits import rostering, swaps
from domain.visits.roster_file import duty_phone
from domain.visits.rostering import MOST_SHIFTS
from schemas.people.residents import Language
from schemas.people.rosters import Absence, AbsenceKind, Officer, Role, Roster

door = Door("/rosters")


@door.page("", SUPERVISORS, name="rosters")
async def rosters(
    request: Request, who: Signed, station: str = "", week: str = "", shift: str = "", person: str = ""
) -> Response:
    """Return the page with the stations of the area, or with one station's week.

    `week`: a day of the week to show, "" for the present week; `shift`: the shift to edit, as "officer|start/end";
    `person`: the officer to edit. Raises NotFoundError if the station is not in the person's area. PolicyError passes
    through if the policy in force is invalid. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    if not station:
        return page(request, "rosters.html", stations=await listed(made, who), form=new_form())
    return await station_page(request, await found(made, who, station), week, editing=shift, person=person)


@door.act("/shifts/add", SUPERVISORS, name="roster-shift-add")
async def add(request: Request, who: Signed) -> Response:
    """Add a shift for an officer and redirect to the station's week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        new, officer = typed_shift(form), form_value(form, "officer")
        return lambda roster, now: rostering.add(roster, officer, new, now, waived=_waived(form))

    return await _act(request, who, "roster-shift-added", make)


@door.act("/shifts/change", SUPERVISORS, name="roster-shift-change")
async def change(request: Request, who: Signed) -> Response:
    """Change a shift's times and redirect to the station's week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        old, new, officer = shift_from_form(form), typed_shift(form), form_value(form, "officer")
        return lambda roster, now: rostering.change(roster, officer, old, new, now, waived=_waived(form))

    return await _act(request, who, "roster-shift-changed", make)


@door.act("/shifts/end", SUPERVISORS, name="roster-shift-end")
async def end(request: Request, who: Signed) -> Response:
    """End a running shift now, or remove a future one, and redirect to the week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        old, officer = shift_from_form(form), form_value(form, "officer")
        return lambda roster, now: rostering.end(roster, officer, old, now)

    return await _act(request, who, "roster-shift-ended", make)


@door.act("/absences/add", SUPERVISORS, name="roster-absence-add")
async def absent(request: Request, who: Signed) -> Response:
    """Record an absence and redirect to the station's week. The officer loses the parts of their shifts within it;
    those that are not over become open shifts.

    409, 422 or 503 if this is refused. Raises NotFoundError if the station is not in the person's area. Errors of Kafka
    and Redis pass through.
    """

    def make(form: FormData) -> Make:
        start, finish = typed(form, "start"), typed(form, "end")
        kind = one_of(AbsenceKind, form_value(form, "kind"), AbsenceKind.OTHER)
        name = short_hash("absence", form_value(form, "form"))
        try:
            absence = Absence(id=name, officer=form_value(form, "officer"), start=start, end=finish, kind=kind)
        except ValidationError:
            raise RefusedError("结束时间须晚于开始时间。") from None
        return lambda roster, now: rostering.absent(roster, absence, now)

    return await _act(request, who, "roster-absence-added", make)


@door.act("/absences/end", SUPERVISORS, name="roster-absence-end")
async def back(request: Request, who: Signed) -> Response:
    """Remove an absence and redirect to the station's week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "absence")
        return lambda roster, now: rostering.back(roster, name)

    return await _act(request, who, "roster-absence-ended", make)


@door.act("/open/take", SUPERVISORS, name="roster-open-take")
async def take(request: Request, who: Signed) -> Response:
    """Give an open shift to an officer and redirect to the station's week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        name, officer = form_value(form, "open"), form_value(form, "officer")
        return lambda roster, now: rostering.take(roster, name, officer, now, waived=_waived(form))

    return await _act(request, who, "roster-open-taken", make)


@door.act("/open/drop", SUPERVISORS, name="roster-open-drop")
async def drop(request: Request, who: Signed) -> Response:
    """Remove an open shift without a replacement and redirect to the week. 409, 422 or 503 if this is refused.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "open")
        return lambda roster, now: rostering.drop(roster, name)

    return await _act(request, who, "roster-open-dropped", make)


@door.act("/swaps/approve", SUPERVISORS, name="roster-swap-approve")
async def approve(request: Request, who: Signed) -> Response:
    """Approve a swap that both officers agreed to, exchange the shifts, and redirect to the station's week.

    409, 422 or 503 if this is refused. Raises NotFoundError if the station is not in the person's area. Errors of Kafka
    and Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.approve(roster, name, who.login, now, waived=_waived(form))

    return await _act(request, who, "roster-swap-approved", make)


@door.act("/swaps/refuse", SUPERVISORS, name="roster-swap-refuse")
async def refuse(request: Request, who: Signed) -> Response:
    """Refuse a swap and redirect to the station's week. 409, 422 or 503 if the refusal is not accepted.

    Raises NotFoundError if the station is not in the person's area. Errors of Kafka and Redis pass through.
    """

    def make(form: FormData) -> Make:
        name = form_value(form, "swap")
        return lambda roster, now: swaps.refuse(roster, name, who.login)

    return await _act(request, who, "roster-swap-refused", make)


@door.act("/people", SUPERVISORS, name="roster-person")
async def person(request: Request, who: Signed) -> Response:
    """Add an officer to the roster, or change their data but not their shifts, and redirect to the station's week.

    409, 422 or 503 if this is refused. Raises NotFoundError if the station is not in the person's area. Errors of Kafka
    and Redis pass through.
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

    409, 422 or 503 if this is refused. Raises NotFoundError if the station is not in the person's area. Errors of Kafka
    and Redis pass through.
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
    """Carry out a form's change and redirect to the week; if it is refused, return the week with the reason and the
    typed values.
    """
    made, form = services(request), await request.form()
    stored = await found(made, who, form_value(form, "station"))
    try:
        await write(request, who, stored, form, act, make(form), form_value(form, "officer")[:128])
    except RefusedError as error:
        fresh = await found(made, who, stored.roster.station)
        return await station_page(request, fresh, form_value(form, "week"), kept=form, refused=error)
    return RedirectResponse(
        "/rosters?" + urlencode({"station": stored.roster.station, "week": form_value(form, "week")}), 303
    )


def _officer(who: Who, form: FormData) -> Officer:
    """Return the typed officer, without shifts. Raises RefusedError if a field is invalid."""
    division, role = form_value(form, "division").strip(), form_value(form, "role")
    if not known(division) or not who.sees(division):
        raise RefusedError("区划代码不对，或不在您的辖区。")
    languages = [language for language in Language if language.value in form.getlist("languages")]
    phone = form_value(form, "phone").strip()
    if phone and duty_phone(phone) is None:
        raise RefusedError("电话号码不对。")
    try:
        return Officer(
            id=form_value(form, "id").strip(),
            name=form_value(form, "name").strip(),
            role=one_of(Role, role, Role.OFFICER),
            division=division,
            languages=frozenset(languages or [Language.CHINESE]),
            phone=duty_phone(phone),
        )
    except ValidationError:
        raise RefusedError("请填写编号和姓名（不超过 128 字，不含特殊字符）。") from None


def _waived(form: FormData) -> bool:
    """Return True if the supervisor accepts that the change leaves an officer a short rest."""
    return form_value(form, "waived") == "1"

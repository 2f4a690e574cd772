"""Routes of the hand-over sheet: figures filled in automatically, a note by the leaving supervisor, a confirmation by
the next supervisor.
"""

from typing import Annotated, Any

from fastapi import Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, OtherAreaError, Signed, Who
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.overview import area
from console.web.overview.campaigns import campaign_names
from console.web.overview.needs import people, waiting
from console.web.rosters import areas
from console.web.routes.money.messages import payers_banks
from domain.calendar import after, local_date, shift_at
from domain.casework.holds import stops_all
from domain.desk.handover import Sheet, sheet
from domain.ids import short_hash
from domain.payments.releases import is_open
from schemas.people.handovers import HandOver
from streams.monitoring import overview

door = Door()
SHOWN = 5  # latest hand-overs shown


@door.page("/handover", SUPERVISORS, name="handover")
async def handover(request: Request, who: Signed) -> Response:
    """Return the page with the present sheet and the SHOWN (5) latest hand-overs. Errors of Kafka and Redis pass
    through.
    """
    return await _page(request, who)


@door.act("/handover", SUPERVISORS, name="handover-write")
async def write(
    request: Request, who: Signed, form: Annotated[str, Form()], note: Annotated[str, Form()] = ""
) -> Response:
    """Store the present sheet's figures with a note, and redirect to the page. 422 if the note is too long. Errors of
    Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    found = _sheet(made, who)
    try:
        kept = HandOver(
            id=short_hash("hand-over", form),
            area=who.area,
            at=found.at,
            by=who.login,
            note=note,
            figures=found.figures,
            reds=[each.case.id for each in found.reds],
            digest=found.digest,
        )
    except ValidationError:
        return await _page(request, who, note=note, wrong=translate(request, "留言太长：最多 2000 字。"), status=422)
    async with made.line.handovers.locked(kept.id) as before:
        if before is None:  # otherwise the form was sent twice
            await trail.write(made, who, "hand-over", kept.id, note, kept.digest)
            await made.line.handovers.put(kept)
    return RedirectResponse("/handover", 303)


@door.act("/handover/{name}/take", SUPERVISORS, name="handover-take")
async def take(request: Request, name: str, who: Signed) -> Response:
    """Confirm a hand-over and redirect to the page. 409 for the person who wrote it. An earlier confirmation stays.

    Raises NotFoundError unless the hand-over is of exactly the person's area. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    found = await made.line.handovers.get(name)
    if found is None:
        raise NotFoundError
    if found.area != who.area:
        raise OtherAreaError
    if found.by == who.login:
        words = translate(request, "接班须由另一人确认。")
        return await _page(request, who, wrong=words, status=409)
    async with made.line.handovers.locked(name) as fresh:  # of two concurrent confirmations the first counts
        found = fresh or found
        if found.taken_by is None:
            await trail.write(made, who, "hand-over-taken", found.id, "", found.digest)
            taken = {"taken_by": who.login, "taken_at": made.line.clock.now()}
            await made.line.handovers.put(found.model_copy(update=taken))
    return RedirectResponse("/handover", 303)


def _sheet(made: Services, who: Who) -> Sheet:
    now = made.line.clock.now()
    cases = [row.case for row in made.hub.rows.values() if who.sees(row.case.profile.division)]
    return sheet(cases, made.figures.book.in_force(who.sees), now, after(shift_at(now)).end)


async def _page(request: Request, who: Who, *, note: str = "", wrong: str = "", status: int = 200) -> Response:
    made = services(request)
    return page(
        request,
        "handover.html",
        status,
        form_id=new_form(),
        note=note,
        wrong=wrong,
        area=area.area_name(who, made.line.clock.now()),
        **await _beside(made, who),
    )


async def _beside(made: Services, who: Who) -> dict[str, Any]:
    """Return the template variables of the sheet, and of the lists beside its cases."""
    found = _sheet(made, who)
    begin = shift_at(found.at).start
    returned = [each for each in made.figures.clocks.returned if each.at >= begin and who.sees(each.division)]
    requests = [each for each in await made.line.releases.all() if is_open(each) and who.sees(each.division)]
    kept, handed = await made.line.handovers.latest(who.area, SHOWN), await waiting(made, who)
    holds, incidents = await area.holds(made, who), await made.line.incidents.in_force(who.area)
    of_stops = [(line.case, line.transfer) for line in found.stops]
    return {
        "sheet": found,
        "waiting": handed,
        "mine": next((each for each in kept[:1] if each.by == who.login and each.taken_by is None), None),
        "names": await people(made, await overview.rosters(made.line.redis)),
        "places": areas.names({hold.area or "" for hold in holds}, local_date(found.at)),
        "shift": shift_at(found.at),
        "silent": [feed for feed in await area.feeds(made) if feed.silence],
        "holds": holds,
        "stops_all": stops_all,
        "incidents": incidents,
        "titles": campaign_names(made, who, incidents=incidents),
        "returned": returned[::-1],
        "banks": payers_banks(made, [*of_stops, *((each.case, each.transfer) for each in requests)]),
        "requests": sorted(requests, key=lambda each: each.due),
        "kept": kept,
    }

"""The banner above the desk's pages: the call that rings the person's own telephone, ringing calls, cases assigned to
the person, stopped contact, incidents, a hand-over, overdue complaints.

Each browser opens one stream: one of its pages listens and passes the news to the others (static/news.js).
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import DESK, Door
from console.web.kit.events import Look, open_stream
from console.web.kit.filled import new_form
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live.assigning import assigned_to
from console.web.operator_calls.incoming import my_call
from console.web.overview import area
from console.web.overview.campaigns import campaign_names
from console.web.overview.needs import waiting
from console.web.rosters import areas
from domain.calendar import local_date
from domain.casework.holds import stops_all
from domain.desk.complaints import overdue
from domain.identity.divisions import meet
from schemas.people.calls import Ringing
from schemas.people.staff import StaffRole
from streams.runtime.tasks import wanted

door = Door()
STREAM = "text/event-stream"
TURN_SECONDS = 1.0
LOOK_SECONDS = 3.0  # between checks of the session
ABOVE_TURNS = 3  # turns between readings of what changes seldom: hand-overs, incidents, holds, complaints


@door.page("/news", DESK, name="news")
async def news(request: Request, who: Signed) -> Response:
    """Return a stream of the banner's content as HTML fragments: at first and after each change. The stream ends with
    the session, and if its account or area changes. Errors of Kafka and Redis end it too.

    406 if the request does not accept an event stream, 429 (TooManyError) if the account or the process has too many
    streams.
    """
    if STREAM not in request.headers.get("accept", ""):
        return JSONResponse({"error": "this is a stream of events", "do": f"Ask for {STREAM}"}, 406)
    return open_stream(request, who, _told(request, who))


async def _told(request: Request, who: Who) -> AsyncIterator[dict[str, str]]:
    made, look = services(request), Look(request, who, LOOK_SECONDS)
    shown: dict[str, Any] = {}
    above: dict[str, Any] = {}
    for turn in count():
        if not wanted() or await look.ended():
            return
        rings = await _rings(made, who)
        if turn % ABOVE_TURNS == 0:
            above = await _above(made, who)
        mine = await my_call(made, who)
        if shown.get("incoming") != mine:
            yield {"event": "incoming", "data": _part(request, "news_incoming.html", mine=mine, forms=new_form)}
        if shown.get("ringing") != rings:
            yield {"event": "ringing", "data": _part(request, "news_ringing.html", rings=rings, forms=new_form)}
        assigned = assigned_to(made, who.login)
        if shown.get("assigned", []) != assigned:
            names = await made.staff.names()
            yield {"event": "assigned", "data": _part(request, "news_assigned.html", rows=assigned, names=names)}
        if shown.get("banner") != above:
            yield {"event": "banner", "data": _part(request, "news_banner.html", **above)}
        shown = {"incoming": mine, "ringing": rings, "banner": above, "assigned": assigned}
        await asyncio.sleep(TURN_SECONDS)


async def _rings(made: Services, who: Who) -> list[Ringing]:
    found = await made.line.calls.ringing()
    return [each for each in found if meet(each.area, who.area)]


async def _above(made: Services, who: Who) -> dict[str, Any]:
    """Return the template variables of the banner, which shows holds that stop all contact, so that operators know why
    nothing is sent.
    """
    incidents = await made.line.incidents.in_force(who.area)
    stops = [hold for hold in await area.holds(made, who) if stops_all(hold)]
    return {
        "stops": stops,
        "places": areas.names({hold.area or "" for hold in stops}, local_date(made.line.clock.now())),
        "incidents": incidents,
        "titles": campaign_names(made, who, incidents=incidents),
        "late": await _late(made, who),
        **await _handed(made, who),
    }


async def _handed(made: Services, who: Who) -> dict[str, Any]:
    """Return `handed`, the hand-over that a supervisor should confirm (None for other roles), and `handed_by`, its
    writer's name.
    """
    handed = await waiting(made, who) if who.role is StaffRole.SUPERVISOR else None
    names = await made.staff.names() if handed else {}
    return {"handed": handed, "handed_by": names.get(handed.by, handed.by) if handed else ""}


async def _late(made: Services, who: Who) -> int:
    """Return the number of overdue complaints in a supervisor's area; 0 for other roles."""
    if who.role is not StaffRole.SUPERVISOR:
        return 0
    now = made.line.clock.now()
    return sum(who.sees(each.area) and overdue(each, now) for each in await made.line.complaints.all())


def _part(request: Request, template: str, **context: Any) -> str:  # noqa: ANN401 - what the template needs
    """Return a template's HTML on one line, because it becomes the data of an event."""
    text = bytes(page(request, template, **context).body).decode()
    return " ".join(text.split())

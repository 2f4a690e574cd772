"""The supervisors' overview: a page, and a stream that tells it which of its parts have changed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import Request
from sse_starlette import ServerSentEvent
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import Door
from console.web.kit.events import Events
from console.web.kit.i18n import language_of
from console.web.kit.pages import environment, page
from console.web.kit.services import Services, services
from console.web.live.row import Row
from console.web.overview import area
from domain.statistics.clocks import Whose
from schemas.levels import GRAVEST_FIRST
from schemas.people.staff import StaffRole
from streams.monitoring import overview
from streams.runtime.tasks import wanted

door = Door()
ROLES = frozenset({StaffRole.SUPERVISOR})
PARTS = ("late", "load", "map", "clocks", "people", "stops", "feeds")
EVENTS = "text/event-stream"
AT_MOST_SECONDS, AT_LEAST_SECONDS = 0.5, 5.0  # between two looks: when something happens, and when nothing does


@door.page("/desk", ROLES, name="desk")
async def desk(request: Request, who: Signed) -> Response:
    """The overview of the person's area."""
    made = services(request)
    context = await gathered(made, who)
    return page(
        request,
        "desk.html",
        area=area.area_name(who, context["now"]),
        reading=not made.figures.ready.is_set(),
        **{name: value for name, value in context.items() if name != "now"},
    )


@door.page("/desk/stream", ROLES, name="desk-stream")
async def stream(request: Request, who: Signed) -> Response:
    """The parts that changed, as they change: `{part: html}`. Who opens it as a page is led to the page."""
    if EVENTS not in request.headers.get("accept", ""):
        return RedirectResponse("/desk", 303)
    return Events(_changes(request, who))


async def gathered(made: Services, who: Who) -> dict[str, Any]:
    """What the parts show."""
    now = made.line.clock.now()
    rosters = await overview.rosters(made.line.redis)
    load = area.load(made, who)
    return {
        "now": now,
        "levels": list(GRAVEST_FIRST),
        "load": load,
        "places": area.places(load, who, now),
        "tiles": area.tiles(load, who, now),
        "clocks": area.clocks(made, who, rosters),
        "whoses": list(Whose),
        "duty": await area.duty(made, who, rosters),
        "few": area.STATIONS_OPEN,
        "claims": area.claims(made, who),
        "most": area.CLAIMS_SHOWN,
        "stops": area.stops(made, who),
        "stops_most": area.STOPS_SHOWN,
        "feeds": await area.feeds(made),
        "late": await area.late_complaints(made, who),
    }


async def _changes(request: Request, who: Who) -> AsyncIterator[ServerSentEvent]:
    """Ends with the session, which is used meanwhile: a screen that is watched all night stays signed in."""
    made, language = services(request), language_of(request)
    shown: dict[str, str] = {}
    with made.hub.watching() as screen:
        while wanted() and await made.sessions.of(request) == who:
            context = await gathered(made, who)
            parts = {name: _rendered(language, name, context) for name in PARTS}
            changed = {name: html for name, html in parts.items() if shown.get(name) != html}
            if changed:
                shown |= changed
                yield ServerSentEvent(data=orjson.dumps(changed).decode())
            await _something(screen)


def _rendered(language: str, part: str, context: dict[str, Any]) -> str:
    return environment(language).get_template(f"desk_{part}.html").render(context)


async def _something(screen: "asyncio.Queue[Row | None]") -> None:
    """Wait until a case changes, or for a while; then let what happens together come together."""
    try:
        await asyncio.wait_for(screen.get(), AT_LEAST_SECONDS)
    except TimeoutError:
        return
    await asyncio.sleep(AT_MOST_SECONDS)
    while not screen.empty():
        screen.get_nowait()

"""What every operator's page shows above all else, as it comes: calls that ring, major incidents, late complaints.

One stream a browser: of its open pages one listens and tells the others (static/news.js).
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from sse_starlette.sse import EventSourceResponse
from starlette.responses import JSONResponse, Response

from console.web.auth import sessions
from console.web.door import DESK, Door
from console.web.filled import new_form
from console.web.pages import page
from console.web.services import Services, services
from console.web.who import Signed, Who
from domain.complaints import overdue
from schemas.calls import Ringing
from schemas.staff import StaffRole
from streams.calls import Calls
from streams.retry import wanted

door = Door()
STREAM = "text/event-stream"
TURN_SECONDS = 1.0
PING_SECONDS = 15


@door.page("/news", DESK, name="news")
async def news(request: Request, who: Signed) -> Response:
    """The news as they stand, then whenever they change; ends with the session."""
    if STREAM not in request.headers.get("accept", ""):
        return JSONResponse({"error": "this is a stream of events", "do": f"Ask for {STREAM}"}, 406)
    return EventSourceResponse(_told(request, who), ping=PING_SECONDS)


async def _told(request: Request, who: Who) -> AsyncIterator[dict[str, str]]:
    made = services(request)
    shown: dict[str, Any] = {}
    while wanted() and await _signed_in(made, who):
        rings, incidents, late = (
            await _rings(made, who),
            await made.line.incidents.in_force(who.area),
            await _late(made, who),
        )
        if shown.get("ringing") != rings:
            yield {"event": "ringing", "data": _part(request, "news_ringing.html", rings=rings, forms=new_form)}
        if shown.get("banner") != (incidents, late):
            yield {"event": "banner", "data": _part(request, "news_banner.html", incidents=incidents, late=late)}
        shown = {"ringing": rings, "banner": (incidents, late)}
        await asyncio.sleep(TURN_SECONDS)


async def _rings(made: Services, who: Who) -> list[Ringing]:
    found = await Calls(made.line).ringing()
    return [each for each in found if each.area.startswith(who.area) or who.area.startswith(each.area)]


async def _late(made: Services, who: Who) -> int:
    """How many complaints of a supervisor's area are overdue."""
    if who.role is not StaffRole.SUPERVISOR:
        return 0
    now = made.line.clock.now()
    return sum(who.sees(each.area) and overdue(each, now) for each in await made.line.complaints.all())


async def _signed_in(made: Services, who: Who) -> bool:
    """Whether the session is still there. It is not used by this: a screen that nobody touches ends its session."""
    return bool(await made.line.redis.exists(sessions.KEY + who.session))


def _part(request: Request, template: str, **context: Any) -> str:  # noqa: ANN401 - what the template needs
    """A part of a page, in one line: an event's data."""
    text = bytes(page(request, template, **context).body).decode()
    return " ".join(text.split())

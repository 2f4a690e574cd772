"""The wall display for a large public screen: map, unclaimed red cases, today's money and one case's story, live."""

from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.kit.door import Door
from console.web.kit.events import open_stream
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live.parts import EVENTS, changed_parts
from console.web.overview import area, wall
from console.web.overview.atlas import Chosen, atlas
from console.web.overview.shapes import source
from schemas.people.staff import StaffRole
from streams.monitoring import overview

door = Door()
ROLES = frozenset({StaffRole.DISPLAY, StaffRole.SUPERVISOR})
PARTS = ("figures", "map", "reds", "money", "story")


@door.page("/wall", ROLES, name="wall")
async def display(request: Request, who: Signed) -> Response:
    """Return the page with the wall display of the person's area. It has no links and changes nothing. Errors of Redis
    pass through.
    """
    made = services(request)
    context = await _gathered(made, who, look=False)
    name = area.area_name(who, made.line.clock.now())
    return page(request, "wall.html", area=name, reading=not made.figures.ready.is_set(), **context)


@door.page("/wall/stream", ROLES, name="wall-stream")
async def stream(request: Request, who: Signed) -> Response:
    """Return a stream of changed parts, `{part: html}`; its first event has all parts. A request that does not accept a
    stream is redirected to the wall. 429 (TooManyError) if the account or the process has too many streams. Errors of
    Kafka and Redis end the stream.
    """
    if EVENTS not in request.headers.get("accept", ""):
        return RedirectResponse("/wall", 303)
    made = services(request)
    return open_stream(
        request, who, changed_parts(request, who, "wall", PARTS, lambda: _gathered(made, who, look=True))
    )


async def _gathered(made: Services, who: Who, *, look: bool) -> dict[str, Any]:
    """Return the template variables of all parts. `look`: True reads the story from the journal first, which may take
    seconds.
    """
    rosters = await overview.rosters(made.line.redis)
    return {
        "atlas": atlas(made, who, rosters, Chosen.of(who, "", "")),
        "source": source(),
        "reds": wall.reds(made, who),
        "reds_most": wall.REDS_SHOWN,
        "reds_small": wall.REDS_SMALL,
        "today": wall.today(made, who),
        "story": await wall.saved_story(made, who, look),
    }

"""The supervisors' overview: its page, and a stream of the parts that change."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import csrf
from console.web.auth.who import Signed, Who
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.events import open_stream
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.live.assigning import able, operators
from console.web.live.parts import EVENTS, changed_parts
from console.web.live.row import Row
from console.web.overview import area, wall
from console.web.overview.atlas import Chosen, atlas
from console.web.overview.needs import needs, people
from console.web.overview.shapes import source
from console.web.rosters import rostering
from console.web.tasks.late_visits import late_visits
from domain.access.key_rings import KeyPurpose
from domain.desk.attention import Concern
from domain.desk.load import staffing_of, visits_under_way
from domain.desk.places import Layer
from domain.policy import PolicyError
from domain.policy.duty import Need
from domain.statistics.clocks import ResponsibleParty, by_people, responsible_for
from schemas.levels import GRAVEST_FIRST, Level
from streams.monitoring import overview

door = Door()
PARTS = ("needs", "load", "map", "clocks", "people", "feeds")
Area = Annotated[str, Query(alias="area")]
Ids = Annotated[list[str], Query(default_factory=list)]


@door.page("/desk", SUPERVISORS, name="desk")
async def desk(
    request: Request, who: Signed, told: Ids, missed: Ids, area_code: Area = "", layer: str = ""
) -> Response:
    """Return the page with the overview of the person's area. `area`, `layer`: the part and the figures that its map
    shows; `told`, `missed`: the ids of the cases that were just assigned, and of those that were not, because somebody
    else has them. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    context = await gathered(made, who, Chosen.of(who, area_code, layer))
    return page(
        request,
        "desk.html",
        area=area.area_name(who, context["now"]),
        told=[row for row in _rows(made, who, told) if row.case.assigned],
        missed=_rows(made, who, missed),
        reading=not made.figures.ready.is_set(),
        **{name: value for name, value in context.items() if name not in ("now", "csrf")},
    )


def _rows(made: Services, who: Who, ids: Sequence[str]) -> list[Row]:
    """Return the rows of those open cases that are in the person's area."""
    rows = (made.hub.rows.get(each) for each in ids)
    return [row for row in rows if row is not None and who.sees(row.division)]


@door.page("/desk/stream", SUPERVISORS, name="desk-stream")
async def stream(request: Request, who: Signed, area_code: Area = "", layer: str = "") -> Response:
    """Return a stream of changed parts, `{part: html}`; its first event has all parts. A request that does not accept a
    stream is redirected to the overview. 429 (TooManyError) if the account or the process has too many streams. Errors
    of Kafka and Redis end the stream.
    """
    if EVENTS not in request.headers.get("accept", ""):
        return RedirectResponse("/desk", 303)
    made, chosen = services(request), Chosen.of(who, area_code, layer)
    return open_stream(request, who, changed_parts(request, who, "desk", PARTS, lambda: gathered(made, who, chosen)))


async def gathered(made: Services, who: Who, chosen: Chosen) -> dict[str, Any]:
    """Return the template variables of all parts of the overview, in their present state. Errors of Kafka and Redis
    pass through.
    """
    now = made.line.clock.now()
    rosters = await overview.rosters(made.line.redis)
    feeds = await area.feeds(made)
    signed_in = await operators(made, who)
    clocks = area.clocks(made, who, rosters)
    going = visits_under_way(row.case for row in made.hub.rows.values() if who.sees(row.division))
    late = await late_visits(made, going, now)
    found = await needs(made, who, feeds, late, now)
    unclaimed = [each.case.id for each in found.shown if each.case and each.topic is Concern.UNCLAIMED]
    return {
        "now": now,
        "levels": list(GRAVEST_FIRST),
        "load": area.load(made, who),
        "atlas": atlas(made, who, rosters, chosen),
        "layers": list(Layer),
        "source": source(),
        "clocks": clocks,
        "reds_ended": by_people(clocks.levels[Level.RED]),
        "whoses": list(ResponsibleParty),
        "duty": area.duty(made, who, rosters, await _staffing_rules(made), late.values()),
        "late_visits": late,
        "claims": area.claims(made, who),
        "most": area.CLAIMS_SHOWN,
        "feeds": feeds,
        "needs": found,
        "in_queue": made.queue.places(unclaimed, who.sees),
        "names": await people(made, rosters),
        "operators": signed_in,
        "able": partial(able, signed_in),
        "waits_since": min((each.since for each in wall.reds(made, who)), default=None),
        "expiring": made.queue.expiring(who.area),
        "staffing": staffing_of(each.cases for each in signed_in),
        "me": who.login,
        "responsible_for": responsible_for,
        "csrf": csrf.token(made.keys(KeyPurpose.SESSION), who),
    }


async def _staffing_rules(made: Services) -> Sequence[Need]:
    """Return how many people the policy in force wants on duty; nothing if it says nothing of it or cannot be read."""
    try:
        asked = await rostering.duty(made)
    except PolicyError:
        return ()
    return asked.needs if asked else ()

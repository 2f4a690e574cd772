"""Routes for alarms about officers' safety: the list, a stream of changes, and acknowledging an alarm.

A page shows the alarms by `{% include "alarms.html" %}` alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, OtherAreaError, Signed, Who
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.events import Look, open_stream
from console.web.kit.filled import wants_json
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from domain.calendar import local_date
from domain.identity.divisions import name_of
from domain.identity.free_text import masked_text
from domain.visits.check_in import concerns, shown_and_folded
from schemas.base import legible
from schemas.people.alarms import Alarm
from streams.runtime.tasks import wanted

door = Door()
LOOK_SECONDS = 0.5  # of the wall clock: the greatest delay of an alarm on a screen
SESSION_SECONDS = 10.0  # between checks of the session
LATEST = 20  # acknowledged alarms shown
MOST_NOTE = 500  # characters


@door.page("/alarms", DESK, name="alarms")
async def alarms(request: Request, who: Signed, part: str = "") -> Response:
    """Return the area's open alarms and the LATEST (20) acknowledged ones, as a page; as JSON if the request does not
    accept HTML.

    `part=list`: only the list of open alarms, as an HTML fragment with some folded; `part=all`: the same, none folded.
    Errors of Redis pass through.
    """
    made = services(request)
    open_ones, taken = await _open(made, who), await _taken(made, who)
    if "text/html" not in request.headers.get("accept", ""):
        both = {"open": open_ones, "acknowledged": taken}
        return JSONResponse({name: [_json(each) for each in found] for name, found in both.items()})
    place_of = _places(made.line.clock.now())
    if part in ("list", "all"):
        shown, folded = shown_and_folded(open_ones) if part == "list" else (open_ones, [])
        return page(request, "alarms_list.html", alarms=shown, folded=folded, place_of=place_of)
    return page(request, "alarms_page.html", taken=taken, place_of=place_of)


@door.page("/alarms/events", DESK, name="alarms-events")
async def events(request: Request, who: Signed) -> Response:
    """Return a stream of server-sent events: `alarms` at first and after each change of any alarm, also of another
    area's. The event has no details: the page loads the list again.

    The stream ends, after an event `signed-out`, when the session has ended or its account or area has changed; it does
    not extend the session. Errors of Redis end it too. 429 (TooManyError) if the account or the process has too many
    streams.
    """
    return open_stream(request, who, _changes(request, who))


@door.act("/alarms/{alarm}/acknowledge", SUPERVISORS, name="alarms-acknowledge")
async def acknowledge(request: Request, who: Signed, alarm: str) -> Response:
    """Record that the person looks after the officer; if another person does already, that record stays. The audit
    entry comes first. Redirects to the page of alarms; a request for JSON gets the alarm.

    Raises NotFoundError for an unknown alarm or an alarm of another area. TimeoutError and SendError of Kafka, and
    errors of Redis, pass through.
    """
    made = services(request)
    known = await made.line.alarms.get(alarm)
    if known is None:
        raise NotFoundError
    if not concerns(who.area, known):
        raise OtherAreaError
    note = legible(str((await request.form()).get("note", "")))[:MOST_NOTE]
    on, now = known.case or known.officer, made.line.clock.now()
    told = partial(trail.write, made, who, "alarm-acknowledged", on, detail=known.id)
    changed = await made.line.alarms.acknowledge(known.id, who.name, note, now, told)
    if wants_json(request):
        return JSONResponse(_json(changed or known))
    return RedirectResponse("/alarms", 303)


def _json(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as JSON values. Telephone and account numbers in its note are masked."""
    return alarm.model_dump(mode="json") | {"note": masked_text(alarm.note)}


async def _open(made: Services, who: Who) -> list[Alarm]:
    return [alarm for alarm in await made.line.alarms.unacknowledged() if concerns(who.area, alarm)]


async def _taken(made: Services, who: Who) -> list[Alarm]:
    return [alarm for alarm in await made.line.alarms.acknowledged() if concerns(who.area, alarm)][:LATEST]


async def _changes(request: Request, who: Who) -> AsyncIterator[dict[str, str]]:
    made, shown, look = services(request), None, Look(request, who, SESSION_SECONDS)
    while wanted():
        if await look.ended():
            yield {"event": "signed-out", "data": ""}
            return
        mark = await made.line.alarms.mark()
        if mark != shown:
            shown = mark
            yield {"event": "alarms", "data": str(mark)}
        await asyncio.sleep(LOOK_SECONDS)


def _places(now: datetime) -> Callable[[Alarm], str]:
    """Return a function that returns an alarm's place in Chinese, "" if the place is unknown."""

    def place(alarm: Alarm) -> str:
        code = alarm.place or alarm.area
        return name_of(code, local_date(now)) if code else ""

    return place

"""The queue page's event stream: changed rows, removed rows and the counts by level."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from fastapi import Request

from console.web.auth.who import Who
from console.web.kit.events import Look
from console.web.kit.i18n import place, translations
from console.web.kit.services import Services, services
from console.web.live.filters import Filters
from console.web.live.row import Row, latest
from domain.calendar import local_date
from schemas.levels import Level
from streams.runtime.tasks import wanted
from streams.state.keys import milliseconds

GATHER_SECONDS = 0.05  # changes within this time are sent together
LOOK_SECONDS = 10.0  # between checks of the session
RETRY_MS = 1000  # before a browser reconnects

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listener:
    """The reader of a stream, with their language and filters."""

    who: Who
    language: str
    filters: Filters


async def changes(request: Request, listener: Listener, mark: str, loaded: datetime | None) -> AsyncIterator[Told]:
    """Yield server-sent events as dictionaries: first one with the changes since the mark, then one for each batch of
    new changes of the reader's area: its rows and the counts by level. If the page must load again, yields `reload` and
    ends: if changes were missed, or if the day is another than when the page loaded its rows (`loaded`, aware; None: it
    loads them now), because they show times of that day without it.

    Ends with the session, after an event `signed-out`. The stream does not extend the session. Errors of Redis pass
    through.
    """
    made = services(request)
    day = local_date(loaded or made.line.clock.now())
    with made.hub.watching() as screen:
        missed = made.hub.since(mark)
        if missed is None or local_date(made.line.clock.now()) != day:
            yield {"event": "reload", "data": "{}", "retry": RETRY_MS}
            return
        yield _event(made, listener, missed) | {"retry": RETRY_MS}
        look = Look(request, listener.who, LOOK_SECONDS)
        while wanted():
            rows = await _next(screen)
            if rows is None or local_date(made.line.clock.now()) != day:
                yield {"event": "reload", "data": "{}"}
                return
            if rows:
                yield _event(made, listener, rows)
            if await look.ended():
                yield {"event": "signed-out", "data": "{}"}
                return


async def _next(screen: "asyncio.Queue[Row | None]") -> list[Row] | None:
    """Return the next changed rows; [] after LOOK_SECONDS without a change, None if changes were missed."""
    try:
        rows = [await asyncio.wait_for(screen.get(), LOOK_SECONDS)]
    except TimeoutError:
        return []
    await asyncio.sleep(GATHER_SECONDS)
    while not screen.empty():
        rows.append(screen.get_nowait())
    known = [row for row in rows if row is not None]
    return latest(known) if len(known) == len(rows) else None


def _event(made: Services, listener: Listener, rows: list[Row]) -> Told:
    """Return one event: the changed rows, the number of cases by level, and the mark as its id."""
    who = listener.who
    mine = [row for row in rows if who.sees(row.division) or (row.was and who.sees(row.was))]
    levels = made.queue.levels(who.area)
    body = {
        "now": milliseconds(made.line.clock.now()),
        "rows": [_row(made, listener, row) for row in mine],
        "levels": {level.value: levels[level] for level in Level},
        "expiring": made.queue.expiring(who.area),
        "soonest": made.queue.soonest(who.area, listener.language),
    }
    seq = max((row.seq for row in rows), default=made.hub.seq)
    return {"id": made.hub.mark_of(seq), "data": orjson.dumps(body).decode()}


def _row(made: Services, listener: Listener, row: Row) -> Told:
    """Return the data of one changed row. `html`: None if the row has left the reader's list; `rings`: the alarm's
    words, or None.
    """
    seen = listener.who.sees(row.division)
    shown = row.case.open and listener.filters.fits(row, listener.who, made.line.clock.now())
    return {
        "id": row.id,
        "html": made.queue.html(row, listener.language) if shown else None,
        "rings": _rings(made, listener, row) if row.rings and seen else None,
    }


def _rings(made: Services, listener: Listener, row: Row) -> str:
    where = place(made.queue.place(row), translations(listener.language).gettext)
    return f"{where} · {made.queue.scam(row, listener.language)}"

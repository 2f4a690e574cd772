"""What a queue on a screen is told, as it comes: rows that changed, rows that left, how many are in danger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request

from console.web.auth.who import Who
from console.web.kit.events import Look
from console.web.kit.i18n import place, translations
from console.web.kit.services import Services, services
from console.web.live.filters import Filters
from console.web.live.row import Row, latest
from schemas.levels import Level
from streams.runtime.tasks import wanted
from streams.state.keys import milliseconds

GATHER_SECONDS = 0.05  # what changes together is told together
LOOK_SECONDS = 10.0  # between two looks at whether the person is still signed in
RETRY_MS = 1000  # before a browser opens a stream again that was cut

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, in which language, to what."""

    who: Who
    language: str
    filters: Filters


async def changes(request: Request, listener: Listener, mark: str) -> AsyncIterator[Told]:
    """All that changed since the mark, and then what changes; `reload` where that can no longer be told.

    Ends with the session. While it is open the session is used: a screen that is watched all night stays signed in.
    """
    made = services(request)
    with made.hub.watching() as screen:
        missed = made.hub.since(mark)
        if missed is None:
            yield {"event": "reload", "data": "{}", "retry": RETRY_MS}
            return
        yield _event(made, listener, missed) | {"retry": RETRY_MS}
        look = Look(request, listener.who, LOOK_SECONDS)
        while wanted():
            rows = await _next(screen)
            if rows is None:
                yield {"event": "reload", "data": "{}"}
                return
            if rows:
                yield _event(made, listener, rows)
            if await look.ended():
                yield {"event": "signed-out", "data": "{}"}
                return


async def _next(screen: "asyncio.Queue[Row | None]") -> list[Row] | None:
    """What came next; empty when nothing did for a while; None when too much did."""
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
    """One event: the changes, each told once, and the mark to go on from."""
    who = listener.who
    mine = [row for row in rows if who.sees(row.division) or (row.was and who.sees(row.was))]
    levels = made.queue.levels(who.area)
    body = {
        "now": milliseconds(made.line.clock.now()),
        "rows": [_row(made, listener, row) for row in mine],
        "levels": {level.value: levels[level] for level in Level},
    }
    seq = max((row.seq for row in rows), default=made.hub.seq)
    return {"id": made.hub.mark_of(seq), "data": orjson.dumps(body).decode()}


def _row(made: Services, listener: Listener, row: Row) -> Told:
    """`html`: none, if the row is not (or no longer) among those that the person wants to see. `rings`: in words."""
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

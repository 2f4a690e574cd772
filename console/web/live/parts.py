"""Live pages: their parts are rendered on the server, and sent again when they change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import orjson
from fastapi import Request
from sse_starlette import ServerSentEvent

from console.web.auth.who import Who
from console.web.kit.i18n import language_of
from console.web.kit.pages import environment
from console.web.kit.services import services
from console.web.live.row import Row
from streams.runtime.tasks import wanted

EVENTS = "text/event-stream"
AT_MOST_SECONDS, AT_LEAST_SECONDS = 0.5, 5.0  # between renderings: with changes, and without

Gather = Callable[[], Awaitable[dict[str, Any]]]
"""Returns the template variables of the parts, as they are now."""


async def changed_parts(
    request: Request, who: Who, page: str, parts: Sequence[str], gather: Gather
) -> AsyncIterator[ServerSentEvent]:
    """Yield server-sent events, each with a JSON object {part: HTML} of the changed parts; the first one has all. The
    template of part `map` on page `desk` is `desk_map.html`.

    `gather`: returns the template variables. Ends with the session, which the stream does not extend. The exceptions of
    `gather` and errors of Redis pass through.
    """
    made, language = services(request), language_of(request)
    shown: dict[str, str] = {}
    with made.hub.watching() as screen:
        while wanted() and await made.sessions.of(request) == who:
            context = {"bank_name": made.bank_name, **await gather()}
            rendered = {name: rendered_part(language, f"{page}_{name}.html", context) for name in parts}
            changed = {name: html for name, html in rendered.items() if shown.get(name) != html}
            if changed:
                shown |= changed
                yield ServerSentEvent(data=orjson.dumps(changed).decode())
            await _something(screen)


def rendered_part(language: str, template: str, context: dict[str, Any]) -> str:
    """Return a part as HTML in a language. `bank_name` in its context names banks, as on the page itself. Raises
    jinja2.UndefinedError if `context` lacks a value that the template uses.
    """
    return environment(language).get_template(template).render(context)


async def _something(screen: "asyncio.Queue[Row | None]") -> None:
    """Wait until a case changes or AT_LEAST_SECONDS have passed; after a change, collect further changes for
    AT_MOST_SECONDS.
    """
    try:
        await asyncio.wait_for(screen.get(), AT_LEAST_SECONDS)
    except TimeoutError:
        return
    await asyncio.sleep(AT_MOST_SECONDS)
    while not screen.empty():
        screen.get_nowait()

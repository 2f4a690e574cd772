"""Server-sent events of the console: a stream that stays open for as long as its page, and ends when the console stops.

Who serves the console is a part of a loop (streams/runtime/serving), so the signals by which sse-starlette learns of a
stop are not there: streams that stood open were cut by uvicorn after its time, each with a traceback.
"""

import asyncio
import time
from functools import partial

from fastapi import Request
from sse_starlette import EventSourceResponse
from sse_starlette.sse import ContentStream
from starlette.types import Message, Receive, Scope, Send

from console.web.auth.who import Who
from console.web.kit.services import services

PING_SECONDS = 15


class Look:
    """Whether a stream's person is still signed in, and as when it began: looked at each so many seconds, no oftener.

    Each look uses the session, so that a screen that is watched all night stays signed in.
    """

    def __init__(self, request: Request, who: Who, seconds: float) -> None:
        self._request, self._who, self._seconds = request, who, seconds
        self._looked = time.monotonic()

    async def ended(self) -> bool:
        if time.monotonic() - self._looked < self._seconds:
            return False
        self._looked = time.monotonic()
        return await services(self._request).sessions.of(self._request) != self._who


class Events(EventSourceResponse):
    """Events as `content` yields them. The application's `state.stopping` ends it, as a browser that leaves does."""

    def __init__(self, content: ContentStream) -> None:
        super().__init__(content, ping=PING_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until there is nothing more, the browser has left or the console stops; then end it properly."""
        stopping: asyncio.Event = scope["app"].state.stopping
        last: Message = {}

        async def noting(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        await super().__call__(scope, partial(_told, receive, stopping), noting)
        if stopping.is_set() and last and last.get("more_body", True):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _told(receive: Receive, stopping: asyncio.Event) -> Message:
    """What the browser's side tells next; that it has left, when the console stops."""
    hears, stops = asyncio.ensure_future(receive()), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((hears, stops), return_when=asyncio.FIRST_COMPLETED)
        return hears.result() if hears.done() else {"type": "http.disconnect"}
    finally:
        hears.cancel()
        stops.cancel()

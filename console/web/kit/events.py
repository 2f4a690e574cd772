"""Server-sent events: a stream that lasts as long as its page and ends when the console stops.

The console is served inside a loop (streams/runtime/serving), without the signals by which sse-starlette notices a
stop; without this module uvicorn would cut open streams after its timeout, each with a traceback.
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
    """Checks whether a stream's session still belongs to the same unchanged account, at most once every `seconds`.

    Each check uses the session, so a screen that is watched all night stays signed in.
    """

    def __init__(self, request: Request, who: Who, seconds: float) -> None:
        self._request, self._who, self._seconds = request, who, seconds
        self._looked = time.monotonic()

    async def ended(self) -> bool:
        """Return whether the session has ended or changed; False without a check if the last one is recent."""
        if time.monotonic() - self._looked < self._seconds:
            return False
        self._looked = time.monotonic()
        return await services(self._request).sessions.of(self._request) != self._who


class Events(EventSourceResponse):
    """A response that streams the events of `content` until it ends, the browser leaves or `state.stopping` is set."""

    def __init__(self, content: ContentStream) -> None:
        super().__init__(content, ping=PING_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the events, and complete the response if the console stops."""
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
    """Return the browser's next message, or a disconnect message when the console stops."""
    hears, stops = asyncio.ensure_future(receive()), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((hears, stops), return_when=asyncio.FIRST_COMPLETED)
        return hears.result() if hears.done() else {"type": "http.disconnect"}
    finally:
        hears.cancel()
        stops.cancel()

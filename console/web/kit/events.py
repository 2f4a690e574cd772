"""Server-sent events: a stream that lasts as long as its page and ends when the console stops.

The console is served inside a loop (streams/runtime/serving) without the signals by which sse-starlette notices a stop.
Without this module, uvicorn would cut open streams after its timeout, each with a traceback.
"""

import asyncio
import time
from collections import Counter
from functools import partial

from fastapi import Request
from sse_starlette import EventSourceResponse
from sse_starlette.sse import ContentStream
from starlette.types import Message, Receive, Scope, Send

from console.web.auth.who import Who
from console.web.kit.errors import TooManyError
from console.web.kit.services import services

PING_SECONDS = 15
FULL_SECONDS = 30  # Retry-After to a stream above the limit


class Look:
    """Checks whether the session of an open stream has ended, or its account has changed, at most once every `seconds`
    of wall-clock time. A check does not restart the session's idle time, so the session of a page that is merely open
    ends in time.
    """

    def __init__(self, request: Request, who: Who, seconds: float) -> None:
        self._request, self._who, self._seconds = request, who, seconds
        self._looked = time.monotonic()

    async def ended(self) -> bool:
        """Return True if the session has ended, or its account or area has changed. Returns False without a check if
        the last check was less than `seconds` (wall clock) ago. Errors of Redis pass through.
        """
        if time.monotonic() - self._looked < self._seconds:
            return False
        self._looked = time.monotonic()
        return await services(self._request).sessions.of(self._request) != self._who


class Places:
    """Counts the open streams of one process, by account. Each account has a limit, so that no account
    uses all places.
    """

    def __init__(self, account: int, total: int) -> None:
        self._account, self._total = account, total
        self._taken: Counter[str] = Counter()

    def take(self, login: str) -> None:
        """Count a stream of the account `login` that opens. Raises TooManyError if the account or the process has
        reached its limit.
        """
        if self._taken[login] >= self._account or self._taken.total() >= self._total:
            raise TooManyError(FULL_SECONDS)
        self._taken[login] += 1

    def free(self, login: str) -> None:
        """Remove a stream of the account `login` from the count, once it has ended."""
        self._taken[login] -= 1
        if not self._taken[login]:
            del self._taken[login]


class Events(EventSourceResponse):
    """A response that streams the events of `content` until `content` ends, the browser leaves or `state.stopping` is
    set.
    """

    def __init__(self, content: ContentStream, login: str, places: Places) -> None:
        """Take a place for the stream. Raises TooManyError if `places` has none left for the account."""
        places.take(login)
        self._login, self._places = login, places
        super().__init__(content, ping=PING_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the events, and complete the response if the console stops. The place is freed at the end."""
        try:
            await self._stream(scope, receive, send)
        finally:
            self._places.free(self._login)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        stopping: asyncio.Event = scope["app"].state.stopping
        last: Message = {}

        async def noting(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        await super().__call__(scope, partial(_told, receive, stopping), noting)
        if stopping.is_set() and last and last.get("more_body", True):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def open_stream(request: Request, who: Who, content: ContentStream, *, journal: bool = False) -> Events:
    """Return the response that streams `content`. `journal`: the stream reads the journal itself, for which there are
    fewer places.

    Raises TooManyError (429) if the account or the process has too many streams (settings streams… and journal…).
    """
    made = services(request)
    return Events(content, who.login, made.journal_streams if journal else made.streams)


async def _told(receive: Receive, stopping: asyncio.Event) -> Message:
    """Return the browser's next message, or a disconnect message when the console stops."""
    hears, stops = asyncio.ensure_future(receive()), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((hears, stops), return_when=asyncio.FIRST_COMPLETED)
        return hears.result() if hears.done() else {"type": "http.disconnect"}
    finally:
        hears.cancel()
        stops.cancel()

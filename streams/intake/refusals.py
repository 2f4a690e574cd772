"""Logs requests that intake refused for their key, signature, certificate or rights, so that guessing is noticed.

However many there are, the log gets a line for the first one and then one for each SECONDS.
"""

import asyncio
import logging
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SECONDS = 10.0
MOST_PATHS = 20  # that one line names: an address may have an id in it
LONGEST = 64  # characters of a path


class RefusedSenders:
    """ASGI middleware that counts answers 401 and 403 by path. It logs the counts with the address of the latest
    client: at once for the first one, then at most every 10 s.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._counts, self._latest = Counter[str](), ""
        self._next: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (401, 403):
                self._note(scope, message["status"])
            await send(message)

        await self._app(scope, receive, noting if scope["type"] == "http" else send)

    def _note(self, scope: Scope, status: int) -> None:
        name = f"{status} {scope['path'][:LONGEST]}"
        self._counts[name if name in self._counts or len(self._counts) < MOST_PATHS else "others"] += 1
        self._latest = scope["client"][0] if scope.get("client") else "an unknown address"
        if self._next is None:
            self._tell()

    def _tell(self) -> None:
        """Log what was counted, and look again after SECONDS. If nothing was, the next refusal is logged at once."""
        self._next = None
        if not self._counts:
            return
        told = ", ".join(f"{name}: {count}" for name, count in self._counts.most_common())
        log.warning("refused senders (%s); the latest from %s", told, self._latest)
        self._counts.clear()
        self._next = asyncio.get_running_loop().call_later(SECONDS, self._tell)

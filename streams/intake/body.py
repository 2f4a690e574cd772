"""Checks of a request with signals: its media type, and the time that its connection may take."""

import asyncio

import h11
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.runtime.serving import Refused
from streams.runtime.tls import names

JSON, LINES, XML = "application/json", "application/x-ndjson", "application/xml"


def media_type(request: Request) -> str:
    """Return the request's media type: application/json, application/x-ndjson or application/xml (ISO 20022).

    Raises Refused (415) for any other type, or for a charset other than UTF-8.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() not in (JSON, LINES, XML):
        raise Refused(415, "the content type is not one of signals", f"Send Content-Type: {JSON}, {LINES} or {XML}")
    if charset not in ("", "utf-8", "utf8"):
        raise Refused(415, "the charset is not UTF-8", "Send UTF-8")
    return kind.strip().lower()


PEER = "peer"  # key in a request's state: the names in the client's certificate
HEAD_SECONDS = 10.0  # to send a request's head, or the rest of a body whose request was answered


class Impatient(H11Protocol):
    """An HTTP protocol that closes a connection after 10 s without a served request, even if the client sends bytes.

    uvicorn's own timeout restarts with each byte. A body being read has other limits: `read_body` in intake, and
    `Bodies` in the console (console/web/kit/limits.py), which uses this protocol too.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # Set for this connection only: uvicorn gives each request a copy of it as its state.
        self.app_state = {**self.app_state, PEER: names(transport.get_extra_info("peercert"))}
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def _look(self) -> None:
        if self._serving():
            self._stop()
        elif self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _give_up(self) -> None:
        self._patience = None
        idle = (
            self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is not None
        )  # kept alive, sends nothing
        if not self._serving() and not idle:
            self.transport.close()

    def _stop(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

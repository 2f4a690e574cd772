"""Connections that are given a time: a thousand that send a byte now and then would be all that intake takes."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from streams.runtime.https import names

PEER = "peer"  # in a request's state: the names in the client's certificate
HEAD_SECONDS = 10.0  # for a request's head, and for the rest of a body that was answered already


class Impatient(H11Protocol):
    """Ends a connection on which nothing is being served, though it sends. uvicorn's own clock starts anew with each
    byte; how long a body may take that is being read is its reader's affair."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # Of this connection only: uvicorn hands a copy of it to each request as its state.
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

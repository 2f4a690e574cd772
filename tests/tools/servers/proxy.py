"""A network that can fail: a TCP proxy on loopback whose connections are cut, stalled and healed."""

import asyncio
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, Self, TypeVar, cast

CHUNK = 65_536
WORKERS = "127.0.0.1"  # where connections come from unless they are bound elsewhere in 127.0.0.0/8
ONE_WORKER = "127.0.1."  # and where those of single workers do that are told apart: what strikes WORKERS strikes them
Result = TypeVar("Result")


class State(StrEnum):
    WHOLE = "whole"
    CUT = "cut"
    STALLED = "stalled"
    NO_REQUEST = "no request"  # one way: nothing reaches the server, what it sends arrives
    NO_ANSWER = "no answer"  # one way: the server gets all, nothing of it arrives


STOPS = {
    "there": {State.STALLED, State.NO_REQUEST},
    "back": {State.STALLED, State.NO_ANSWER},
}
"""By a pump's way: the states in which it passes nothing."""


class Proxy:
    """Passes bytes between `port` and the server's port, on loopback, in a thread of its own.

    What is cut or stalled may be told by the address that connections come from: loopback has many (127.0.0.2, ...).
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._states: dict[str, State] = {}
        self._links: dict[asyncio.Task[Any], str] = {}
        self._loop = asyncio.new_event_loop()
        self._healed = asyncio.Condition()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy to {target}", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def cut(self, source: str = WORKERS) -> None:
        """Reset the connections from there, and each new one as soon as it is made."""
        self._run(self._become(State.CUT, source))

    def stall(self, source: str = WORKERS) -> None:
        """Pass nothing more from or to there: connections stay, new ones are made, no byte arrives until `heal`."""
        self._run(self._become(State.STALLED, source))

    def stall_one_way(self, source: str, state: State) -> None:
        """Pass nothing more in one way: connections stay, and the other way goes on."""
        self._run(self._become(state, source))

    def heal(self, *sources: str) -> None:
        """Pass everything again, or what comes from these, and first what waited."""
        self._run(self._become(State.WHOLE, *(sources or self._states)))

    def close(self) -> None:
        """End all connections, and free the port."""
        if self._thread.is_alive():
            self._run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    async def _become(self, state: State, *sources: str) -> None:
        for source in sources:
            self._states[source] = state
            if state is State.CUT:
                await self._drop({link for link, of in self._links.items() if self._state(of) is State.CUT})
        async with self._healed:
            self._healed.notify_all()

    def _state(self, source: str) -> State:
        """What connections from there meet: their own state, else that of all workers where they are a worker's."""
        own = self._states.get(source, State.WHOLE)
        if own is State.WHOLE and source.startswith(ONE_WORKER):
            return self._states.get(WORKERS, State.WHOLE)
        return own

    async def _close(self) -> None:
        self._server.close()
        await self._drop(set(self._links))

    async def _drop(self, links: set[asyncio.Task[Any]]) -> None:
        for link in links:
            link.cancel()
        if links:
            await asyncio.wait(links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link, source = cast("asyncio.Task[Any]", asyncio.current_task()), writer.get_extra_info("peername")[0]
        self._links[link] = source
        with suppress(asyncio.CancelledError):  # it was cut
            await self._link(source, reader, writer)
        self._links.pop(link)

    async def _link(self, source: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: closed when both sides have said all, else both see a reset."""
        ends, said_all = [writer], False
        try:
            if self._state(source) is State.CUT:
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(back)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(source, "there", reader, back))
                both.create_task(self._pump(source, "back", there, writer))
            said_all = True
        except* OSError:
            pass  # the server is not there, or somebody hung up: so does the other side now
        finally:
            for end in ends:
                end.close() if said_all else _reset(end)

    async def _pump(self, source: str, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            async with self._healed:
                await self._healed.wait_for(lambda: self._state(source) not in STOPS[way])
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

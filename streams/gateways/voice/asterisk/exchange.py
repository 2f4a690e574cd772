"""The connection to Asterisk: its events, and the channels of the calls under way.

The WebSocket may be cut at any time, and Asterisk keeps no events. So each time it is connected again, Asterisk is
asked about each call under way. Channels of this application that no call knows are hung up: the process that began
them has died, and nobody would talk to the person who answers.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import aiohttp

from streams.gateways.log_limit import LogLimit
from streams.gateways.voice.asterisk.channel import CallChannel, is_own_channel
from streams.gateways.voice.asterisk.commands import AriCommands, AriUnansweredError, HungUp
from streams.gateways.voice.asterisk.events import (
    MOST_BYTES,
    ApplicationReplaced,
    AriEventError,
    StasisStart,
    event_of,
)
from streams.gateways.voice.asterisk.table import AsteriskTable
from streams.runtime.tasks import cancelled, set_within, wanted

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # between two attempts to connect
REPLACED_SECONDS = 10.0  # after another program has taken the application
HEARTBEAT_SECONDS = 10.0  # without an answer to a ping for half as long, the WebSocket counts as cut
CHECK_SECONDS = 15.0  # between two questions about each call, for events that were lost unnoticed
LATE_EVENT_SECONDS = 2.0  # for the report about a channel that is gone
HANG_UP_TRIES = 3


class AsteriskExchange:
    """Asterisk, with the calls that this gateway has under way there. Await `open` before use, `close` after it."""

    def __init__(self, table: AsteriskTable, commands: AriCommands) -> None:
        self.table, self.commands = table, commands
        self._channels: dict[str, CallChannel] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._hanging_up: set[asyncio.Task[HungUp]] = set()
        self._up, self._said = False, ""
        self._limit = LogLimit()

    @property
    def up(self) -> bool:
        """True if calls can be placed: events arrive, and Asterisk has answered about the calls under way."""
        return self._up

    async def open(self) -> None:
        """Start the background tasks that connect to Asterisk and ask about calls. Returns at once; `up` shows when
        calls can be placed.
        """
        self._tasks = [asyncio.create_task(self._attend_on()), asyncio.create_task(self._check_on())]

    async def close(self) -> None:
        """Stop the background tasks and disconnect. This hangs up no call under way: end the calls before."""
        await cancelled([*self._tasks, *self._hanging_up])
        self._up = False

    @contextmanager
    def channel(self, id: str, keys: Collection[str]) -> Iterator[CallChannel]:  # noqa: A002
        """Context manager: receive the events of the channel with this id during the block, also before it exists.
        Yields the CallChannel that notes them. `keys`: those that the call's message offers.
        """
        self._channels[id] = found = CallChannel(id, keys)
        try:
            yield found
        finally:
            del self._channels[id]

    async def hang_up(self, id: str) -> HungUp:  # noqa: A002
        """Hang up a channel, in up to three attempts at intervals of 1 s. Returns DONE, GONE if there is no such
        channel any more, or UNKNOWN if Asterisk never answers: it then ends the call by itself after the longest time
        that was given with the call.
        """
        answer = HungUp.UNKNOWN
        for time_ in range(HANG_UP_TRIES):
            if time_:
                await asyncio.sleep(RETRY_SECONDS)
            if (answer := await self.commands.hang_up(id)) is not HungUp.UNKNOWN:
                return answer
        log.error("Asterisk does not answer the command to hang up. It ends the call itself when its time is over")
        return answer

    async def ask(self, channel: CallChannel) -> None:
        """Ask Asterisk about a call, and note the answer in `channel`. If the channel is gone, wait up to 2 s for the
        report about its end first. Raises AriUnansweredError if no usable answer comes within 10 s.
        """
        found = await self.commands.channel(channel.id)
        if found is None and not channel.ended.is_set():
            await set_within(channel.ended, LATE_EVENT_SECONDS)
        if found is not None or not channel.ended.is_set():
            channel.note_state(found)

    async def _attend_on(self) -> None:
        """Keep the WebSocket connected."""
        while wanted():
            pause = RETRY_SECONDS
            try:
                pause = await self._attend()
                self._tell("the connection for events has ended")
            except aiohttp.WSServerHandshakeError as error:
                self._tell(f"status {error.status} instead of events: check url, username and password_file")
            except (aiohttp.ClientError, TimeoutError, OSError, AriUnansweredError) as error:
                self._tell(f"it cannot be reached ({type(error).__name__})")
            finally:
                self._up = False
            await asyncio.sleep(pause)

    def _tell(self, words: str) -> None:
        """Log why Asterisk cannot be used, once until it can be used again."""
        if words != self._said:
            log.warning("no events of Asterisk: %s. It is tried again", words)
        self._said = words

    async def _attend(self) -> float:
        """Connect, and take events until the connection ends. Return the pause before the next attempt, in seconds."""
        url = f"{self.table.root}/events"
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with self.commands.session.ws_connect(
            url,
            params={"app": self.table.app, "subscribeAll": "false"},
            heartbeat=HEARTBEAT_SECONDS,
            max_msg_size=MOST_BYTES,
            timeout=timeout,
        ) as socket:
            resuming = asyncio.create_task(self._resume(socket))
            try:
                return await self._take_all(socket)
            finally:
                self._up = False
                await cancelled([resuming])

    async def _take_all(self, socket: aiohttp.ClientWebSocketResponse) -> float:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                event = event_of(message.data)
            except AriEventError as error:
                self._warn(f"an event of Asterisk is ignored: {error}")
                continue
            if isinstance(event, ApplicationReplaced):
                self._warn(
                    f"another program uses the application {self.table.app!r}: calls are lost. Give it another app"
                )
                return REPLACED_SECONDS
            if event is None:
                continue
            if (channel := self._channels.get(event.channel_id)) is not None:
                channel.take(event)
            elif isinstance(event, StasisStart) and is_own_channel(self.table.app, event.channel_id):
                self._hang_up_unknown(event.channel_id)
        return RETRY_SECONDS

    def _warn(self, words: str) -> None:
        if (left_out := self._limit.due("event", time.monotonic())) is not None:
            log.error("%s (%d more before)", words, left_out)

    async def _resume(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Ask about what happened while no events came, then allow calls. Closes the connection if that fails."""
        try:
            for id_ in await self.commands.channels():
                if id_ not in self._channels and is_own_channel(self.table.app, id_):
                    self._hang_up_unknown(id_)
            begun = [each for each in self._channels.values() if each.has_begun]
            await asyncio.gather(*(self.ask(channel) for channel in begun))
            for channel in begun:
                channel.missed.set()
        except AriUnansweredError as error:
            self._tell(str(error))
            await socket.close()
            return
        self._up, self._said = True, ""
        log.info("Asterisk is connected")

    def _hang_up_unknown(self, channel: str) -> None:
        log.warning("a call of a former process is hung up: nobody would talk to the called person")
        task = asyncio.create_task(self.hang_up(channel))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)

    async def _check_on(self) -> None:
        while wanted():
            await asyncio.sleep(CHECK_SECONDS)
            for channel in [each for each in self._channels.values() if each.has_begun]:
                if self._up:
                    with contextlib.suppress(AriUnansweredError):
                        await self.ask(channel)

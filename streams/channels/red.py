"""Red's own way to the channels: a topic and slots of its own, past all that waits for a slow provider.

The other channels' agents wait for the slowest of a batch. Here each dispatch begins as soon as there is room, so
that a visit at a station that does not answer holds no flash SMS; commits never pass what is not acked (transport.py).
"""

import asyncio
from collections.abc import Mapping

from faust.types import EventT, StreamT

from schemas.levels import Channel as Name
from streams import tracing
from streams.app import ack, records
from streams.channels.channel import BATCH, Channel, read
from streams.dead_letters import DeadLetters

UNDER_WAY = 2 * BATCH  # dispatches in memory at once; each waits for one of its channel's slots for red


class Red:
    """Gives red's dispatches to the channels of this process."""

    def __init__(self, carriers: Mapping[Name, Channel], dead_letters: DeadLetters) -> None:
        self._carriers, self._dead_letters = carriers, dead_letters
        self._room = asyncio.Semaphore(UNDER_WAY)

    async def run(self, stream: StreamT[bytes]) -> None:
        """The body of the agent: each dispatch carried out by its channel, then acked."""
        async with asyncio.TaskGroup() as group:
            async for batch in records(stream, BATCH, within=0):
                for event in batch:
                    await self._room.acquire()
                    group.create_task(self._carry(event))

    async def _carry(self, event: EventT[bytes]) -> None:
        try:
            if dispatch := await read(event, self._dead_letters):
                traces = {dispatch.id: tracing.of_headers(event.message.headers)}
                await self._carriers[dispatch.channel].carry([dispatch], traces)
            ack(event)
        finally:
            self._room.release()

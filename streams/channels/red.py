"""Red's own way to the channels: a topic and slots of its own, past all that waits for a slow provider.

Each dispatch begins as soon as there is room, so that a visit at a station that does not answer holds no flash SMS.
"""

from collections.abc import Mapping

from faust.types import StreamT

from schemas.casework.events import Dispatch
from schemas.levels import Channel as Name
from streams.channels.channel import Channel
from streams.channels.flow import carry_each
from streams.messaging.dead_letter_writer import DeadLetters
from streams.runtime import tracing


class Red:
    """Gives red's dispatches to the channels of this process."""

    def __init__(self, carriers: Mapping[Name, Channel], dead_letters: DeadLetters) -> None:
        self._carriers, self._dead_letters = carriers, dead_letters

    async def run(self, stream: StreamT[bytes]) -> None:
        """The body of the agent: each dispatch carried out by its channel, then acked."""
        await carry_each(stream, self._carry, self._dead_letters, within=0)

    async def _carry(self, dispatch: Dispatch, trace: tracing.Trace | None) -> None:
        await self._carriers[dispatch.channel].carry([dispatch], {dispatch.id: trace})

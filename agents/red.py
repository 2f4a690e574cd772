"""Red's dispatches, of all channels, ahead of everything that waits for them."""

from collections.abc import Mapping

from faust.types import StreamT

from schemas.levels import Channel as Name
from streams.channels.channel import Channel
from streams.channels.outgoing import Outgoing
from streams.channels.red import Red
from streams.messaging import topics
from streams.messaging.app import App
from streams.messaging.dead_letter_writer import DeadLetters


def attach(app: App, outgoing: Outgoing, carriers: Mapping[Name, Channel]) -> None:
    """Add the agent to a worker that runs these channels."""

    @app.agent(app.topic(topics.DISPATCHES_RED.name))
    async def red(dispatches: StreamT[bytes]) -> None:
        await Red(carriers, DeadLetters(outgoing.producer, outgoing.clock)).run(dispatches)

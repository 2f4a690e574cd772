"""A worker with the SMS agent and red's."""

from agents import red, sms
from schemas.levels import Channel
from streams.channels.outgoing import Outgoing
from streams.channels.settings import load as load_channels
from streams.messaging.app import App, create_app, run
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import load
from streams.state.case_store import connect


class Worker(App):
    """Starts its producer before the first record."""

    producing: Producer

    async def on_first_start(self) -> None:
        await super().on_first_start()
        await self.producing.start()


if __name__ == "__main__":
    settings = load()
    app = create_app(settings, Worker)
    app.producing = Producer(settings)
    outgoing = Outgoing(settings, connect(settings), app.producing, Clock.parse(settings.clock), load_channels())
    red.attach(app, outgoing, {Channel.SMS: sms.attach(app, outgoing)})
    run(app, settings)

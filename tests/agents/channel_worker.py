"""A worker with the SMS agent and red's."""

from typing import Any

from agents import dispatch
from agents.sms import SmsProvider
from schemas.levels import Channel
from streams.channels.outgoing import Outgoing
from streams.channels.settings import load as load_channels
from streams.messaging.app import App, create_app, run
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import load
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect


class Worker(App):
    """Starts its producer before the first record."""

    def __init__(self, name: str, *, producer: Producer, **options: Any) -> None:  # noqa: ANN401 - as Faust has them
        super().__init__(name, **options)
        self._sending = producer

    async def on_first_start(self) -> None:
        await super().on_first_start()
        await self._sending.start()


if __name__ == "__main__":
    settings = load()
    producer = make_producer(settings)
    outgoing = Outgoing(settings, connect(settings), producer, Clock.parse(settings.clock), load_channels())
    sms = dispatch.channel_of(SmsProvider(outgoing), outgoing)
    app = create_app(settings, Worker, producer=producer)
    dispatch.attach(app, dispatch.Dispatching(outgoing, {Channel.SMS: sms}))
    run(app, settings)

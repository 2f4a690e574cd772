"""A worker: all agents on one Faust app."""

import asyncio
import gc
import logging
from contextlib import suppress

from agents import auditor, board, casework, deadlines, feeds, payments, phone, red, screening, sms, visits
from schemas.levels import Channel
from streams import metrics
from streams.app import App, create_app, run
from streams.channels.settings import ChannelSettings
from streams.clock import Clock
from streams.line import Line
from streams.settings import Settings

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0  # a provider that does not answer is given up after less; whoever stops a worker waits longer

CHANNELS = {
    Channel.SMS: sms.attach,
    Channel.PHONE: phone.attach,
    Channel.VISIT: visits.attach,
    Channel.PAYMENT: payments.attach,
}


class Worker(App):
    """Opens its line before the first record comes, and closes it after the last."""

    line: Line

    async def on_first_start(self) -> None:
        await super().on_first_start()
        await self.line.open()
        spare_the_collector()

    async def on_started(self) -> None:
        await super().on_started()
        log.info("the worker is ready")

    async def on_stop(self) -> None:
        """Let contacts under way come to their end first: cut off, they would be in doubt."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(carrier.drain() for carrier in self.line.carriers.values()))
        await super().on_stop()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await self.line.close()


def work(settings: Settings, channels: ChannelSettings, clock: Clock | None = None) -> None:
    """Run until told to stop, by the settings' clock unless another is given.

    Raises SettingsError when the topics are not as they must be, or the metrics' port is taken.
    """
    app = create_app(settings, Worker)
    app.line = Line(settings, channels, clock)
    app.line.check_topics()  # here, before Faust would make a traceback of it
    metrics.serve(settings.metrics_port, settings.metrics_host)
    for agent in (screening, casework, deadlines, board, feeds, auditor):
        agent.attach(app, app.line)
    for channel, attach in CHANNELS.items():
        app.line.carriers[channel] = attach(app, app.line.outgoing)
    red.attach(app, app.line.outgoing, app.line.carriers)
    run(app, settings)


def spare_the_collector() -> None:
    """What was made at the start stays: looking through it for garbage again and again cost a third of screening."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

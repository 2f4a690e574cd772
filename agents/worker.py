"""A worker: all agents on one Faust app."""

import asyncio
import faulthandler
import logging
import os
from contextlib import suppress
from threading import Timer

from agents import auditor, board, casework, deadlines, feeds, payments, phone, red, screening, sms, visits
from schemas.levels import Channel
from streams.channels.settings import ChannelSettings
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.app import App, create_app, every, run
from streams.runtime import health, tracing
from streams.runtime.clock import Clock
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.embedded import Embedded
from streams.runtime.health import PULSE_SECONDS, Pulse
from streams.runtime.server_discovery import announce, running
from streams.runtime.settings import Settings
from streams.security.rights import Component

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0  # a provider that does not answer is given up after less; whoever stops a worker waits longer
END_SECONDS = 10.0  # from the last contact's end to the process's: it takes a second or two

CHANNELS = {
    Channel.SMS: sms.attach,
    Channel.PHONE: phone.attach,
    Channel.VISIT: visits.attach,
    Channel.PAYMENT: payments.attach,
}


class Worker(App):
    """Opens its line before the first record comes, and closes it after the last."""

    line: Installation
    pulse: Pulse

    async def on_first_start(self) -> None:
        await super().on_first_start()
        beating = asyncio.create_task(self._beat())
        try:
            await self.line.open()
        finally:
            beating.cancel()
        spare_the_collector()

    async def _beat(self) -> None:
        """Show that the process lives while its line opens: it may wait for the clocks; a restart would not help."""
        while True:
            await self.pulse.beat()
            await asyncio.sleep(PULSE_SECONDS)

    async def on_started(self) -> None:
        await super().on_started()
        log.info("the worker is ready")

    async def on_stop(self) -> None:
        """Let contacts under way come to their end first: cut off, they would be in doubt."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*(carrier.drain() for carrier in self.line.carriers.values()))
        ending = Timer(END_SECONDS, _end)
        ending.daemon = True
        ending.start()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await self.line.close()


def _end() -> None:
    """End the process, whatever waits for what: it is as safe as a kill, and one that hangs keeps its partitions."""
    log.critical("the worker does not come to its end, and is ended; this is where it stands")
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)


def serve(settings: Settings) -> None:
    """Run until told to stop, on the settings' servers, those of a Quanzu that runs here, or new embedded ones."""
    known = settings if settings.kafka is not None else running(settings)
    if known is not None:
        work(known, load_channels())
        return
    with Embedded(settings.data) as embedded:
        own = embedded.settings(settings)
        announce(own)
        topics.create(own)
        work(own, load_channels())


def work(settings: Settings, channels: ChannelSettings, clock: Clock | None = None) -> None:
    """Run until told to stop, by the settings' clock unless another is given.

    Raises SettingsError when the topics are not as they must be, or the metrics' port is taken.
    """
    app = create_app(settings, Worker)
    app.line = Installation(settings, channels, clock, Component.WORKER)
    tracing.begin("worker", settings.traces, settings.traces_ratio)
    app.line.check_topics()  # here, before Faust would make a traceback of it
    app.pulse = pulse = Pulse(app.takes_part)
    every(app, PULSE_SECONDS, "pulse", pulse.beat, early=True)
    health.serve(settings.metrics_host, settings.metrics_port, pulse)
    for agent in (screening, casework, deadlines, board, feeds, auditor):
        agent.attach(app, app.line)
    for channel, attach in CHANNELS.items():
        app.line.carriers[channel] = attach(app, app.line.outgoing)
    red.attach(app, app.line.outgoing, app.line.carriers)
    run(app, settings)

"""A worker: all agents in one Faust application."""

import asyncio
import faulthandler
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Timer
from typing import Any

from agents import (
    auditor,
    board,
    casework,
    deadlines,
    dispatch,
    failover,
    feeds,
    outcomes,
    reports,
    screening,
)
from agents.casework import Casework
from agents.deadlines import DueWork
from agents.dispatch import Dispatching
from agents.failover import Failover
from agents.screening import Screening
from schemas.levels import Channel
from streams.casework.after_warning_watch import AfterWarningWatch
from streams.casework.auditor.auditor import Auditor
from streams.casework.breaker import Breaker
from streams.casework.checkpoints.schedule import Checkpoints
from streams.casework.deadlines import Deadlines, DueTimes
from streams.casework.experiment_watch import ExperimentWatch
from streams.casework.fraud_matching import FraudMatching
from streams.casework.outside_inputs import OutsideInputs
from streams.casework.snapshots import Board
from streams.channels.channel import Channel as Carrier
from streams.channels.escalating import OfficerEscalations
from streams.channels.searches.search_watch import SearchWatch
from streams.channels.settings import ChannelSettings
from streams.channels.settings import load as load_channels
from streams.channels.waiting_red import WaitingRed
from streams.dead_letters.index import OpenLetters
from streams.installation import Installation, WorkerContext
from streams.messaging import topics
from streams.messaging.app import App, create_app, every, run
from streams.repositories.alarms import CheckIns
from streams.runtime import health, tracing
from streams.runtime.clock import Clock
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.embedded import Embedded
from streams.runtime.health import PULSE_SECONDS, Pulse
from streams.runtime.server_discovery import announce, running
from streams.runtime.settings import Settings
from streams.screening.steps import ScreeningContext
from streams.security.rights import Component

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0  # longer than the providers' timeout; a service manager must wait longer before it kills
END_SECONDS = 10.0  # from the end of the drain to the end of the process, which usually takes 1 to 2 s


class Stages:
    """The stages of a worker, connected to each other.

    `monotonic`: a clock in seconds, used for the pace of the auditor and for writing an unanswered deadline again.
    `channels`: the channels that carry out dispatches; None: those of agents/dispatch.py. `screening_flow`: makes the
    screening stage.
    """

    def __init__(
        self,
        given: WorkerContext,
        monotonic: Callable[[], float] = time.monotonic,
        channels: Mapping[Channel, Carrier] | None = None,
        screening_flow: Callable[[ScreeningContext], Screening] = Screening,
    ) -> None:
        store, producer, policies, clock = given.store, given.producer, given.policies, given.clock
        self.screening = screening_flow(given.screening)
        self.outside_inputs = OutsideInputs(given.settings, producer, clock, given.residents)
        self.casework = Casework(given.casework)
        self.dispatching = Dispatching(given.outgoing, channels)
        times, due = DueTimes(given.redis, store.commits, monotonic), Deadlines(store, producer, clock, monotonic)
        self.due_work = DueWork(given.redis, clock, times, due, self.screening)
        self.failover = Failover(
            given.owners,
            given.shared,
            self.due_work,
            self.screening,
            self.casework,
            self.dispatching,
            self.outside_inputs,
            WaitingRed(given.settings),
            CheckIns(given.settings, given.outgoing.rosters, given.alarms, store, producer, clock),
            OfficerEscalations(given.outgoing, store, given.alarms, given.staff),
            SearchWatch(given.outgoing, store, given.search_lists, given.staff),
        )
        self.board = Board(store, producer, clock)
        self.fraud_matching = FraudMatching(
            given.settings, given.shared, given.residents, given.fraud_matches, producer, clock
        )
        self.feeds = given.feeds
        self.auditor = Auditor(given.settings, given.redis, store, producer, policies, clock, monotonic)
        self.checkpoints = Checkpoints(given.casework)
        self.breaker = Breaker(given.settings, given.redis, producer, policies, clock)
        self.experiments = ExperimentWatch(given.settings, given.redis, producer, policies, clock)
        self.after_warning = AfterWarningWatch(given.settings, given.redis, store, given.fraud_matches, clock)
        self.open_letters = OpenLetters(given.settings)

    def attach(self, app: App) -> None:
        """Add all agents and timers of the stages to the worker `app`. Nothing is started."""
        screening.attach(app, self.screening)
        reports.attach(app, self.outside_inputs, self.fraud_matching)
        casework.attach(app, self.casework)
        deadlines.attach(app, self.due_work, self.breaker, self.open_letters)
        failover.attach(app, self.failover)
        board.attach(app, self.board)
        feeds.attach(app, self.feeds)
        auditor.attach(app, self.auditor)
        casework.attach_checkpoints(app, self.checkpoints)
        outcomes.attach(app, self.experiments, self.after_warning)
        dispatch.attach(app, self.dispatching)


class Worker(App):
    """The Faust application: opens its installation before the first record, and closes it after the last."""

    def __init__(
        self,
        name: str,
        *,
        opened: Installation,
        stages: Stages,
        **options: Any,  # noqa: ANN401 - as Faust has them
    ) -> None:
        super().__init__(name, **options)
        self.opened, self.stages, self.pulse = opened, stages, Pulse(self.takes_part)

    async def on_first_start(self) -> None:
        """Open the installation. The health check shows the process as alive meanwhile.

        Raises SettingsError if a server is set wrongly, AccessError if a server denies a right,
        OtherInstallationError or VaultError if Redis or the vault belongs to another installation, and RedisError or
        KafkaError if a server does not answer.
        """
        await super().on_first_start()
        beating = asyncio.create_task(self._beat())
        try:
            await self.opened.open()
        finally:
            beating.cancel()
        spare_the_collector()

    async def _beat(self) -> None:
        """Show that the process is alive while it opens. It may be waiting for clock synchronisation; a restart would
        not help.
        """
        while True:
            await self.pulse.beat()
            await asyncio.sleep(PULSE_SECONDS)

    async def on_started(self) -> None:
        """Log that the worker is ready."""
        await super().on_started()
        log.info("the worker is ready")

    async def on_stop(self) -> None:
        """Wait at most 10 s for contacts in progress, which would be in doubt if interrupted, then stop Faust.

        If the process has not ended 10 s after that wait, it is killed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.stages.dispatching.drain()
        ending = Timer(END_SECONDS, _end)
        ending.daemon = True
        ending.start()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """Cancel the contacts carried out for silent workers, and close the installation."""
        await super().on_shutdown()
        await self.stages.dispatching.close()
        await self.stages.failover.escalations.close()
        await self.stages.failover.searches.close()
        await self.opened.close()


def _end() -> None:
    """Kill the process, which is as safe as any crash: a process that hangs while stopping would keep its
    partitions.
    """
    log.critical("the worker did not stop in time and is killed; the stacks of its threads")
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)


def serve(settings: Settings) -> None:
    """Run a worker until a signal stops it. Blocks.

    Uses the servers in the settings; without them, those of a Quanzu that runs in the data folder; without that, new
    embedded servers. Raises SettingsError if the topics are not as required or the metrics port is taken, AccessError
    if a right is missing, EmbeddedError if embedded servers cannot be started, the UserError that stopped the worker,
    if one did, and SystemExit if it failed otherwise.
    """
    known = settings if settings.kafka is not None else running(settings)
    if known is not None:
        work(known, load_channels())
        return
    with Embedded(settings.data) as embedded:
        own = embedded.settings(settings)
        announce(own)
        topics.create(own)
        work(own, load_channels())


def work(
    settings: Settings,
    channels: ChannelSettings,
    clock: Clock | None = None,
    make_stages: Callable[[WorkerContext], Stages] = Stages,
) -> None:
    """Run a worker on the servers in the settings until a signal stops it. Blocks.

    `clock`: None: the clock that the settings name. `make_stages`: makes the worker's stages. Raises SettingsError if
    the topics are not as required or the metrics port is taken, AccessError if a right is missing, the UserError that
    stopped the worker, if one did, and SystemExit if it failed otherwise.
    """
    opened = Installation(settings, channels, clock, Component.WORKER)
    tracing.begin("worker", settings.traces, settings.traces_ratio)
    opened.check_topics()  # here, because Faust would print a traceback
    app = create_app(settings, Worker, opened.consumers.make_codec, opened=opened, stages=make_stages(opened.worker))
    every(app, PULSE_SECONDS, "pulse", app.pulse.beat, early=True)
    health.serve(settings.metrics_host, settings.metrics_port, app.pulse)
    app.stages.attach(app)
    run(app, settings)

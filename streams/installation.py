"""A worker's line: everything its agents need, made once and opened before the first record."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from redis.exceptions import RedisError

from schemas.casework.events import CaseEvent, Dispatch
from schemas.levels import Channel
from streams.casework.auditor.auditor import Auditor
from streams.casework.breaker import Breaker
from streams.casework.deadlines import Deadlines, fallen_due
from streams.casework.failover import Failover
from streams.casework.partition import Casework
from streams.casework.snapshots import Board
from streams.channels.channel import Channel as Carrier
from streams.channels.outgoing import Outgoing
from streams.channels.settings import ChannelSettings
from streams.channels.waiting_red import WaitingRed
from streams.channels.webhooks import Webhooks
from streams.dead_letters.index import OpenLetters
from streams.intake.feeds.settings import load as load_feeds
from streams.intake.feeds.watch import Feeds
from streams.intake.settings import sources as configured_sources
from streams.messaging import broker_settings, sources, topics
from streams.messaging.producer import Producer
from streams.messaging.reader import KeptConsumers
from streams.repositories.alarms import Alarms, CheckIns
from streams.repositories.calls import Calls
from streams.repositories.payers_requests import PayersRequests
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.repositories.staff import Staff
from streams.repositories.tables import Complaints, Drafts, HandOvers, Incidents, Releases
from streams.runtime.clock import Clock
from streams.runtime.clock_sync import Timekeeper
from streams.runtime.credentials import AccessError, denied
from streams.runtime.setting_faults import refuse
from streams.runtime.settings import Settings, SettingsError
from streams.runtime.tasks import cancelled
from streams.screening.lanes import Screening
from streams.security import vault_identity
from streams.security.audit_chains import Heads
from streams.security.rights import RIGHTS, Component, lacking
from streams.state import redis_settings
from streams.state.case_store import CaseStore, connect
from streams.state.epoch import made_for
from streams.state.epoch_log import EpochLog
from streams.state.primary import unsafe
from streams.state.redis_access import admitted
from streams.state.shared_state import Shared

log = logging.getLogger(__name__)

ACTING = (Component.WORKER, Component.OPERATOR)  # those that fill the store, decide and send


class Installation:
    """The parts of a worker, wired. `clock`: another than the settings', such as one that is moved by hand.

    `component`: whose rights at the servers are looked at as it is opened. A store that was lost is filled again by
    workers and an operator's commands: intake and the console wait for that, and need no right to write it all.
    `epochs`: another log of epochs than the installation's own.
    """

    def __init__(
        self,
        settings: Settings,
        channels: ChannelSettings,
        clock: Clock | None = None,
        component: Component = Component.OPERATOR,
        epochs: EpochLog | None = None,
    ) -> None:
        self.settings, self.component = settings, component
        self.clock = clock or Clock.parse(settings.clock)
        self.redis: Any = connect(settings)
        self.timekeeper = Timekeeper(self.redis, self.clock)
        self.consumers = KeptConsumers(settings)
        self.producer = Producer(settings, self.clock.wall)
        self.producer.chain.heads = Heads(self.redis)
        self.leader = made_for(settings, self.redis, self.clock, epochs)
        self.store = CaseStore(self.redis, self.leader)
        self.policies = Policies(settings, self.redis, self.producer)
        self.drafts = Drafts(settings, self.redis, self.producer)
        self.residents = Residents(settings, self.redis, self.producer)
        self.staff = Staff(settings, self.redis, self.producer)
        self.outgoing = Outgoing(settings, self.redis, self.producer, self.clock, channels, self.leader)
        self.casework = Casework(settings, self.store, self.producer, self.policies, self.clock, channels.lease_seconds)
        self.deadlines = Deadlines(self.store, self.producer, self.clock)
        self.open_letters = OpenLetters(settings)
        self.orphans = Failover(settings, self.redis)
        self.waiting_red = WaitingRed(settings)
        self.carrying: set[asyncio.Task[None]] = set()  # dispatches of silent workers, under way
        self.carriers: dict[Channel, Carrier] = {}  # the channels this process runs: set by their agents
        self.alarms = Alarms(settings, self.redis, self.producer)
        rosters = self.outgoing.rosters
        self.check_ins = CheckIns(settings, rosters, self.alarms, self.store, self.producer, self.clock)
        self.board = Board(self.store, self.producer, self.clock)
        self.screening = Screening(settings, self.redis, self.residents, self.producer, self.policies, self.clock)
        configured = configured_sources(settings)
        self.feeds = Feeds(settings, self.redis, self.producer, self.clock, load_feeds(), configured)
        self.screening.heard = self.feeds.heard
        self.breaker = Breaker(settings, self.redis, self.producer, self.policies, self.clock)
        self.auditor = Auditor(settings, self.redis, self.store, self.producer, self.policies, self.clock)
        self.webhooks = Webhooks(settings, self.redis, self.producer)
        self.complaints = Complaints(settings, self.redis, self.producer)
        self.incidents = Incidents(settings, self.redis, self.producer)
        self.calls = Calls(settings, self.redis, self.producer, self.clock)
        self.releases = Releases(settings, self.redis, self.producer)
        self.payers_requests = PayersRequests(settings, self.redis, self.producer)
        self.handovers = HandOvers(settings, self.redis, self.producer)
        self.shared = Shared(
            settings,
            self.redis,
            [
                self.policies.restore,
                self.drafts.restore,
                self.residents.restore,
                self.staff.restore,
                self.outgoing.rosters.restore,
                self.alarms.restore,
                self.screening.restore,
                self.feeds.restore,
                self.complaints.restore,
                self.incidents.restore,
                self.releases.restore,
                self.handovers.restore,
                self.payers_requests.restore,
                self.webhooks.restore,
            ],
            lease_seconds=channels.lease_seconds,
            fills=settings.embedded or component in ACTING,
        )
        self.screening.whole = self.casework.whole = self.shared.ensure
        self.screening.doubt = self.casework.doubt = self.shared.doubt

    async def open(self) -> None:
        """Connect, and refuse to start where the servers are not set as they must be. Waits until the clocks agree.

        Raises SettingsError that says what to set, and AccessError when Kafka or Redis does not let this component do
        what it must.
        """
        self.check_topics()
        await admitted(self.settings, self.redis)
        try:
            await self._begin()
        except RedisError as error:
            raise denied(error) or error from None

    async def _begin(self) -> None:
        if self.component is Component.WORKER:
            refuse("Redis is not set as it must be", await redis_settings.check(self.redis))
            if wrong := await unsafe(self.redis):
                raise SettingsError("\n".join(wrong))
            refuse("the vault is not set as it must be", await redis_settings.of_vault(self.settings))
        self.consumers.open()
        await self.timekeeper.start(waits=self.component is not Component.EXPORTER)  # which tells of clocks that differ
        sources.know(configured_sources(self.settings))
        if RIGHTS[self.component].writes:
            await self.producer.start()
        if self.component in ACTING:
            await vault_identity.settle(self.settings, self.producer, self.clock.now())
            await self.leader.start()
        await self.shared.ensure()

    async def close(self) -> None:
        await cancelled(self.carrying)
        await self.timekeeper.stop()
        await self.leader.stop()
        await self.outgoing.client.aclose()
        await self.producer.stop()
        await self.consumers.close()
        await self.redis.aclose()

    async def watch(self, partitions: Iterable[int]) -> None:
        """Each second: bring the partitions' cases up if they were lost; look after the officers at the door."""
        await self.shared.ensure()
        await self.shared.remember()
        await self.casework.watch(mine := set(partitions))
        if 0 in mine:
            await self.check_ins.look()

    async def fire(self, partitions: Iterable[int]) -> None:
        """Many times a second: what has fallen due. All are asked at once, for mostly there is nothing in any."""
        for partition in await fallen_due(self.redis, ("deadlines", "rescore"), partitions, self.clock.now()):
            await self.deadlines.fire(partition)
            await self.screening.rescore(partition, self.clock.now())

    async def cover(self) -> None:
        """Do the work of partitions whose owner is silent; their dispatches are carried out here too."""
        silent = await self.orphans.found()
        self.waiting_red.only(silent)
        for partition in silent:
            if await self.orphans.take(partition):
                try:
                    await self._cover(partition)
                finally:
                    await self.orphans.leave(partition)

    async def _cover(self, partition: int) -> None:
        await self.fire([partition])  # first: what is due does not wait for all that is to be read
        await self.screening.cover(partition)
        entries = await self.casework.cover(partition)
        dispatches = [each for entry in entries if isinstance(entry, CaseEvent) for each in entry.dispatches]
        self._carry_beside([*dispatches, *await self.waiting_red.read(partition)])

    def _carry_beside(self, dispatches: Iterable[Dispatch]) -> None:
        """Carry out dispatches without waiting: the dead owner's lease on one must not hold the next cover up."""
        for dispatch in dispatches:
            if carrier := self.carriers.get(dispatch.channel):
                task = asyncio.create_task(carrier.carry([dispatch], patient=False))
                self.carrying.add(task)
                task.add_done_callback(self._carried)

    def _carried(self, task: "asyncio.Task[None]") -> None:
        self.carrying.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a dispatch of a silent worker was not carried out; its next owner will: %r", error)

    def check_topics(self) -> None:
        """Raises SettingsError that says what is wrong with the topics, or with the rights on them, and what to do.

        A worker looks at the brokers' settings too.
        """
        if denials := lacking(self.settings, self.component):
            raise AccessError("\n".join(denials))
        if wrong := topics.check(self.settings):
            raise SettingsError("the topics are not as they must be:\n" + "\n".join(wrong))
        if self.component is Component.WORKER:
            refuse("the brokers are not set as they must be", broker_settings.check(self.settings))

"""The parts of an installation as one process uses them, and the contexts: the parts that each kind of process
needs.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from streams.casework.applied import AppliedInputs
from streams.casework.failover import PartitionOwners
from streams.casework.steps import CaseworkContext
from streams.channels.operator_calls.incoming import CallBacks
from streams.channels.outgoing import Outgoing
from streams.channels.settings import ChannelSettings
from streams.channels.webhooks import Webhooks
from streams.intake.feeds.settings import load as load_feeds
from streams.intake.feeds.watch import Feeds
from streams.intake.settings import sources as configured_sources
from streams.messaging import broker_settings, sources, topics
from streams.messaging.partition_count import check_count
from streams.messaging.producer import Producer
from streams.repositories.alarms import Alarms
from streams.repositories.call_recordings import CallRecordings
from streams.repositories.calls import Calls
from streams.repositories.evidence_files import EvidenceFiles
from streams.repositories.payers_requests import PayersRequests
from streams.repositories.places import PublicPlaces, SearchLists
from streams.repositories.policies import Policies
from streams.repositories.public_reports import PublicReports
from streams.repositories.residents.register import Residents
from streams.repositories.rosters import Rosters
from streams.repositories.staff import Staff
from streams.repositories.subject_files import SubjectFiles
from streams.repositories.tables import (
    AdminRequests,
    Complaints,
    Drafts,
    FraudMatches,
    HandOvers,
    Incidents,
    LegalHolds,
    Releases,
    SubjectRequests,
)
from streams.runtime.clock import Clock
from streams.runtime.clock_sync import Timekeeper
from streams.runtime.credentials import AccessError, denied
from streams.runtime.setting_faults import refuse
from streams.runtime.settings import Settings, SettingsError
from streams.screening.state import ScreeningState
from streams.screening.steps import ScreeningContext
from streams.security import vault_identity
from streams.security.audit_chains import Heads
from streams.security.encrypted_kafka import make_producer, make_readers
from streams.security.hsm import configured_hsm
from streams.security.installation_keys import require
from streams.security.rights import RIGHTS, Component, lacking
from streams.state import redis_settings
from streams.state.case_store import CaseStore, connect
from streams.state.epoch import made_for
from streams.state.epoch_log import EpochLog
from streams.state.leader import EXEMPT
from streams.state.primary import unsafe
from streams.state.redis_access import admitted
from streams.state.shared_state import Shared

log = logging.getLogger(__name__)

ACTING = (Component.WORKER, Component.OPERATOR)  # these fill the store, decide and send


@dataclass(frozen=True, slots=True)
class IntakeContext:
    """The parts of an installation that intake needs, to receive signals and receipts."""

    settings: Settings
    clock: Clock
    producer: Producer
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class ExporterContext:
    """The parts of an installation that the exporter of metrics needs."""

    settings: Settings
    clock: Clock
    redis: Any
    policies: Policies
    rosters: Rosters
    payers_requests: PayersRequests
    public_reports: PublicReports
    screening: ScreeningState


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The parts of an installation that the stages of a worker need (agents/worker.py)."""

    settings: Settings
    clock: Clock
    redis: Any
    store: CaseStore
    producer: Producer
    policies: Policies
    shared: Shared
    owners: PartitionOwners
    alarms: Alarms
    search_lists: SearchLists
    staff: Staff
    outgoing: Outgoing
    feeds: Feeds
    casework: CaseworkContext
    screening: ScreeningContext
    residents: Residents
    fraud_matches: FraudMatches


class Installation:
    """The connections of one process, opened together, and the objects that read and write through them.

    The console and operators' commands use all of them; intake, exporter and worker use one context each. `clock`:
    replaces the settings' clock, for example by one moved by hand. `component`: the kind of process, whose rights on
    the servers are checked on opening. Workers and operators' commands restore a lost store, and so does every process
    with embedded servers; else intake, the console and the exporter wait until that is done, and need no right to write
    it all. `epochs`: replaces the installation's log of epochs.
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
        self.consumers = make_readers(settings, component)
        self.producer = make_producer(settings, self.clock.wall, Heads(self.redis), component)
        self.leader = made_for(settings, self.redis, self.clock, epochs)
        self.store = CaseStore(self.redis, self.leader)
        self.policies = Policies(settings, self.redis, self.producer)
        self.drafts = Drafts(settings, self.redis, self.producer)
        self.residents = Residents(settings, self.redis, self.producer)
        self.staff = Staff(settings, self.redis, self.producer)
        self.applied = AppliedInputs(settings, self.store)
        current = self.applied.is_current
        self.outgoing = Outgoing(settings, self.redis, self.producer, self.clock, channels, self.leader, current)
        self.owners = PartitionOwners(settings, self.redis)
        self.alarms = Alarms(settings, self.redis, self.producer)
        self.places = PublicPlaces(settings, self.redis, self.producer)
        self.search_lists = SearchLists(settings, self.redis, self.producer)
        self.screening = ScreeningState(settings, self.redis, self.policies, self.clock)
        configured, feeds = configured_sources(settings), load_feeds()
        self.calendar = feeds.calendar()
        self.feeds = Feeds(settings, self.redis, self.producer, self.clock, feeds, configured)
        self.webhooks = Webhooks(settings, self.redis, self.producer)
        self.complaints = Complaints(settings, self.redis, self.producer)
        self.incidents = Incidents(settings, self.redis, self.producer)
        self.calls = Calls(settings, self.redis, self.producer, self.clock)
        self.evidence_files = EvidenceFiles(settings, self.producer)
        self.call_recordings = CallRecordings(settings, self.producer)
        self.releases = Releases(settings, self.redis, self.producer)
        self.payers_requests = PayersRequests(settings, self.redis, self.producer)
        self.public_reports = PublicReports(settings, self.redis, self.producer)
        self.call_backs = CallBacks(settings, self.redis, self.producer)
        self.fraud_matches = FraudMatches(settings, self.redis, self.producer)
        self.handovers = HandOvers(settings, self.redis, self.producer)
        self.admin_requests = AdminRequests(settings, self.redis, self.producer)
        self.legal_holds = LegalHolds(settings, self.redis, self.producer)
        self.subject_requests = SubjectRequests(settings, self.redis, self.producer)
        self.subject_files = SubjectFiles(settings, self.redis)
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
                self.places.restore,
                self.search_lists.restore,
                self.screening.restore,
                self.feeds.restore,
                self.complaints.restore,
                self.incidents.restore,
                self.releases.restore,
                self.public_reports.restore,
                self.call_backs.restore,
                self.fraud_matches.restore,
                self.handovers.restore,
                self.admin_requests.restore,
                self.subject_requests.restore,
                self.legal_holds.restore,
                self.payers_requests.restore,
                self.webhooks.restore,
            ],
            lease_seconds=channels.lease_seconds,
            fills=settings.embedded or component in ACTING,
            leader=self.leader if component in ACTING else EXEMPT,
        )

    async def open(self) -> None:
        """Connect to the servers, wait until the clocks agree (except the exporter), and restore a lost store, or wait
        until a worker has restored it.

        Raises SettingsError that says what to set if a key of this component is missing or a server is set wrongly,
        PartitionCountError if the number of partitions is being changed or is another, AccessError if Kafka or Redis
        denies a right that this component needs, OtherInstallationError if Redis belongs to another installation,
        VaultError if the vault does (only a worker or an operator's command looks at it here), and RedisError or
        KafkaError if a server does not answer.
        """
        if configured_hsm() is None:
            require(self.settings, self.component)
        else:
            await asyncio.to_thread(require, self.settings, self.component)  # it waits for the HSM
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
        # The exporter reports clocks that differ instead.
        await self.timekeeper.start(waits=self.component is not Component.EXPORTER)
        sources.know(configured_sources(self.settings))
        if RIGHTS[self.component].writes:
            await self.producer.start()
        if self.component in ACTING:
            await vault_identity.settle(self.settings, self.producer, self.clock.now())
            await self.leader.start()
        await self.shared.ensure()

    async def close(self) -> None:
        """Stop the background tasks and close all connections, also after an `open` that failed. Waits until Kafka has,
        or refuses, the records that were handed over.
        """
        await self.timekeeper.stop()
        await self.outgoing.client.aclose()
        await self.producer.stop()  # it finishes what asks which Redis leads
        await self.leader.stop()
        await self.consumers.close()
        await self.redis.aclose()

    @property
    def intake(self) -> IntakeContext:
        """The parts of this installation that intake needs."""
        return IntakeContext(self.settings, self.clock, self.producer, self.outgoing)

    @property
    def exporter(self) -> ExporterContext:
        """The parts of this installation that the exporter of metrics needs."""
        return ExporterContext(
            settings=self.settings,
            clock=self.clock,
            redis=self.redis,
            policies=self.policies,
            rosters=self.outgoing.rosters,
            payers_requests=self.payers_requests,
            public_reports=self.public_reports,
            screening=self.screening,
        )

    @property
    def worker(self) -> WorkerContext:
        """The parts of this installation that a worker's stages need."""
        return WorkerContext(
            settings=self.settings,
            clock=self.clock,
            redis=self.redis,
            store=self.store,
            producer=self.producer,
            policies=self.policies,
            shared=self.shared,
            owners=self.owners,
            alarms=self.alarms,
            search_lists=self.search_lists,
            staff=self.staff,
            outgoing=self.outgoing,
            feeds=self.feeds,
            casework=self.casework_context,
            screening=self.screening_context,
            residents=self.residents,
            fraud_matches=self.fraud_matches,
        )

    @property
    def casework_context(self) -> CaseworkContext:
        """The parts of this installation that casework needs, also in a command that rebuilds a store."""
        return CaseworkContext(
            settings=self.settings,
            store=self.store,
            producer=self.producer,
            policies=self.policies,
            clock=self.clock,
            shared=self.shared,
            applied=self.applied,
            lease_seconds=self.outgoing.channels.lease_seconds,
        )

    @property
    def screening_context(self) -> ScreeningContext:
        """The parts of this installation that screening needs."""
        return ScreeningContext(
            settings=self.settings,
            state=self.screening,
            producer=self.producer,
            residents=self.residents,
            policies=self.policies,
            clock=self.clock,
            shared=self.shared,
            observe_feed=self.feeds.observe,
            leader=self.leader,
        )

    def check_topics(self) -> None:
        """Check the topics and, for a worker, the brokers' settings; do nothing if they are as required. Blocking.

        Raises SettingsError if they are not as required, PartitionCountError if the number of partitions is being
        changed or differs from that of the settings, AccessError if a right on the topics is missing or Kafka refuses
        access, and KafkaError or OSError if it is unavailable. The first three say how to correct it.
        """
        if denials := lacking(self.settings, self.component):
            raise AccessError("\n".join(denials))
        check_count(self.settings)
        if wrong := topics.check(self.settings):
            raise SettingsError("the topics are not as they must be:\n" + "\n".join(wrong))
        if self.component is Component.WORKER:
            refuse("the brokers are not set as they must be", broker_settings.check(self.settings))

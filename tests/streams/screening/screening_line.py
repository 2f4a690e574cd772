"""Screening on servers of its own, with two made-up residents, and what it told casework."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Connection, Redis

from agents.screening import Screening
from domain.policy import Policy, load
from schemas.casework.inputs import Alert
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.risk import wire
from schemas.risk.evidence import Evidence
from schemas.risk.signals import (
    Call,
    Channel,
    NumberClass,
    NumberVerdict,
    Report,
    Signal,
    Sms,
    Transfer,
    TransferState,
    Watch,
    WatchState,
)
from streams.messaging import topics
from streams.messaging.kafka_client import access
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.screening.state import ScreeningState
from streams.screening.steps import ScreeningContext
from streams.screening.store import EvidenceStore
from streams.security.encrypted_kafka import make_producer
from streams.state.keys import key
from streams.state.leader import EXEMPT, Leader
from streams.state.shared_state import Shared

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ANNA, BERT = "r" + "a" * 16, "r" + "b" * 16
PHONES = {ANNA: "+8619900000001", BERT: "+8619900000002"}
ACCOUNTS = {ANNA: "990000000001", BERT: "990000000002"}
ADDRESS = "测试路7号3单元501室"  # of both
MULE = "990000000666"
BULK = TopicPartition(topics.SIGNALS.name, 0)
LANES = [TopicPartition(lane.name, partition) for lane in topics.LANES for partition in range(4)]


def resident(name: str) -> Resident:
    return Resident(
        id=name,
        name="某某",
        phones=[Holding(value=PHONES[name])],
        accounts=[Holding(value=ACCOUNTS[name])],
        birth_year=1980,
        sex=Sex.FEMALE,
        occupation=Occupation.EMPLOYEE,
        division="220102",
        address=ADDRESS,
    )


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def call(who: str = ANNA, uid: str = "c1", ago: float = 10, seconds: int = 60, **more: object) -> Call:
    usual = {"number_class": NumberClass.GOIP, "caller": "+85290000000", "called": PHONES[who]}
    known = {"source": "carrier", "id": uid, "at": minutes_ago(ago), "seconds": seconds}
    return Call.model_validate(known | usual | more)


def sms(who: str = ANNA, uid: str = "s1", ago: float = 10) -> Sms:
    parties = {"sender": "10690000", "receiver": PHONES.get(who, who)}
    return Sms(source="carrier", id=uid, at=minutes_ago(ago), number_class=NumberClass.GOIP, **parties)


def transfer(who: str = ANNA, uid: str = "t1", ago: float = 5, payee: str = MULE, **more: object) -> Transfer:
    usual = {"state": TransferState.SETTLED, "amount_fen": 3_200_000, "channel": Channel.MOBILE_BANK}
    known = {"source": "bank", "id": uid, "at": minutes_ago(ago), "payer": ACCOUNTS[who], "payee": payee}
    return Transfer.model_validate(known | usual | more)


def watch(
    uid: str = "w1",
    ago: float = 1,
    state: WatchState = WatchState.CONFIRMED,
    value: str = MULE,
    subject: Literal["account", "phone", "link"] = "account",
) -> Watch:
    at = minutes_ago(ago)
    if state is WatchState.RATED:  # only a telephone is rated
        phone = value if subject == "phone" else "+85290000000"
        rated = {"verdict": NumberVerdict.SCAM, "until": at + timedelta(days=30)}
        return Watch(source="police", id=uid, at=at, subject="phone", value=phone, state=state, **rated)
    return Watch(source="police", id=uid, at=at, subject=subject, value=value, state=state)


def report(who: str = ANNA, suspect: str | None = None) -> Report:
    return Report(source="96110", id="r1", at=minutes_ago(2), phone=PHONES[who], suspect_account=suspect)


def packed(*signals: Signal) -> bytes:
    return wire.record(signals)


class Line:
    """Screening as a worker runs it, on one partition of signals."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer, residents: Residents) -> None:
        self.settings, self.producer, self.residents = settings, producer, residents
        self.redis: Any = redis
        self.offsets: dict[TopicPartition, int] = {}
        self.log: list[Raw] = []
        self.screening = self.another()

    @property
    def policy(self) -> Policy:
        return load(self.settings.policy.read_text("utf-8"))

    def another(self, leader: Leader = EXEMPT) -> Screening:
        """Another worker's."""
        policies, clock = Policies(self.settings, self.redis, self.producer), Clock.starting(1, NOW)
        state = ScreeningState(self.settings, self.redis, policies, clock)
        shared = Shared(self.settings, self.redis, [self.residents.restore, state.restore], lease_seconds=1.0)
        context = ScreeningContext(
            self.settings, state, self.producer, self.residents, policies, clock, shared, _unobserved, leader
        )
        return Screening(context, cases_wait_seconds=0)  # there is no casework here

    async def write(self, *values: bytes, partition: int = 0, lane: topics.Topic = topics.SIGNALS) -> list[Raw]:
        """Put records on a lane of signals."""
        await self.producer.send_all([Record(lane.name, b"", value, partition) for value in values])
        tp = TopicPartition(lane.name, partition)
        first = self.offsets.get(tp, 0)
        self.offsets[tp] = first + len(values)
        return [Raw(first + n, value) for n, value in enumerate(values)]

    async def screen(
        self, *records: Sequence[Signal] | bytes, partition: int = 0, lane: topics.Topic = topics.SIGNALS
    ) -> list[Raw]:
        """Write each as a record of signals, screen them as one batch, and ack them."""
        values = [record if isinstance(record, bytes) else packed(*record) for record in records]
        raws = await self.write(*values, partition=partition, lane=lane)
        tp = TopicPartition(lane.name, partition)
        await self.screening.lanes.screen(tp, raws)
        await self.commit(tp, raws)
        return raws

    async def commit(self, tp: TopicPartition, raws: Sequence[Raw]) -> None:
        """As a worker acks what it has screened."""
        consumer = AIOKafkaConsumer(**access(self.settings), group_id=self.settings.app_id, enable_auto_commit=False)
        await consumer.start()
        consumer.assign([tp])
        await consumer.commit({tp: raws[-1].offset + 1})
        await consumer.stop()

    async def lose(self) -> None:
        """Lose Redis, and have screening stand in it again."""
        await self.redis.flushall()
        self.screening = self.another()
        await self.screening.lanes.catch_up(LANES)

    async def screen_owed(self) -> None:
        """Screen all that is owed again."""
        while await self.screening.rescreening.screen_owed(LANES):
            pass

    async def evidence(self, who: str = ANNA) -> dict[str, Evidence]:
        store = EvidenceStore(self.redis, self.settings.partitions)
        return (await store.add({who: []}, self.policy.risk, NOW))[who].evidence

    async def settle(self, at: datetime, who: str = ANNA) -> None:
        """As casework does it when a case is settled."""
        for partition in range(self.settings.partitions):
            await self.redis.hset(key("settled", partition), who, at.isoformat())
            await self.redis.hdel(key("alerted", partition), who)

    async def alerts(self) -> list[Alert]:
        """All that were written, each once by its id."""
        found = [
            Alert.model_validate_json(record.value or b"")
            async for record in read_all(self.settings, topics.CASE_INPUTS.name)
        ]
        return list({alert.id: alert for alert in reversed(found)}.values())[::-1]

    async def levels(self, who: str = ANNA) -> list[str]:
        return [alert.danger.level.value for alert in await self.alerts() if alert.resident == who]

    async def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(record.value or b"") async for record in read_all(self.settings, topics.DEAD_LETTERS.name)]

    async def tally(self) -> dict[str, int]:
        """What became of the signals, over all sources."""
        total: dict[str, int] = {}
        for counts in (await self.screening.state.tallies()).values():
            for outcome, count in counts.items():
                total[outcome] = total.get(outcome, 0) + count
        return total


def _unobserved(source: str, count: int, now: datetime) -> None:
    """No feed is watched."""


class WipedConnection(Connection):
    """Redis loses all once: just before a command that has these bytes is sent, or before the next one."""

    def __init__(self, wipe: "Wipe", **options: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(**options)
        self._wipe = wipe

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401 - as above
        await self._wipe.look(command if isinstance(command, bytes) else b"".join(command))
        await super().send_packed_command(command, check_health)


class Wipe:
    """When a WipedConnection's Redis loses all."""

    def __init__(self, redis: "Redis", at: bytes, *, before: bool) -> None:
        self._redis: Any = redis
        self._at, self._before = at, before
        self._seen = self._over = False

    async def look(self, command: bytes) -> None:
        here = self._at in command
        if not self._over and (here if self._before else self._seen):
            self._over = True
            await self._redis.flushall()
        self._seen = self._seen or here


@asynccontextmanager
async def wiping(line: Line, at: bytes, *, before: bool) -> AsyncIterator[Screening]:
    """A worker's screening, whose Redis loses all once at a command that has these bytes."""
    wipe = Wipe(line.redis, at, before=before)
    redis = Redis.from_url(str(line.settings.redis), protocol=3, connection_class=WipedConnection, wipe=wipe)
    yield Line(line.settings, redis, line.producer, line.residents).screening
    await redis.aclose()


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Line]:
    """A line on servers of its own: its topics are empty."""
    with Embedded(data) as servers:
        settings = servers.settings(Settings(app_id="screening"))
        async with on(settings) as line:
            yield line


@asynccontextmanager
async def on(settings: Settings) -> AsyncIterator[Line]:
    """A line on empty servers."""
    await asyncio.to_thread(topics.create, settings)
    redis = Redis.from_url(str(settings.redis), protocol=3)
    producer = make_producer(settings)
    await producer.start()
    residents = Residents(settings, redis, producer)
    await residents.put([resident(name) for name in PHONES])
    yield Line(settings, redis, producer, residents)
    await producer.stop()
    await redis.aclose()

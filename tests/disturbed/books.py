"""A demo's story, from books that are not the product's counters: topics, providers, feeders; and the store."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from schemas.cases import Case
from schemas.events import CaseEvent, Dispatch, StandingEvent, journal_adapter
from schemas.inputs import CaseInput, input_adapter
from simulators.demo import Running
from simulators.providers.base import Contact
from streams import topics
from streams.reader import read_all
from streams.settings import Settings
from streams.store import key


@dataclass(frozen=True, slots=True)
class Published:
    """A journal entry, and when Kafka had it: simulated time."""

    entry: CaseEvent | StandingEvent
    at: datetime


@dataclass(slots=True)
class Store:
    """What Redis holds of the cases, all partitions together: no name is in two of them."""

    cases: dict[str, Case] = field(default_factory=dict)  # by resident
    earlier: dict[str, Case] = field(default_factory=dict)  # by id
    deadlines: dict[str, float] = field(default_factory=dict)
    queue: dict[str, float] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)
    outbox: set[str] = field(default_factory=set)
    ledger: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Books:
    """`screened`: by source, what the product says became of its signals."""

    signals: Counter[str]  # on the topic, by source
    accepted: Counter[str]
    sent: Counter[str]
    refused: Counter[str]
    screened: dict[str, dict[str, int]]
    inputs: list[CaseInput]
    journal: list[Published]  # a partition after the other, in its order
    dispatches: list[Dispatch]
    contacts: list[Contact]
    store: Store

    @property
    def events(self) -> list[CaseEvent]:
        """The journal's case events, however often each was published."""
        return [each.entry for each in self.journal if isinstance(each.entry, CaseEvent)]

    @property
    def reports(self) -> dict[str, set[str]]:
        """By dispatch: the results that were written for it."""
        found: dict[str, set[str]] = {}
        for each in self.inputs:
            if each.kind == "contact_result":
                found.setdefault(each.dispatch, set()).add(each.result.value)
        return found


async def read(running: Running) -> Books:
    """All books of a demo whose workers have stopped."""
    settings, feeders = running.line.settings, running.feeders
    providers = running.providers
    return Books(
        signals=await signals(settings),
        accepted=feeders.accepted,
        sent=feeders.sent,
        refused=feeders.refused,
        screened=await running.line.screening.tallies(),
        inputs=await inputs(settings),
        journal=await journal(running),
        dispatches=await dispatches(settings),
        contacts=[*providers.carrier.book, *providers.bank.book, *providers.station.book],
        store=await store(running),
    )


async def signals(settings: Settings) -> Counter[str]:
    """How many signals lie in both lanes, by source."""
    found: Counter[str] = Counter()
    for lane in topics.LANES:
        async for record in read_all(settings, lane.name):
            found.update(signal["source"] for signal in orjson.loads(record.value or b"[]"))
    return found


async def inputs(settings: Settings) -> list[CaseInput]:
    """Every record of case-inputs."""
    return [
        input_adapter.validate_json(each.value or b"") async for each in read_all(settings, topics.CASE_INPUTS.name)
    ]


async def journal(running: Running) -> list[Published]:
    """Every record of the journal."""
    clock = running.line.clock
    found = []
    async for record in read_all(running.line.settings, topics.CASE_EVENTS.name):
        at = clock.sim_start + timedelta(seconds=(record.timestamp / 1000 - clock.wall_start) * clock.speed)
        found.append(Published(journal_adapter.validate_json(record.value or b""), at))
    return found


async def dispatches(settings: Settings) -> list[Dispatch]:
    """Every record of the channels' topics."""
    return [
        Dispatch.model_validate_json(record.value or b"")
        for topic in topics.DISPATCHES
        async for record in read_all(settings, topic.name)
    ]


async def store(running: Running) -> Store:
    """Redis by its keys."""
    redis: Any = running.line.redis
    found = Store()
    for p in range(running.line.settings.partitions):
        for raw in await redis.hvals(key("cases", p)):
            case = Case.model_validate_json(raw)
            found.cases[case.resident] = case
        for raw in await redis.hvals(key("earlier", p)):
            case = Case.model_validate_json(raw)
            found.earlier[case.id] = case
        found.deadlines |= _named(await redis.zrange(key("deadlines", p), 0, -1, withscores=True))
        found.queue |= _named(await redis.zrange(key("queue", p), 0, -1, withscores=True))
        found.applied |= {name.decode() for name in await redis.zrange(key("applied", p), 0, -1)}
        found.held |= {name.decode() for name in await redis.smembers(key("held", p))}
        found.outbox |= {name.decode() for name in await redis.hkeys(key("outbox", p))}
    found.ledger = await running.line.store.sums("ledger", range(running.line.settings.partitions))
    found.counts = await running.line.store.sums("counts", range(running.line.settings.partitions))
    return found


def _named(scored: list[tuple[bytes, float]]) -> dict[str, float]:
    return {name.decode(): score for name, score in scored}

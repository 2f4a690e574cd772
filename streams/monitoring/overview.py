"""The data of the console's overview page, read from Redis in a few round trips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import resident_of
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.policies import InForce
from schemas.people.rosters import Roster
from schemas.risk.feeds import Silence
from streams.intake.feeds.book import FeedLog, FeedStore
from streams.messaging.topics import home
from streams.repositories.policies import IN_FORCE
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.keys import FEEDS_SILENT, POLICIES, ROSTER, key

SHOWN = 8  # recently changed cases


@dataclass(frozen=True, slots=True)
class Overview:
    """The data of the overview page, as of `now`.

    `counts`: by name, such as "action|sms|delivered" (domain/statistics/counts lists them); `ledger`: money totals in
    fen and numbers of cases, by name (domain/payments/ledger); `recent`: the most recently changed cases, the latest
    first, at most 8; `waiting`: number of cases that wait for an operator; `overdue`: number of deadlines past their
    time. `outcomes`: number of signals by outcome; `silent`: the time of the last signal of each silent feed, by source
    (None: never heard); `stopped`: hashes of policies stopped by the breaker, whose cases wait for a person.
    """

    now: datetime
    counts: Counter[str]
    ledger: Counter[str]
    recent: list[Case]
    waiting: int
    overdue: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    silent: Mapping[str, datetime | None] = field(default_factory=dict)
    stopped: Sequence[str] = ()

    def of(self, *begins: str) -> dict[str, int]:
        """Return the counts whose names start with these parts, by the part of the name that follows them: counts named
        "action|sms|sent" and "action|sms|failed" give, for of("action", "sms"), {"sent": ..., "failed": ...}.

        Counts of 0 are left out; empty if there are none.
        """
        prefix = "|".join(begins) + "|"
        return {name.removeprefix(prefix): n for name, n in self.counts.items() if name.startswith(prefix) and n}


async def overview(settings: Settings, store: CaseStore, clock: Clock, outcomes: Mapping[str, int]) -> Overview:
    """Return the current data of the overview page, read from Redis. `outcomes`: number of signals by outcome, which is
    not read here. Raises RedisError if Redis is unavailable.
    """
    partitions = range(settings.partitions)
    now = clock.now()
    async with store.redis.pipeline(transaction=False) as pipe:
        for partition in partitions:
            pipe.zrange(key("recent", partition), 0, SHOWN - 1, desc=True, withscores=True)
            pipe.zcard(key("queue", partition))
        answers = await pipe.execute()
    latest = sorted((item for found in answers[::2] for item in found), key=lambda item: -item[1])[:SHOWN]
    names = [name.decode() for name, _ in latest]
    cases = [await store.case(home(resident_of(name), settings.partitions), name) for name in names]
    return Overview(
        now=now,
        counts=await store.sums("counts", partitions),
        ledger=await store.sums("ledger", partitions),
        recent=[case for case in cases if case is not None],
        waiting=sum(answers[1::2]),
        overdue=sum([await store.overdue(partition, now) for partition in partitions]),
        outcomes=outcomes,
        silent=await _silent(store),
        stopped=await _stopped(store, now),
    )


async def _silent(store: CaseStore) -> dict[str, datetime | None]:
    found = [Silence.model_validate_json(raw, extra=ANY_VERSION) for raw in await store.redis.hvals(FEEDS_SILENT)]
    return {silence.source: silence.since for silence in sorted(found, key=lambda each: each.at)}


async def _stopped(store: CaseStore, now: datetime) -> list[str]:
    raw = await store.redis.hget(POLICIES, IN_FORCE)
    standing = InForce.model_validate_json(raw, extra=ANY_VERSION) if raw else None
    return [name for name, stop in standing.stopped.items() if stop.until > now] if standing else []


async def rosters(redis: "Redis") -> list[Roster]:
    """Return all stations' rosters, sorted by the station's name. Raises RedisError if Redis is unavailable."""
    client: Any = redis
    found = [Roster.model_validate_json(raw, extra=ANY_VERSION) for raw in await client.hvals(ROSTER)]
    return sorted(found, key=lambda roster: roster.station)


async def feeds(redis: "Redis") -> FeedLog:
    """Return the current state of the feeds: how many signals each sent lately and usually sends, and which are silent.
    Raises RedisError if Redis is unavailable.
    """
    return await FeedStore(redis, "").read()

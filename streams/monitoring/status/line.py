"""Troubles of the processing: partitions without a worker, waiting records, residents not warned in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from domain.desk.missed import SHOWN, Missed
from domain.feeds.silence import span
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.events import journal_adapter
from schemas.casework.inputs import Hold
from schemas.levels import GRAVEST_FIRST
from streams.casework.auditor.auditor import GRACE_SECONDS
from streams.casework.auditor.sweep import needs_audit
from streams.casework.failover import HEARTBEAT_SECONDS
from streams.messaging import topics
from streams.messaging.reader import read_range
from streams.monitoring.status.page import Trouble, danger, listed, missed
from streams.repositories import holds
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import key
from streams.state.lag import Where, ends, reports_passed_on, screened, signal_ends

WAITING_SECONDS = 5.0  # wall-clock time after which an unapplied input or unpublished entry is late
SCAN = 1000
LOOKS = 8


class ProcessingChecks:
    """Checks whether the workers process everything in time. Each method yields the troubles of one kind, and nothing
    if all is well; it raises RedisError, KafkaError or ReadError if a server fails.

    Each trouble has the weight MISSED (somebody may not be warned now), except that of an outreach hold which stops no
    step at present: DANGER.
    """

    def __init__(self, settings: Settings, redis: "Redis", clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._redis: Any = redis
        self._partitions = range(settings.partitions)

    async def workers(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) if partitions have no worker, and one (MISSED) if the stores of partitions are
        missing in Redis; nothing if all is well.

        Takes up to 1.6 s. Raises RedisError if Redis fails.
        """
        idle = set(self._partitions)
        for _ in range(LOOKS):  # a worker that covers for an owner is visible for moments only
            idle -= await self._worked_on(idle)
            if not idle:
                break
            await asyncio.sleep(HEARTBEAT_SECONDS)
        lost = [p for p in self._partitions if not await self._redis.hexists(key("state", p), "offset")]
        if idle:
            whole = len(idle) == len(self._partitions)
            what = "no worker runs: nobody is warned" if whole else f"partitions {listed(sorted(idle))} have no worker"
            do = "Start `quanzu worker`; if some run, see their logs. Nothing is lost: it is acted on, late"
            yield missed("no-worker", what, do)
        if lost:
            do = "A worker builds them within minutes; if none does, see its log, or run `quanzu admin rebuild`"
            yield missed("not-in-store", f"partitions {listed(lost)} are not in the store", do)

    async def _worked_on(self, partitions: Collection[int]) -> set[int]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.exists(key("owned", partition), key("covered", partition))
            return {partition for partition, found in zip(partitions, await pipe.execute(), strict=True) if found}

    async def behind(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) for each topic of signals and case inputs whose oldest unprocessed record is over
        5 s old, and one (MISSED) if the store in Redis has applied records beyond the end of a topic; nothing if all is
        well.

        Raises RedisError or KafkaError if a server fails, and ReadError if Kafka deletes a waiting record meanwhile.
        """
        done = await screened(self._redis, self._settings.partitions) | await reports_passed_on(self._settings)
        log = await signal_ends(self._settings)
        for partition in self._partitions:
            offset = await self._redis.hget(key("state", partition), "offset")
            done[Where(topics.CASE_INPUTS.name, partition)] = None if offset is None else int(offset)
        log |= await ends(self._settings, topics.OUTSIDE_INPUTS.name, topics.CASE_INPUTS.name)
        for name in dict.fromkeys(where.topic for where in done):
            late = [found for where in done if where.topic == name and (found := await self._late(where, done, log))]
            if late:
                count, oldest = sum(number for number, _ in late), max(age for _, age in late)
                what = f"{name}: {count:,} records wait, the oldest for {span(timedelta(seconds=oldest))}"
                yield missed("behind", what, "Do workers run, and keep up? Add one; it takes its share at once")
        ahead = [f"{w.topic}/{w.partition}" for w, at in done.items() if at is not None and at >= log[w]]
        if ahead:
            do = "Restore the topic, or go on from the journal: `quanzu admin rebuild --help`. Workers refuse to go on"
            yield missed("ahead", f"the store stands beyond the end of {listed(ahead)}: records were lost", do)

    async def _late(
        self, where: Where, done: dict[Where, int | None], log: dict[Where, int]
    ) -> tuple[int, float] | None:
        """Return (number of waiting records, age of the oldest in wall-clock seconds), or None if the oldest is under 5
        s old.
        """
        stood = -1 if done[where] is None and where.topic == topics.OUTSIDE_INPUTS.name else done[where]
        if stood is None or stood >= log[where] - 1:
            return None
        async for record in read_range(
            self._settings, where.topic, where.partition, stood + 1, stood + 1, opened=False
        ):
            age = time.time() - record.timestamp / 1000
            return (log[where] - 1 - stood, age) if age > WAITING_SECONDS else None
        return None

    async def people(self) -> AsyncIterator[Trouble]:
        """Yield the troubles of open cases, all MISSED: red cases not contacted in time, overdue deadlines, and missing
        results. Then yield one for each hold in force: MISSED if steps are held back now, else DANGER; or, with no hold
        in force, one (MISSED) if steps are held back all the same.

        Reads all open cases. Raises RedisError if Redis fails.
        """
        look = Missed(self._clock.now(), self._wall(GRACE_SECONDS))
        for partition in self._partitions:
            async for _, raw in self._redis.hscan_iter(key("cases", partition), count=SCAN):
                if needs_audit(raw):
                    look.add(Case.model_validate_json(raw, extra=ANY_VERSION))
        for trouble in _of_people(look):
            yield trouble
        async for trouble in self._holds(look):
            yield trouble

    async def outbox(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) if journal entries over 5 s old (wall-clock) are not published, so that their
        dispatches were not sent; else nothing. Raises RedisError if Redis fails.
        """
        late: list[datetime] = []
        for partition in self._partitions:
            raw = await self._redis.hvals(key("outbox", partition))
            late += [
                at
                for each in raw
                if self._age(at := journal_adapter.validate_json(each, extra=ANY_VERSION).at) > WAITING_SECONDS
            ]
        if late:
            what = f"{len(late):,} decisions are not published, the oldest for {span(self._clock.now() - min(late))}"
            yield missed("not-published", what, "Is Kafka there? A worker publishes them within a second")

    async def _holds(self, look: Missed) -> AsyncIterator[Trouble]:
        standing, held = await holds.current_holds(self._redis, look.now), sum(look.held.values())
        for hold in standing:
            words = (
                f"hold {hold.id} by {hold.by} ({hold.reason}) until {hold.until:%Y-%m-%d %H:%M} UTC, of {_named(hold)}"
            )
            do = f"`quanzu hold lift {hold.id} --by NAME --reason WHY` lets go what it holds back"
            yield (missed if held else danger)("hold", f"{words}, {_spared(hold)}; {_held(look)}", do)
        if held and not standing:
            do = "They go out when the hold's end falls due; see the deadlines"
            yield missed("held", f"{_held(look)}, and no hold is in force", do)

    def _wall(self, seconds: float) -> timedelta:
        """Return `seconds` of wall-clock time as a duration of the installation's clock."""
        return timedelta(seconds=seconds * self._clock.speed)

    def _age(self, at: datetime) -> float:
        return self._clock.wall_seconds(self._clock.now() - at)


def _of_people(look: Missed) -> Iterator[Trouble]:
    if look.red:
        what = f"red cases past the clock of their first contact: {len(look.red):,} ({listed(look.red, SHOWN)})"
        yield missed("red-not-contacted", what, "Call them now; `quanzu case show ID` tells what was tried")
    if look.overdue and look.oldest:
        levels = ", ".join(f"{look.overdue[level]:,} {level}" for level in GRAVEST_FIRST if look.overdue[level])
        what = f"{sum(look.overdue.values()):,} deadlines are overdue ({levels}), the oldest for"
        do = "Is a worker running and keeping up? See its log, and quanzu_deadlines_overdue"
        yield missed("overdue", f"{what} {span(look.now - look.oldest)}", do)
    if look.awaited:
        channels = ", ".join(f"{channel} {count:,}" for channel, count in look.awaited.most_common())
        do = "Does the provider send receipts? Their time-out tries the next step by itself once a worker runs"
        yield missed("no-result", f"dispatches without a result beyond their clock: {channels}", do)


def _held(look: Missed) -> str:
    levels = ", ".join(f"{look.held[level]:,} {level}" for level in GRAVEST_FIRST if look.held[level])
    return f"{sum(look.held.values()):,} steps are held back" + (f" ({levels})" if levels else "")


def _named(hold: Hold) -> str:
    named = [hold.channel, hold.action, hold.scam_type, hold.campaign, hold.area and f"area {hold.area}"]
    return ", ".join(str(each) for each in named if each) or "all outgoing contact"


def _spared(hold: Hold) -> str:
    return "red spared" if hold.spare_red else "red too"

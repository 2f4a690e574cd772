"""Counts frauds after warnings from the cases in Redis, and stores the figures for the console's page.

The report reads the whole journal for all time (streams/monitoring/after_warning). These figures are of the cases
first warned in the last 120 days, all of which Redis has, and one partition's cases are in memory at a time. They are
computed from the cases alone, so they may be lost with Redis.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from domain.statistics.after_warning import (
    GroupCounts,
    GroupName,
    WarnedCase,
    by_resident,
    group_counts,
    warned_case,
)
from domain.statistics.week_answers import answer_counts
from schemas.administration.after_warning import AfterWarningReading, DissuadedGroup, WarnedGroup
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from streams.repositories.tables import FraudMatches
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import AFTER_WARNING, AFTER_WARNING_READING, EARLIER_KEPT, StateName, key

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
EVERY = timedelta(hours=6)  # between two readings, of all workers together: a share takes 30 days to change much
READ_MS = 1_800_000  # within which a reading ends, unless its worker dies: 1 million cases take about 10 min
SLICE = 25  # cases read at once: about 5 ms


class AfterWarningWatch:
    """Counts frauds after warnings, every six hours. Every worker has one; a lease in Redis lets only one of them
    count.

    `matches`: the police's records.
    """

    def __init__(
        self, settings: Settings, redis: "Redis", store: CaseStore, matches: FraudMatches, clock: Clock
    ) -> None:
        self._partitions, self._store, self._matches, self._clock = settings.partitions, store, matches, clock
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def check(self) -> None:
        """Do what `read` does if the stored figures are six hours old or missing and no other worker does so. Errors of
        Redis pass through.
        """
        at = await self._redis.hget(AFTER_WARNING, "at")
        if at is not None and self._clock.now() - datetime.fromisoformat(at.decode()) < EVERY:
            return
        if await locks.take(self._redis, AFTER_WARNING_READING, READ_MS):
            try:
                await self.read()
            finally:
                await self._redis.delete(AFTER_WARNING_READING)

    async def read(self) -> AfterWarningReading | None:
        """Count, store the figures in Redis and return them. Returns None, and stores nothing, if a partition's cases
        are being restored: they would count too few. Invalid cases are logged and left out. Errors of Redis pass
        through.
        """
        now = self._clock.now()
        since = now - EARLIER_KEPT
        counts: defaultdict[GroupName, GroupCounts] = defaultdict(GroupCounts)
        answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        after: set[str] = set()
        for partition in range(self._partitions):
            if not await self._store.is_whole(partition):
                log.info("fraud after warnings is not counted yet: partition %d is being restored", partition)
                return None
            cases = await self._cases(partition, after)
            for name, numbers in group_counts(by_resident(cases.values()), now, since).items():
                counts[name] = counts[name].plus(numbers)
            for case in cases.values():
                answers[case.division].update(answer_counts(case.week, dissuaded=case.dissuaded))
        after &= await self._matches.ids()  # without those that were erased or withdrawn meanwhile
        groups = [
            WarnedGroup(**name._asdict(), warned=each.warned, old=each.old, defrauded=each.defrauded)
            for name, each in sorted(counts.items())
        ]
        reading = AfterWarningReading(
            at=now,
            since=since,
            groups=groups,
            after_warning=frozenset(after),
            dissuaded=[DissuadedGroup(division=name, cases=each) for name, each in sorted(answers.items()) if each],
        )
        await self._redis.hset(
            AFTER_WARNING, mapping={"at": now.isoformat(), "reading": reading.model_dump_json().encode()}
        )
        return reading

    async def _cases(self, partition: int, after: set[str]) -> dict[str, WarnedCase]:
        """Return the partition's cases by id, and add to `after` the records of frauds that came after a warning.

        The latest cases are read before the earlier ones: a case that becomes an earlier one meanwhile is read twice
        then, and never left out.
        """
        found: dict[str, WarnedCase] = {}
        async for case in self._scan("cases", partition):
            found[case.id] = warned_case(case)
            after.update(fraud.id for fraud in case.frauds if fraud.after_warning_days is not None)
        async for case in self._scan("earlier", partition):
            found.setdefault(case.id, warned_case(case))
        return found

    async def _scan(self, name: StateName, partition: int) -> AsyncIterator[Case]:
        async for field, raw in self._redis.hscan_iter(key(name, partition), count=SLICE):
            try:
                case = Case.model_validate_json(raw, extra=ANY_VERSION)
            except ValidationError:
                log.warning("a case of %s is invalid and is not counted: %s", key(name, partition), field.decode())
                continue
            yield case


async def stored_after_warning(redis: "Redis") -> AfterWarningReading | None:
    """Return the latest stored figures, or None if none are stored. Raises ValidationError if they are invalid. Errors
    of Redis pass through.
    """
    client: Any = redis
    raw = await client.hget(AFTER_WARNING, "reading")
    return AfterWarningReading.model_validate_json(raw, extra=ANY_VERSION) if raw else None


async def drop_after_warning(redis: "Redis") -> None:
    """Delete the stored figures, after a record of a fraud was erased. A worker begins to count anew within a minute;
    until it has finished, no figures are stored. Errors of Redis pass through.
    """
    client: Any = redis
    await client.delete(AFTER_WARNING)

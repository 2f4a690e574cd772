"""Complaints, incidents, releases, hand-overs, policy drafts, matches of reported frauds, and requests of
administrators and of people about their data: each on a compacted topic and in Redis.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from redis.asyncio import Redis

from domain.desk.incidents import touches
from schemas.administration.drafts import Draft
from schemas.administration.requests import AdminRequest
from schemas.channels.releases import ReleaseRequest
from schemas.people.complaints import Complaint
from schemas.people.handovers import HandOver
from schemas.people.incidents import Incident
from schemas.people.legal_holds import LegalHold
from schemas.people.subject_requests import SubjectRequest
from schemas.risk.reported_frauds import FraudMatch
from streams.messaging.producer import Producer
from streams.messaging.reader import Tails
from streams.messaging.topics import (
    ADMIN_REQUESTS,
    COMPLAINTS,
    DRAFTS,
    FRAUD_MATCHES,
    HANDOVERS,
    INCIDENTS,
    LEGAL_HOLDS,
    RELEASES,
    SUBJECT_REQUESTS,
)
from streams.runtime.settings import Settings
from streams.state.compacted_table import CompactedTable, Place
from streams.state.keys import changing
from streams.state.locks import locked_by


class Complaints(CompactedTable[Complaint]):
    """All complaints of the installation, by id."""

    place = Place(COMPLAINTS, Complaint)


class Incidents(CompactedTable[Incident]):
    """All major incidents of the installation, by id."""

    place = Place(INCIDENTS, Incident)

    async def in_force(self, area: str) -> list[Incident]:
        """Return the incidents in force that touch an area, the newest first; empty if there are none. `area`: a
        division's code; "": all areas. Raises RedisError if Redis is unavailable.
        """
        found = [each for each in await self.all() if each.in_force and touches(each, area)]
        return sorted(found, key=lambda each: each.at, reverse=True)

    async def ended(self, area: str, since: datetime) -> list[Incident]:
        """Return the incidents that touch an area (as in `in_force`) and ended after `since`, the most recently ended
        first. Raises RedisError if Redis is unavailable.
        """
        found = [each for each in await self.all() if touches(each, area)]
        return sorted((each for each in found if (each.ended_at or since) > since), key=_end, reverse=True)


def _end(incident: Incident) -> datetime:
    return incident.ended_at or incident.at


class Releases(CompactedTable[ReleaseRequest]):
    """All requests to lift a stop-payment, by id."""

    place = Place(RELEASES, ReleaseRequest)


class FraudMatches(CompactedTable[FraudMatch]):
    """The result of matching each of the police's records of frauds to residents, by the record's id. They name no
    person.
    """

    place = Place(FRAUD_MATCHES, FraudMatch)

    async def ids(self) -> set[str]:
        """Return the ids of all records that Redis has. Errors of Redis pass through."""
        return {name.decode() for name in await self._redis.hkeys(self.place.hash)}


class HandOvers(CompactedTable[HandOver]):
    """All hand-overs between shifts, by id."""

    place = Place(HANDOVERS, HandOver)

    async def latest(self, area: str, most: int) -> list[HandOver]:
        """Return at most `most` hand-overs whose area is exactly `area`, the newest first. Raises RedisError if Redis
        is unavailable.
        """
        found = [each for each in await self.all() if each.area == area]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:most]


class AdminRequests(CompactedTable[AdminRequest]):
    """All administrative acts that were requested and need a second person's approval, by id."""

    place = Place(ADMIN_REQUESTS, AdminRequest)


class SubjectRequests(CompactedTable[SubjectRequest]):
    """All requests of people about their own data, by id."""

    place = Place(SUBJECT_REQUESTS, SubjectRequest)


class LegalHolds(CompactedTable[LegalHold]):
    """All orders to keep a person's data, by id."""

    place = Place(LEGAL_HOLDS, LegalHold)

    @asynccontextmanager
    async def none_begins(self, holder: str = "a change of an order") -> AsyncIterator[None]:
        """Context manager: hold a lock during the block, so that no other process puts an order in force or destroys a
        person's keys meanwhile. Whoever does one of the two must do it within such a block. `holder`: the work, in
        words for those who wait meanwhile.

        Raises LockBusyError, also inside the block, if waiting for the lock and the block together take over 8 s, and
        RedisError if Redis is unavailable.
        """
        async with locked_by(self._redis, changing(self.place.hash, "beginning"), holder):
            yield


class StaleDraftError(Exception):
    """The draft has changed since it was displayed; nothing was written.

    `now`: its current state, or None if it was deleted.
    """

    def __init__(self, now: Draft | None) -> None:
        super().__init__("the draft has changed meanwhile")
        self.now = now


class _Drafts(CompactedTable[Draft]):
    place = Place(DRAFTS, Draft)


class Drafts:
    """All policy drafts, by id. Each write checks that the draft was not changed meanwhile."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._kept = _Drafts(settings, redis, producer)

    async def all(self) -> list[Draft]:
        """Return all drafts, the most recently changed first. Raises RedisError if Redis is unavailable."""
        return sorted(await self._kept.all(), key=lambda draft: draft.at, reverse=True)

    async def get(self, draft_id: str) -> Draft | None:
        """Return the draft with this id, or None if it is unknown. Raises RedisError if Redis is unavailable."""
        return await self._kept.get(draft_id)

    async def put(self, draft: Draft, told: Callable[[], Awaitable[None]] | None = None) -> Draft:
        """Write the next version of a draft to the topic and Redis, and return it as stored. `told` is awaited before
        the write: for the audit.

        `draft.version` must be the stored version plus one (1 for a new draft).

        If the same person sent the same version with the same text and state before, nothing is written and the stored
        draft is returned. Raises StaleDraftError if the version is not the next one, the exceptions of `told`,
        SendError if the draft is too large, and TimeoutError if Kafka or Redis does not answer within 8 s. Errors of
        Redis pass through.
        """
        async with self._kept.locked(draft.id) as before:
            if before and _same(before, draft):
                return before
            if draft.version != (before.version + 1 if before else 1):
                raise StaleDraftError(before)
            if told is not None:
                await told()
            await self._kept.put(draft)
            return draft

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's drafts to Redis: all of them, or only records at or after the offsets in `since`. Unreadable
        records are logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await self._kept.restore(since)


def _same(one: Draft, other: Draft) -> bool:
    return (one.version, one.by, one.text, one.state) == (other.version, other.by, other.text, other.state)

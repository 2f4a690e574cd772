"""Screening's data in Redis: evidence, the watchlist, account numbers behind tokens, positions and counts.

Data that all partitions share is also written to compacted topics, with `records` (evidence: evidence_log.py), and
restored from them.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from aiokafka import TopicPartition
from redis.asyncio import Redis

from domain.identity.identifiers import normal_account
from domain.policy.risk import RiskRules
from schemas.base import ANY_VERSION
from schemas.risk.evidence import WatchEntry
from schemas.risk.sharing import SharedSuspect
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Record
from streams.messaging.reader import Read, Tails, read_all
from streams.messaging.topics import ACCOUNTS, SHARED_SUSPECTS, WATCHLIST
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.screening import evidence_log
from streams.screening.positions import Positions
from streams.screening.store import EvidenceStore
from streams.state.keys import WHOLE

log = logging.getLogger(__name__)

CHUNK = 500


class ScreeningState:
    """Screening's data in Redis (`evidence`, `positions`), and the risk rules in force."""

    def __init__(self, settings: Settings, redis: "Redis", policies: Policies, clock: Clock) -> None:
        self._settings, self._policies, self._clock = settings, policies, clock
        self.redis: Any = redis
        self.evidence = EvidenceStore(redis, settings.partitions, clock.speed)
        self.positions = Positions(redis, settings.partitions)
        self._default: RiskRules | None = None

    async def rules(self, policy: str | None) -> RiskRules:
        """Return the risk rules of the policy with this hash; for None, those of the settings' policy file, which is
        then stored, if it is new.

        Raises UnknownPolicyError if the policy is stored nowhere, PolicyError if it is invalid, OSError if the file
        cannot be read, and RedisError if Redis is unavailable.
        """
        if policy is not None:
            return (await self._policies.get(policy)).risk
        if self._default is None:
            self._default = (await self._policies.default()).risk
        return self._default

    async def rules_of(self, lane: TopicPartition) -> RiskRules:
        """Return the risk rules in force in a lane's partition; those of the settings' policy file if its casework
        store is lost.

        Raises UnknownPolicyError if that policy is stored nowhere, PolicyError if this version cannot read it, OSError
        if the file cannot be read, and RedisError if Redis is unavailable.
        """
        return await self.rules((await self.positions.position(lane)).policy)

    async def tallies(self) -> dict[str, dict[str, int]]:
        """Return the number of signals screened so far, by source and then by outcome, over all partitions. Raises
        RedisError if Redis is unavailable.
        """
        return await self.positions.tallies()

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the watchlist, account numbers and evidence from their topics to Redis. Watchlist entries and evidence
        of which Redis has a state that takes precedence stay; account numbers and residents' last alerts are replaced
        by those of the topics. Unreadable records are logged and left out.

        `since`: only records at or after these offsets; None: all. Raises UnknownPolicyError if the policy in force is
        stored nowhere, PolicyError if it is invalid, OSError if it is the settings' file and cannot be read, and
        RedisError or KafkaError if Redis or Kafka is unavailable. Errors of the vault (CodecError) pass through.
        """
        in_force = await self._policies.in_force()
        rules = await self.rules(in_force.policy if in_force else None)
        await self._restore_watchlist(rules, since)
        await self._restore_accounts(since)
        now, used = self._clock.now(), bool(await self.redis.exists(WHOLE))  # an older store, not an empty one
        count = await evidence_log.restore(self._settings, self.evidence, rules, now, since, used=used)
        log.info("%d records of evidence were put back", count)

    async def _restore_watchlist(self, rules: RiskRules, since: Tails | None) -> None:
        entries = [
            entry
            async for record in read_all(self._settings, WATCHLIST.name, since)
            if record.value and (entry := readable(WATCHLIST.name, record.offset, partial(_watched, record.value)))
        ]
        for start in range(0, len(entries), CHUNK):
            await self.evidence.enter(entries[start : start + CHUNK], rules)

    async def _restore_accounts(self, since: Tails | None) -> None:
        found = [
            account
            async for record in read_all(self._settings, ACCOUNTS.name, since)
            if (account := readable(ACCOUNTS.name, record.offset, partial(_account, record)))
        ]
        await self.evidence.keep_accounts(dict(found))


def records(
    accounts: Mapping[str, str], watched: Iterable[WatchEntry], shared: Iterable[SharedSuspect] = ()
) -> list[Record]:
    """Return the Kafka records of account numbers (by token), of watchlist entries, and of suspects that are shared
    with other centres, for their topics.
    """
    return [
        *(Record(ACCOUNTS.name, token.encode(), account.encode()) for token, account in accounts.items()),
        *(Record(WATCHLIST.name, entry.subject.encode(), entry.model_dump_json().encode()) for entry in watched),
        *(Record(SHARED_SUSPECTS.name, each.period.encode(), each.model_dump_json().encode()) for each in shared),
    ]


def _watched(value: bytes) -> WatchEntry:
    return WatchEntry.model_validate_json(value, extra=ANY_VERSION)


def _account(record: Read) -> tuple[str, str | None]:
    """Return a token and its account number, None if erased. Raises ValueError if the number is invalid."""
    return (record.key or b"").decode(), normal_account(record.value.decode()) if record.value else None

"""Reads a partition for the auditor: cases in slices, with their index entries, all at one offset.

Every commit changes the partition's offset: if it is the same before and after, all reads belong to one moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from domain.casework.audit import CaseIndexes
from domain.ids import resident_of
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from streams.state.keys import key

SLICE = 25  # cases read at once: about 3 ms
STRAYS = 500  # deadlines checked for a case in a sweep


@dataclass(frozen=True, slots=True)
class CaseReading:
    """A case and its index entries in the store (`kept`: its deadlines, whether it is in the operators' queue, and
    whether its resident is listed as having a held step).

    `offset`: the offset of the last input that the partition had applied then; None if it changed during the reading,
    or the store is lost.
    """

    case: Case
    kept: CaseIndexes
    offset: int | None


class Reader:
    """Reads a partition's cases and index entries from Redis. It writes nothing."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async

    async def position_and_policy(self, partition: int) -> tuple[int | None, str | None]:
        """Return the offset of the last input that a partition has applied, and the hash of its policy; (None, None)
        while its store is lost or incomplete. Errors of Redis pass through.
        """
        offset, end, policy = await self._redis.hmget(key("state", partition), "offset", "end", "policy")
        if offset is None or policy is None or int(offset) < int(end or 0) - 1:
            return None, None
        return int(offset), policy.decode()

    async def slice(self, partition: int, cursor: int) -> tuple[int, list[CaseReading]]:
        """Return the cursor for the next call (0 at the end), and the residents' latest cases, about 25, that follow
        `cursor` (0: from the beginning).

        Closed cases without a due step are left out. Raises ValidationError if a stored case is invalid. Errors of
        Redis pass through.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hget(key("state", partition), "offset")
            pipe.hscan(key("cases", partition), cursor, count=SLICE)
            offset, (following, raw) = await pipe.execute()
        return int(following), await self._beside(partition, offset, filter(needs_audit, raw.values()))

    async def read_case(self, partition: int, resident: str) -> CaseReading | None:
        """Return a resident's latest case with its index entries, or None if the resident has no case. `resident`: the
        id. Raises ValidationError if the stored case is invalid. Errors of Redis pass through.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hget(key("state", partition), "offset")
            pipe.hget(key("cases", partition), resident)
            offset, raw = await pipe.execute()
        found = await self._beside(partition, offset, [raw] if raw else [])
        return found[0] if found else None

    async def strays(self, partition: int, cursor: int) -> tuple[int, list[str]]:
        """Check about 500 deadlines that follow `cursor` (0: from the beginning).

        Returns the cursor for the next call (0 at the end), and the deadlines that belong to no case, as "case id|step
        id". Errors of Redis pass through.
        """
        following, found = await self._redis.zscan(key("deadlines", partition), cursor, count=STRAYS)
        members = [member.decode() for member, _ in found]
        return int(following), await self.without_case(partition, members)

    async def without_case(self, partition: int, members: Sequence[str]) -> list[str]:
        """Return those of the deadlines `members` ("case id|step id"), in order, whose step is not in the resident's
        latest case; an empty list if each step is. Errors of Redis pass through.
        """
        if not members:
            return []
        residents = [resident_of(member.partition("|")[0]) for member in members]
        cases = await self._redis.hmget(key("cases", partition), residents)
        return [member for member, raw in zip(members, cases, strict=True) if not _may_have(raw, member)]

    async def _beside(self, partition: int, offset: bytes | None, raw: Iterable[bytes]) -> list[CaseReading]:
        cases = [Case.model_validate_json(each, extra=ANY_VERSION) for each in raw]
        if not cases:
            return []
        members = [f"{case.id}|{step.id}" for case in cases for step in case.steps] or [""]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zmscore(key("deadlines", partition), members)
            pipe.zmscore(key("queue", partition), [case.id for case in cases])
            pipe.smismember(key("held", partition), [case.resident for case in cases])
            pipe.hget(key("state", partition), "offset")
            dues, queue, held, now = await pipe.execute()
        stood = int(offset) if offset is not None and offset == now else None
        times = iter(dues)
        return [
            CaseReading(case, CaseIndexes(_present(case, times), rank is not None, bool(mark)), stood)
            for case, rank, mark in zip(cases, queue, held, strict=True)
        ]


def _present(case: Case, times: Any) -> dict[str, float]:  # noqa: ANN401 - an iterator of scores and None
    found = {step.id: next(times) for step in case.steps}
    return {step: due for step, due in found.items() if due is not None}


def needs_audit(raw: bytes) -> bool:
    """Return True if a case needs an audit: it is not closed, or one of its steps has a due time. False if neither is
    so.

    `raw`: the case's JSON.
    """
    return b'"state":"closed"' not in raw or b'"due":"' in raw


def _may_have(raw: bytes | None, member: str) -> bool:
    case, _, step = member.partition("|")
    return raw is not None and f'"id":"{case}"'.encode() in raw and f'"id":"{step}"'.encode() in raw

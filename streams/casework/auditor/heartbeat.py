"""The auditor's heartbeat, for whoever watches from outside: `audited:{p}`, a metric, `quanzu doctor --now`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from streams.state import locks
from streams.state.keys import key

BEAT_SECONDS = 30.0  # without a beat for so long the auditor is missing
STALE_SECONDS = 5.0  # then another worker takes the partition over
LEASE_MS = 5000


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Of one partition. Times are Redis's own, seconds since 1970; `age` is counted by it too."""

    partition: int
    age: float | None  # seconds since the last beat; none: never
    walked: float | None  # when the last whole walk ended
    cases: int  # seen in it
    seconds: float  # it took
    open_findings: int  # what it could not mend
    skew: float  # seconds by which the auditor's worker is ahead of Redis


class Beats:
    """Reading and writing the beats, and the lease of who walks a partition."""

    def __init__(self, redis: "Redis", token: str = "") -> None:
        self._redis: Any = redis
        self._token = token

    async def take(self, partition: int) -> bool:
        """Whether this worker walks the partition now."""
        return await locks.keep(self._redis, key("auditing", partition), self._token, LEASE_MS)

    async def beat(self, partition: int, wall: float, **told: float) -> None:
        """Say that the partition is looked after; `wall`: this worker's time; `told`: of a walk that ended."""
        now = await self.now()
        known = {"at": now, "skew": wall - now, **({"walked": now, **told} if told else {})}
        await self._redis.hset(key("audited", partition), mapping=known)

    async def now(self) -> float:
        """Redis's time, seconds since 1970: the one clock that all who watch share."""
        seconds, microseconds = await self._redis.time()
        return int(seconds) + int(microseconds) / 1e6

    async def read(self, partitions: Iterable[int]) -> list[Heartbeat]:
        partitions = list(partitions)
        now = await self.now()
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hgetall(key("audited", partition))
            found = await pipe.execute()
        return [_beat(partition, now, told) for partition, told in zip(partitions, found, strict=True)]


def _beat(partition: int, now: float, told: dict[bytes, bytes]) -> Heartbeat:
    known = {name.decode(): float(value) for name, value in told.items()}
    return Heartbeat(
        partition,
        now - known["at"] if "at" in known else None,
        known.get("walked"),
        int(known.get("cases", 0)),
        known.get("seconds", 0.0),
        int(known.get("open", 0)),
        known.get("skew", 0.0),
    )

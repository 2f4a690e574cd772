"""The auditor's heartbeat, for external monitoring: the key `audited:{p}`, a metric, and `quanzu doctor --now`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from streams.state import locks
from streams.state.keys import key

BEAT_SECONDS = 30.0  # without a heartbeat for so long, the auditor counts as missing
STALE_SECONDS = 5.0  # without a heartbeat for so long, another worker audits the partition
LEASE_MS = 5000


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The latest heartbeat of one partition's audit. All times come from Redis's clock.

    `age`: seconds since the heartbeat, None if none was ever written or Redis lost it; `walked`: when the last complete
    sweep ended, in seconds since 1970, None before the first. About that sweep, each 0 before the first: `cases`, the
    number audited; `seconds`, its duration; `open_findings`, the number of violations that it could not repair. `skew`:
    seconds by which the auditing worker's clock is ahead of Redis's, negative if it is behind.
    """

    partition: int
    age: float | None
    walked: float | None
    cases: int
    seconds: float
    open_findings: int
    skew: float


class Beats:
    """Reads and writes the auditors' heartbeats, and takes the lease of a partition's audit.

    `token`: identifies this worker.
    """

    def __init__(self, redis: "Redis", token: str = "") -> None:
        self._redis: Any = redis
        self._token = token

    async def take(self, partitions: Sequence[int]) -> list[int]:
        """Take or renew the audit leases of the partitions, for 5 s, in one round trip.

        Returns, in the given order, those that this worker has now; another worker has the others. Errors of Redis pass
        through.
        """
        names = [key("auditing", partition) for partition in partitions]
        kept = await locks.keep_all(self._redis, names, self._token, LEASE_MS)
        return [partition for partition, ours in zip(partitions, kept, strict=True) if ours]

    async def write_heartbeats(self, partitions: Sequence[int], wall: float) -> None:
        """Write the partitions' heartbeats to Redis, in two round trips. `wall`: this worker's time, in seconds since
        1970. The stored figures of their sweeps stay. Errors of Redis pass through.
        """
        now = await self.now()
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hset(key("audited", partition), mapping={"at": now, "skew": wall - now})
            await pipe.execute()

    async def write_heartbeat(self, partition: int, wall: float, **told: float) -> None:
        """Write the partition's heartbeat and the figures of a sweep that has just ended (`told`): `cases` and `open`,
        numbers; `seconds`, its duration. `wall`: this worker's time, in seconds since 1970. Errors of Redis pass
        through.
        """
        now = await self.now()
        await self._redis.hset(
            key("audited", partition), mapping={"at": now, "skew": wall - now, "walked": now, **told}
        )

    async def now(self) -> float:
        """Return Redis's time in seconds since 1970. All processes share this clock. Errors of Redis pass through."""
        seconds, microseconds = await self._redis.time()
        return int(seconds) + int(microseconds) / 1e6

    async def read(self, partitions: Iterable[int]) -> list[Heartbeat]:
        """Return the latest heartbeat of each partition, in the given order. `age` is None if none was ever written.
        Errors of Redis pass through.
        """
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

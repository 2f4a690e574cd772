"""Changes of stations' rosters by supervisors.

A roster is replaced only if it is still the version that the supervisor saw.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from domain.ids import short_hash
from schemas.people.rosters import Roster
from streams.repositories.rosters import Rosters
from streams.state.keys import ROSTER, changing
from streams.state.locks import locked

NOTHING = ""  # the mark of a station without a roster


class ChangedError(Exception):
    """The roster has changed since it was displayed; nothing was written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A roster as it is stored, and its `mark`: a hash of its stored bytes that identifies this version."""

    roster: Roster
    mark: str


class Stations:
    """Reads rosters, and replaces the roster of a station (stored by streams/repositories/rosters.py)."""

    def __init__(self, redis: "Redis", rosters: Rosters) -> None:
        self._redis: Any = redis
        self._table = rosters.table

    async def all(self) -> dict[str, Roster]:
        """Return every station's roster, by the station's name, sorted by name. Raises RedisError if Redis is
        unavailable.
        """
        found = await self._table.all()
        return {roster.station: roster for roster in sorted(found, key=lambda each: each.station)}

    async def names(self) -> list[str]:
        """Return the sorted names of the stations that have a roster. Raises RedisError if Redis is unavailable."""
        return sorted(name.decode() for name in await self._redis.hkeys(ROSTER))

    async def get(self, station: str) -> Stored | None:
        """Return a station's roster with its mark, or None if the station has no roster, or Redis was emptied and is
        not restored yet. Raises RedisError if Redis is unavailable.
        """
        raw = await self._redis.hget(ROSTER, station)
        return Stored(self._table.parse(raw), _mark(raw)) if raw else None

    async def replace(self, new: Roster, seen: str, noted: Callable[[], Awaitable[None]]) -> None:
        """Replace the station's roster by `new`, on the topic and in Redis, if the stored one has the mark `seen` ("":
        no roster is stored). Awaits `noted` just before the write. The same form sent again is ignored.

        Raises ChangedError if the stored roster has another mark, ValidationError if `new` is larger than a roster may
        be, the exceptions of `noted`, SendError if it is too long for a record, and TimeoutError if Kafka or Redis does
        not answer within 8 s. Errors of Redis pass through.
        """
        whole = Roster.model_validate(new.model_dump())  # built by model_copy, so not validated as a whole yet
        async with locked(self._redis, changing(ROSTER, new.station)):
            raw = await self._redis.hget(ROSTER, new.station)
            now = self._table.parse(raw) if raw else None
            if now and now.changed and new.changed and now.changed.form == new.changed.form:
                return
            if (_mark(raw) if raw else NOTHING) != seen:
                raise ChangedError
            await noted()
            await self._table.put(whole)


def _mark(raw: bytes) -> str:
    return short_hash(raw.decode())

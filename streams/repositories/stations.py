"""Stations' rosters as a supervisor changes them: nobody overwrites what he has not seen."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from domain.ids import short_hash
from schemas.base import ANY_VERSION
from schemas.people.rosters import Roster
from streams.repositories.rosters import ROSTER, Rosters
from streams.state.locks import alone

NOTHING = ""  # the mark of a station that has no roster yet


class ChangedError(Exception):
    """The roster is another than the one that was seen; nothing was written."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A roster, and the mark of just this state of it."""

    roster: Roster
    mark: str


class Stations:
    """Reads and replaces rosters; each is replaced whole (streams/repositories/rosters.py)."""

    def __init__(self, redis: "Redis", rosters: Rosters) -> None:
        self._redis: Any = redis
        self._rosters = rosters

    async def all(self) -> dict[str, Roster]:
        """Every station's, by name."""
        found = [Roster.model_validate_json(raw, extra=ANY_VERSION) for raw in await self._redis.hvals(ROSTER)]
        return {roster.station: roster for roster in sorted(found, key=lambda each: each.station)}

    async def names(self) -> list[str]:
        """The stations that have a roster."""
        return sorted(name.decode() for name in await self._redis.hkeys(ROSTER))

    async def get(self, station: str) -> Stored | None:
        """A station's roster."""
        raw = await self._redis.hget(ROSTER, station)
        return Stored(Roster.model_validate_json(raw, extra=ANY_VERSION), _mark(raw)) if raw else None

    async def replace(self, new: Roster, seen: str, noted: Callable[[], Awaitable[None]]) -> None:
        """Put a roster in the place of the one with the mark `seen`; `noted` runs just before, once that is sure.

        Sent again by the same form it is done already. Raises ChangedError, pydantic's ValidationError when it holds
        more than a roster may, the producer's SendError when it is too long for a record, and TimeoutError.
        """
        whole = Roster.model_validate(new.model_dump())  # what was put together of parts is judged as a whole
        async with alone(self._redis, f"roster-changing:{new.station}"):
            raw = await self._redis.hget(ROSTER, new.station)
            now = Roster.model_validate_json(raw, extra=ANY_VERSION) if raw else None
            if now and now.changed and new.changed and now.changed.form == new.changed.form:
                return
            if (_mark(raw) if raw else NOTHING) != seen:
                raise ChangedError
            await noted()
            await self._rosters.put(whole)


def _mark(raw: bytes) -> str:
    return short_hash(raw.decode())

"""Compares case-snapshots with the store: Redis must have each case of the journal, in the same or a later version."""

from functools import partial
from typing import Any

from redis.asyncio import Redis

from schemas.base import ANY_VERSION, Model
from schemas.people.residents import ResidentId
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import read_range
from streams.messaging.topics import CASE_SNAPSHOTS
from streams.runtime.settings import Settings
from streams.state.keys import key

MOST = 2000  # snapshots read in a sweep, from the oldest on, then new ones

Stand = tuple[int, int]  # a case's sequence number for its resident, and its version


class Snapshot(Model):
    """The fields of a case that are compared.

    `number`: its sequence number among its resident's cases, from 1; `version`: of the case.

    Parsing complete cases would block a worker for 10 to 20 ms and delay red cases.
    """

    resident: ResidentId
    number: int
    version: int

    @property
    def stand(self) -> Stand:
        """The case's sequence number among its resident's cases (from 1), and its version. Of two states of a resident,
        the later one is greater.
        """
        return self.number, self.version


class Snapshots:
    """Compares the snapshots on the topic with the store, and remembers up to which offset it has read."""

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._settings = settings
        self._redis: Any = redis
        self._read: dict[int, int] = {}  # partition -> next offset
        self._doubtful: dict[int, dict[str, Stand]] = {}  # partition -> residents whose store was behind

    async def unknown(self, partition: int) -> list[tuple[str, int, int | None]]:
        """Return the cases that the store lacks or has in an older version than the topic case-snapshots; an empty list
        if there are none.

        Each is a tuple: the case's id, its version on the topic, and the version of the resident's latest case in the
        store (None: the store has none). A call reads the next 2,000 snapshots at most, and checks the cases of the
        previous result again. Raises ValidationError if a stored case is invalid. Errors of Kafka and Redis pass
        through.
        """
        told = self._doubtful.get(partition, {}) | await self._following(partition)
        stored = await self._stored(partition, list(told))
        behind = {resident: stand for resident, stand in told.items() if stored.get(resident, (0, 0)) < stand}
        self._doubtful[partition] = behind
        return [
            (f"{resident}-{number}", version, stored[resident][1] if resident in stored else None)
            for resident, (number, version) in behind.items()
        ]

    async def _following(self, partition: int) -> dict[str, Stand]:
        name = CASE_SNAPSHOTS.name
        begin = (await beginning_offsets(self._settings, name, [partition]))[partition]
        end = (await end_offsets(self._settings, name, [partition]))[partition]
        first = max(begin, self._read.get(partition, begin))
        last = min(end, first + MOST) - 1
        found: dict[str, Stand] = {}
        async for record in read_range(self._settings, name, partition, first, last):
            if record.value and (told := readable(name, record.offset, partial(_read, record.value))):
                found[told.resident] = max(told.stand, found.get(told.resident, (0, 0)))
        self._read[partition] = last + 1
        return found

    async def _stored(self, partition: int, residents: list[str]) -> dict[str, Stand]:
        if not residents:
            return {}
        found = await self._redis.hmget(key("cases", partition), residents)
        read = [_read(raw) for raw in found if raw is not None]
        return {case.resident: case.stand for case in read}


def _read(raw: bytes) -> Snapshot:
    return Snapshot.model_validate_json(raw, extra=ANY_VERSION)

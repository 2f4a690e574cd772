"""Redis' keys for another number of partitions.

Most keys of a partition are built anew by the workers: cases and all that follows from them from the new journal, the
registers, the watchlist and account numbers from their topics. This module moves what nothing else can restore, such as
the progress of dispatches; leaves what belongs to a partition of a signal topic, which stays; and deletes the rest.

Each change may be repeated: a member is first written to its new place and then removed from the old one. The
installation is stopped meanwhile.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any, Literal, get_args

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from domain.consistency.growth import shared_partitions
from domain.ids import resident_of
from streams.messaging.topics import LANES, SIGNALS, home, partition_of
from streams.screening.payers import spread
from streams.state.keys import (
    TOPIC_IDS,
    WHOLE_ENDS,
    WHOLE_PARTITIONS,
    WHOLE_RUN,
    Beside,
    KeyName,
    LaneName,
    StateName,
    key,
    lane_key,
)

SCAN = 1_000
_NAME = re.compile(r"(?P<name>[a-z-]+):\{(?P<partition>[0-9]+)\}(?::(?P<rest>.*))?", re.DOTALL)


class KeyRule(Enum):
    """What a growth does with a kind of keys."""

    MOVE_KEY = auto()  # the whole key, by the id at its end
    MOVE_FIELDS = auto()  # the fields of a hash
    MOVE_MEMBERS = auto()  # the members of a sorted set
    COPY_MEMBERS = auto()  # the members of a sorted set, which stay where they are too
    COPY = auto()  # to each partition to which a resident of the old one may belong
    STAY = auto()
    DELETE = auto()  # built anew, or of no use once nothing runs


_Moves = Literal[KeyRule.MOVE_KEY, KeyRule.MOVE_FIELDS, KeyRule.MOVE_MEMBERS, KeyRule.COPY_MEMBERS, KeyRule.COPY]


def _of_resident(text: str, partitions: int) -> int:
    return home(resident_of(text), partitions)


def _of_letter(text: str, partitions: int) -> int:
    return partition_of(text.encode(), partitions)


_PLACES: Mapping[KeyName, tuple[KeyRule, Callable[[str, int], int]]] = {
    "dispatch": (KeyRule.MOVE_KEY, _of_resident),
    "claim": (KeyRule.MOVE_KEY, _of_resident),
    "calling": (KeyRule.MOVE_KEY, _of_resident),
    "evidence": (KeyRule.MOVE_KEY, _of_resident),
    "payers": (KeyRule.MOVE_KEY, spread),
    "abandoned": (KeyRule.MOVE_KEY, spread),
    "settled": (KeyRule.MOVE_FIELDS, _of_resident),
    "alerted": (KeyRule.MOVE_FIELDS, _of_resident),
    "lost": (KeyRule.MOVE_FIELDS, _of_resident),
    "shadow-alerted": (KeyRule.MOVE_FIELDS, _of_resident),
    "rescore": (KeyRule.MOVE_MEMBERS, _of_resident),
    "again": (KeyRule.COPY_MEMBERS, _of_letter),  # of a file's row; that of a record is sent to its own partition again
}
_STAYING: frozenset[KeyName] = frozenset(
    {"screened", "screened-in", "stood", "owed", "began", "began-again", "tally", "life"}
)
_COPIED: frozenset[KeyName] = frozenset({"receipt-nonce"})
_LANES = {lane.name.removeprefix(SIGNALS.name) for lane in LANES}
_KINDS: Mapping[str, KeyName] = {
    **{name: name for name in (*get_args(StateName), *get_args(Beside), *get_args(LaneName))},
    **{f"{name}{lane}": name for name in get_args(LaneName) for lane in _LANES},
}


def key_rule(name: KeyName) -> KeyRule:
    """Return what a growth does with the keys of this name; DELETE for a name that is not listed."""
    if name in _PLACES:
        return _PLACES[name][0]
    if name in _STAYING:
        return KeyRule.STAY
    return KeyRule.COPY if name in _COPIED else KeyRule.DELETE


class MovedKeys:
    """Moves an installation's keys from `old` to `new` partitions."""

    def __init__(self, redis: "Redis", old: int, new: int) -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._old, self._new = old, new

    async def move(self) -> int:
        """Move all keys to their new partitions, delete those that are built anew, and return how many keys and members
        of keys were moved or copied; deleted ones do not count.

        First marks the data as that of the new number, so that a process of the old one no longer uses it. The data
        that all partitions share counts as incomplete afterwards: workers restore it from its topics. Raises RedisError
        if Redis is unavailable; repeat it then.
        """
        await self._redis.set(WHOLE_PARTITIONS, self._new)
        await self._redis.delete(WHOLE_RUN, WHOLE_ENDS, TOPIC_IDS)  # topics are made anew
        moved = 0
        while found := await self._pass():  # until nothing is left: a primary that fails over may forget the last ones
            moved += found
        return moved

    async def journal_observed(self, places: Mapping[int, str]) -> None:
        """Store for each partition (the key of `places`) the place, as log:offset, up to which latencies in its journal
        were observed. Raises RedisError if Redis is unavailable.
        """
        for partition, place in places.items():
            await self._redis.set(key("boarded", partition), place)

    async def _pass(self) -> int:
        moved = 0
        async for name in self._redis.scan_iter(match="*:{*}*", count=SCAN):
            moved += await self._one(name.decode())
        return moved

    async def _one(self, full: str) -> int:
        """Bring one key to its place. Returns the number of moved keys and members; a deleted key counts as none."""
        parts = _NAME.fullmatch(full)
        kind = _KINDS.get(parts["name"]) if parts else None
        if parts is None or kind is None:
            return 0
        here, rest = int(parts["partition"]), parts["rest"]
        match key_rule(kind):
            case KeyRule.DELETE:
                await self._redis.unlink(full)
                return 0
            case KeyRule.STAY:
                return 0
            case rule:
                return await self._moved(rule, kind, full, here, rest or "")

    async def _moved(self, rule: _Moves, kind: KeyName, full: str, here: int, rest: str) -> int:
        match rule:
            case KeyRule.MOVE_KEY:
                return await self._move_key(kind, full, here, rest)
            case KeyRule.MOVE_FIELDS:
                return await self._move_some(kind, full, here, self._fields(full), "HSET", "HDEL")
            case KeyRule.MOVE_MEMBERS:
                return await self._move_some(kind, full, here, self._members(full), "ZADD", "ZREM")
            case KeyRule.COPY_MEMBERS:
                return await self._copy_members(kind, full, here)
            case KeyRule.COPY:
                return await self._copy(full, here)

    async def _move_key(self, kind: KeyName, full: str, here: int, rest: str) -> int:
        there = _PLACES[kind][1](rest, self._new)
        if there == here:
            return 0
        try:
            await self._redis.rename(full, f"{key(kind, there)}:{rest}")
        except ResponseError as error:  # it has expired since it was listed
            if "no such key" not in str(error):
                raise
            return 0
        return 1

    async def _move_some(
        self, kind: KeyName, full: str, here: int, members: AsyncIterator[tuple[str, bytes]], add: str, remove: str
    ) -> int:
        """Move members of a hash or sorted set. Each is a name and the further argument of the command `add`."""
        going: dict[int, list[tuple[str, bytes]]] = {}
        async for name, value in members:
            if (there := _PLACES[kind][1](name, self._new)) != here:
                going.setdefault(there, []).append((name, value))
        for there, some in going.items():
            target = full.replace(f"{{{here}}}", f"{{{there}}}")
            for start in range(0, len(some), SCAN):
                piece = some[start : start + SCAN]
                await self._redis.execute_command(add, target, *_arguments(add, piece))
                await self._redis.execute_command(remove, full, *(name for name, _ in piece))
        return sum(map(len, going.values()))

    async def _copy_members(self, kind: KeyName, full: str, here: int) -> int:
        copied = 0
        async for name, score in self._members(full):
            if (there := _PLACES[kind][1](name, self._new)) != here:
                target = full.replace(f"{{{here}}}", f"{{{there}}}")
                copied += await self._redis.execute_command("ZADD", target, "NX", score, name)
        return copied

    async def _copy(self, full: str, here: int) -> int:
        """Copy a short-lived mark to all partitions that may look for it. It expires there when the original does."""
        copied = 0
        for there in shared_partitions(here, self._old, self._new) if here < self._old else ():
            if there != here:  # a key cannot be copied to itself
                copied += await self._redis.copy(full, full.replace(f"{{{here}}}", f"{{{there}}}", 1))
        return copied

    async def _fields(self, full: str) -> AsyncIterator[tuple[str, bytes]]:
        async for name, value in self._redis.hscan_iter(full, count=SCAN):
            yield name.decode(), value

    async def _members(self, full: str) -> AsyncIterator[tuple[str, bytes]]:
        async for name, score in self._redis.zscan_iter(full, count=SCAN):
            yield name.decode(), repr(float(score)).encode()


def _arguments(add: str, piece: Iterable[tuple[str, bytes]]) -> list[str | bytes]:
    return [part for name, value in piece for part in ((name, value) if add == "HSET" else (value, name))]


def lane_keys(name: LaneName, partition: int) -> list[str]:
    """Return the Redis keys of this name in a partition, one for each lane of signals."""
    return [lane_key(name, lane, partition) for lane in sorted(_LANES)]

"""The residents' register: written to the compacted topic first, then to Redis; found by phone, account or ID hash.

An entry lies in the hash `residents:{p}` of its partition; `phones:{q}`, `accounts:{q}` and `idhashes:{q}`, spread by
value, tell who held it when. The lists of owners are written before the entry, and the entry only if it still is
what the writer has seen. So whoever was interrupted or overtaken does it again, and the last one written on the topic
is the one in Redis.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import msgspec
import orjson
from redis.asyncio import Redis

from domain.identity.identifiers import Owner, holders, resolve
from schemas.base import ANY_VERSION
from schemas.errors import UserError
from schemas.people.residents import Resident, ResidentId
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, beginning_offsets, end_offsets, read_range
from streams.messaging.topics import RESIDENTS, home, shard_of
from streams.repositories.residents.stored import Index, meant, owners_of, packed, read_owners, unpacked
from streams.runtime.settings import Settings
from streams.security.record_encryption import Unreadable
from streams.security.vault import Vault
from streams.state.scripts import script

log = logging.getLogger(__name__)

MOST_MERGES = 16  # one after the other; each is a round trip
AT_ONCE = 3  # batches under way: one is with Kafka, one with Redis, one is being made
PIECE = 250  # changes of one script
LOOKED_AT = 2_000  # owners that one script looks at before it leaves the other values to the next
BATCH = 1000  # entries in one round trip: some hundred kilobytes
OWNERS = script("owners")
ENTRIES = script("residents")

Entries = Mapping[ResidentId, bytes | None]
"""Entries as they lie on the topic, or in Redis (see stored); none: the resident is erased."""

Change = tuple[str, str, str]
"""As the scripts take it."""


class ForgottenError(UserError, ValueError):
    """An id whose person was forgotten (streams/operations/erasure) is not given again."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A question: who held `value` at that time?

    A struct is made in a sixth of a named tuple's time, and nearly every signal asks one or two.
    """

    by: Index
    value: str
    at: datetime


class Residents:
    """The register of one province."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer | None = None) -> None:
        self._settings = settings
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._producer = producer  # only who writes needs one

    async def put(self, residents: Iterable[Resident]) -> None:
        """Write entries, new or changed: of two with one id, the later. Kafka has them before Redis does.

        Raises ForgottenError, before anything is written, and what the producer and Redis raise; writing the same again
        is safe and sets right what was left half done.
        """
        entries = {resident.id: resident.model_dump_json().encode() for resident in residents}
        await self._refuse_forgotten(entries)
        await self._write(entries)

    async def change(self, ids: Iterable[ResidentId], change: Callable[[Resident], Resident]) -> int:
        """Write what `change` makes of entries as they are at that moment; returns how many are others now.

        Raises as `put` does, and what `change` raises.
        """
        left, count = list(ids), 0
        while left:
            seen = await self._raw(left)
            before = {entry: unpacked(entry, raw) for entry, raw in seen.items() if raw}
            after = {entry: made for entry, old in before.items() if (made := change(old)) != old}
            new = {entry: made.model_dump_json().encode() for entry, made in after.items()}
            await self._publish(new)
            left = list(await self._replace(seen, new))
            count += len(new) - len(left)
        return count

    async def erase(self, ids: Iterable[ResidentId]) -> None:
        """Forget residents wholly: a tombstone on the topic, nothing in Redis."""
        await self._write(dict.fromkeys(ids))

    async def get(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """The entries that exist, merged ones as the signposts they are."""
        raw = await self._raw(list(dict.fromkeys(ids)))
        return {entry: unpacked(entry, value) for entry, value in raw.items() if value}

    async def standing(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """For each id the entry that stands for it after all merges, where there is one.

        Where signposts lead in a circle, or on and on, there is none: the register must be mended, the line goes on.
        """
        asked = list(dict.fromkeys(ids))
        found = await self.get(asked)
        for _ in range(MOST_MERGES):
            ahead = {entry.merged_into for entry in found.values() if entry.merged_into} - found.keys()
            following = await self.get(ahead) if ahead else {}
            if not following:
                break
            found |= following
        merged = {entry.id: entry.merged_into for entry in found.values()}
        ends = {entry: _end(entry, merged) for entry in asked}
        return {entry: found[end] for entry, end in ends.items() if end in found}

    async def by_phone(self, asked: Sequence[tuple[str, datetime]]) -> list[ResidentId | None]:
        """Whose telephone (in E.164) it was at each time; none when nobody's."""
        return await self.find([Asked("phones", *each) for each in asked])

    async def by_account(self, asked: Sequence[tuple[str, datetime]]) -> list[ResidentId | None]:
        """Whose account (in its normal form) it was at each time; none when nobody's."""
        return await self.find([Asked("accounts", *each) for each in asked])

    async def by_id_hash(self, hashes: Sequence[str]) -> list[ResidentId | None]:
        """Whose ID number has this hash; never an entry that was merged into another."""
        lists = await self._owners([("idhashes", value) for value in hashes])
        return [min((each.resident for each in owners), default=None) for owners in lists]

    async def find(self, asked: Sequence[Asked]) -> list[ResidentId | None]:
        """Answer questions of all kinds in one round trip: who is meant by each value at its time."""
        lists = await self._fields([(each.by, each.value) for each in asked])
        return [meant(raw, each.at) if raw else None for each, raw in zip(asked, lists, strict=True)]

    async def holders(self, asked: Sequence[Asked]) -> list[tuple[ResidentId, ...]]:
        """All who held each value at its time, who is meant first: a family's telephone has several."""
        lists = await self._owners([(each.by, each.value) for each in asked])
        return [holders(owners, each.at) for each, owners in zip(asked, lists, strict=True)]

    async def all(self) -> AsyncIterator[list[Resident]]:
        """The whole register in batches, in no order; what changes meanwhile may come as it was or as it is."""
        for partition in range(self._settings.partitions):
            cursor, more = 0, True
            while more:
                cursor, found = await self._redis.hscan(_key("residents", partition), cursor, count=BATCH)
                more = int(cursor) != 0
                yield [unpacked(entry.decode(), raw) for entry, raw in found.items()]

    async def count(self) -> int:
        """How many entries there are."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._settings.partitions):
                pipe.hlen(_key("residents", partition))
            return sum(await pipe.execute())

    async def restore(self, since: Tails | None = None) -> int:
        """Make Redis what the topic says, from nothing or from an older state; returns how many records were read.

        `since`: only what lies behind there is missing. Without it all is read, whatever is in Redis.

        Whatever is put meanwhile may be overwritten by what it replaces, so the topic is read on until nothing new is
        there; entries that the topic does not know (their tombstones are gone too) are removed.
        """
        begin = await beginning_offsets(self._settings, RESIDENTS.name)
        behind = (since or {}).get(RESIDENTS.name, begin)
        done, read = {partition: max(first, behind.get(partition, first)) for partition, first in begin.items()}, 0
        strays = since is None
        while (end := await end_offsets(self._settings, RESIDENTS.name)) != done:
            for partition, after in end.items():
                seen, count = await self._restore_range(partition, done[partition], after - 1)
                read += count
                if strays:
                    await self._remove_strays(partition, seen)
            done, strays = end, False
        return read

    async def forgotten(self, ids: Iterable[ResidentId]) -> list[ResidentId]:
        """Which of these ids are of people who were forgotten: `put` refuses them."""
        if self._settings.vault is None:
            return []
        vault = Vault(self._settings)
        try:
            return [entry for entry, keys in (await vault.known(ids)).of.items() if keys is None]
        finally:
            await vault.aclose()

    async def _refuse_forgotten(self, ids: Iterable[ResidentId]) -> None:
        """Nothing would be sealed under a key that was destroyed: the entry would be gone with Redis."""
        if gone := await self.forgotten(ids):
            raise ForgottenError(
                f"{gone[0]}{f' and {len(gone) - 1} more' if gone[1:] else ''} was forgotten: nobody is entered under "
                "such an id again. Leave the id out, and the person has a new one"
            )

    async def _restore_range(self, partition: int, first: int, last: int) -> tuple[set[ResidentId], int]:
        seen: set[ResidentId] = set()
        batch: dict[ResidentId, bytes | None] = {}
        read = 0
        async for record in read_range(self._settings, RESIDENTS.name, partition, first, last):
            read += 1
            if isinstance(record.value, Unreadable):  # what Redis has of it stays
                seen.add((record.key or b"").decode())
            elif entry := readable(RESIDENTS.name, record.offset, partial(_entry, record)):
                batch[entry[0]] = entry[1]
            if len(batch) >= BATCH:
                seen |= batch.keys()
                await self._overwrite(batch)
                batch = {}
        await self._overwrite(batch)
        return seen | batch.keys(), read

    async def _remove_strays(self, partition: int, known: set[ResidentId]) -> None:
        there = await self._redis.hkeys(_key("residents", partition))
        strays = [entry for raw in there if (entry := raw.decode()) not in known]
        for start in range(0, len(strays), BATCH):
            await self._overwrite(dict.fromkeys(strays[start : start + BATCH]))

    async def _write(self, entries: Entries) -> None:
        ids, slots = list(entries), asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(ids), BATCH):
                    batch = {entry: entries[entry] for entry in ids[start : start + BATCH]}
                    group.create_task(self._write_batch(batch, slots))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # callers know the producer's and Redis' errors, not groups of them

    async def _write_batch(self, left: Entries, slots: asyncio.Semaphore) -> None:
        async with slots:
            while left:
                # Read, then published, then replaced: so of two writers the last on the topic is the last in Redis.
                seen = await self._raw(list(left))
                await self._publish(left)
                left = await self._replace(seen, left)

    async def _overwrite(self, entries: Entries) -> None:
        while entries:
            entries = await self._replace(await self._raw(list(entries)), entries)

    async def _publish(self, entries: Entries) -> None:
        if self._producer is None:
            raise RuntimeError("this register is read only: give it a producer to write")
        await self._producer.send_all(
            [
                Record(RESIDENTS.name, entry.encode(), value, home(entry, self._settings.partitions))
                for entry, value in entries.items()
            ]
        )

    async def _replace(self, seen: Entries, new: Entries) -> dict[ResidentId, bytes | None]:
        """Put `new`, of the topic, where `seen`, of Redis, still is; returns those for whom it is not.

        Owners are written even if they look unchanged: a writer that died half-way may have taken them out.
        """
        short = {entry: packed(raw) if raw else None for entry, raw in new.items()}
        await self._replace_owners(_pieces(self._owner_changes(seen, short)))
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, changes in _pieces(self._entry_changes(seen, short)):
                pipe.eval(ENTRIES, 1, key, orjson.dumps(changes))
            answers = await pipe.execute()
        refused = [entry.decode() for answer in answers for entry in answer]
        return {entry: new[entry] for entry in refused}

    async def _replace_owners(self, work: Sequence[tuple[str, Sequence[Change]]]) -> None:
        """Replace owners; what a script leaves, because it met long lists, is sent again."""
        while work:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, changes in work:
                    pipe.eval(OWNERS, 1, key, orjson.dumps(changes), LOOKED_AT)
                answers = await pipe.execute()
            done = zip(work, answers, strict=True)
            work = [(key, changes[number:]) for (key, changes), number in done if number < len(changes)]

    def _owner_changes(self, seen: Entries, new: Entries) -> dict[str, list[Change]]:
        changes: dict[str, list[Change]] = defaultdict(list)
        for entry, raw in new.items():
            after = owners_of(entry, raw)
            gone = owners_of(entry, seen[entry]).keys() - after.keys()
            for (index, value), owners in (*after.items(), *((where, "") for where in gone)):
                changes[self._key_of(index, value)].append((value, entry, owners))
        return changes

    def _entry_changes(self, seen: Entries, new: Entries) -> dict[str, list[Change]]:
        changes: dict[str, list[Change]] = defaultdict(list)
        for entry, raw in new.items():
            key = self._key_of("residents", entry)
            changes[key].append((entry, (seen[entry] or b"").decode(), (raw or b"").decode()))
        return changes

    async def _raw(self, ids: Sequence[ResidentId]) -> dict[ResidentId, bytes | None]:
        return dict(zip(ids, await self._fields([("residents", entry) for entry in ids]), strict=True))

    async def _owners(self, values: Sequence[tuple[Index, str]]) -> list[list[Owner]]:
        return [read_owners(raw) if raw else [] for raw in await self._fields(values)]

    async def _fields(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """A field of a partitioned hash for each (name, field), in one round trip."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(wanted):
            places[self._key_of(*each)].append(place)
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, here in places.items():
                # hmget() takes a microsecond more, and with many partitions there are many of them for each record
                pipe.execute_command("HMGET", key, *[wanted[place][1] for place in here])
            answers = await pipe.execute()
        found: list[bytes | None] = [None] * len(wanted)
        for here, answer in zip(places.values(), answers, strict=True):
            for place, value in zip(here, answer, strict=True):
                found[place] = value
        return found

    def _key_of(self, name: str, field: str) -> str:
        if name == "residents":
            return _key(name, home(field, self._settings.partitions))
        return _key(name, shard_of(field, self._settings.partitions))  # only this module asks for values


def _pieces(changes: Mapping[str, Sequence[Change]]) -> list[tuple[str, Sequence[Change]]]:
    """What each script changes."""
    return [
        (key, those[start : start + PIECE]) for key, those in changes.items() for start in range(0, len(those), PIECE)
    ]


@lru_cache(maxsize=4096)
def _key(name: str, partition: int) -> str:
    return f"{name}:{{{partition}}}"


def _entry(record: Read) -> tuple[ResidentId, bytes | None]:
    """The id and the entry, in full, whatever the record leaves out. Raises ValueError when it is none."""
    name = (record.key or b"").decode()
    if record.value is None:
        return name, None
    resident = Resident.model_validate_json(record.value, extra=ANY_VERSION)
    if resident.id != name:
        raise ValueError("the record's key is not its entry's id")
    return name, resident.model_dump_json().encode()


def _end(entry: ResidentId, merged: Mapping[str, str | None]) -> ResidentId | None:
    try:
        return resolve(entry, merged)
    except ValueError as error:
        log.error("the register must be mended: %s", error)  # noqa: TRY400 - the text says it all
        return None

"""The register of residents (topic `residents` and Redis); entries are found by phone, account or hash of an ID number.

An entry is a field of the hash `residents:{p}` of its partition. The hashes `phones:{q}`, `accounts:{q}` and
`idhashes:{q}` list who held a value and when; a value's partition is the hash of the value. A write goes to the topic
first, then to the lists of owners, then to the entry, and to the entry only if it is unchanged since the writer read
it. A writer that was interrupted or overtaken repeats the write. So Redis ends with the last state on the topic.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
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
from streams.messaging.codec import Unreadable
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.producer import Producer
from streams.messaging.reader import Read, Tails, read_range
from streams.messaging.topics import RESIDENTS, home, shard_of
from streams.repositories.residents.late_entries import Entries, LateEntries, Publish
from streams.repositories.residents.stored import Index, holder_at, owners_of, packed, read_owners, unpacked
from streams.runtime.settings import Settings
from streams.security.vault import Vault
from streams.state.keys import key
from streams.state.scripts import script

log = logging.getLogger(__name__)

MOST_MERGES = 16  # merges followed from one entry to the next; each costs a round trip
AT_ONCE = 3  # batches in progress: one at Kafka, one at Redis, one being built
PIECE = 250  # changes for each script call
LOOKED_AT = 2_000  # owners that one script call examines before it leaves the remaining values to the next call
BATCH = 1000  # entries for each round trip: some hundred kilobytes
OWNERS = script("owners")
ENTRIES = script("residents")

Change = tuple[str, str, str]
"""One change as the Lua scripts take it: (value or id, resident id or old entry, new owners or new entry)."""


class ForgottenError(UserError, ValueError):
    """The id belongs to an erased resident (streams/operations/erasure) and cannot be used again."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A question to the register: who held `value` at the time `at`? `by` says what `value` is: a telephone number or
    an account number in its normal form, or the hash of an ID number.

    A msgspec struct is built in a sixth of a named tuple's time, and nearly every signal asks one or two questions.
    """

    by: Index
    value: str
    at: datetime


class Residents:
    """The register of one installation's residents. Without a producer it can only be read."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer | None = None) -> None:
        self._settings = settings
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._producer = producer  # needed only for writing

    async def put(self, residents: Iterable[Resident]) -> None:
        """Write new or changed entries to Kafka, then to Redis. If two have the same id, the later one is written.

        Waits while Kafka is unavailable. Raises ForgottenError, before anything is written, if an id belongs to an
        erased resident; RuntimeError without a producer; SendError if Kafka refuses a record; and RedisError if Redis
        or the vault is unavailable. Repeating the call is safe and completes a partial write.
        """
        entries = {resident.id: resident.model_dump_json().encode() for resident in residents}
        await self._refuse_forgotten(entries)
        await self._write(entries)

    async def change(self, ids: Iterable[ResidentId], change: Callable[[Resident], Resident]) -> int:
        """Apply `change` to the current entries of these ids, write those that it changed to Kafka and Redis, and
        return their number.

        If another writer changes an entry at the same time, `change` is applied again to the newer entry. Unknown ids
        are skipped. Waits while Kafka is unavailable. Raises the exceptions of `change`, RuntimeError without a
        producer, SendError if Kafka refuses a record, and RedisError if Redis is unavailable.
        """
        left, count = list(ids), 0
        async with self._writing() as publish:
            while left:
                seen = await self._raw(left)
                before = {entry: unpacked(entry, raw) for entry, raw in seen.items() if raw}
                after = {entry: made for entry, old in before.items() if (made := change(old)) != old}
                new = {entry: made.model_dump_json().encode() for entry, made in after.items()}
                await publish(new)
                left = list(await self._replace(seen, new))
                count += len(new) - len(left)
        return count

    async def erase(self, ids: Iterable[ResidentId]) -> None:
        """Erase residents: write a tombstone to the topic for each, and delete them from Redis. A tombstone is written
        for an unknown id too.

        Waits while Kafka is unavailable. Raises RuntimeError without a producer, SendError if Kafka refuses a record,
        and RedisError if Redis is unavailable.
        """
        await self._write(dict.fromkeys(ids))

    async def get(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """Return the entries of these ids, by id; unknown ids are left out.

        A merged entry is returned as it is, with `merged_into` set. Raises RedisError if Redis is unavailable.
        """
        raw = await self._raw(list(dict.fromkeys(ids)))
        return {entry: unpacked(entry, value) for entry, value in raw.items() if value}

    async def standing(self, ids: Iterable[ResidentId]) -> dict[ResidentId, Resident]:
        """Return for each id the canonical entry: the one at the end of all merges. Ids without an entry are left out.

        An id whose merges form a circle, or a chain of over 16, is left out and logged as an error to be repaired.
        Raises RedisError if Redis is unavailable.
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
        """Return for each pair of `asked` (E.164 phone, time), in order, the id of the resident who held the phone
        then, or None if nobody did. If several did, the first of `holders`. Raises RedisError if Redis is unavailable.
        """
        return await self.find([Asked("phones", *each) for each in asked])

    async def by_account(self, asked: Sequence[tuple[str, datetime]]) -> list[ResidentId | None]:
        """Return for each pair of `asked` (normalized account, time), in order, the id of the resident who held the
        account then, or None if nobody did. If several did, the first of `holders`. Raises RedisError if Redis is
        unavailable.
        """
        return await self.find([Asked("accounts", *each) for each in asked])

    async def by_id_hash(self, hashes: Sequence[str]) -> list[ResidentId | None]:
        """Return for each ID-number hash, in order, the id of the resident who has it, or None if nobody has. If
        several have it, the lowest id; never the id of a merged entry. Raises RedisError if Redis is unavailable.
        """
        lists = await self._owners([("idhashes", value) for value in hashes])
        return [min((each.resident for each in owners), default=None) for owners in lists]

    async def find(self, asked: Sequence[Asked]) -> list[ResidentId | None]:
        """Return for each question (`asked`), in order, the id of the resident who held the value at that time, or None
        if nobody did. If several did, the first of `holders`.

        One round trip for all kinds of questions. Raises RedisError if Redis is unavailable.
        """
        lists = await self._fields([(each.by, each.value) for each in asked])
        return [holder_at(raw, each.at) if raw else None for each, raw in zip(asked, lists, strict=True)]

    async def holders(self, asked: Sequence[Asked]) -> list[tuple[ResidentId, ...]]:
        """Return for each question, in order, the ids of all residents who held the value at that time, as of a family
        that shares a telephone: the primary holders first, as domain/identity/identifiers `holders` orders them. An
        empty tuple if nobody did. Raises RedisError if Redis is unavailable.
        """
        lists = await self._owners([(each.by, each.value) for each in asked])
        return [holders(owners, each.at) for each, owners in zip(asked, lists, strict=True)]

    async def all(self) -> AsyncIterator[list[Resident]]:
        """Yield all entries of the register in lists, in no particular order.

        An entry that changes meanwhile may be yielded in its old or new state, or in both. Raises RedisError if Redis
        is unavailable.
        """
        for partition in range(self._settings.partitions):
            cursor, more = 0, True
            while more:
                cursor, found = await self._redis.hscan(_key("residents", partition), cursor, count=BATCH)
                more = int(cursor) != 0
                yield [unpacked(entry.decode(), raw) for entry, raw in found.items()]

    async def count(self) -> int:
        """Return the number of entries in the register, merged ones included. Raises RedisError if Redis is
        unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._settings.partitions):
                pipe.hlen(_key("residents", partition))
            return sum(await pipe.execute())

    async def restore(self, since: Tails | None = None) -> int:
        """Make Redis equal to the topic, and return the number of records read. Unreadable records are logged and left
        out.

        `since`: read only records at or after these offsets (by topic and partition). None: the topic is read from its
        beginning, and entries that the topic does not have are removed from Redis. Reads until no new record has
        arrived: a `put` during the restore could otherwise be overwritten by the state that it replaced. Raises
        RedisError or KafkaError if Redis or Kafka is unavailable; errors of the vault (CodecError) pass through.
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
        """Return those of `ids` that belong to erased residents (their keys in the vault were destroyed), each once, in
        this order; empty without a vault. Raises RedisError if the vault is unavailable.
        """
        if self._settings.vault is None:
            return []
        vault = Vault(self._settings)
        try:
            return [entry for entry, keys in (await vault.known(ids)).of.items() if keys is None]
        finally:
            await vault.aclose()

    async def _refuse_forgotten(self, ids: Iterable[ResidentId]) -> None:
        """Raise ForgottenError if an id's key was destroyed: its entry would be readable in Redis only, and lost with
        it. Else do nothing.
        """
        if gone := await self.forgotten(ids):
            raise ForgottenError(
                f"{gone[0]}{f' and {len(gone) - 1} more' if gone[1:] else ''} was forgotten: an erased resident's id "
                "cannot be used again. Leave the id out, and the person gets a new one"
            )

    async def _restore_range(self, partition: int, first: int, last: int) -> tuple[set[ResidentId], int]:
        seen: set[ResidentId] = set()
        batch: dict[ResidentId, bytes | None] = {}
        read = 0
        async for record in read_range(self._settings, RESIDENTS.name, partition, first, last):
            read += 1
            if isinstance(record.value, Unreadable):  # keep the entry that Redis has
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
            raise failed.exceptions[0] from None  # callers handle the producer's and Redis' errors, not groups

    async def _write_batch(self, left: Entries, slots: asyncio.Semaphore) -> None:
        async with slots, self._writing() as publish:
            while left:
                # Read, publish, replace, in this order: the writer that is last on the topic is also last in Redis.
                seen = await self._raw(list(left))
                await publish(left)
                left = await self._replace(seen, left)

    async def _overwrite(self, entries: Entries) -> None:
        while entries:
            entries = await self._replace(await self._raw(list(entries)), entries)

    def _writing(self) -> AbstractAsyncContextManager[Publish]:
        if self._producer is None:
            raise RuntimeError("this register is read only: give it a producer to write")
        return LateEntries(self._settings, self._redis, self._producer, self._raw).writing()

    async def _replace(self, seen: Entries, new: Entries) -> dict[ResidentId, bytes | None]:
        """Replace the entries `seen` in Redis by `new` (topic format), and return those of `new` that were not written.

        They were not written because the entry had changed in Redis since `seen`. Owners are written even if they look
        unchanged: a writer that died half-way may have removed them.
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
        """Send the owner changes; changes that a script call left over, because its lists were long, are sent again."""
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
        """Return one hash field for each (name, field), or None if absent; all partitions in one round trip."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(wanted):
            places[self._key_of(*each)].append(place)
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, here in places.items():
                # redis-py's hmget() costs a microsecond more, and there is one call for each partition and record
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
        return _key(name, shard_of(field, self._settings.partitions))  # cheaper than home(); only used in this module


def _pieces(changes: Mapping[str, Sequence[Change]]) -> list[tuple[str, Sequence[Change]]]:
    """Return (key, changes) for each script call, with at most PIECE changes each."""
    return [
        (key, those[start : start + PIECE]) for key, those in changes.items() for start in range(0, len(those), PIECE)
    ]


_key = lru_cache(maxsize=4096)(key)


def _entry(record: Read) -> tuple[ResidentId, bytes | None]:
    """Return a record's id and entry with all fields, or None for a tombstone.

    Raises ValueError if it is not an entry.
    """
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
        log.error("the register must be repaired: %s", error)  # noqa: TRY400 - the text says it all
        return None

"""The case store: each partition's cases in Redis, written only if the partition's input offset is the expected one.

`connect` makes the Redis client of an installation.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from redis.asyncio import Redis

from domain.ids import resident_of
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import Hold
from streams.messaging.topics import CASE_INPUTS
from streams.runtime.settings import Settings, SettingsError
from streams.state.keys import (
    ALERTED,
    APPLIED_KEPT,
    EARLIER_KEPT,
    LOST,
    NAMES,
    SETTLED,
    STATE,
    TOPIC_IDS,
    UNSURE,
    key,
    milliseconds,
)
from streams.state.leader import EXEMPT, Leader
from streams.state.partition_state import WHERE, Loaded, MoneySums, Stand, is_whole, topic_place
from streams.state.redis_client import client
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, CURRENT_RUN, run_of
from streams.state.store_update import Argument, PartitionRules, StoreUpdate

FORGOTTEN = 1_000  # input ids, and cases, deleted from a partition in one call, which comes every second
OUTBOX_AT_ONCE = 1_000  # entries read at once: more than one commit makes, so a commit's entries are read together
COMMIT = CURRENT_RUN + script("commit")


def connect(settings: Settings) -> "Redis":
    """Return a Redis client for the installation's Redis, not connected yet. Its commands are retried for about a
    second before they raise redis.exceptions.ConnectionError.

    Raises SettingsError if the embedded servers are not started yet, and ValueError if the address of Redis is invalid.
    """
    if settings.redis is None:
        raise SettingsError("no Redis yet: start the embedded servers first (streams.runtime.embedded.Embedded)")
    return client(settings.redis, settings.redis_login())


class CaseStore:
    """The cases of an installation. Each write (`commit`) has effect only if the partition's input offset is still the
    expected one; reads are not checked.
    """

    def __init__(self, redis: "Redis", leader: Leader = EXEMPT) -> None:
        """`leader`: knows which Redis leads.

        A process that commits passes its started one; the default checks nothing.
        """
        self.redis: Any = redis  # redis-py types a command's result as sync or async at once
        self.leader = leader
        self.commits: Counter[int] = Counter()  # partition -> number of commits that this object has tried
        self._commit = self.redis.register_script(COMMIT)

    async def load(self, partition: int, inputs: Sequence[str], residents: Sequence[str]) -> Loaded | None:
        """Return the partition's rules, the latest cases of `residents` and which of `inputs` were applied, all of one
        moment.

        Returns None if the store is lost, or if another Redis than that of the last commit answers, which may lack
        commits. Raises ValidationError if a stored case or hold is invalid. Errors of Redis pass through.
        """
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.hmget(key("state", partition), "offset", "policy", "run", "logs", "end")
            pipe.hvals(key("holds", partition))
            pipe.hmget(key("cases", partition), ["", *residents])
            pipe.zmscore(key("applied", partition), ["", *inputs])
            pipe.exists(key("outbox", partition))
            pipe.hget(TOPIC_IDS, topic_place(CASE_INPUTS.name, partition))
            info, (offset, policy, run, logs, end), holds, cases, scores, outbox, topic = await pipe.execute()
        if offset is None or run is None or run.decode() != run_of(info):
            return None
        standing = PartitionRules(
            int(offset),
            policy.decode(),
            tuple(Hold.model_validate_json(hold, extra=ANY_VERSION) for hold in holds),
            int(logs or 0),
        )
        return Loaded(
            standing,
            {
                resident: Case.model_validate_json(raw, extra=ANY_VERSION)
                for resident, raw in zip(residents, cases[1:], strict=True)
                if raw
            },
            {name for name, score in zip(inputs, scores[1:], strict=True) if score is not None},
            bool(outbox),
            int(end or 0),
            (topic or b"").decode(),
        )

    async def commit(self, partition: int, expected: int | str | None, offset: int | None, change: StoreUpdate) -> bool:
        """Apply `change` and set the input offset to `offset` (None: unchanged) if the stored offset is `expected`.
        Returns True if it was applied.

        `expected` may also be the mark of a rebuild; None: no offset is stored. Returns False, and writes nothing, if
        the stored offset or mark is another one, because another process was first or an earlier try of this command
        was applied and its answer lost; if the Redis that answers does not lead (after a pause of 0.2 s); and, where
        `offset` is given, if the outbox still has entries of an earlier commit (publish them first) or another Redis
        made the last commit. Waits without limit while this process must not act. Raises RuntimeError if the leader was
        not started. Errors of Redis pass through: the change may then have been applied.
        """
        run = await self.leader.run()
        arguments: list[Argument] = ["" if expected is None else expected, "" if offset is None else offset, run]
        for command, name, rest in change.commands:
            arguments += [len(rest), command, name + 1, *rest]
        keys = [key(name, partition) for name in NAMES]
        try:
            found = await self._commit(keys=keys, args=arguments)
        finally:
            self.commits[partition] += 1  # after it: what was read before may be of before the commit
        if found == b"epoch":
            await self.leader.refused()
        return bool(found == b"ok")

    async def position(self, partition: int) -> Stand:
        """Return the offset of the last input that a partition has applied, the journal offset after which its store
        may lack commits, and the runs of the Redis that made the last commit and of the Redis that answers (see Stand).
        Errors of Redis pass through.
        """
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.hmget(key("state", partition), "offset", "journal", "run", "logs")
            info, (offset, journal, run, logs) = await pipe.execute()
        where = -1 if journal is None else int(journal)
        stored = None if offset is None else int(offset)
        return Stand(stored, where, run and run.decode(), run_of(info), int(logs or 0))

    async def unsettled(self, partitions: Sequence[int], reached: Mapping[int, int]) -> list[int]:
        """Return those of `partitions`, in their order, whose store is lost, may lack commits or inputs, or is behind
        `reached`, or which have entries in the outbox. `reached`: input offsets known to be applied, by partition.
        Errors of Redis pass through.
        """
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            for partition in partitions:
                pipe.hmget(key("state", partition), *WHERE)
                pipe.exists(key("outbox", partition))
            info, *found = await pipe.execute()
        states = zip(partitions, found[::2], found[1::2], strict=True)
        return [
            partition
            for partition, state, outbox in states
            if outbox or not is_whole(run_of(info), *state) or int(state[0]) < reached.get(partition, -1)
        ]

    async def continue_after_loss(
        self, partition: int, stood: Stand, end: int, sent: Iterable[str], seconds: float
    ) -> bool:
        """Let a partition go on in a Redis that may have lost its latest commits. Returns True if that was written;
        False, writing nothing, if the partition's offset is no longer that of `stood`, or another Redis leads.

        The marks of sent dispatches may be lost too. So all dispatches that wait for a result, and those in `sent`
        (ids), are marked as possibly sent, and for `seconds` of wall-clock time no worker carries one of them out. No
        channel sends anything for the partition until the inputs before offset `end` are applied again. Waits without
        limit while this process must not act. Raises RuntimeError if the leader was not started. Errors of Redis pass
        through.
        """
        change = StoreUpdate()
        change.add("SUNIONSTORE", UNSURE, key("unsure", partition), key("awaited", partition)).unsure(sent)
        change.settling(seconds)
        change.add("HSET", STATE, "run", stood.asked, "end", end)
        return await self.commit(partition, stood.offset, None, change)

    async def hold_back(self, partition: int, stood: Stand, end: int) -> bool:
        """Let no channel send anything for the partition until input `end` - 1 is applied. Returns True if that was
        written; False, writing nothing, if the partition's offset is no longer that of `stood`, or another Redis leads.

        Waits without limit while this process must not act. Raises RuntimeError if the leader was not started. Errors
        of Redis pass through.
        """
        change = StoreUpdate()
        change.add("HSET", STATE, "end", end)
        return await self.commit(partition, stood.offset, None, change)

    async def offset(self, partition: int) -> int | None:
        """Return the offset of the last applied input, or None if the store is lost. Errors of Redis pass through."""
        stored = await self.redis.hget(key("state", partition), "offset")
        return None if stored is None else int(stored)

    async def clear(self, partition: int) -> None:
        """Delete the partition's state (its offset, policy and run), so that it counts as lost and the next check
        rebuilds it. Its cases stay until then. Errors of Redis pass through.
        """
        await self.redis.delete(key("state", partition))

    async def begin_rebuild(self, partition: int) -> str | None:
        """Delete what is left of a lost partition, and return a new mark, which identifies this rebuild in `steps`.
        Returns None, deleting nothing, if the partition is not lost, another process was first, or another Redis leads.

        If two processes rebuild a partition at once, the later one starts over, and the writes of the earlier one are
        refused. Waits without limit while this process must not act. Raises RuntimeError if the leader was not started.
        Errors of Redis pass through.
        """
        offset, other = await self.redis.hmget(key("state", partition), "offset", "rebuilding")
        mark = uuid.uuid4().hex
        begun = _emptied().add("HSET", STATE, "rebuilding", mark)
        if offset is None and await self.commit(partition, other and other.decode(), None, begun):
            return mark
        return None

    def steps(self, partition: int, mark: str) -> "RebuildSteps":
        """Return the object that fills a partition's store during a rebuild. `mark`: identifies the rebuild; another
        one's writes have no effect.
        """
        return RebuildSteps(self, partition, mark)

    async def raw_cases(self, partition: int, residents: Sequence[str]) -> dict[str, bytes]:
        """Return the latest cases of these residents as JSON, by resident; residents without a case are left out.
        Errors of Redis pass through.
        """
        found = await self.redis.hmget(key("cases", partition), residents) if residents else []
        return {resident: raw for resident, raw in zip(residents, found, strict=True) if raw}

    async def earlier(self, partition: int, names: Sequence[str]) -> list[bytes]:
        """Return the earlier cases (each followed by another) with these ids, as JSON in this order; missing ones are
        left out. Errors of Redis pass through.
        """
        found = await self.redis.hmget(key("earlier", partition), names) if names else []
        return [raw for raw in found if raw]

    async def ranked(self, name: int, partition: int, start: int, most: int) -> list[str]:
        """Return at most `most` members of a sorted set, the lowest score first, from rank `start` (0: the lowest) on.

        `name`: the set's number in keys.NAMES. Errors of Redis pass through.
        """
        found = await self.redis.zrange(key(NAMES[name], partition), start, start + most - 1)
        return [member.decode() for member in found]

    async def ranked_count(self, name: int, partition: int) -> int:
        """Return the number of members of a sorted set; 0 if there is none. `name`: its number in keys.NAMES.

        Errors of Redis pass through.
        """
        return int(await self.redis.zcard(key(NAMES[name], partition)))

    async def logs(self, partition: int) -> int:
        """Return how many case-inputs topics were lost before the one that the partition follows; 0 if its store is
        lost. Errors of Redis pass through.
        """
        return int(await self.redis.hget(key("state", partition), "logs") or 0)

    async def behind(self, partition: int) -> tuple[int, int] | None:
        """Return (offset of the last applied input, offset of the last missing input) if the store lacks inputs up to
        the end noted at its recovery.

        Returns None if it lacks none, and also if it is lost. Errors of Redis pass through.
        """
        offset, end = await self.redis.hmget(key("state", partition), "offset", "end")
        if offset is None or end is None or int(offset) >= int(end) - 1:
            return None
        return int(offset), int(end) - 1

    async def is_whole(self, partition: int) -> bool:
        """Return True if the partition's store lacks nothing: it is not lost, the Redis that answers is the one that
        made the last commit, and all inputs up to the end noted at its recovery are applied. Errors of Redis pass
        through.
        """
        stand = await self.position(partition)
        return stand.offset is not None and not stand.older and await self.behind(partition) is None

    async def outbox(self, partition: int) -> dict[bytes, bytes]:
        """Return the committed journal entries that are not known to be published: their JSON by name, in the order of
        their input offsets; empty if there are none.

        At most about 1,000, not necessarily the oldest ones: a rebuilt store may have very many. Errors of Redis pass
        through.
        """
        name = key("outbox", partition)
        entries: dict[bytes, bytes] = {}
        if await self.redis.hlen(name) <= OUTBOX_AT_ONCE:
            entries = await self.redis.hgetall(name)
        else:
            _, entries = await self.redis.hscan(name, 0, count=OUTBOX_AT_ONCE)
        return dict(sorted(entries.items(), key=lambda item: int(item[0].split(b"/")[0])))

    async def published(self, partition: int, names: Iterable[str | bytes]) -> None:
        """Remove entries that are on the journal from the partition's outbox in Redis. `names`: the entries' names in
        the outbox; unknown ones are ignored. Errors of Redis pass through.
        """
        if names := list(names):
            await self.redis.hdel(key("outbox", partition), *names)

    async def held(self, partition: int) -> list[str]:
        """Return the ids of the partition's residents who have a step held back, sorted; empty without any. Errors of
        Redis pass through.
        """
        return sorted(name.decode() for name in await self.redis.smembers(key("held", partition)))

    async def case(self, partition: int, case_id: str) -> Case | None:
        """Return a case by its id, the resident's latest or an earlier one; None if it is unknown, an earlier one that
        last changed over 120 days ago and was deleted, or the partition's store was lost and does not have the case
        again yet. Raises ValidationError if the stored case is invalid. Errors of Redis pass through.
        """
        latest = await self.redis.hget(key("cases", partition), resident_of(case_id))
        if latest and (found := Case.model_validate_json(latest, extra=ANY_VERSION)).id == case_id:
            return found
        earlier = await self.redis.hget(key("earlier", partition), case_id)
        return Case.model_validate_json(earlier, extra=ANY_VERSION) if earlier else None

    async def due(self, partition: int, now: datetime, most: int) -> list[tuple[str, str, int]]:
        """Return at most `most` deadlines due at or before `now`, the oldest first: (case id, step id, due time in ms
        since 1970). Empty if none is due. Nothing is removed. Errors of Redis pass through.
        """
        found = await self.redis.zrange(
            key("deadlines", partition), "-inf", milliseconds(now), byscore=True, offset=0, num=most, withscores=True
        )
        return [(*member.decode().split("|"), int(score)) for member, score in found]

    async def drop_expired(self, partitions: Sequence[int], now: datetime) -> None:
        """Delete the ids of inputs applied over 9 days ago, and earlier cases that last changed over 120 days ago.

        At most 1,000 of each per partition and call. Errors of Redis pass through.
        """
        applied, before = milliseconds(now - APPLIED_KEPT), milliseconds(now - EARLIER_KEPT)
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.zrange(key("applied", partition), "-inf", applied, byscore=True, offset=0, num=FORGOTTEN)
                pipe.zrange(key("closed", partition), "-inf", before, byscore=True, offset=0, num=FORGOTTEN)
            found = await pipe.execute()
        for partition, inputs, names in zip(partitions, found[::2], found[1::2], strict=True):
            if inputs:
                await self.redis.zrem(key("applied", partition), *inputs)
            if names:
                async with self.redis.pipeline(transaction=True) as pipe:
                    pipe.hdel(key("earlier", partition), *names)
                    pipe.zrem(key("closed", partition), *names)
                    await pipe.execute()

    async def sums(self, name: Literal["ledger", "counts"], partitions: Iterable[int]) -> Counter[str]:
        """Return the sums over partitions, by name, of the money totals (`ledger`, in fen, except that some are numbers
        of cases) or the counts (`counts`). A name that no partition has counts as 0. Errors of Redis pass through.
        """
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hgetall(key(name, partition))
            parts = await pipe.execute()
        return _added(parts)

    async def ledgers(self, partitions: Iterable[int]) -> MoneySums:
        """Return the sums over partitions of the money totals and of the books' changes by day, month and year, and
        each partition's last applied offset (None where the store is lost), all of one moment. Money is in fen; Totals
        and BookLine say which sums are numbers instead. Errors of Redis pass through.
        """
        wanted = list(partitions)
        async with self.redis.pipeline(transaction=True) as pipe:
            for partition in wanted:
                pipe.hgetall(key("ledger", partition))
                pipe.hgetall(key("books", partition))
                pipe.hget(key("state", partition), "offset")
            found = await pipe.execute()
        stands = [None if offset is None else int(offset) for offset in found[2::3]]
        return MoneySums(_added(found[::3]), _added(found[1::3]), dict(zip(wanted, stands, strict=True)))

    async def overdue(self, partition: int, now: datetime) -> int:
        """Return the number of the partition's deadlines that are due at `now` and not acted on yet. Errors of Redis
        pass through.
        """
        return int(await self.redis.zcount(key("deadlines", partition), "-inf", milliseconds(now)))


class RebuildSteps:
    """Fills a lost partition, change by change. Each change also replaces the stored mark of the rebuild, so that a
    change that is sent twice, because its answer was lost, is written once.
    """

    def __init__(self, store: CaseStore, partition: int, mark: str) -> None:
        self._store, self._partition, self._mark = store, partition, mark
        self._stands, self._number = mark, 0

    async def write(self, changes: Iterable[StoreUpdate]) -> bool:
        """Write the changes, and add to each a command that stores the next mark of the rebuild. Return True if all are
        written; False if another process restarted the rebuild, the partition was lost again, or another Redis leads:
        the changes before are written then.

        Waits without limit while this process must not act. Raises RuntimeError if the leader was not started. Errors
        of Redis pass through.
        """
        for change in changes:
            self._number += 1
            following = f"{self._mark}/{self._number}"
            change.add("HSET", STATE, "rebuilding", following)
            if not await self._store.commit(self._partition, self._stands, None, change):
                return False
            self._stands = following
        return True

    async def finish(self, offset: int, end: int) -> bool:
        """End the rebuild, with `offset` as the last applied input. No channel sends anything for this partition until
        all inputs before offset `end` are applied too.

        Returns True if it has ended; False, ending nothing, if another process restarted the rebuild, the partition was
        lost again, or another Redis leads. Waits without limit while this process must not act. Raises RuntimeError if
        the leader was not started. Errors of Redis pass through.
        """
        last = StoreUpdate().add("HDEL", STATE, "rebuilding").add("HSET", STATE, "end", end)
        return await self._store.commit(self._partition, self._stands, offset, last)


def _added(parts: Iterable[Mapping[bytes, bytes]]) -> Counter[str]:
    """Return the sums of Redis hashes of numbers."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update({name.decode(): int(value) for name, value in part.items()})
    return total


def _emptied() -> StoreUpdate:
    """Return an update that deletes the partition's keys, except what screening needs until a case replaces it."""
    change = StoreUpdate()
    for name in range(len(NAMES)):
        if name not in (SETTLED, ALERTED, LOST):
            change.add("UNLINK", name)  # frees the memory in the background
    return change

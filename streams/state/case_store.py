"""The Redis of a province: the connection, and one partition's cases behind the fence of its offset."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import resident_of
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import Hold
from schemas.errors import UserError
from streams.runtime.settings import Settings, SettingsError
from streams.state.keys import ALERTED, APPLIED_KEPT, EARLIER_KEPT, NAMES, SETTLED, STATE, UNSURE, key, milliseconds
from streams.state.leader import EXEMPT, Leader
from streams.state.redis_client import client
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, CURRENT_RUN, run_of
from streams.state.store_update import Argument, PartitionRules, StoreUpdate

FORGOTTEN = 1_000  # ids of inputs, and cases, of a partition at once: it is called each second
OUTBOX_AT_ONCE = 1_000  # entries: more than one commit makes, so a commit's are read together
COMMIT = CURRENT_RUN + script("commit")


def connect(settings: Settings) -> "Redis":
    """A client that tries again for about a second before it raises redis.exceptions.ConnectionError."""
    if settings.redis is None:
        raise SettingsError("no Redis yet: start the embedded servers first (streams.runtime.embedded.Embedded)")
    return client(settings.redis, settings.redis_login())


@dataclass(frozen=True, slots=True)
class Stand:
    """How a partition stands in the Redis that answers. No offset: its store was lost."""

    offset: int | None
    journal: int  # what was committed later than what is stored lies behind this offset of the journal
    run: str | None  # the Redis under which it stood last
    asked: str  # the one that answers

    @property
    def older(self) -> bool:
        """Whether its latest commits may be missing."""
        return self.offset is not None and self.run != self.asked


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a batch of inputs is decided on."""

    standing: PartitionRules
    cases: dict[str, Case]
    applied: set[str]
    unpublished: bool = False  # the outbox holds entries of an earlier commit


class AheadError(UserError, RuntimeError):
    """The store stands beyond the log's end: the topic was made anew, or lost records."""


WHERE = ("offset", "end", "run")  # of a partition's state, as `is_whole` takes them


def is_whole(asked: str, offset: bytes | None, end: bytes | None, run: bytes | None) -> bool:
    """Whether a partition stands, lacks no input, and does so in the Redis that was `asked`."""
    return offset is not None and int(offset) >= int(end or 0) - 1 and run is not None and run.decode() == asked


class CaseStore:
    """One province's cases. Every write passes the fence; reading needs none."""

    def __init__(self, redis: "Redis", leader: Leader = EXEMPT) -> None:
        """`leader`: which Redis leads. Whoever commits in an installation passes the one that is started."""
        self.redis: Any = redis  # redis-py types a command's result as sync or async at once
        self.leader = leader
        self._commit = self.redis.register_script(COMMIT)

    async def load(self, partition: int, inputs: Sequence[str], residents: Sequence[str]) -> Loaded | None:
        """Where the partition stands, and the cases and applied ids asked for; None when the store is lost or older."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.hmget(key("state", partition), "offset", "policy", "run", "logs")
            pipe.hvals(key("holds", partition))
            pipe.hmget(key("cases", partition), ["", *residents])
            pipe.zmscore(key("applied", partition), ["", *inputs])
            pipe.exists(key("outbox", partition))
            info, (offset, policy, run, logs), holds, cases, scores, outbox = await pipe.execute()
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
        )

    async def commit(self, partition: int, expected: int | str | None, offset: int | None, change: StoreUpdate) -> bool:
        """Apply the change if the partition still stands at `expected`; False when another was first.

        Also False when an earlier commit's entries are still in the outbox: publish them first. `expected` is an
        offset, or the progress of who rebuilds a partition that has none. Waits while this process must not act. False
        also, after a pause, when the Redis that answers is not the one that leads.
        """
        run = await self.leader.run()
        arguments: list[Argument] = ["" if expected is None else expected, "" if offset is None else offset, run]
        for command, name, rest in change.commands:
            arguments += [len(rest), command, name + 1, *rest]
        keys = [key(name, partition) for name in NAMES]
        found = await self._commit(keys=keys, args=arguments)
        if found == b"epoch":
            await self.leader.refused()
        return bool(found == b"ok")

    async def stand(self, partition: int) -> Stand:
        """How a partition stands, and under which Redis."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.hmget(key("state", partition), "offset", "journal", "run")
            info, (offset, journal, run) = await pipe.execute()
        where = -1 if journal is None else int(journal)
        return Stand(None if offset is None else int(offset), where, run and run.decode(), run_of(info))

    async def unsettled(self, partitions: Sequence[int], reached: Mapping[int, int]) -> list[int]:
        """Return those that are not whole, have an outbox, or stand before the input that they had `reached`."""
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

    async def outlive(self, partition: int, stood: Stand, end: int, sent: Iterable[str], seconds: float) -> bool:
        """Go on in a Redis that may have lost the latest commits; False when the partition stands elsewhere by now.

        Marks that a dispatch was sent may be lost with them: those awaited and those in `sent` are unsure, and for
        `seconds` (wall time) nobody takes one up. Until input `end` - 1 is applied again no channel takes any.
        """
        change = StoreUpdate()
        change.add("SUNIONSTORE", UNSURE, key("unsure", partition), key("awaited", partition)).unsure(sent)
        change.settling(seconds)
        change.add("HSET", STATE, "run", stood.asked, "end", end)
        return await self.commit(partition, stood.offset, None, change)

    async def offset(self, partition: int) -> int | None:
        stored = await self.redis.hget(key("state", partition), "offset")
        return None if stored is None else int(stored)

    async def clear(self, partition: int) -> None:
        """Forget where the partition stands: whoever looks next builds it anew."""
        await self.redis.delete(key("state", partition))

    async def begin_rebuild(self, partition: int) -> str | None:
        """Empty a lost partition and mark it as being rebuilt from here on; None when it stands, or another was first.

        Returns what `steps` asks for. Of two who rebuild at once the later begins anew, and the other is refused.
        """
        offset, other = await self.redis.hmget(key("state", partition), "offset", "rebuilding")
        mark = uuid.uuid4().hex
        begun = _emptied().add("HSET", STATE, "rebuilding", mark)
        if offset is None and await self.commit(partition, other and other.decode(), None, begun):
            return mark
        return None

    def steps(self, partition: int, mark: str) -> "RebuildSteps":
        """What fills a partition that was begun."""
        return RebuildSteps(self, partition, mark)

    async def cases(self, partition: int, residents: Sequence[str]) -> dict[str, Case]:
        """The latest cases of these residents."""
        if not residents:
            return {}
        found = await self.redis.hmget(key("cases", partition), residents)
        cases = (Case.model_validate_json(raw, extra=ANY_VERSION) for raw in found if raw)
        return {case.resident: case for case in cases}

    async def logs(self, partition: int) -> int:
        """How many logs of inputs were lost before the one that the partition follows."""
        return int(await self.redis.hget(key("state", partition), "logs") or 0)

    async def behind(self, partition: int) -> tuple[int, int] | None:
        """The offset of a rebuilt store and the last one it lacks; None when it is whole, or lost."""
        offset, end = await self.redis.hmget(key("state", partition), "offset", "end")
        if offset is None or end is None or int(offset) >= int(end) - 1:
            return None
        return int(offset), int(end) - 1

    async def whole(self, partition: int) -> bool:
        """Whether all that was decided is known here: it stands, in the Redis it stood in, and lacks no input."""
        stand = await self.stand(partition)
        return stand.offset is not None and not stand.older and await self.behind(partition) is None

    async def outbox(self, partition: int) -> dict[bytes, bytes]:
        """Journal entries committed but not known to be published, by the name under which they are cleared.

        A rebuilt store may have very many: then these are some of them.
        """
        name = key("outbox", partition)
        entries: dict[bytes, bytes] = {}
        if await self.redis.hlen(name) <= OUTBOX_AT_ONCE:
            entries = await self.redis.hgetall(name)
        else:
            _, entries = await self.redis.hscan(name, 0, count=OUTBOX_AT_ONCE)
        return dict(sorted(entries.items(), key=lambda item: int(item[0].split(b"/")[0])))

    async def published(self, partition: int, names: Iterable[str | bytes]) -> None:
        if names := list(names):
            await self.redis.hdel(key("outbox", partition), *names)

    async def held(self, partition: int) -> list[str]:
        """The residents with a step held back."""
        return sorted(name.decode() for name in await self.redis.smembers(key("held", partition)))

    async def case(self, partition: int, case_id: str) -> Case | None:
        """One case, the resident's latest or an earlier one."""
        latest = await self.redis.hget(key("cases", partition), resident_of(case_id))
        if latest and (found := Case.model_validate_json(latest, extra=ANY_VERSION)).id == case_id:
            return found
        earlier = await self.redis.hget(key("earlier", partition), case_id)
        return Case.model_validate_json(earlier, extra=ANY_VERSION) if earlier else None

    async def due(self, partition: int, now: datetime, most: int) -> list[tuple[str, str, int]]:
        """Deadlines that have come: case, step, and when (epoch ms), the oldest first."""
        found = await self.redis.zrange(
            key("deadlines", partition), "-inf", milliseconds(now), byscore=True, offset=0, num=most, withscores=True
        )
        return [(*member.decode().split("|"), int(score)) for member, score in found]

    async def forget(self, partitions: Sequence[int], now: datetime) -> None:
        """Drop the ids of inputs that can no longer come again, and cases that nobody asks for any more."""
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

    async def sums(self, name: str, partitions: Iterable[int]) -> Counter[str]:
        """A hash of numbers (`ledger`, `counts`) added up over partitions."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hgetall(key(name, partition))
            parts = await pipe.execute()
        return _added(parts)

    async def ledgers(self, partitions: Iterable[int]) -> tuple[Counter[str], dict[int, int | None]]:
        """The money added up over partitions, and the last input's offset that each had applied just then."""
        wanted = list(partitions)
        async with self.redis.pipeline(transaction=True) as pipe:
            for partition in wanted:
                pipe.hgetall(key("ledger", partition))
                pipe.hget(key("state", partition), "offset")
            found = await pipe.execute()
        stands = [None if offset is None else int(offset) for offset in found[1::2]]
        return _added(found[::2]), dict(zip(wanted, stands, strict=True))

    async def overdue(self, partition: int, now: datetime) -> int:
        """How many deadlines have passed and were not acted on yet."""
        return int(await self.redis.zcount(key("deadlines", partition), "-inf", milliseconds(now)))


class RebuildSteps:
    """Fills a lost partition, step by step.

    Each change moves the mark on, as an offset does: written twice, because an answer was lost, it counts once.
    """

    def __init__(self, store: CaseStore, partition: int, mark: str) -> None:
        self._store, self._partition, self._mark = store, partition, mark
        self._stands, self._number = mark, 0

    async def write(self, changes: Iterable[StoreUpdate]) -> bool:
        """Write the changes; False when another began after us, or the partition was lost again meanwhile."""
        for change in changes:
            self._number += 1
            following = f"{self._mark}/{self._number}"
            change.add("HSET", STATE, "rebuilding", following)
            if not await self._store.commit(self._partition, self._stands, None, change):
                return False
            self._stands = following
        return True

    async def finish(self, offset: int, end: int) -> bool:
        """Let the partition stand at `offset`. Until input `end` - 1 is applied no channel sends."""
        last = StoreUpdate().add("HDEL", STATE, "rebuilding").add("HSET", STATE, "end", end)
        return await self._store.commit(self._partition, self._stands, offset, last)


def _added(parts: Iterable[Mapping[bytes, bytes]]) -> Counter[str]:
    """Hashes of numbers as Redis has them, added up."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update({name.decode(): int(value) for name, value in part.items()})
    return total


def _emptied() -> StoreUpdate:
    """Without the remains of what was lost. What screening was told stays until a case says otherwise."""
    change = StoreUpdate()
    for name in range(len(NAMES)):
        if name not in (SETTLED, ALERTED):
            change.add("UNLINK", name)  # it frees the memory beside the others' commands
    return change

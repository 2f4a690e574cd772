"""The Redis of a province: the connection, and one partition's cases behind the fence of its offset."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Self

from redis.asyncio import Redis

from domain import breaker, counts, ledger
from domain.casework import awaited, deadlines, has_held, queue_rank, settled_at
from domain.ids import resident_of
from schemas.cases import Case
from schemas.errors import UserError
from schemas.events import CaseEvent, StandingEvent
from schemas.inputs import Hold
from streams.redis_client import client
from streams.run import CURRENT_RUN, SECTIONS, run_of
from streams.settings import Settings, SettingsError

RECENTLY = 20  # cases that a board may show as the latest
APPLIED_KEPT = timedelta(days=9)  # longer than any input stays on its topic
COMMIT = CURRENT_RUN + files("streams").joinpath("lua/commit.lua").read_text("utf-8")

# The partition's keys, in the order in which the script numbers them.
STATE, CASES, EARLIER, APPLIED, DEADLINES, QUEUE, HELD, OUTBOX, HOLDS, SETTLED, ALERTED, LEDGER, COUNTS = range(13)
RECENT, AWAITED, UNSURE, SETTLING, RAISED = 13, 14, 15, 16, 17
NAMES = (
    # hash: offset, policy, `run` (which Redis it stood under last), `journal` (where the journal is known to have what
    # was committed before); of a store that was lost or older `end`, where it is whole again; before: `rebuilding`
    "state",
    "cases",  # hash: resident -> the latest case
    "earlier",  # hash: case id -> a case that was followed by another
    "applied",  # sorted set: input id -> its time
    "deadlines",  # sorted set: case|step -> when it falls due
    "queue",  # sorted set: case -> rank, for the desk
    "held",  # set: residents with a step held back
    "outbox",  # hash: offset -> journal entry not known to be published
    "holds",  # hash: hold id -> hold
    "settled",  # hash: resident -> when the case was settled
    "alerted",  # hash: resident -> what screening has alerted
    "ledger",  # hash: total -> its sum over the partition
    "counts",  # hash: what is counted (domain/counts) -> how many
    "recent",  # sorted set: case -> when it changed, the latest RECENTLY
    "awaited",  # set: dispatches whose step waits for their result
    "unsure",  # set: dispatches that may have been sent before the store was lost, or older
    "settling",  # string: there until whoever had such a dispatch in flight must be through
    "raised",  # hash: policy|minute -> cases raised, for the breaker
)

Argument = str | bytes | int | float
Command = tuple[str, int, tuple[Argument, ...]]


def connect(settings: Settings) -> "Redis":
    """A client that tries again for about a second before it raises redis.exceptions.ConnectionError."""
    if settings.redis is None:
        raise SettingsError("no Redis yet: start the embedded servers first (streams.embedded.Embedded)")
    return client(settings.redis)


def key(name: str, partition: int) -> str:
    """A key of one partition: its hash tag keeps a script's keys together."""
    return f"{name}:{{{partition}}}"


def milliseconds(moment: datetime) -> int:
    """A moment as Redis scores have it."""
    return round(moment.timestamp() * 1000)


def minute_of(at: datetime) -> int:
    """The minute that a moment lies in, counted since 1970."""
    return int(at.timestamp() // 60)


def raised_by(event: CaseEvent) -> dict[str, int]:
    """What an alert raised, as policy|minute: under the policy that found it."""
    number = breaker.raised(event)
    return {f"{event.case.raised_by or event.case.policy}|{minute_of(event.at)}": number} if number else {}


def minute_in(raised: str) -> int:
    """The minute of a name of `raised_by`."""
    return int(raised.rpartition("|")[2])


def moment(score: float) -> datetime:
    """A Redis score as a moment."""
    return datetime.fromtimestamp(score / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a partition stands: the last offset applied, the policy in force, the holds."""

    offset: int
    policy: str
    holds: tuple[Hold, ...] = ()


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

    standing: Standing
    cases: dict[str, Case]
    applied: set[str]


@dataclass(slots=True)
class Change:
    """The commands of one commit."""

    commands: list[Command] = field(default_factory=list)

    def add(self, command: str, name: int, *arguments: Argument) -> Self:
        self.commands.append((command, name, arguments))
        return self

    def applied(self, input_id: str, at: datetime) -> None:
        self.add("ZADD", APPLIED, milliseconds(at), input_id)

    def all_applied(self, inputs: Iterable[tuple[str, datetime]]) -> Self:
        return self.add("ZADD", APPLIED, *(part for name, at in inputs for part in (milliseconds(at), name)))

    def entry(self, entry: CaseEvent | StandingEvent) -> None:
        """Keep a journal entry until it is published."""
        self.add("HSET", OUTBOX, f"{entry.offset}/{_name(entry)}", entry.model_dump_json())

    def case(self, before: Case | None, after: Case) -> None:
        """Store a case, and all that is derived from it."""
        same = before is not None and before.id == after.id
        if before is not None and not same:
            self.add("HSET", EARLIER, before.id, before.model_dump_json())
        self.add("HSET", CASES, after.resident, after.model_dump_json())
        self._deadlines(before, after)
        self._awaited(before if same else None, after)
        self._flags(before, after)
        owed = ledger.difference(ledger.of_case(after), ledger.of_case(before) if before and same else ledger.Totals())
        self.sums(LEDGER, owed)
        self.sums(COUNTS, counts.of_standing(before, after))
        self.add("ZADD", RECENT, milliseconds(after.updated_at), after.id)
        self.add("ZREMRANGEBYRANK", RECENT, 0, -RECENTLY - 1)

    def settled(self, resident: str, at: datetime) -> Self:
        """When a resident was last dissuaded or cleared: it stays if he is in danger again."""
        return self.add("HSET", SETTLED, resident, at.isoformat())

    def counted(self, event: CaseEvent) -> None:
        """Count what an event adds."""
        self.sums(COUNTS, counts.of_event(event))

    def raised(self, event: CaseEvent) -> None:
        """Count what an alert raised, under the policy that found it and in its minute."""
        self.sums(RAISED, raised_by(event))

    def sums(self, name: int, amounts: Mapping[str, int]) -> Self:
        """Add to the numbers of a hash."""
        for field_name, amount in amounts.items():
            if amount:
                self.add("HINCRBY", name, field_name, amount)
        return self

    def unsure(self, dispatches: Iterable[str]) -> None:
        """Remember that these may have been sent: the marks that said so are lost."""
        for dispatch in dispatches:
            self.add("SADD", UNSURE, dispatch)

    def settling(self, seconds: float) -> None:
        """For so long (wall time) somebody may still be at an unsure dispatch: it is not taken before."""
        self.add("SET", SETTLING, 1, "PX", round(seconds * 1000))

    def standing(self, standing: Standing) -> None:
        self.add("HSET", STATE, "policy", standing.policy)
        self.add("DEL", HOLDS)
        for hold in standing.holds:
            self.add("HSET", HOLDS, hold.id, hold.model_dump_json())

    def _awaited(self, before: Case | None, after: Case) -> None:
        old, new = awaited(before) if before else set(), awaited(after)
        for dispatch in sorted(old - new):
            self.add("SREM", AWAITED, dispatch)
        for dispatch in sorted(new - old):
            self.add("SADD", AWAITED, dispatch)

    def _deadlines(self, before: Case | None, after: Case) -> None:
        old = _members(before) if before else {}
        new = _members(after)
        for member in old.keys() - new.keys():
            self.add("ZREM", DEADLINES, member)
        for member, due in new.items():
            if old.get(member) != due:
                self.add("ZADD", DEADLINES, due, member)

    def _flags(self, before: Case | None, after: Case) -> None:
        rank = queue_rank(after)
        if before is not None and before.id != after.id:
            self.add("ZREM", QUEUE, before.id)
        self.add("ZREM", QUEUE, after.id) if rank is None else self.add("ZADD", QUEUE, rank, after.id)
        self.add("SADD" if has_held(after) else "SREM", HELD, after.resident)
        settled = settled_at(after)
        if settled is not None and (before is None or settled_at(before) != settled):
            self.settled(after.resident, settled).add("HDEL", ALERTED, after.resident)


class AheadError(UserError, RuntimeError):
    """The store stands beyond the log's end: the topic was made anew, or lost records."""


class CaseStore:
    """One province's cases. Every write passes the fence; reading needs none."""

    def __init__(self, redis: "Redis") -> None:
        self.redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._commit = self.redis.register_script(COMMIT)

    async def load(self, partition: int, inputs: Sequence[str], residents: Sequence[str]) -> Loaded | None:
        """Where the partition stands, and the cases and applied ids asked for; None when the store is lost or older."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.info(*SECTIONS)
            pipe.hmget(key("state", partition), "offset", "policy", "run")
            pipe.hvals(key("holds", partition))
            pipe.hmget(key("cases", partition), ["", *residents])
            pipe.zmscore(key("applied", partition), ["", *inputs])
            info, (offset, policy, run), holds, cases, scores = await pipe.execute()
        if offset is None or run is None or run.decode() != run_of(info):
            return None
        standing = Standing(int(offset), policy.decode(), tuple(Hold.model_validate_json(hold) for hold in holds))
        return Loaded(
            standing,
            {
                resident: Case.model_validate_json(raw)
                for resident, raw in zip(residents, cases[1:], strict=True)
                if raw
            },
            {name for name, score in zip(inputs, scores[1:], strict=True) if score is not None},
        )

    async def commit(self, partition: int, expected: int | str | None, offset: int | None, change: Change) -> bool:
        """Apply the change if the partition still stands at `expected`; False when another was first.

        `expected` is an offset, or the progress of who rebuilds a partition that has none.
        """
        arguments: list[Argument] = ["" if expected is None else expected, "" if offset is None else offset]
        for command, name, rest in change.commands:
            arguments += [len(rest), command, name + 1, *rest]
        keys = [key(name, partition) for name in NAMES]
        return bool(await self._commit(keys=keys, args=arguments) == b"ok")

    async def stand(self, partition: int) -> Stand:
        """How a partition stands, and under which Redis."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.info(*SECTIONS)
            pipe.hmget(key("state", partition), "offset", "journal", "run")
            info, (offset, journal, run) = await pipe.execute()
        where = -1 if journal is None else int(journal)
        return Stand(None if offset is None else int(offset), where, run and run.decode(), run_of(info))

    async def outlive(self, partition: int, stood: Stand, end: int, sent: Iterable[str], seconds: float) -> bool:
        """Go on in a Redis that may have lost the latest commits; False when the partition stands elsewhere by now.

        Marks that a dispatch was sent may be lost with them: those awaited and those in `sent` are unsure, and for
        `seconds` (wall time) nobody takes one up. Until input `end` - 1 is applied again no channel takes any.
        """
        change = Change()
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

        Returns what `rebuild` asks for. Of two who rebuild at once the later begins anew, and the other is refused.
        """
        offset, other = await self.redis.hmget(key("state", partition), "offset", "rebuilding")
        mark = uuid.uuid4().hex
        begun = _emptied().add("HSET", STATE, "rebuilding", mark)
        if offset is None and await self.commit(partition, other and other.decode(), None, begun):
            return mark
        return None

    async def rebuild(self, partition: int, mark: str, changes: Iterable[Change], offset: int, end: int) -> bool:
        """Fill a partition that was begun; False when another began after us, or it was lost again meanwhile.

        Each change moves the mark on, as an offset does: written twice, because an answer was lost, it counts once.
        """
        stands = mark
        for number, change in enumerate(changes):
            following = f"{mark}/{number}"
            if not await self.commit(partition, stands, None, change.add("HSET", STATE, "rebuilding", following)):
                return False
            stands = following
        last = Change().add("HDEL", STATE, "rebuilding").add("HSET", STATE, "end", end)
        return await self.commit(partition, stands, offset, last)

    async def behind(self, partition: int) -> tuple[int, int] | None:
        """The offset of a rebuilt store and the last one it lacks; None when it is whole, or lost."""
        offset, end = await self.redis.hmget(key("state", partition), "offset", "end")
        if offset is None or end is None or int(offset) >= int(end) - 1:
            return None
        return int(offset), int(end) - 1

    async def outbox(self, partition: int) -> dict[bytes, bytes]:
        """Journal entries committed but not known to be published, by the name under which they are cleared."""
        entries: dict[bytes, bytes] = await self.redis.hgetall(key("outbox", partition))
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
        if latest and (found := Case.model_validate_json(latest)).id == case_id:
            return found
        earlier = await self.redis.hget(key("earlier", partition), case_id)
        return Case.model_validate_json(earlier) if earlier else None

    async def due(self, partition: int, now: datetime, most: int) -> list[tuple[str, str, int]]:
        """Deadlines that have come: case, step, and when (epoch ms), the oldest first."""
        found = await self.redis.zrange(
            key("deadlines", partition), "-inf", milliseconds(now), byscore=True, offset=0, num=most, withscores=True
        )
        return [(*member.decode().split("|"), int(score)) for member, score in found]

    async def forget_applied(self, partition: int, now: datetime) -> None:
        """Drop the ids of inputs that can no longer come again."""
        await self.redis.zremrangebyscore(key("applied", partition), "-inf", milliseconds(now - APPLIED_KEPT))

    async def sums(self, name: str, partitions: Iterable[int]) -> Counter[str]:
        """A hash of numbers (`ledger`, `counts`) added up over partitions."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in partitions:
                pipe.hgetall(key(name, partition))
            parts = await pipe.execute()
        total: Counter[str] = Counter()
        for part in parts:
            total.update({field_name.decode(): int(value) for field_name, value in part.items()})
        return total

    async def overdue(self, partition: int, now: datetime) -> int:
        """How many deadlines have passed and were not acted on yet."""
        return int(await self.redis.zcount(key("deadlines", partition), "-inf", milliseconds(now)))


def _emptied() -> Change:
    """Without the remains of what was lost. What screening was told stays until a case says otherwise."""
    change = Change()
    for name in range(len(NAMES)):
        if name not in (SETTLED, ALERTED):
            change.add("DEL", name)
    return change


def entry_name(entry: CaseEvent | StandingEvent) -> str:
    """The name under which the outbox keeps an entry: an input with several cases has one for each."""
    return f"{entry.offset}/{_name(entry)}"


def _name(entry: CaseEvent | StandingEvent) -> str:
    return entry.case.id if isinstance(entry, CaseEvent) else entry.kind


def _members(case: Case) -> dict[str, int]:
    return {f"{case.id}|{step}": milliseconds(due) for step, due in deadlines(case).items()}

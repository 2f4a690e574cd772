"""Positions of signal partitions in Redis: the offset counted last, the counts, and ranges owed a second screening.

Keys by signal partition sp: `screened:{sp}` (offset counted last), `screened-in:{sp}` (run id of Redis), `stood:{sp}`
(a random mark of the last bring-up), `owed:{sp}`, `tally:{sp}`, `again:{sp}`, `began:{sp}` and `began-again:{sp}`
(random names of the batches that began last: a store that went back since then has another name). The urgent lane has
`screened-urgent:{sp}` and so on, but shares the tally and `life:{sp}` (a random name that is lost with the store).

A store that was lost continues with new records and owes those counted before: `owed` has their ranges. Each range is
counted from its end backwards, protected by its own fence. So each record is counted once.
"""

import secrets
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import TopicPartition
from redis.asyncio import Redis

from streams.messaging.topics import SIGNALS
from streams.state.keys import LaneName, key, lane_key
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, CURRENT_RUN, run_of

LETTERS_KEPT = 100_000  # resent dead letters that are remembered, per partition
STAND = script("stand")
SCREENED, OWED = (CURRENT_RUN + script("counted") + script(name) for name in ("screened", "owed"))


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a signal partition, and the hash of the policy in force there (`policy`; None: its casework store
    is lost).

    `offset`: of the record counted last; None if unknown. `run`: run of the Redis in which the position was last set or
    restored; `asked`: run of the Redis that answered. `mark`: changes with each restoration, so that workers that began
    before can no longer count. `batch`: a random name, if this reading began a batch; a Redis that went back to an
    earlier state has another name.
    """

    offset: int | None
    policy: str | None
    run: str | None
    asked: str
    mark: str
    batch: str = ""

    @property
    def current(self) -> bool:
        """True if no count can be missing: the Redis that answered is the one in which the position was last
        restored.
        """
        return self.offset is not None and self.run == self.asked


@dataclass(frozen=True, slots=True)
class Owed:
    """A range of records that were counted in a store that was lost: offsets `first` to `last` are still to be screened
    again.

    `until`: the range's original end. `asked`: run of the Redis that answered; `mark`: changes with each restoration;
    `batch`: a random name of this reading. `count_owed` counts only if all three still hold.
    """

    first: int
    last: int
    until: int
    asked: str
    mark: str
    batch: str


class Positions:
    """The positions and counts of the lanes' partitions in Redis.

    Each method makes one round trip to Redis, except `owed`, which makes two if a range is owed.
    """

    def __init__(self, redis: "Redis", partitions: int) -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._partitions = partitions

    async def position(self, tp: TopicPartition, *, begin: bool = False) -> Position:
        """Return the partition's position, and with it the hash of the policy in force there (None: its casework store
        is lost).

        `begin` True: also begin a batch, by a random name in Redis. The batch can be counted unless another one begins,
        or Redis goes back to an earlier state. Raises RedisError if Redis is unavailable.
        """
        batch = secrets.token_hex(8) if begin else ""
        async with self._redis.pipeline(transaction=False) as pipe:
            if begin:
                pipe.set(of_lane("began", tp), batch)
            pipe.execute_command(*ASK_RUN)
            pipe.mget(*(of_lane(name, tp) for name in ("screened", "screened-in", "stood")))
            pipe.hget(key("state", tp.partition), "policy")
            info, (screened, run, mark), policy = (await pipe.execute())[-3:]
        offset = None if screened is None else int(screened)
        policy, run = policy and policy.decode(), run and run.decode()
        return Position(offset, policy, run, run_of(info), mark.decode() if mark else "", batch)

    async def not_current(
        self, lanes: Sequence[TopicPartition], reached: Mapping[TopicPartition, int]
    ) -> list[TopicPartition]:
        """Return those of `lanes`, in order, that may lack counts: their position is missing or of another Redis, or
        its offset is below the one in `reached`. Empty if none may.

        `reached`: by partition, the offset up to which records are known to have been counted. Raises RedisError if
        Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            for tp in lanes:
                pipe.mget(of_lane("screened", tp), of_lane("screened-in", tp))
            info, *found = await pipe.execute()
        run = run_of(info).encode()
        return [
            tp
            for tp, (screened, of) in zip(lanes, found, strict=True)
            if screened is None or of != run or int(screened) < reached.get(tp, -1)
        ]

    async def is_last_begun(self, tp: TopicPartition, expected: Position) -> bool:
        """Return True if the batch that began at `expected` could still be counted (see `count`): Redis is the one that
        gave this position, the partition still has it, and no other batch has begun. Raises RedisError if Redis is
        unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.mget(*(of_lane(name, tp) for name in ("screened", "stood", "began")))
            info, (screened, *begun) = await pipe.execute()
        offset = None if screened is None else int(screened)
        names = [(name or b"").decode() for name in begun]
        return (run_of(info), offset, names) == (expected.asked, expected.offset, [expected.mark, expected.batch])

    async def count(
        self,
        tp: TopicPartition,
        expected: Position,
        offset: int,
        tally: Counter[str],
        again: Mapping[str, int] | None = None,
    ) -> bool:
        """Store a batch's counts (`tally`, by `source|outcome`), and set the partition's offset to `offset`, at most
        once. Returns True if it was counted now.

        Returns False, without any effect, if the partition is not at `expected`; if another Redis answers, or Redis
        went back to a state from before the batch (writes of the batch may then be missing); if another batch has
        begun; or if a resent dead letter was counted meanwhile in another record. `again`: resent dead letters, each
        with the offset of the record that counts for it. Raises RedisError if Redis is unavailable: the batch may be
        counted then.
        """
        stood = "" if expected.offset is None else expected.offset
        keys = [*_counting_keys(tp, "began"), of_lane("screened", tp)]
        begun = (expected.mark, expected.batch, expected.asked)
        arguments = [*begun, stood, offset, *_counting(tally, again or {})]
        return bool(await self._redis.eval(SCREENED, len(keys), *keys, *arguments))

    async def sent_again(self, tp: TopicPartition, letters: Iterable[str]) -> dict[str, int]:
        """Return those of `letters` (ids of dead letters) that were sent again, screened and counted in this partition,
        each with the offset of the record that resent it. Raises RedisError if Redis is unavailable.
        """
        asked = list(dict.fromkeys(letters))
        if not asked:
            return {}
        offsets = await self._redis.zmscore(of_lane("again", tp), asked)
        return {letter: int(offset) for letter, offset in zip(asked, offsets, strict=True) if offset is not None}

    async def tallies(self) -> dict[str, dict[str, int]]:
        """Return the number of signals screened so far, by source and then by outcome, over all partitions. Raises
        RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in range(self._partitions):
                pipe.hgetall(key("tally", partition))
            answers = await pipe.execute()
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, count in (each for answer in answers for each in answer.items()):
            source, _, outcome = name.decode().partition("|")
            found[source][outcome] += int(count)
        return {source: dict(counts) for source, counts in found.items()}

    async def life(self, tp: TopicPartition) -> str:
        """Return the random name of the store of the partition's data, and set one if it has none. The name is lost
        when the store is lost. Raises RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key("life", tp.partition), uuid.uuid4().hex, nx=True)
            pipe.get(key("life", tp.partition))
            _, life = await pipe.execute()
        return str(life.decode())

    async def set_position(
        self, tp: TopicPartition, position: Position, life: str, last: int, owed: range
    ) -> Position | None:
        """Set a partition's position to offset `last` in the Redis that answered, and add the range `owed` (offsets) to
        be screened again. Returns the new position.

        Returns None, without any effect, if the position or the store's life has changed. Workers that began a batch
        before can no longer count it. `life`: read before the shared data was checked, so that a loss since then is
        noticed. Raises RedisError if Redis is unavailable.
        """
        mark = uuid.uuid4().hex
        stood = "" if position.offset is None else position.offset
        keys = [of_lane(name, tp) for name in ("screened", "screened-in", "stood", "owed")]
        keys.append(key("life", tp.partition))
        arguments = [stood, last, position.asked, mark, life]
        if owed:
            arguments += [owed[0], _value(owed[-1], owed[-1])]
        if not await self._redis.eval(STAND, len(keys), *keys, *arguments):
            return None
        return replace(position, offset=last, run=position.asked, mark=mark)

    async def owing(self, lanes: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Return those of `lanes`, in order, that owe records now; empty if none does. Raises RedisError if Redis is
        unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for tp in lanes:
                pipe.exists(of_lane("owed", tp))
            return [tp for tp, owes in zip(lanes, await pipe.execute(), strict=True) if owes]

    async def owed(self, tp: TopicPartition) -> Owed | None:
        """Return the range with the highest offsets among those that a partition owes, or None if it owes none.

        If it owes one, this call begins a batch of it, as position(begin=True) does: an earlier batch of it can no
        longer be counted. Raises RedisError if Redis is unavailable.
        """
        if not await self._redis.exists(of_lane("owed", tp)):
            return None
        batch = secrets.token_hex(8)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(of_lane("began-again", tp), batch)
            pipe.execute_command(*ASK_RUN)
            pipe.get(of_lane("stood", tp))
            pipe.hgetall(of_lane("owed", tp))
            _, info, mark, ranges = await pipe.execute()
        if not ranges:
            return None
        first = max(ranges, key=int)
        last, until = map(int, ranges[first].split())
        return Owed(int(first), last, until, run_of(info), mark.decode() if mark else "", batch)

    async def count_owed(
        self, tp: TopicPartition, owed: Owed, first: int, tally: Counter[str], again: Mapping[str, int] | None = None
    ) -> bool:
        """Store the counts (`tally`, by `source|outcome`) of the records from offset `first` to the end of the owed
        range, at most once, and shorten the range by them. Returns True if they were counted now.

        Returns False, without any effect, for the reasons given at `count`, for example if the range has changed.
        `again`: resent dead letters, each with the offset of the record that counts for it. Raises RedisError if Redis
        is unavailable: they may be counted then.
        """
        keys = [*_counting_keys(tp, "began-again"), of_lane("owed", tp)]
        left = _value(first - 1, owed.until) if first > owed.first else ""
        arguments = [
            owed.mark,
            owed.batch,
            owed.asked,
            owed.first,
            _value(owed.last, owed.until),
            left,
            *_counting(tally, again or {}),
        ]
        return bool(await self._redis.eval(OWED, len(keys), *keys, *arguments))


def of_lane(name: LaneName, tp: TopicPartition) -> str:
    """Return the Redis key of the kind `name` for a lane's partition."""
    return lane_key(name, tp.topic.removeprefix(SIGNALS.name), tp.partition)


def _counting_keys(tp: TopicPartition, began: LaneName) -> list[str]:
    """Return the keys that each counting script takes, in order."""
    return [of_lane("stood", tp), key("tally", tp.partition), of_lane("again", tp), of_lane(began, tp)]


def _counting(tally: Counter[str], again: Mapping[str, int]) -> list[str | int]:
    """Return the counts as arguments of the counting scripts."""
    letters = [part for each in again.items() for part in each]
    return [LETTERS_KEPT, len(again), *letters, *(part for each in sorted(tally.items()) for part in each)]


def _value(last: int, until: int) -> str:
    """Return the value of a range in `owed`; its key is the first offset."""
    return f"{last} {until}"

"""Where each partition of signals stands in Redis, what was counted of it, and what is owed: to be screened again.

By the signals' partition sp: `screened:{sp}` (the offset counted last), `screened-in:{sp}` (in which Redis),
`stood:{sp}` (a mark of the time at which it was brought up), `owed:{sp}`, `tally:{sp}`, `again:{sp}`; of the urgent
lane `screened-urgent:{sp}` and so on, but one tally for both, and one `life:{sp}` (a name that goes with the store).

A store that was lost goes on with the records that come now, and owes those that were counted before: `owed` holds
their ranges, each counted from its end backwards behind a fence of its own. So each record is counted once, by whoever.
"""

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

LETTERS_KEPT = 100_000  # dead letters of a partition that are known to have been sent again
STAND = script("stand")
SCREENED, OWED = (CURRENT_RUN + script("counted") + script(name) for name in ("screened", "owed"))


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition of signals stands, and the policy in force in it. No offset: nothing is known of it."""

    offset: int | None
    policy: str | None
    run: str | None  # the Redis in which it was brought up last
    asked: str  # the one that answers
    mark: str  # of that time: whoever began on a store that was lost since has another

    @property
    def current(self) -> bool:
        """Whether nothing that was counted can be missing."""
        return self.offset is not None and self.run == self.asked


@dataclass(frozen=True, slots=True)
class Owed:
    """Records that were counted in a store that was lost since: `first` to `last` are still to be screened again.

    `until`: up to where it was all at once.
    """

    first: int
    last: int
    until: int
    asked: str  # as of a Position, and the mark too
    mark: str


class Positions:
    """Where the lanes' partitions stand. Each method is one round trip."""

    def __init__(self, redis: "Redis", partitions: int) -> None:
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._partitions = partitions

    async def position(self, tp: TopicPartition) -> Position:
        """The offset screened last, in which Redis, and the policy in force."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.mget(*(of_lane(name, tp) for name in ("screened", "screened-in", "stood")))
            pipe.hget(key("state", tp.partition), "policy")
            info, (screened, run, mark), policy = await pipe.execute()
        offset = None if screened is None else int(screened)
        return Position(
            offset, policy and policy.decode(), run and run.decode(), run_of(info), mark.decode() if mark else ""
        )

    async def not_current(
        self, lanes: Sequence[TopicPartition], reached: Mapping[TopicPartition, int]
    ) -> list[TopicPartition]:
        """Return those of which something may be missing, or that stand before the record that they had `reached`."""
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

    async def count(
        self,
        tp: TopicPartition,
        expected: Position,
        offset: int,
        tally: Counter[str],
        again: Mapping[str, int] | None = None,
    ) -> bool:
        """Count a batch up to `offset` once; False, and nothing done, when the partition stands elsewhere.

        Also when another Redis has taken the place of the one that was asked: it may lack what the batch wrote. And
        when a letter was sent again and counted meanwhile, out of another record.
        `again`: dead letters sent again, each with the record that counts for it.
        """
        stood = "" if expected.offset is None else expected.offset
        keys = [*_counting_keys(tp), of_lane("screened", tp)]
        arguments = [expected.mark, expected.asked, stood, offset, *_counting(tally, again or {})]
        return bool(await self._redis.eval(SCREENED, len(keys), *keys, *arguments))

    async def sent_again(self, tp: TopicPartition, letters: Iterable[str]) -> dict[str, int]:
        """Which of the letters were sent again and counted, by the offset of the record that did."""
        asked = list(dict.fromkeys(letters))
        if not asked:
            return {}
        offsets = await self._redis.zmscore(of_lane("again", tp), asked)
        return {letter: int(offset) for letter, offset in zip(asked, offsets, strict=True) if offset is not None}

    async def tallies(self) -> dict[str, dict[str, int]]:
        """What became of all signals screened so far: by source and outcome."""
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
        """Return the name of the store's present life; one without a name gets one. It is lost with the store."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key("life", tp.partition), uuid.uuid4().hex, nx=True)
            pipe.get(key("life", tp.partition))
            _, life = await pipe.execute()
        return str(life.decode())

    async def stand(self, tp: TopicPartition, position: Position, life: str, last: int, owed: range) -> Position | None:
        """Have a partition stand at `last`, in the Redis that was asked, and owe a range.

        Whoever began before that counts no more. `life`: as it was before the shared part of the store was ensured: it
        may be missing in a store that was lost since. Returns where it stands now: another look could find a store that
        was lost meanwhile. Returns None, and does nothing, when it stands elsewhere or has another life.
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

    async def owed(self, tp: TopicPartition) -> Owed | None:
        """The newest range that a partition owes."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.execute_command(*ASK_RUN)
            pipe.get(of_lane("stood", tp))
            pipe.hgetall(of_lane("owed", tp))
            info, mark, ranges = await pipe.execute()
        if not ranges:
            return None
        first = max(ranges, key=int)
        last, until = map(int, ranges[first].split())
        return Owed(int(first), last, until, run_of(info), mark.decode() if mark else "")

    async def pay(
        self, tp: TopicPartition, owed: Owed, first: int, tally: Counter[str], again: Mapping[str, int] | None = None
    ) -> bool:
        """Count the records from `first` to the end of what is owed once; False, and nothing done, when it changed."""
        keys = [*_counting_keys(tp), of_lane("owed", tp)]
        left = _value(first - 1, owed.until) if first > owed.first else ""
        arguments = [
            owed.mark,
            owed.asked,
            owed.first,
            _value(owed.last, owed.until),
            left,
            *_counting(tally, again or {}),
        ]
        return bool(await self._redis.eval(OWED, len(keys), *keys, *arguments))


def of_lane(name: LaneName, tp: TopicPartition) -> str:
    """A key of one partition of one lane."""
    return lane_key(name, tp.topic.removeprefix(SIGNALS.name), tp.partition)


def _counting_keys(tp: TopicPartition) -> list[str]:
    """The keys of every script that counts signals, in its order."""
    return [of_lane("stood", tp), key("tally", tp.partition), of_lane("again", tp)]


def _counting(tally: Counter[str], again: Mapping[str, int]) -> list[str | int]:
    """What is counted, as these scripts take it."""
    letters = [part for each in again.items() for part in each]
    return [LETTERS_KEPT, len(again), *letters, *(part for each in sorted(tally.items()) for part in each)]


def _value(last: int, until: int) -> str:
    """A range's value in `owed`, under its first offset."""
    return f"{last} {until}"

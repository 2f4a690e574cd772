"""What a partition's store says of itself: its offsets, the topics that they are of, the run that wrote it, and what a
batch is decided on.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka.errors import KafkaConnectionError
from kafka.errors import KafkaError
from redis.asyncio import Redis

from schemas.casework.cases import Case
from schemas.errors import UserError
from streams.messaging.kafka_client import admin
from streams.runtime.settings import Settings
from streams.state.keys import TOPIC_IDS
from streams.state.store_update import PartitionRules


@dataclass(frozen=True, slots=True)
class Stand:
    """A partition's state in the Redis that answers.

    `offset`: of the last applied input; None: its store was lost. `journal`: a journal offset, -1 if unknown: commits
    that this Redis may have lost are published after it. `run`: the run of the Redis that made the last commit, None if
    there was none; `asked`: the run of the Redis that answers (see server_identity.py). `logs`: how many case-inputs
    topics were lost before the one that the partition follows.
    """

    offset: int | None
    journal: int
    run: str | None
    asked: str
    logs: int = 0

    @property
    def older(self) -> bool:
        """True if its latest commits may be missing, because the Redis that answers is not the one that made the last
        commit. False if the store is lost.
        """
        return self.offset is not None and self.run != self.asked


@dataclass(frozen=True, slots=True)
class Loaded:
    """The state on which a batch of inputs is decided.

    `standing`: the partition's rules and offset; `cases`: resident -> their latest case; `applied`: which of the
    batch's input ids were applied before. `unpublished`: the outbox still has entries of an earlier commit. `end`: the
    offset after the last input that the store must have, as noted at its recovery; 0 without one. `topic`: the id of
    the topic case-inputs that the offset is of; "" if it is unknown.
    """

    standing: PartitionRules
    cases: dict[str, Case]
    applied: set[str]
    unpublished: bool = False
    end: int = 0
    topic: str = ""

    @property
    def offset(self) -> int:
        """The offset of the last input that the store has applied; -1 if none was."""
        return self.standing.offset

    @property
    def whole(self) -> bool:
        """True if the store has all inputs up to `end`."""
        return self.offset >= self.end - 1


class MoneySums(NamedTuple):
    """Sums of money over several partitions, in fen, except that some sums are numbers of cases.

    `totals`: by the name of a field of domain.payments.ledger.Totals, such as "kept_a". `books`: by period and line,
    for days, months and years, such as "2026-03-05|frozen" or "2026|frozen". `stands`: by partition, the offset of the
    last input that was applied to the store; None if the store is lost.
    """

    totals: Counter[str]
    books: Counter[str]
    stands: dict[int, int | None]


class AheadError(UserError, RuntimeError):
    """The stored offset is beyond the end of the topic: the topic was created anew, or lost records."""


WHERE = ("offset", "end", "run")  # the fields of a partition's state that `is_whole` takes


def is_whole(asked: str, offset: bytes | None, end: bytes | None, run: bytes | None) -> bool:
    """Return True if a partition's store is complete and was written by the Redis that answers now.

    `asked`: the run (identity) of the Redis that answers. The stored fields, None if missing: `run`: of the Redis that
    wrote the store; `offset`: of the last input applied; `end`: the store must have all inputs before this offset.
    False if `offset` or `run` is missing, if `run` differs from `asked`, or if inputs before `end` are missing; without
    `end`, none count as missing.
    """
    return offset is not None and int(offset) >= int(end or 0) - 1 and run is not None and run.decode() == asked


class TopicIds:
    """Compares topics' ids in Kafka with those in Redis. Of a broker that gives none (Kafka before 2.8) nothing is
    checked.

    A topic that is made anew under its name has another id, and its records get the offsets of those that were lost.
    Once it has grown beyond the offset that Redis has, only the id shows that the first ones were not applied. Redis
    has the id for each partition, because a store is rebuilt partition by partition, and that may be interrupted. If
    Redis is lost, the journal's entries name the id of case-inputs. A topic of signals needs none then: Kafka deletes
    what the workers' group has committed together with the topic, so that all its records are screened.

    Each question opens a client: 8 ms, 4 of them of CPU, with a broker on the same machine (a client that is kept
    open: 0.6 ms). It is asked once for each batch that comes again, of up to 200 inputs or 20 records of signals.
    """

    def __init__(self, settings: Settings, redis: "Redis") -> None:
        self._settings = settings
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once

    async def check(self, name: str, partitions: Sequence[int]) -> None:
        """Store the topic's id in Redis for those of these partitions for which it has none.

        Raises AheadError if the topic has another id than Redis has for one of them: it was made anew, and the
        partition's offset in Redis is of the topic before. Raises AccessError if Kafka refuses access, and aiokafka's
        KafkaError or OSError if it does not answer. Errors of Redis pass through.
        """
        if not (found := await self.current(name)):
            return
        places = [topic_place(name, partition) for partition in partitions]
        async with self._redis.pipeline(transaction=True) as pipe:  # one server answers, also in a failover
            for place in places:
                pipe.hsetnx(TOPIC_IDS, place, found)
                pipe.hget(TOPIC_IDS, place)
            answers = await pipe.execute()
        if any(known != found.encode() for known in answers[1::2]):
            raise AheadError(_ANEW.format(name=name, knows="Redis"))

    async def check_journal(self, name: str, known: str) -> None:
        """Compare the topic's id with `known`, which the journal has for the inputs that it proves to be applied; ""
        does nothing. Raises the errors of `check`, but none of Redis.
        """
        if known and (found := await self.current(name)) and found != known:
            raise AheadError(_ANEW.format(name=name, knows="the journal"))

    async def current(self, name: str) -> str:
        """Return the topic's id in Kafka; "" if the broker does not give it, or has no such topic. Raises the errors of
        `check`, but not AheadError and none of Redis.
        """
        return (await ids_by_topic(self._settings, [name])).get(name, "")

    async def renew(self, name: str, partition: int) -> None:
        """Let the topic be the one that the partition's offset in Redis is of from now on. Raises the errors of
        `check`, but not AheadError.
        """
        if found := await self.current(name):
            await self._redis.hset(TOPIC_IDS, topic_place(name, partition), found)


_ANEW = (
    "{name} was made anew: {knows} has offsets of the topic before, and new records have the same ones. If there is a "
    "copy of that topic, write its records to this one. Then, in any case: after the loss of case-inputs run `quanzu "
    "admin rebuild --new-log`; after the loss of a topic of signals empty Redis, and workers fill it anew"
)


def topic_place(name: str, partition: int) -> str:
    """Return the field of TOPIC_IDS for a partition of a topic."""
    return f"{name}/{partition}"


async def ids_by_topic(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Return the ids of these topics by name. A topic that is missing, or whose id the broker does not give, is left
    out. Raises AccessError if Kafka refuses access, and aiokafka's KafkaError or OSError if it does not answer.

    aiokafka (0.14) does not ask for ids; kafka-python does.
    """
    try:
        return await asyncio.to_thread(_asked, settings, names)
    except KafkaError as error:  # kafka-python's own
        raise KafkaConnectionError(str(error)) from error


def _asked(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    with admin(settings) as asked:
        found = asked.describe_topics(list(names))
    return {each["name"]: each["topic_id"] for each in found if not each["error_code"] and _given(each.get("topic_id"))}


def _given(found: object) -> bool:
    """Return True if this is an id: a broker without ids gives none, or zeros."""
    return bool(found) and bool(str(found).strip("0-"))

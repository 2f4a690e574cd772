"""Reads a partition's store in pages, while commits go on. Each page says at which input the store stood."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from domain.consistency.checkpoints import Abandoned
from schemas.base import ANY_VERSION
from schemas.casework.inputs import Hold
from streams.messaging.topics import CASE_INPUTS
from streams.state.case_store import CaseStore
from streams.state.keys import TOPIC_IDS, key
from streams.state.partition_state import is_whole, topic_place
from streams.state.server_identity import ASK_RUN, run_of

PAGE = 100  # members of a hash or sorted set that Redis is asked for at once
STATE_FIELDS = ("offset", "end", "run", "journal", "logs", "policy")
SumsName = Literal["counts", "ledger", "books", "raised"]
SUMS: tuple[SumsName, ...] = ("counts", "ledger", "books", "raised")


class AbandonedError(RuntimeError):
    """A checkpoint cannot be completed now. `why`: the reason."""

    def __init__(self, why: Abandoned) -> None:
        super().__init__(f"the checkpoint was abandoned: {why}")
        self.why = why


class StorePlace(NamedTuple):
    """Where a complete store stands. `run`: of the Redis that answered; `offset`: of the last input applied; `journal`:
    later commits are on the journal after this offset; `logs`: how many case-inputs topics were lost before.
    """

    run: str
    offset: int
    journal: int
    logs: int
    policy: str


@dataclass(frozen=True, slots=True)
class CheckpointMoment:
    """What a checkpoint reads of one moment. `sums`: the store's hashes of numbers by name; `inputs`: the id of the
    topic case-inputs, "" if unknown; `unpublished`: whether the outbox had entries.
    """

    standing: StorePlace
    sums: Mapping[SumsName, Mapping[str, int]]
    holds: tuple[Hold, ...]
    recent: Mapping[str, int]
    cases: int
    inputs: str
    unpublished: bool


class StorePages:
    """Reads the store of one partition in pages. The store must not go back meanwhile: each read checks this."""

    def __init__(self, store: CaseStore, partition: int, page: int = PAGE) -> None:
        self._store, self._redis, self._partition, self._page = store, store.redis, partition, page
        self._seen: StorePlace | None = None

    async def standing(self) -> StorePlace:
        """Return where the store stands. Raises AbandonedError as the other methods do. Errors of Redis pass
        through.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            self._ask(pipe)
            return self._stands(*await pipe.execute())

    async def scan(self, command: Literal["HSCAN", "ZSCAN"], name: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Yield the members of a hash or sorted set of the partition in pages: (field, value) or (member, score). What
        is there during the whole scan is yielded at least once.

        Raises AbandonedError if the store is lost or not complete, or went back since this object first read it. Errors
        of Redis pass through.
        """
        cursor, place = "0", key(name, self._partition)  # type: ignore[arg-type]
        while True:
            async with self._redis.pipeline(transaction=True) as pipe:
                self._ask(pipe)
                (pipe.hscan if command == "HSCAN" else pipe.zscan)(place, int(cursor), count=self._page)
                info, state, (found, members) = await pipe.execute()
            self._stands(info, state)
            yield list(members.items()) if isinstance(members, dict) else [(name, score) for name, score in members]
            cursor = str(found)
            if cursor == "0":
                return

    async def settled(self, residents: Sequence[str]) -> dict[str, str]:
        """Return when each resident was last settled, as the store has it; residents without a time are left out.
        Errors of Redis pass through.
        """
        found = await self._redis.hmget(key("settled", self._partition), residents) if residents else []
        return {name: at.decode() for name, at in zip(residents, found, strict=True) if at is not None}

    async def earlier(self, cases: Sequence[str]) -> dict[str, bytes]:
        """Return the earlier cases with these ids as JSON, by id; missing ones are left out. Errors of Redis pass
        through.
        """
        found = await self._redis.hmget(key("earlier", self._partition), cases) if cases else []
        return {name: raw for name, raw in zip(cases, found, strict=True) if raw is not None}

    async def at_once(self) -> CheckpointMoment:
        """Return all that a checkpoint has of one moment. Raises AbandonedError as the other methods do. Errors of
        Redis pass through.
        """
        partition = self._partition
        async with self._redis.pipeline(transaction=True) as pipe:
            self._ask(pipe)
            for name in SUMS:
                pipe.hgetall(key(name, partition))
            pipe.hvals(key("holds", partition))
            pipe.zrange(key("recent", partition), 0, -1, withscores=True)
            pipe.hlen(key("cases", partition))
            pipe.exists(key("outbox", partition))
            pipe.hget(TOPIC_IDS, topic_place(CASE_INPUTS.name, partition))
            info, state, *found = await pipe.execute()
        sums, (holds, recent, cases, outbox, inputs) = found[: len(SUMS)], found[len(SUMS) :]
        return CheckpointMoment(
            self._stands(info, state),
            {name: _numbers(each) for name, each in zip(SUMS, sums, strict=True)},
            tuple(Hold.model_validate_json(hold, extra=ANY_VERSION) for hold in holds),
            {member.decode(): int(score) for member, score in recent},
            int(cases),
            (inputs or b"").decode(),
            bool(outbox),
        )

    def _ask(self, pipe: Any) -> None:  # noqa: ANN401 - redis-py's pipeline
        pipe.execute_command(*ASK_RUN)
        pipe.hmget(key("state", self._partition), *STATE_FIELDS)

    def _stands(self, info: Any, state: Sequence[bytes | None]) -> StorePlace:  # noqa: ANN401 - an answer of Redis
        """Return where the store stood at a read. Raises AbandonedError if it was not complete, or went back."""
        offset, end, run, journal, logs, policy = state
        asked = run_of(info)
        if policy is None or not is_whole(asked, offset, end, run):
            raise AbandonedError(Abandoned.NOT_WHOLE)
        found = StorePlace(
            asked, int(offset or 0), -1 if journal is None else int(journal), int(logs or 0), policy.decode()
        )
        before = self._seen or found
        if (found.run, found.logs) != (before.run, before.logs) or found.offset < before.offset:
            raise AbandonedError(Abandoned.WENT_BACK)
        self._seen = found
        return found


def _numbers(found: Mapping[bytes, bytes]) -> dict[str, int]:
    """Return a hash of numbers by name."""
    return {name.decode(): int(value) for name, value in found.items()}

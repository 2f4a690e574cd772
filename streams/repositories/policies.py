"""Policies by the hash of their content: stored permanently on the topic `policies`, read from Redis, parsed once in
each process.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from domain.ids import short_hash
from domain.policy import Policy, PolicyError, digest_of, load
from domain.policy.faults import FaultCode, PolicyFault
from schemas.administration.drafts import InShadow
from schemas.base import ANY_VERSION
from schemas.casework.inputs import PolicyChange
from schemas.casework.policies import InForce
from schemas.errors import UserError
from streams.messaging import case_inputs, topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails
from streams.runtime.settings import Settings
from streams.state.compacted_table import StoredRecord, Where, copy_topic
from streams.state.keys import POLICIES, changing, key
from streams.state.locks import locked_by
from streams.state.shared_state import EmptiedError, require_whole

IN_FORCE = "in-force"  # a field of the same hash and a key of the topic: InForce (schemas/casework/policies)
IN_SHADOW = "in-shadow"  # likewise: InShadow (schemas/administration/drafts)
BESIDE: dict[str, type[InForce] | type[InShadow]] = {IN_FORCE: InForce, IN_SHADOW: InShadow}


def read(path: Path) -> str:
    """Return the text of a policy file, after checking that it is a valid policy.

    Raises PolicyError, naming the file, if it is not UTF-8 or not a valid policy, and OSError if it cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        load(text)
    except UnicodeDecodeError as error:
        raise PolicyError([PolicyFault(FaultCode.NOT_UTF8, {"byte": error.start + 1})], path.name) from None
    except PolicyError as error:
        raise PolicyError(error.faults, path.name) from None
    return text


class UnknownPolicyError(UserError, LookupError):
    """The text of a policy is neither in Redis nor on the topic."""


class Policies:
    """Stores every policy that was ever published, and which policy is in force or in shadow.

    It is not a CompactedTable, because a policy is stored as its author wrote it, comments included, and named by its
    hash.
    """

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis
        self._parsed: dict[str, Policy] = {}

    async def publish(self, text: str) -> Policy:
        """Store a policy's text permanently, on the topic and in Redis, and return the parsed policy. This does not put
        it in force.

        Waits while Kafka is unavailable. Raises PolicyError if it is invalid, SendError if it is too large, and
        RedisError if Redis is unavailable.
        """
        policy = load(text)
        if not await self._redis.hexists(POLICIES, policy.hash):
            await self._producer.send_all([Record(topics.POLICIES.name, policy.hash.encode(), text.encode())])
            await self._redis.hset(POLICIES, policy.hash, text)
        self._parsed[policy.hash] = policy
        return policy

    async def default(self) -> Policy:
        """Store the policy of the file that the settings name, as `publish` does, and return it parsed. A partition
        without a policy uses it.

        Raises PolicyError if the file is not UTF-8 or not a valid policy, OSError if it cannot be read, SendError if it
        is too large, and RedisError if Redis is unavailable.
        """
        return await self.publish(read(self._settings.policy))

    async def get(self, digest: str) -> Policy:
        """Return the policy with this hash (`digest`), parsed. Raises UnknownPolicyError if it is stored nowhere,
        PolicyError if this version cannot read it, and RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        if digest not in self._parsed:
            self._parsed[digest] = load(await self.text(digest))
        return self._parsed[digest]

    async def live(self) -> Policy:
        """Return the policy in force, as partition 0 has it; if that partition has none yet, the policy of the
        settings' file.

        Raises UnknownPolicyError if the policy's text is stored nowhere, PolicyError if the policy or the file is
        invalid, and OSError if the file cannot be read. Errors of Redis and Kafka pass through.
        """
        return await self.of(0)

    async def of(self, partition: int) -> Policy:
        """Return the policy that a partition uses; if the partition has none yet, the policy of the settings' file,
        without publishing it.

        Raises UnknownPolicyError if the policy's text is stored nowhere, PolicyError if the policy or the file is
        invalid, and OSError if the file cannot be read. Errors of Redis and Kafka pass through.
        """
        raw = await self._redis.hget(key("state", partition), "policy")
        return await self.get(raw.decode()) if raw else load(read(self._settings.policy))

    async def in_force(self) -> InForce | None:
        """Return the record of which policy is in force, or None if none was put in force yet: the policy of the
        settings' file then applies. Raises RedisError if Redis is unavailable.
        """
        raw = await self._redis.hget(POLICIES, IN_FORCE)
        return InForce.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    @asynccontextmanager
    async def changing_in_force(self, holder: str) -> AsyncIterator[None]:
        """Context manager: hold the lock under which another policy is put in force, from reading the record until the
        partitions' inputs are written. Without it, of two changes at once the later one would undo the earlier.
        `holder`: the work, in words for those who wait meanwhile.

        While Redis is emptied or being restored, the records are first copied from the topic: a policy that was stopped
        would not be known as such. Raises LockBusyError, also inside the block, if waiting for the lock and the block
        together take over 8 s, and RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        async with locked_by(self._redis, changing(POLICIES, IN_FORCE), holder):
            try:
                await require_whole(self._settings, self._redis)
            except EmptiedError:
                await self.restore()
            yield

    async def store_in_force(self, standing: InForce) -> None:
        """Store the record of which policy is in force and which were stopped, on the topic and then in Redis. The
        caller holds the lock of `changing_in_force`.

        Raises SendError if the record is too large. Waits while Kafka is unavailable. Errors of Redis pass through.
        """
        value = standing.model_dump_json().encode()
        await self._store_beside(IN_FORCE, value)

    async def tell(self, change: PolicyChange, before: InForce) -> None:
        """Write a change of the policy in force to the inputs of all partitions. The caller holds the lock of
        `changing_in_force`. `before`: the record of what was in force when the caller took it.

        Raises SendError if Kafka refuses an input. Waits while Kafka is unavailable. If the caller is cancelled, Kafka
        may get the inputs after those of a later change, and the partitions decide by the last one: a task then lets
        them decide by the policy that is in force.
        """
        partitions = range(self._settings.partitions)
        await self._producer.send_corrected(case_inputs.to_all(change, partitions), partial(self._correction, before))

    @asynccontextmanager
    async def _correction(self, before: InForce, sent: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
        """Yield the inputs that put the policy in force that is so by the record; none if those sent last do, or if the
        record is still that of `before`: the change was given up, and is repeated by whoever makes it.

        The inputs get an id of their own: partitions that applied the present change before the late one came would not
        apply it again.
        """
        async with self.changing_in_force("the correction of a late change of the policy"):
            standing = await self.in_force()
            last = PolicyChange.model_validate_json(sent[0].value or b"", extra=ANY_VERSION)
            if standing is None or standing == before or standing.policy == last.policy:
                yield []
                return
            changed = {"id": short_hash("policy", last.id, standing.policy), "policy": standing.policy}
            told = last.model_copy(update={**changed, "by": standing.by, "reason": ""})
            yield case_inputs.to_all(told, range(self._settings.partitions))

    async def text(self, digest: str) -> str:
        """Return a policy's TOML text as it was written. `digest`: its hash.

        If Redis lacks it, first copies all policies from the topic to Redis. Raises UnknownPolicyError if it is stored
        nowhere, and RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        raw: bytes | None = await self._redis.hget(POLICIES, digest)
        if raw is None:
            await self.restore()
            raw = await self._redis.hget(POLICIES, digest)
        if raw is None:
            raise UnknownPolicyError(
                f"policy {digest} is neither in Redis nor on the topic {topics.POLICIES.name}: restore that topic, or "
                "publish the file again with `quanzu policy publish FILE`"
            )
        return raw.decode()

    async def known(self) -> list[str]:
        """Return the hashes of all policies ever published, in alphabetical order. Raises RedisError if Redis is
        unavailable.
        """
        return sorted(name.decode() for name in await self._redis.hkeys(POLICIES) if name.decode() not in BESIDE)

    async def in_shadow(self) -> InShadow | None:
        """Return the record that `store_in_shadow` wrote last: which policy is scored beside the one in force (its
        `policy` is None if none is).

        None if `store_in_shadow` was never called. Raises RedisError if Redis is unavailable.
        """
        raw = await self._redis.hget(POLICIES, IN_SHADOW)
        return InShadow.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def store_in_shadow(self, standing: InShadow) -> None:
        """Store the record of which policy is scored in shadow, if any, on the topic and then in Redis.

        Raises SendError if Kafka refuses it permanently. Waits while Kafka is unavailable. Errors of Redis pass
        through.
        """
        value = standing.model_dump_json().encode()
        await self._store_beside(IN_SHADOW, value)

    async def restore(self, since: Tails | None = None) -> None:
        """Copy the topic's policies to Redis: all of them, or only records at or after the offsets in `since`.
        Unreadable records are logged and left out. Raises RedisError or KafkaError if Redis or Kafka is unavailable.
        """
        await copy_topic(self._settings, self._redis, topics.POLICIES.name, since, _where)

    async def _store_beside(self, name: str, value: bytes) -> None:
        """Write the record IN_FORCE or IN_SHADOW (`name`) to the topic, then to Redis."""
        place = (topics.POLICIES.name, name.encode(), POLICIES, name)
        async with StoredRecord(self._settings, self._redis, self._producer, *place).storing(value) as pipe:
            pipe.hset(POLICIES, name, value)


def _where(record: Read) -> Where | None:
    """Return the place in Redis of a record of the topic; None if it is left out."""
    if not record.value:  # written late, and undone (see StoredRecord)
        name: str | None = (record.key or b"").decode()
        return (POLICIES, name) if name in BESIDE else None
    name = readable(topics.POLICIES.name, record.offset, partial(_name, record))
    return (POLICIES, name) if name else None


def _name(record: Read) -> str:
    """Return the field of the Redis hash for a record. Raises ValueError if the record's value does not fit its key."""
    name, text = (record.key or b"").decode(), (record.value or b"").decode()
    if name in BESIDE:
        BESIDE[name].model_validate_json(text, extra=ANY_VERSION)
    elif digest_of(text) != name:
        raise ValueError("the key is not the policy's hash")
    return name

"""Policies by their content's hash: on the topic for good, in Redis for the workers, parsed once a process."""

from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from domain.policy import Policy, PolicyError, digest_of, load
from schemas.administration.drafts import InShadow
from schemas.base import ANY_VERSION
from schemas.casework.policies import InForce
from schemas.errors import UserError
from streams.messaging import topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read, Tails, read_all
from streams.runtime.settings import Settings
from streams.state.keys import key

KEY = "policies"  # hash: content's hash -> TOML
IN_FORCE = "in-force"  # beside them, here and on the topic: which one stands (schemas/casework/policies)
IN_SHADOW = "in-shadow"  # and which one is scored beside it (schemas/administration/drafts)
BESIDE: dict[str, type[InForce] | type[InShadow]] = {IN_FORCE: InForce, IN_SHADOW: InShadow}


def read(path: Path) -> str:
    """A policy file's text, whose policy can be used. Raises PolicyError that names the file, or OSError."""
    try:
        text = path.read_bytes().decode("utf-8")
        load(text)
    except UnicodeDecodeError as error:
        raise PolicyError(f"policy {path.name}: not UTF-8 at byte {error.start + 1}. Save it as UTF-8") from None
    except PolicyError as error:
        raise PolicyError(f"policy {path.name} cannot be used:\n{error}") from None
    return text


class UnknownPolicyError(UserError, LookupError):
    """A partition decides by a policy whose text is nowhere to be found."""


class Policies:
    """Every policy that was ever in force."""

    def __init__(self, settings: Settings, redis: "Redis", producer: Producer) -> None:
        self._settings, self._producer = settings, producer
        self._redis: Any = redis
        self._parsed: dict[str, Policy] = {}

    async def publish(self, text: str) -> Policy:
        """Keep a policy's text for good, and return it read. Raises PolicyError when it cannot be used."""
        policy = load(text)
        if not await self._redis.hexists(KEY, policy.hash):
            await self._producer.send_all([Record(topics.POLICIES.name, policy.hash.encode(), text.encode())])
            await self._redis.hset(KEY, policy.hash, text)
        self._parsed[policy.hash] = policy
        return policy

    async def default(self) -> Policy:
        """The policy of the settings' file, with which an empty partition begins."""
        return await self.publish(read(self._settings.policy))

    async def get(self, digest: str) -> Policy:
        """The policy of this hash. Raises UnknownPolicyError."""
        if digest not in self._parsed:
            text = await self._redis.hget(KEY, digest)
            if text is None:
                await self.restore()
                text = await self._redis.hget(KEY, digest)
            if text is None:
                raise UnknownPolicyError(
                    f"policy {digest} is neither in Redis nor on the topic {topics.POLICIES.name}: restore that "
                    "topic, or publish the file again with `quanzu policy publish FILE`"
                )
            self._parsed[digest] = load(text.decode())
        return self._parsed[digest]

    async def live(self) -> Policy:
        """The policy that cases are decided by now. Raises UnknownPolicyError."""
        return await self.of(0)

    async def of(self, partition: int) -> Policy:
        """The policy that a partition decides by; the settings' file's before it has begun: asking publishes nothing.

        Raises UnknownPolicyError.
        """
        raw = await self._redis.hget(key("state", partition), "policy")
        return await self.get(raw.decode()) if raw else load(read(self._settings.policy))

    async def in_force(self) -> InForce | None:
        """What stands: none until a policy is published for the first time, and the settings' file's is in force."""
        raw = await self._redis.hget(KEY, IN_FORCE)
        return InForce.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def stand(self, standing: InForce) -> None:
        """Write down for good which policy is in force, and which ones were stopped."""
        value = standing.model_dump_json().encode()
        await self._producer.send_all([Record(topics.POLICIES.name, IN_FORCE.encode(), value)])
        await self._redis.hset(KEY, IN_FORCE, value)

    async def text(self, digest: str) -> str:
        """A policy as it was written. Raises UnknownPolicyError."""
        await self.get(digest)
        raw = await self._redis.hget(KEY, digest)
        if raw is None:  # known here, and gone from a Redis that was wiped meanwhile
            await self.restore()
            raw = await self._redis.hget(KEY, digest)
        return str(raw.decode()) if raw else ""

    async def known(self) -> list[str]:
        """The hashes of all that were ever published."""
        return sorted(name.decode() for name in await self._redis.hkeys(KEY) if name.decode() not in BESIDE)

    async def in_shadow(self) -> InShadow | None:
        """Which policy is scored beside the one in force; none when none ever was."""
        raw = await self._redis.hget(KEY, IN_SHADOW)
        return InShadow.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def shadow(self, standing: InShadow) -> None:
        """Set the policy that is scored beside the one in force, or none."""
        value = standing.model_dump_json().encode()
        await self._producer.send_all([Record(topics.POLICIES.name, IN_SHADOW.encode(), value)])
        await self._redis.hset(KEY, IN_SHADOW, value)

    async def restore(self, since: Tails | None = None) -> None:
        """Fill Redis from the topic, or put what lies behind `since` on it back."""
        async for record in read_all(self._settings, topics.POLICIES.name, since):
            if record.value and (name := readable(topics.POLICIES.name, record.offset, partial(_name, record))):
                await self._redis.hset(KEY, name, record.value)


def _name(record: Read) -> str:
    """Under which name a record of the topic is kept. Raises ValueError when it is no policy of that name."""
    name, text = (record.key or b"").decode(), (record.value or b"").decode()
    if name in BESIDE:
        BESIDE[name].model_validate_json(text, extra=ANY_VERSION)
    elif digest_of(text) != name:
        raise ValueError("the key is not the policy's hash")
    return name

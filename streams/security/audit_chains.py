"""The hash chain of one process on the audit topic (see domain/access/audit_chain), and the heads of all chains in
Redis.

Lines are linked and sent under a lock. Lines that were sent but not acknowledged (their writer was cancelled) are sent
again unchanged before any other line, so that no number is missing or used twice.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.access import audit_chain
from domain.access.audit_chain import End
from domain.access.key_rings import KeyRing
from schemas.administration.audit import MOST_HEADS, AuditEntry, Head
from streams.state.keys import AUDIT_HEADS, AUDIT_HEADS_AT, milliseconds

log = logging.getLogger(__name__)

NAMED_LINES, NAMED_SECONDS = 100, 600.0  # after that many lines or seconds, a line names the other chains' heads


class Heads:
    """The head (newest line) of every audit chain, stored in Redis. A lost head is stored again with the chain's next
    line.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis

    async def put(self, head: Head) -> None:
        """Store a chain's head. If Redis is unavailable, log a warning only, because the line itself is in Kafka."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(AUDIT_HEADS, head.chain, head.model_dump_json())
                pipe.zadd(AUDIT_HEADS_AT, {head.chain: milliseconds(head.at)})
                await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("the head of the audit's chain was not kept: %s", type(error).__name__)

    async def all(self) -> list[Head]:
        """Return the heads of all chains, in no particular order; invalid ones are left out. Raises RedisError if Redis
        is unavailable.
        """
        return [head for raw in await self._redis.hvals(AUDIT_HEADS) if (head := _read(raw))]

    async def latest(self, most: int) -> list[Head]:
        """Return the heads of the `most` chains that were written to last, the latest first; invalid ones are left out.
        Empty if Redis is unavailable.
        """
        try:
            names = await self._redis.zrange(AUDIT_HEADS_AT, 0, most - 1, desc=True)
            found = await self._redis.hmget(AUDIT_HEADS, names) if names else []
        except (RedisError, OSError) as error:
            log.warning("the heads of the audit's chains cannot be read: %s", type(error).__name__)
            return []
        return [head for raw in found if raw and (head := _read(raw))]


class Sent(NamedTuple):
    """Lines sent to Kafka, the end of the chain after them, and the time `at` of the last entry."""

    lines: list[tuple[bytes, bytes]]  # key and value
    end: End
    at: datetime


class Chain:
    """The hash chain of one producer, which begins with its first line.

    `keys`: returns the keys for the audit as they are now. `heads`: where its head is stored; None: nowhere. A caller
    must hold `lock` from linking lines until they are acknowledged.
    """

    def __init__(self, keys: Callable[[], KeyRing], heads: Heads | None = None) -> None:
        self._keys, self.heads = keys, heads
        self.lock = asyncio.Lock()
        self.end = End(secrets.token_hex(8))
        self.unsure: Sent | None = None
        self._known: dict[str, int] = {}  # by other chain: the last line number that this chain has named
        self._named_at, self._named_line = -NAMED_SECONDS, -NAMED_LINES

    @property
    def _ring(self) -> KeyRing:
        return audit_chain.audit_ring(self._keys())

    async def linked(self, entries: Sequence[AuditEntry], *, naming: bool = False) -> Sent:
        """Link entries (at least one) to the chain's end, and return the lines to send, with the end of the chain after
        them. They are stored in `unsure` until `acknowledged`.

        `naming`: True: the first line names the other chains' heads even if that is not due. Raises SettingsError if
        this process has no key for the audit, and AssertionError if lines are in `unsure` already.
        """
        assert self.unsure is None, "what was sent before is settled first"  # noqa: S101 - a fault of ours
        heads = await self.news() if naming or self._due() else []
        values, end = audit_chain.link(entries, self.end, self._ring, heads)
        self._known |= {head.chain: head.number for head in heads}
        keys = [entry.by.encode() for entry in entries]
        self.unsure = Sent(list(zip(keys, values, strict=True)), end, entries[-1].at)
        return self.unsure

    async def acknowledged(self, offset: int) -> None:
        """Record that Kafka has the lines in `unsure`, and store the new head in Redis, if this chain has a place for
        it. `offset`: of the last line on the topic, -1 if unknown.

        Raises AssertionError if there are no lines in `unsure`, and SettingsError if this process has no key for the
        audit.
        """
        assert self.unsure is not None, "nothing was sent"  # noqa: S101 - a fault of ours
        sent, self.unsure = self.unsure, None
        self.end = replace(sent.end, offset=offset)
        if self.heads is not None:
            await self.heads.put(audit_chain.head(self.end, sent.at, self._ring))

    async def news(self) -> list[Head]:
        """Return the heads of other chains that have grown since this chain last named them, at most 50 (MOST_HEADS),
        the latest first. Empty if there are none, or Redis is unavailable.

        Heads made with another key are left out. From this call on, the next naming is due after 100 lines
        (NAMED_LINES) or 600 s (NAMED_SECONDS). Raises SettingsError if this process has no key for the audit.
        """
        self._named_at, self._named_line = time.monotonic(), self.end.number
        found = await self.heads.latest(2 * MOST_HEADS) if self.heads is not None else []
        others = [head for head in found if head.chain != self.end.chain]
        fresh = [head for head in others if head.number > self._known.get(head.chain, 0)]
        ring = self._ring
        true = [head for head in fresh if audit_chain.is_signed_with(head, ring)]
        return true[:MOST_HEADS]

    def _due(self) -> bool:
        late = time.monotonic() - self._named_at >= NAMED_SECONDS
        return late or self.end.number - self._named_line >= NAMED_LINES


def _read(raw: bytes) -> Head | None:
    try:
        return Head.model_validate_json(raw)
    except ValidationError:
        log.warning("a head of the audit's chains cannot be read")
        return None

"""One process's chain on the audit topic, and the heads of all chains in Redis. How lines are linked:
domain/access/audit_chain.

Lines are linked and sent under a lock. What was sent and not acknowledged (the one who waited was cancelled) is sent
again, the same bytes, before anything else: so no number is missing and none is given twice.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.access import audit_chain
from domain.access.audit_chain import End
from schemas.administration.audit import MOST_HEADS, AuditEntry, Head
from streams.state.keys import milliseconds

log = logging.getLogger(__name__)

HEADS = "audit-heads"  # hash: chain -> its head
LATEST = "audit-heads-at"  # sorted set: chain -> when its last line was written, epoch ms
NAMED_LINES, NAMED_SECONDS = 100, 600.0  # after so many lines, or so long, the next line names the other chains' heads


class Heads:
    """How far every chain reaches. What is lost of it is written again with the chain's next line."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis

    async def put(self, head: Head) -> None:
        """Keep a chain's head. While Redis is away it is not kept: the line itself is with Kafka."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(HEADS, head.chain, head.model_dump_json())
                pipe.zadd(LATEST, {head.chain: milliseconds(head.at)})
                await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("the head of the audit's chain was not kept: %s", type(error).__name__)

    async def all(self) -> list[Head]:
        """All heads, those that cannot be read left out. Raises RedisError when Redis is away."""
        return [head for raw in await self._redis.hvals(HEADS) if (head := _read(raw))]

    async def latest(self, most: int) -> list[Head]:
        """Of the chains that were written to last; none while Redis is away."""
        try:
            names = await self._redis.zrange(LATEST, 0, most - 1, desc=True)
            found = await self._redis.hmget(HEADS, names) if names else []
        except (RedisError, OSError) as error:
            log.warning("the heads of the audit's chains cannot be read: %s", type(error).__name__)
            return []
        return [head for raw in found if raw and (head := _read(raw))]


class Sent(NamedTuple):
    """Lines that were handed to Kafka, the chain's end with them, and when the last one was said to be."""

    lines: list[tuple[bytes, bytes]]  # key and value
    end: End
    at: datetime


class Chain:
    """The chain of what one producer writes; it begins with the first line. `heads`: where to keep how far it reaches.

    Whoever links, sends and says so holds `lock` all the while.
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret
        self.lock = asyncio.Lock()
        self.end = End(secrets.token_hex(8))
        self.unsure: Sent | None = None
        self.heads: Heads | None = None
        self._known: dict[str, int] = {}  # by chain: the number that a line of ours has named
        self._named_at, self._named_line = -NAMED_SECONDS, -NAMED_LINES

    @cached_property
    def _key(self) -> bytes:
        return audit_chain.audit_key(self._secret())

    async def linked(self, entries: Sequence[AuditEntry], *, naming: bool = False) -> Sent:
        """Link the entries to the end; they are unsure from here on. `naming`: name the other chains' heads anyway."""
        assert self.unsure is None, "what was sent before is settled first"  # noqa: S101 - a fault of ours
        heads = await self.news() if naming or self._due() else []
        values, end = audit_chain.link(entries, self.end, self._key, heads)
        self._known |= {head.chain: head.number for head in heads}
        keys = [entry.by.encode() for entry in entries]
        self.unsure = Sent(list(zip(keys, values, strict=True)), end, entries[-1].at)
        return self.unsure

    async def acknowledged(self, offset: int) -> None:
        """Kafka has what was unsure, its last line at this offset (-1: not told)."""
        assert self.unsure is not None, "nothing was sent"  # noqa: S101 - a fault of ours
        sent, self.unsure = self.unsure, None
        self.end = replace(sent.end, offset=offset)
        if self.heads is not None:
            await self.heads.put(audit_chain.head(self.end, sent.at, self._key))

    async def news(self) -> list[Head]:
        """The heads of other chains that went on since a line of ours has named them, the latest ones."""
        self._named_at, self._named_line = time.monotonic(), self.end.number
        found = await self.heads.latest(2 * MOST_HEADS) if self.heads is not None else []
        others = [head for head in found if head.chain != self.end.chain]
        fresh = [head for head in others if head.number > self._known.get(head.chain, 0)]
        true = [head for head in fresh if audit_chain.ours(head, self._key)]
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

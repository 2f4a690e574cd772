"""Kept things that several people change at once: a change holds a lock on its id, so the later sees the first's."""

import asyncio
import uuid
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from streams.kept import Kept
from streams.scripts import script

LOCK_MS = 10_000  # a write that takes longer waits for Kafka: the next one may then overtake it
WAIT_SECONDS = 0.05
RELEASE = script("release")

Thing = TypeVar("Thing", bound=BaseModel)


class SharedThings(Kept[Thing]):
    """Things of one kind, changed one after the other."""

    async def change(self, name: str, how: Callable[[Thing | None], Thing]) -> Thing:
        """Put what `how` makes of the one that stands, and return it; what it raises changes nothing."""
        token, lock = uuid.uuid4().hex, f"lock:{self._topic.name}:{name}"
        while True:
            if await self._redis.set(lock, token, nx=True, px=LOCK_MS):
                try:
                    return await self._changed(name, how)
                finally:
                    await self._redis.eval(RELEASE, 1, lock, token)
            await asyncio.sleep(WAIT_SECONDS)

    async def _changed(self, name: str, how: Callable[[Thing | None], Thing]) -> Thing:
        before = await self.get(name)
        after = how(before)
        if after != before:
            await self.put(after)
        return after

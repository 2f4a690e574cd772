"""A telephone at the desk, with which a test calls residents."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schemas.casework.acts import LossAvoidedClaim
from schemas.levels import CallResult
from streams.channels.telephone import Call


@dataclass
class Softphone:
    """Somebody answers, or nobody does."""

    answers: bool = True
    kept: tuple[LossAvoidedClaim, ...] = ()
    rang: int = 0  # how often
    rings_until: asyncio.Event | None = None  # nobody answers before

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Ring, and talk."""
        self.rang += 1
        if self.rings_until:
            await self.rings_until.wait()
        if self.answers:
            await answered()
        return Call(CallResult.ANSWERED, "“我不转了。”", self.kept) if self.answers else Call(CallResult.NO_ANSWER)

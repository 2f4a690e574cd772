"""A telephone at the desk, with which a test calls residents."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schemas.casework.inputs import KeptClaim
from streams.channels.telephone import Call


@dataclass
class Softphone:
    """Somebody answers, or nobody does."""

    answers: bool = True
    kept: tuple[KeptClaim, ...] = ()

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Ring, and talk."""
        if self.answers:
            await answered()
        return Call(self.answers, "“我不转了。”" if self.answers else "（无人接听）", self.kept)

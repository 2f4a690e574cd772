"""Calling a resident from the desk: by a softphone, or, in a demo, somebody who is simulated."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.casework.inputs import KeptClaim
from schemas.levels import CallResult


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended.

    `words`, in Chinese: what the resident said; `kept`: the transfers that the resident will not make.
    """

    result: CallResult
    words: str = ""
    kept: tuple[KeptClaim, ...] = ()
    lost_fen: int = 0

    @property
    def reached(self) -> bool:
        """Whether the resident took the call."""
        return self.result is CallResult.ANSWERED


class Telephone(Protocol):
    """Whoever can place a call."""

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Call the resident of a case, and return when the talk is over; `answered`: told when the talk begins."""

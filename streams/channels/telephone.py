"""The interface for calling a resident from the desk: a softphone, or in a demo a simulated resident."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.casework.inputs import LossAvoidedClaim
from schemas.levels import CallResult


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended.

    `words`: what the resident said, in Chinese; `kept`: transfers that they will not make; `lost_fen`: money already
    lost, in fen.
    """

    result: CallResult
    words: str = ""
    kept: tuple[LossAvoidedClaim, ...] = ()
    lost_fen: int = 0

    @property
    def reached(self) -> bool:
        """Whether the resident took the call."""
        return self.result is CallResult.ANSWERED


class Telephone(Protocol):
    """Anything that can place a call to a case's resident and report how it ended."""

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Call the resident of a case, and return how the call went once it has ended. `answered` is awaited as soon as
        the resident answers, not if nobody does.
        """

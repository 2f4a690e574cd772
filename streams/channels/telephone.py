"""The interface for calls to a resident from the desk, by a softphone or, in a demo, to a simulated resident."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.casework.acts import LossAvoidedClaim
from schemas.levels import CallResult


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended.

    `words`: the resident's words, in Chinese; `kept`: the transfers that they will not make; `lost_fen`: money already
    lost, in fen.
    """

    result: CallResult
    words: str = ""
    kept: tuple[LossAvoidedClaim, ...] = ()
    lost_fen: int = 0

    @property
    def reached(self) -> bool:
        """True if the resident answered the call; False for any other result."""
        return self.result is CallResult.ANSWERED


class Telephone(Protocol):
    """Places calls to the residents of cases and reports how they ended."""

    async def call(self, case_id: str, answered: Callable[[], Awaitable[None]]) -> Call:
        """Call the resident of a case. Returns how the call went, once it has ended.

        `answered` is awaited as soon as the resident answers; it is not called if nobody answers.
        """

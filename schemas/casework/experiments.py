"""The arm of a randomised experiment that a case was assigned to, stored before any outcome."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Token, When

MOST_EXPERIMENTS = 8  # of one case: at most one runs for a level at a time


class Assignment(Model):
    """The assignment of a case to an arm at `at`. `unit`: what was randomised: the resident's id, a hash of their
    household, or an area or span of time. `propensity`: the probability that `arm` had then; 1 if it was certain.
    `observed`: whether a bank reported about the resident then: if not, the outcome is missing, whatever becomes known
    later. `counted_from`: when the 72 hours of the outcome begin, for a reminder when it is due; None: at `at`.
    """

    arm: Token
    unit: Annotated[str, Field(min_length=1, max_length=64)]
    propensity: Annotated[float, Field(gt=0, le=1)]
    at: When
    observed: bool
    counted_from: When | None = None

    @property
    def outcome_from(self) -> datetime:
        """The time at which the 72 hours of the outcome begin."""
        return self.counted_from or self.at


Assignments = Annotated[dict[Token, Assignment], Field(max_length=MOST_EXPERIMENTS)]
"""The assignments of a case, by the experiment's name."""

"""The latest reading of an experiment: what its outcomes show so far. Computed from the journal, so it may be lost."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Token, When

MOST_POINTS = 200  # of a chart


class Finding(StrEnum):
    """The present finding about the outcomes of an arm, compared with the control.

    Only payments of cases that reached orange before they were settled, and frauds that the police recorded, are
    counted. HARM: more such money leaves, beyond the margin of the harm rule; the experiment is stopped at once.
    NOT_DECIDABLE: less such money leaves, which does not show that less money leaves: under an arm after which fewer
    cases reach orange, less is counted. WORSE: more such money leaves, within the margin. TOO_SMALL: the difference of
    such money is smaller than the plan's minimal effect whichever way. OPEN: no other finding yet. UNDECIDED: no other
    finding, and the time is over.
    """

    HARM = "harm"
    NOT_DECIDABLE = "not_decidable"
    WORSE = "worse"
    TOO_SMALL = "too_small"
    OPEN = "open"
    UNDECIDED = "undecided"


class SequencePoint(Model):
    """The bounds (`low`, `high`) of an arm's difference from the control on a day, of outcomes from 0 to 1.
    `units`: the number of units with a complete outcome by then.
    """

    at: When
    units: Annotated[int, Field(ge=0)]
    low: float
    high: float


class ArmReading(Model):
    """The numbers of the units (cases, or what else is randomised) that were assigned to an arm. `assigned`: all;
    `complete`: those whose outcome is known; `missing`: those whose outcome never will be. `unstated`: number of cases
    whose outcome is missing because a police record states no sum; of the other missing ones, no bank reported about
    the resident. `mean`: the mean of the known outcomes, from 0 to 1; None if no outcome is known.
    """

    arm: Token
    assigned: Annotated[int, Field(ge=0)]
    complete: Annotated[int, Field(ge=0)]
    missing: Annotated[int, Field(ge=0)]
    unstated: Annotated[int, Field(ge=0)] = 0
    mean: float | None


class ContrastReading(Model):
    """An arm's difference of mean outcomes from the control, from -1 to 1; below 0, less money left.

    `units`: the number of units with a known outcome; `estimate`: the difference, None without any known outcome;
    `low`, `high`: its bounds. `lowest`, `highest`: the estimate if all missing outcomes were most, or least, favourable
    to the arm; None if none is missing. `harm`: the e-value of the harm rule. `points`: the bounds by day, the earliest
    first.
    """

    arm: Token
    finding: Finding
    units: Annotated[int, Field(ge=0)]
    estimate: float | None
    low: float
    high: float
    lowest: float | None
    highest: float | None
    harm: Annotated[float, Field(ge=0)]
    points: Annotated[list[SequencePoint], Field(max_length=MOST_POINTS)]


class ExperimentReading(Model):
    """A reading of the experiment `name` at `at`, under the policy with the digest `policy`.

    `weights`: the probabilities that the outcomes suggest for the next version of the plan.
    """

    name: Token
    policy: str
    at: When
    arms: list[ArmReading]
    contrasts: list[ContrastReading]
    weights: dict[Token, float]

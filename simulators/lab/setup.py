"""What all contenders share: how long, how many people, how much happens, who is there to answer it."""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from simulators.assumptions import figures
from simulators.assumptions.pace import COMPRESSED, REAL, Pace

# What fills one operator's time, in an hour: a quarter of the teaching hour, which keeps twelve of them busy for a
# third of theirs. Measured: docs/laboratory.md.
STORIES_AN_OPERATOR = figures.COMPRESSED_STORIES_AN_HOUR / 4
ORDINARY_AN_OPERATOR = figures.COMPRESSED_ORDINARY_AN_HOUR / 4
ROOM = 2.5  # residents for each story: a resident is in one story at most, and not everybody is picked; assumed
FEWEST = 500


@dataclass(frozen=True, slots=True)
class Setup:
    """`stories` and `ordinary`: how many begin, and how many signals of ordinary life come, in an hour."""

    length: timedelta
    residents: int
    stories: float
    ordinary: float
    operators: int
    officers: int
    compressed: bool = False  # whole scams within the hour, as in a demo

    @property
    def pace(self) -> Pace:
        """How fast the province lives."""
        usual = COMPRESSED if self.compressed else replace(REAL, depths=figures.DEPTHS)  # few of a year's hooks pay
        return replace(usual, ordinary=lambda residents: self.ordinary, stories=lambda residents: self.stories)

    def as_dict(self) -> dict[str, Any]:
        """For a report: `length` in seconds."""
        return {**asdict(self), "length": self.length.total_seconds()}


def made_for(
    operators: int,
    officers: int,
    length: timedelta,
    overload: float = 1,
    residents: int | None = None,
    *,
    compressed: bool = False,
) -> Setup:
    """`overload` times as much as fills the time of so many operators. No `residents` given: as many as it takes."""
    stories = STORIES_AN_OPERATOR * operators * overload
    needed = max(FEWEST, round(ROOM * stories * (length / timedelta(hours=1))))
    ordinary = ORDINARY_AN_OPERATOR * operators * overload
    return Setup(length, residents or needed, stories, ordinary, operators, officers, compressed)

"""The setup shared by all contenders: duration, residents, number of events, staff."""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from simulators.assumptions import figures
from simulators.assumptions.pace import COMPRESSED, REAL, Pace

# Events per hour that fill one operator's time: a quarter of a teaching hour, which keeps twelve operators busy for a
# third of theirs. Measured: docs/laboratory.md.
STORIES_AN_OPERATOR = figures.COMPRESSED_STORIES_AN_HOUR / 4
ORDINARY_AN_OPERATOR = figures.COMPRESSED_ORDINARY_AN_HOUR / 4
ROOM = 2.5  # residents per story: each has one at most, and not everybody is picked; assumed
FEWEST = 500


@dataclass(frozen=True, slots=True)
class Setup:
    """The setup of a run. `length`: simulated time; `residents`: their number; `stories`, `ordinary`: numbers of scams
    and of everyday signals that begin per hour; `operators`, `officers`: numbers on duty, all the time; `compressed`:
    True if a complete scam passes within an hour, as in a demo.
    """

    length: timedelta
    residents: int
    stories: float
    ordinary: float
    operators: int
    officers: int
    compressed: bool = False

    @property
    def pace(self) -> Pace:
        """Return the province's pace: the compressed or the real one, with this setup's numbers of scams and everyday
        signals per hour. Even at the real pace, a far larger share of scams asks for money than in reality.
        """
        # In a real year few hooked people pay.
        usual = COMPRESSED if self.compressed else replace(REAL, depths=figures.DEPTHS)
        return replace(usual, ordinary=lambda residents: self.ordinary, stories=lambda residents: self.stories)

    def as_dict(self) -> dict[str, Any]:
        """Return the setup for a report, keyed by field name; `length` is in seconds."""
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
    """Return a setup with `overload` times the number of scams and everyday signals that just fill the operators' time.

    `operators`, `officers`: numbers on duty all the time; without operators there are no scams and no everyday signals.
    `length`: simulated time. `residents`: their number; None or 0: as many as the scams need, at least 500.
    `compressed`: True if complete scams pass within an hour.
    """
    stories = STORIES_AN_OPERATOR * operators * overload
    needed = max(FEWEST, round(ROOM * stories * (length / timedelta(hours=1))))
    ordinary = ORDINARY_AN_OPERATOR * operators * overload
    return Setup(length, residents or needed, stories, ordinary, operators, officers, compressed)

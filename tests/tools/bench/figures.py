"""What a section measures: figures with their spread, under names."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of some runs, and the least and the most of them: each number is one of a shared machine.

    `limit`: what it could be at best, in the same unit, where that was measured; `limit_of`: by what it is bounded.
    `of_limit`: how near it is to that, 1 when it is there. A cost of 10 µs of which 4 cannot be spared is at 0.4.
    """

    median: float
    low: float
    high: float
    runs: int
    unit: str
    limit: float | None = None
    limit_of: str | None = None
    of_limit: float | None = None

    def __str__(self) -> str:
        spread = f"{self.median:g} {self.unit} ({self.low:g} to {self.high:g}, {self.runs} runs)"
        if self.limit is None:
            return spread
        return f"{spread}; limit {self.limit:g} by {self.limit_of}, of_limit {self.of_limit:g}"


Found: TypeAlias = Mapping[str, "Figure | Found"]
"""A section's figures, by name, nested where they belong together."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a section is told: how often to measure, whether the short form, a folder of its own, and whom to tell.

    `size`: of what the full form measures on, 1 is all; less is to see that it comes to its end.
    """

    runs: int
    short: bool
    folder: Path
    say: Callable[[str], None]
    size: float = 1.0

    def count(self, full: int, short: int) -> int:
        """How many of something there are to be: at least two."""
        return short if self.short else max(2, round(full * self.size))

    def seconds(self, full: float, short: float) -> float:
        """How long something is to last: at least three seconds."""
        return short if self.short else max(3.0, full * self.size)


def figure(values: Sequence[float], unit: str) -> Figure:
    """The figure of one value a run. Raises ValueError when there is none: what was not measured has no figure."""
    if not values:
        raise ValueError("nothing was measured")
    median, low, high = map(_rounded, (statistics.median(values), min(values), max(values)))
    return Figure(median, low, high, len(values), unit)


def cost_beside(figure: Figure, limits: Mapping[str, float]) -> Figure:
    """A cost with the greatest of its limits: by what it is bounded, and how much of it that is."""
    name, limit = max(limits.items(), key=lambda each: each[1])
    return replace(figure, limit=_rounded(limit), limit_of=name, of_limit=_rounded(limit / figure.median))


def rate_beside(figure: Figure, limits: Mapping[str, float]) -> Figure:
    """A rate with the least of its limits."""
    name, limit = min(limits.items(), key=lambda each: each[1])
    return replace(figure, limit=_rounded(limit), limit_of=name, of_limit=_rounded(figure.median / limit))


def flat(found: Found, under: str = "") -> Iterator[tuple[str, Figure]]:
    """All figures under their whole names, joined by dots."""
    for name, value in found.items():
        whole = f"{under}.{name}" if under else name
        if isinstance(value, Figure):
            yield whole, value
        else:
            yield from flat(value, whole)


def _rounded(value: float) -> float:
    """Four digits: the noise of any machine is larger than what is cut off."""
    return float(f"{value:.4g}")

"""What a section measures: figures with their spread, under names."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of some runs, and the least and the most of them: each number is one of a shared machine."""

    median: float
    low: float
    high: float
    runs: int
    unit: str


Found: TypeAlias = Mapping[str, "Figure | Found"]
"""A section's figures, by name, nested where they belong together."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a section is told: how often to measure, whether the short form, a folder of its own, and whom to tell."""

    runs: int
    short: bool
    folder: Path
    say: Callable[[str], None]


def figure(values: Sequence[float], unit: str) -> Figure:
    """The figure of one value a run. Raises ValueError when there is none: what was not measured has no figure."""
    if not values:
        raise ValueError("nothing was measured")
    median, low, high = map(_rounded, (statistics.median(values), min(values), max(values)))
    return Figure(median, low, high, len(values), unit)


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

"""The bars: what each figure must reach, in one table."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.tools.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure's median must be at most, or at least, `limit`."""

    name: str
    way: Literal["≤", "≥"]
    limit: float

    @property
    def section(self) -> str:
        return self.name.partition(".")[0]

    def met(self, value: float) -> bool:
        return value <= self.limit if self.way == "≤" else value >= self.limit


BARS = (
    Bar("core.us_per_signal", "≤", 10),
    Bar("screening.cpu_us_per_signal", "≤", 15),
    Bar("screening.overhead_us_per_signal", "≤", 4),
    Bar("latency.p99_ms_at_half", "≤", 150),
    Bar("residents.bytes_each", "≤", 350),
    Bar("residents.imported_per_second", "≥", 100_000),
    Bar("residents.lookup_p99_growth", "≤", 1.3),  # from 10⁴ to 10⁷ residents, times
    Bar("scale.cost_growth", "≤", 1.2),  # of a signal, the dearest configuration by the cheapest, times
    Bar("console.delay_p99_ms", "≤", 1000),  # as tests/browser/test_ten_thousand.py has it, which waits for the paint
    Bar("payees.single.checks_per_second", "≥", 1000),
    Bar("payees.beside_full_load.refused", "≤", 0),
    Bar("peers.times_best_durable", "≥", 3),
    Bar("peers.of_bare_loop", "≥", 0.8),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar, and the figure that was held against it; none: its section ran and did not find it."""

    bar: Bar
    figure: Figure | None

    @property
    def met(self) -> bool:
        return self.figure is not None and self.bar.met(self.figure.median)

    def __str__(self) -> str:
        bar, word = self.bar, "met" if self.met else "NOT MET"
        if self.figure is None:
            return f"{word}: {bar.name} {bar.way} {bar.limit:g}: not measured"
        return f"{word}: {bar.name} {bar.way} {bar.limit:g}: {self.figure}"


def judged(figures: Mapping[str, Figure], sections: Collection[str]) -> Iterator[Verdict]:
    """Each bar of the sections that ran. `figures`: by their whole names."""
    for bar in BARS:
        if bar.section in sections:
            yield Verdict(bar, figures.get(bar.name))

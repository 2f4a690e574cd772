"""Whether core and screening cost what they did: their CPU time by a yardstick's, against the last that was kept.

python -m tests.tools.bench.kept        what `make bench-kept` and CI run: under two minutes, on the embedded servers

Machines differ, and what else runs on one makes it slower: so what is kept (tests/tools/bench/kept.toml, [ci]) is how
many times the work on a signal of the yardstick's (tests/tools/bench/yardstick.py) one of ours takes, in CPU time, both
measured by turns. Wall time counts for nothing. A change of what is kept is a commit that says why.
"""

import asyncio
import statistics
import sys
import tempfile
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulators.world.memory import Register
from streams.runtime.cooperative import spare_the_collector
from tests.tools.bench import life, yardstick
from tests.tools.bench.measured import core, screening
from tests.tools.bench.servers import embedded

CORE, SCREENING = "core.us_per_signal", "screening.cpu_us_per_signal"
KEPT = Path(__file__).with_name("kept.toml")
TIMES = 1.3  # of what was kept: more is refused
RUNS = {CORE: 5, SCREENING: 3}  # of a worker's run most is its start
RECORDS = 100  # of 500 signals, a run


@dataclass(frozen=True, slots=True)
class Held:
    """A figure by the yardstick, in times, against what was kept; none: nothing was, or it was not found."""

    name: str
    kept: float | None
    found: float | None

    @property
    def times(self) -> float | None:
        return self.found / self.kept if self.kept and self.found else None

    @property
    def holds(self) -> bool:
        return self.times is not None and self.times <= TIMES

    def __str__(self) -> str:
        if self.kept is None or self.found is None:
            return f"NOT KEPT: {self.name}: found {self.found}, kept {self.kept}; both must be there: {KEPT.name}, [ci]"
        told = f"{self.name}: {self.found:.4g}, {self.times:.2f} times the {self.kept:.4g} that were kept"
        if self.holds:
            return f"kept: {told}"
        return (
            f"NOT KEPT: {told}; at most {TIMES:g}. Find what made it dear (docs/performance.md, The bench), "
            f"or put {self.found:.4g} into {KEPT.name}, [ci], in a commit that says why it is worth that"
        )


def held(kept: Mapping[str, float], found: Mapping[str, float]) -> list[Held]:
    """Each figure that was kept or found, against the other."""
    return [Held(name, kept.get(name), found.get(name)) for name in sorted(kept.keys() | found.keys())]


def kept() -> dict[str, float]:
    """What was kept, by name. Raises KeyError when there is no table [ci]."""
    return dict(tomllib.loads(KEPT.read_text(encoding="utf-8"))["ci"])


def main() -> int:
    """Measure and compare; 1 when something costs more than it may."""
    verdicts = held(kept(), asyncio.run(measured()))
    print("\n".join(map(str, verdicts)))
    return int(not all(each.holds for each in verdicts))


async def measured() -> dict[str, float]:
    """The figures by the yardstick, each the median of its runs."""
    register, policy = Register(life.crowd()), core.policy()
    records = life.records(RECORDS)
    yardstick.us_per_signal()  # what it works on is made
    spare_the_collector()

    async def decisions() -> float:
        return core.screened(register, policy, RECORDS).us_per_signal

    found = {CORE: await by_turns(decisions, RUNS[CORE])}
    with tempfile.TemporaryDirectory(prefix="quanzu-kept-") as folder, embedded(Path(folder)) as settings:
        async with screening.settled(settings, len(life.crowd())) as line:

            async def worker() -> float:
                return (await screening.screened(line, records)).us_each

            found[SCREENING] = await by_turns(worker, RUNS[SCREENING])
    return found


async def by_turns(us_per_signal: Callable[[], Awaitable[float]], runs: int) -> float:
    """How many times what a signal of the yardstick's takes, which is measured before and after each run."""
    found, before = [], yardstick.us_per_signal()
    for _ in range(runs):
        us = await us_per_signal()
        after = yardstick.us_per_signal()
        found.append(us / statistics.mean((before, after)))
        before = after
    return statistics.median(found)


if __name__ == "__main__":
    sys.exit(main())

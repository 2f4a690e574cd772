"""The sections, in the order in which they are run: the longest last, so that a run broken off has the most."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.tools.bench.figures import Found, Given
from tests.tools.bench.measured import (
    casework,
    console,
    core,
    idle,
    intake,
    latency,
    payees,
    residents,
    scale,
    screening,
    sizing,
    start,
)
from tests.tools.bench.peers import measure as peers


@dataclass(frozen=True, slots=True)
class Section:
    """A name in the report, and what measures it. `short_runs`: the most runs in the short form; none: as asked."""

    name: str
    measure: Callable[[Given], Found]
    in_short: bool = True
    short_runs: int | None = None


SECTIONS = (
    Section("core", core.measure),
    Section("screening", screening.measure),
    Section("casework", casework.measure, short_runs=3),
    Section("latency", latency.measure, short_runs=3),
    Section("peers", peers.measure, short_runs=3),
    Section("intake", intake.measure, in_short=False),
    Section("payees", payees.measure, in_short=False),
    Section("console", console.measure, in_short=False),
    Section("start", start.measure, in_short=False),
    Section("sizing", sizing.measure, in_short=False),
    Section("idle", idle.measure, in_short=False),
    Section("residents", residents.measure, in_short=False),
    Section("scale", scale.measure, in_short=False),
)

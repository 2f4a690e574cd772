"""What the line costs, measured: figures with their spread, and whether each bar is met.

python -m tests.tools.bench --sections core,screening --runs 5 --report bench.json
python -m tests.tools.bench --short                 what `make bench` runs: under ten minutes on two cores
python -m tests.tools.bench --sections scale --size 0.01    the full form on a hundredth: does it come to its end?
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.tools.bench import yardstick
from tests.tools.bench.bars import judged
from tests.tools.bench.figures import Figure, Found, Given, figure, flat
from tests.tools.bench.machine import machine
from tests.tools.bench.sections import SECTIONS, Section

RUNS = 5


def run(sections: Iterable[Section], runs: int, short: bool, size: float = 1.0) -> Iterator[tuple[str, Found]]:
    """Measure the sections, one after the other, each in a folder of its own. One that breaks down has no figures."""
    yardstick.us_per_signal()  # what it works on is made
    for section in sections:
        began, used, yard = time.monotonic(), _cpu_seconds(), yardstick.us_per_signal()
        found: Found = {}
        with tempfile.TemporaryDirectory(prefix=f"quanzu-bench-{section.name}-") as folder:
            often = min(runs, section.short_runs or runs) if short else runs
            try:
                found = section.measure(Given(often, short, Path(folder), _say, size))
            except Exception as error:
                _say(f"{section.name}: NOT MEASURED: {type(error).__name__}: {error}")
            else:
                yards = figure([yard, yardstick.us_per_signal()], "µs of CPU, before and after")
                found = {**found, "yardstick_us_per_signal": yards}
        _say(f"{section.name}: {time.monotonic() - began:.0f} s, {_cpu_seconds() - used:.0f} s of CPU with all servers")
        for name, each in flat(found, section.name):
            _say(f"  {name} = {each}")
        yield section.name, found


def chosen(names: str | None, short: bool) -> list[Section]:
    """The sections that were asked for, in the table's order. Raises ValueError that says which there are."""
    if names is None:
        return [section for section in SECTIONS if section.in_short or not short]
    asked = set(names.split(","))
    if unknown := asked - {section.name for section in SECTIONS}:
        known = ", ".join(section.name for section in SECTIONS)
        raise ValueError(f"no section {', '.join(sorted(unknown))}: there are {known}")
    return [section for section in SECTIONS if section.name in asked]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the report, tell each bar; 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", help="some of them: core,screening,…; without it all, or those of the short form")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--short", action="store_true", help="fewer sections, smaller ones, fewer runs of the slowest")
    parser.add_argument(
        "--size", type=float, default=1.0, help="of the full form: residents, cases, backlog times this"
    )
    parser.add_argument("--report", type=Path)
    given = parser.parse_args(arguments)
    try:
        sections = chosen(given.sections, given.short)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.ERROR)
    report: dict[str, Any] = {"machine": machine(), "form": "short" if given.short else "full", "size": given.size}
    found: dict[str, Found] = {}
    for name, figures in run(sections, given.runs, given.short, given.size):
        found[name] = figures
        if given.report:  # after each: whoever ends it has what there is
            given.report.write_text(json.dumps({**report, **_plain(found)}, indent=2) + "\n", encoding="utf-8")
    verdicts = list(judged(dict(flat(found)), found))
    print("\n".join(map(str, verdicts)))
    return int(not (all(found.values()) and all(verdict.met for verdict in verdicts)))


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _plain(found: Found) -> dict[str, Any]:
    return {name: _told(each) if isinstance(each, Figure) else _plain(each) for name, each in found.items()}


def _told(figure: Figure) -> dict[str, Any]:
    return {name: value for name, value in asdict(figure).items() if value is not None}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

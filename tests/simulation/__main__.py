"""`python -m tests.simulation`: ranges of seeds on all cores, one report; a failing seed as its shortest story."""

import argparse
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import orjson

from tests.simulation.check import Report, broken_by, checked, judged, shortest
from tests.simulation.enumeration import enumerated
from tests.simulation.mutations import MUTATIONS, THEME_OF, OutdatedError, mutated
from tests.simulation.run import beginning, run
from tests.simulation.schedule import Schedule, drawn, themed
from tests.simulation.simulated import worker

CHUNK = 50
MUTATION_SECONDS = 60.0  # of CPU, within which each must be found
STORIES = 3  # that are shrunk and printed


def main(given: Sequence[str]) -> int:
    """Run what is asked for. Returns the exit code: 1 when a law was broken, or a mutation not found."""
    told = _arguments().parse_args(given)
    if told.replay:
        return _replayed(Schedule.read(Path(told.replay).read_bytes()))
    if told.mutation:
        return _mutations(told)
    if told.seed is not None and told.schedules is None and not told.enumerate:
        return _replayed(drawn(told.seed))
    told.seed, told.schedules = told.seed or 1, 1000 if told.schedules is None else told.schedules
    return _ranges(told)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, help="how many seeds, from --seed on")
    parser.add_argument("--seed", type=int, help="the first seed; without --schedules the one whose story is told")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no more schedules after so long")
    parser.add_argument("--report", type=Path, help="a JSON file, to which this run is added")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--mutation", action="append", choices=[*MUTATIONS, "all"], help="look for a mutation")
    parser.add_argument(
        "--enumerate", type=int, metavar="N", help="also every N-th pair of crash points of a small case"
    )
    parser.add_argument("--replay", help="print what happens in a schedule that a file has")
    parser.add_argument("--failures", type=Path, default=Path("simulation-failures"), help="where schedules are kept")
    return parser


def _replayed(schedule: Schedule) -> int:
    with worker.simulated():
        ran = run(schedule)
        broken = broken_by(ran)
    print(ran.story())
    for law, words in broken.items():
        print(f"\nBROKEN {law}: {words}")
    return 1 if broken else 0


def _ranges(told: argparse.Namespace) -> int:
    report, before = Report(), _before(told.report)
    failed: list[tuple[Schedule, dict[str, str]]] = []
    for part, found in _chunks(told):
        report.add(part)
        failed += found
        _keep(told.report, before, report)
    if told.enumerate:
        failed += _orders(report, told.enumerate, told.processes)
    _keep(told.report, before, report)
    print(orjson.dumps(report.told(), option=orjson.OPT_INDENT_2).decode())
    _stories(failed, told.failures)
    return 1 if any(report.laws.values()) else 0


def _chunks(told: argparse.Namespace) -> Iterator[tuple[Report, list[tuple[Schedule, dict[str, str]]]]]:
    """Run the seeds on all cores, some at a time, until all are done or the time is over."""
    end, until = told.seed + told.schedules, monotonic() + told.seconds
    starts = iter(range(told.seed, end, CHUNK))
    with ProcessPoolExecutor(told.processes) as pool:
        running: set[Future[tuple[Report, list[tuple[Schedule, dict[str, str]]]]]] = set()
        while True:
            while (
                len(running) < 2 * told.processes and monotonic() < until and (start := next(starts, None)) is not None
            ):
                running.add(pool.submit(_chunk, start, min(start + CHUNK, end)))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)


def _orders(report: Report, every: int, processes: int) -> list[tuple[Schedule, dict[str, str]]]:
    """Run the small case's orders on all cores."""
    failed: list[tuple[Schedule, dict[str, str]]] = []
    firsts = [number * every for number in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        for number, laws, found in pool.map(_enumerated, firsts, [every * processes] * processes):
            report.orders_enumerated += number
            report.laws.update(laws)
            failed += found
    return failed


def _enumerated(first: int, every: int) -> tuple[int, Counter[str], list[tuple[Schedule, dict[str, str]]]]:
    with worker.simulated():
        return enumerated(first, every)


def _chunk(start: int, end: int) -> tuple[Report, list[tuple[Schedule, dict[str, str]]]]:
    with worker.simulated():
        report, failed = checked(range(start, end))
    return report, [(found.schedule, found.broken) for found in failed]


def _stories(failed: list[tuple[Schedule, dict[str, str]]], folder: Path) -> None:
    """Print the shortest story of the first failure of each law."""
    told: set[str] = set()
    for schedule, broken in failed:
        for law in broken:
            if law in told or len(told) >= STORIES:
                continue
            told.add(law)
            with worker.simulated():
                found = shortest(schedule, law)
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{law}-{schedule.seed}.json"
            file.write_bytes(found.schedule.json())
            print(f"\n{law} is broken by seed {schedule.seed}; the shortest is {file}:\n{found.story}")
            print(f"BROKEN {law}: {found.broken.get(law)}")


def _mutations(told: argparse.Namespace) -> int:
    names = list(MUTATIONS) if "all" in told.mutation else told.mutation
    report = Report()
    for name in names:
        report.mutations[name] = found = find(name, told.seed or 1)
        print(name, orjson.dumps(found).decode())
    _keep(told.report, _before(told.report), report)
    return 0 if all(found["found"] for found in report.mutations.values()) else 1


def find(name: str, seed: int = 1, seconds: float = MUTATION_SECONDS) -> dict[str, Any]:
    """Run schedules of a mutated product until one breaks a law that it does not break without the mutation.

    `seed`: the first one. A mutation of a theme (THEME_OF) meets schedules of that theme only, as the answer says.
    """
    began, tried, theme = process_time(), 0, THEME_OF.get(name)
    with worker.simulated():
        beginning()
        while process_time() - began < seconds:
            schedule = themed(seed + tried, theme) if theme else drawn(seed + tried)
            tried += 1
            try:
                with mutated(name):
                    broken = judged(schedule)[1]
            except OutdatedError as error:
                return _found(False, began, tried, theme, {"why": str(error)})
            if broken and (more := {law: broken[law] for law in broken.keys() - judged(schedule)[1].keys()}):
                return _found(True, began, tried, theme, {"seed": schedule.seed, "broken": more})
    return _found(False, began, tried, theme, {})


def _found(whether: bool, began: float, tried: int, theme: str | None, more: dict[str, Any]) -> dict[str, Any]:
    seconds = round(process_time() - began, 2)
    return {"found": whether, "cpu_seconds": seconds, "schedules": tried, "of": theme or "all", **more}


def _before(file: Path | None) -> Report | None:
    """The report that this run is added to."""
    return Report.read(orjson.loads(file.read_bytes())) if file is not None and file.exists() else None


def _keep(file: Path | None, before: Report | None, report: Report) -> None:
    """Write what was found so far: a run that is broken off counts too."""
    if file is None:
        return
    total = Report()
    for each in (before, report):
        if each is not None:
            total.add(each)
    file.write_bytes(orjson.dumps(total.told(), option=orjson.OPT_INDENT_2))


def _hashes_fixed() -> None:
    """Start again with the hashes that make sets have the same order in each run."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False).returncode)


if __name__ == "__main__":
    _hashes_fixed()
    sys.exit(main(sys.argv[1:]))

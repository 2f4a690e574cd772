"""Chaos: rounds of a province whose servers, workers, carriers and networks fail. See `--help`.

A round that fails prints what broke and keeps its logs; the others go on. Exit code 1 when one failed.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.tools.chaos.faults import KINDS
from tests.tools.chaos.mutated import SHOWN_BY, caught
from tests.tools.chaos.plan import Plan, drawn, rarest
from tests.tools.chaos.report import Report
from tests.tools.chaos.round import Outcome, play
from tests.tools.servers.kafka import Kafka

BROKERS = 3
REPORT = "written after each round; one that is there already is added to"
KEPT = ("*.log", "seen.jsonl", "stalls", "clock")


def main() -> None:
    """Play the rounds that are asked for."""
    given = _given()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # asyncio ends a round in good order
    report, failed = Report.read(given.report), False
    failures = len(report.failures)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-chaos-")))
        stack.callback(lambda: report.write(given.report))
        try:
            (folder / "kafka").mkdir()
            kafka = stack.enter_context(Kafka(folder / "kafka", BROKERS))
            if given.mutations:
                report.mutations_caught = _mutations(kafka, folder)
                failed = report.mutations_caught < len(SHOWN_BY)
            for plan in _plans(given, report):
                _round(plan, kafka, folder / f"seed-{plan.seed}", report, given.logs)
                report.write(given.report)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    if len(report.failures) > failures or failed:
        sys.exit(1)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next has the next one")
    parser.add_argument(
        "--kind", type=_kinds, action="append", help="these faults alone in a round, joined by +; several: by turns"
    )
    parser.add_argument(
        "--until-each",
        type=int,
        help="each round has five faults that struck least by the report, until all have so often",
    )
    parser.add_argument(
        "--report", type=Path, default=Path("chaos.json"), help="written after each round; added to where it is there"
    )
    parser.add_argument("--logs", type=Path, default=Path("chaos-logs"), help="keeps the logs of rounds that failed")
    parser.add_argument("--for", dest="seconds", type=float, help="begin no round after so many seconds")
    parser.add_argument("--mutations", action="store_true", help="see first that a product made worse is caught")
    return parser.parse_args()


def _kinds(joined: str) -> tuple[str, ...]:
    kinds = tuple(joined.split("+"))
    if unknown := set(kinds) - set(KINDS):
        raise argparse.ArgumentTypeError(
            f"no kind of fault: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}"
        )
    return kinds


def _plans(given: argparse.Namespace, report: Report) -> Iterator[Plan]:
    until = time.monotonic() + (given.seconds or float("inf"))
    for number in range(given.seed, given.seed + given.rounds):
        if time.monotonic() > until:
            return
        kinds = given.kind[(number - given.seed) % len(given.kind)] if given.kind else ()
        if given.until_each:
            kinds = rarest(report.faults, given.until_each, number)
            if not kinds:
                return
        yield drawn(number, kinds)


def _round(plan: Plan, kafka: Kafka, folder: Path, report: Report, logs: Path) -> None:
    before = len(report.failures)
    try:
        outcome: Outcome = asyncio.run(play(plan, kafka, folder))
        line = report.played(outcome)
    except Exception as error:
        line = report.ended(plan, error)
    print(f"{report.rounds:4}  {line}", flush=True)
    for failure in report.failures[before:]:
        kept = _keep(folder, logs / folder.name)
        print("\n".join(["", *failure["faults"], *failure["what"], f"logs in {kept}", ""]), flush=True)
    shutil.rmtree(folder, ignore_errors=True)


def _keep(folder: Path, where: Path) -> Path:
    for pattern in KEPT:
        for file in folder.rglob(pattern):
            kept = where / file.relative_to(folder)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)
    return where.resolve()


def _mutations(kafka: Kafka, folder: Path) -> int:
    """How many of the mutations are seen."""
    seen = 0
    for name in SHOWN_BY:
        found = asyncio.run(caught(name, kafka, folder / name))
        seen += bool(found)
        print(
            f"mutation {name}: {len(found)} laws broken" + (f", such as {found[0].words}" if found else ""), flush=True
        )
        shutil.rmtree(folder / name, ignore_errors=True)
    return seen


if __name__ == "__main__":
    main()

"""The trace, measured: on planted graphs with known truth, on one account of many lots, and on a file of transfers.

python -m tests.tools.bench.tracing                          1,000 planted graphs, and 10,000 lots in one account
python -m tests.tools.bench.tracing transactions.csv.gz      seeded thefts through AMLSim's file; nodes.csv.gz beside it

In the file a theft is a payment to an account that is marked isFraud: half of the file's time is left to follow it.
Beside it, as many payments to accounts at random show what the share of marked accounts is by chance. The file's order
breaks ties. Its steps are days, so the bound in time is longer than a province's.

A trace that loses or makes a fen raises ArithmeticError: what is printed passed that check.
"""

import argparse
import csv
import gzip
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from domain.tracing.bounds import TraceBounds
from domain.tracing.conservation import whereabouts
from domain.tracing.facts import History, Movement, OpeningBalance, Stated, TracedAccount, history_of
from domain.tracing.ledgers import follow_history, trace_money
from domain.tracing.lots import TracingRule
from domain.tracing.poison import suspects
from domain.tracing.tree import MoneyTrace
from tests.domain.tracing.judging import BOUNDS, judge
from tests.domain.tracing.planted import many_lots, planted

START = datetime(2026, 1, 1, tzinfo=UTC)
FILE_BOUNDS = TraceBounds(least_fen=1_000, hops=6, within=timedelta(days=30), accounts=50)
THEFTS, SEEDS = 200, 5


class Data(NamedTuple):
    """The files, read: the history, the accounts marked isFraud, and each payment's id with its payee in file order."""

    past: History
    marked: frozenset[str]
    accounts: int
    payments: Sequence[tuple[str, str]]


def read(path: Path) -> Data:
    """Raises OSError, KeyError or ValueError when the files are not AMLSim's."""
    nodes = list(_rows(path.with_name("nodes.csv.gz")))
    statements = [_opening(row) for row in nodes]
    payments = []
    for number, row in enumerate(_rows(path)):
        statements.append(_movement(number, row))
        payments.append((str(number), row["targetNodeId"]))
    marked = frozenset(row["nodeid"] for row in nodes if row["isFraud"].strip() == "1")
    return Data(history_of(statements), marked, len(nodes), payments)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _opening(row: dict[str, str]) -> Stated:
    return Stated("", START, OpeningBalance(_account(row["nodeid"]), _fen(row["init_balance"])))


def _movement(number: int, row: dict[str, str]) -> Stated:
    payer, payee = _account(row["sourceNodeId"]), _account(row["targetNodeId"])
    at = START + timedelta(days=int(row["time"]))
    return Stated("", at, Movement(str(number), payer, payee, _fen(row["value"]), at, number))


def _account(node: str) -> TracedAccount:
    return TracedAccount("", node)


def _fen(value: str) -> int:
    return int(Decimal(value).scaleb(2).to_integral_value())


def of_file(data: Data, thefts: int, seeds: int, bounds: TraceBounds = FILE_BOUNDS) -> dict[str, Any]:
    """Return what each rule finds of thefts, and of as many payments at random."""
    half = data.payments[: len(data.payments) // 2]
    groups = {"thefts": [id_ for id_, payee in half if payee in data.marked], "at_random": [id_ for id_, _ in half]}
    return {
        "movements": len(data.payments),
        "accounts": data.accounts,
        "marked_share": _share(len(data.marked), data.accounts),
        "bounds": {**bounds._asdict(), "within": bounds.within.days},
        **{name: _of_group(data, ids, thefts, seeds, bounds) for name, ids in groups.items()},
    }


def _of_group(data: Data, ids: Sequence[str], thefts: int, seeds: int, bounds: TraceBounds) -> dict[str, Any]:
    """Follow the thefts of each seed together: some of them are paid with money of others, as among real mules."""
    sums: dict[str, Counter[str]] = {}
    for seed in range(seeds):
        chosen = Random(seed).sample(ids, min(thefts, len(ids)))
        for rule in TracingRule:
            trace = follow_history(data.past, chosen, rule, bounds)
            sums.setdefault(rule, Counter()).update(_of_trace(trace, data.marked))
        reached = {pair for pair, taint in suspects(data.past, chosen, bounds).tainted.items() if taint.hops > 1}
        sums.setdefault("poison", Counter()).update(thefts=len(chosen), **_reached(reached, data.marked))
    return {name: _told(found) for name, found in sums.items()}


def _of_trace(trace: MoneyTrace, marked: frozenset[str]) -> Counter[str]:
    found: Counter[str] = Counter(thefts=len(trace.thefts), movements=len(trace.steps))
    for one in whereabouts(trace).values():
        found.update(stolen_fen=one.stolen, in_accounts_fen=one.in_accounts, with_victim_fen=one.with_victim)
    for end in trace.ends:
        found[f"ended_by_{end.bound}"] += 1
        found[f"ended_by_{end.bound}_fen"] += end.amount_fen
    found.update(finding.kind.value for finding in trace.findings)
    ended = {(end.theft, end.account) for end in trace.ends}
    onward = {(s.theft, s.payee) for s in trace.steps if s.hops > 1 and isinstance(s.payee, TracedAccount)}
    found.update(_reached(onward - ended, marked))
    return found


def _reached(pairs: Set[tuple[str, TracedAccount]], marked: frozenset[str]) -> Counter[str]:
    """Count the accounts after the first, for each theft: the first is marked because the thefts were chosen so."""
    return Counter(reached=len(pairs), reached_marked=sum(account.token in marked for _, account in pairs))


def _told(found: Counter[str]) -> dict[str, Any]:
    return {**found, "marked_share_of_reached": _share(found["reached_marked"], found["reached"])}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def of_graphs(graphs: int) -> dict[str, Any]:
    """Return each rule's score, where mules pass the oldest stolen money on first, and where the latest."""
    found: dict[str, Any] = {}
    for name, latest_first in (("oldest_first", False), ("latest_first", True)):
        scores, kinds = judge(planted(seed, latest_first=latest_first) for seed in range(graphs))
        found[name] = {**kinds, "rules": {rule: asdict(score) for rule, score in scores.items()}}
    return found


def of_lots(lots: int, thefts: int = 20) -> dict[str, Any]:
    """Return the seconds of CPU that one account with many lots takes by each rule, and the most memory so far."""
    facts, named = many_lots(lots, thefts)
    found: dict[str, Any] = {"statements": len(facts)}
    for rule in TracingRule:
        began = time.process_time()
        trace = trace_money(facts, named, rule, BOUNDS)
        found[rule] = {"cpu_seconds": round(time.process_time() - began, 2), "carried_parts": len(trace.steps)}
    return {**found, "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def main() -> None:
    """Measure what the arguments ask for, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--thefts", type=int, default=THEFTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--lots", type=int, default=10_000)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    if given.file:
        found = of_file(read(given.file), given.thefts, given.seeds)
    else:
        found = {"lots": of_lots(given.lots), "graphs": of_graphs(given.graphs)}
    text = json.dumps({"conservation": "each trace passed its own check", **found}, indent=2)
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""AMLSim's transfers on the real line, with half of its planted accounts on the watchlist: who is raised?

python -m tests.tools.field.amlsim FOLDER --report out.json      FOLDER holds transactions.csv.gz and nodes.csv.gz

Every account is a made-up resident's. A seeded half of the planted accounts (isFraud) is confirmed as a scammer's at
noon of the day of its fraud, the other half never is. The transfers go in day by day, so a confirmation comes after
the payments of its day and before those of the next. The policy's window is 72 hours: whoever paid in it, or pays
later, is to be raised; whoever paid long before is not.
"""

import csv
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from domain.identity.identifiers import BEIJING
from streams.intake.formats.amlsim import account
from tests.tools.field.line import main, resident, running, share

SEED = 7
FIRST = date(2026, 1, 1)  # the day of step 0
DAY_SECONDS = 2.0
WINDOW_DAYS = 2  # a payment at midnight lies within 72 hours of a noon up to two days later


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of the file: from node to node, on a day from 0."""

    payer: int
    payee: int
    day: int


@dataclass(frozen=True, slots=True)
class Data:
    """The files, read."""

    nodes: list[int]
    planted: dict[int, int]  # the step of each one's fraud, -1 when the file names none
    payments: list[Payment]
    header: bytes
    rows: dict[int, list[bytes]]  # by day


def read(folder: Path) -> Data:
    """Raises OSError or ValueError when the files are not AMLSim's."""
    with gzip.open(folder / "nodes.csv.gz", "rt") as file:
        nodes = [
            (int(row["nodeid"]), row["isFraud"].strip() == "1", int(row["fraudStep"])) for row in csv.DictReader(file)
        ]
    header, *lines = gzip.decompress((folder / "transactions.csv.gz").read_bytes()).splitlines()
    payments = [Payment(int(payer), int(payee), int(day)) for payer, payee, _, day in (x.split(b",") for x in lines)]
    rows: defaultdict[int, list[bytes]] = defaultdict(list)
    for payment, line in zip(payments, lines, strict=True):
        rows[payment.day].append(line)
    planted = {node: step for node, fraud, step in nodes if fraud}
    return Data([node for node, _, _ in nodes], planted, payments, header, dict(rows))


def confirmations(data: Data) -> dict[int, int]:
    """The day on which each account of the seeded half is confirmed.

    That of its fraud; of an account for which the file names none (it only receives) the day on which most of the
    planted accounts' payments reach it, or most of any.
    """
    arrivals: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for payment in data.payments:
        arrivals[payment.payee][payment.day] += 1000 if payment.payer in data.planted else 1
    listed = random.Random(SEED).sample(sorted(data.planted), len(data.planted) // 2)
    return {node: data.planted[node] if data.planted[node] >= 0 else _busiest(arrivals[node]) for node in listed}


def _busiest(arrivals: Counter[int]) -> int:
    return max(arrivals, key=lambda day: (arrivals[day], -day), default=0)


def figures(data: Data, confirmed: Mapping[int, int], raised: Set[int]) -> dict[str, Any]:
    """The groups of residents, and how many of each are raised."""
    unlisted = data.planted.keys() - confirmed.keys()
    payers = {payment.payer for payment in data.payments}
    to_listed = {payment.payer for payment in data.payments if payment.payee in confirmed}
    in_time = {
        payment.payer
        for payment in data.payments
        if payment.payee in confirmed and payment.day >= confirmed[payment.payee] - WINDOW_DAYS
    }
    to_unlisted = {payment.payer for payment in data.payments if payment.payee in unlisted}
    return {
        "watchlist": len(confirmed),
        "planted_not_listed": len(unlisted),
        "raised": len(raised),
        "payers_of_anybody": share(payers, raised),
        "payers_to_listed_in_time": share(in_time, raised),
        "payers_to_listed_only_before": share(to_listed - in_time, raised),
        "payers_to_unlisted": share(to_unlisted, raised),
        "payers_to_unlisted_who_paid_no_listed_in_time": share(to_unlisted - in_time, raised),
        "payers_to_none_planted": share(payers - to_listed - to_unlisted, raised),
        "raised_who_paid_no_unlisted": len(raised - to_unlisted),
        "unlisted_planted_accounts_themselves": share(unlisted, raised),
        "accounts_not_planted": share(set(data.nodes) - data.planted.keys(), raised),
    }


async def run(folder: Path, day_seconds: float) -> dict[str, Any]:
    """Let the file's days go by, and look who was raised."""
    data = read(folder)
    confirmed = confirmations(data)
    people = {node: resident(node, account=account(str(node))) for node in data.nodes}
    async with running(FIRST, day_seconds, list(people.values())) as field:
        for day in range(max(data.rows) + 1):
            if rows := data.rows.get(day):
                await field.take("amlsim", "amlsim", [data.header, *rows], _moment(day, 0))
            if found := [node for node, on in confirmed.items() if on == day]:
                await field.take("jsonl", "police", [watch(node, day) for node in found], _moment(day, 12))
        await field.decided()
        raised = await field.raised()
        nodes = {node for node, person in people.items() if person.id in raised}
        return {**await field.figures(), "groups": figures(data, confirmed, nodes)}


def _moment(day: int, hour: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), time(hour), BEIJING)


def watch(node: int, day: int) -> bytes:
    """The confirmation of a planted account, as a line of JSON."""
    signal = {
        "kind": "watchlist",
        "source": "police",
        "id": f"node-{node}",
        "at": _moment(day, 12).isoformat(),
        "subject": "account",
        "value": account(str(node)),
        "state": "confirmed",
    }
    return json.dumps(signal).encode()


if __name__ == "__main__":
    main(__doc__, run, DAY_SECONDS)

"""Combines several vendors' verdicts about a telephone number or account into one share of a suspect's weight.

A vendor may be another centre that shares its suspects. Each vendor's latest verdict is a watchlist entry of its own:
its subject is the number's, an @ and the vendor's name. A verdict decides nothing: a confirmed or lifted entry of the
number itself takes precedence (domain/risk/evidence). It ends by itself, and alerts no earlier payers.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.policy.risk import Verdicts
from schemas.risk.evidence import WatchEntry
from schemas.risk.signals import NumberVerdict

_BETWEEN = "@"


def rated_subject(subject: str, vendor: str) -> str:
    """Return the watchlist subject of a vendor's verdict about a number or link: `subject`, an @ and the vendor's name.
    `subject`: the watchlist subject of the number or link itself, such as "phone:…".
    """
    return f"{subject}{_BETWEEN}{vendor}"


def is_rated(subject: str) -> bool:
    """Return True if a watchlist subject is that of a vendor's verdict."""
    return _BETWEEN in subject


def rated_subjects(subject: str | None, rules: Verdicts) -> list[str]:
    """Return the watchlist subjects of the verdicts that count about a suspect: one for each vendor of the policy, in
    its order; empty if `subject` is no telephone number's and no account's, or None.
    """
    if subject is None or not subject.startswith(("phone:", "account:")):
        return []
    return [rated_subject(subject, vendor) for vendor in rules.vendors]


def combined_verdict(entries: Iterable[WatchEntry], rules: Verdicts, at: datetime) -> float:
    """Return how strongly verdicts show that a suspect is a scammer, from 0 (not at all) to 1 (as much as a confirmed
    one); 0 if the result is below the policy's `least`. Only verdicts of the policy's vendors that are in force at `at`
    count.

    Each vendor has a weight in the policy: how far it is believed. A vendor that is believed to 0.8 leaves a doubt of
    0.2; if it is only 50 % sure itself, a doubt of 0.6. The doubts of all vendors whose verdict is scam, or nuisance
    (with the policy's `nuisance` of the weight), are multiplied: 1 less the product is the result. It is then
    multiplied by 1 less the weight of each vendor whose verdict is clean. The order of the verdicts does not matter.
    """
    doubt, clean = [], []
    for weight, verdict in _in_force(entries, rules, at):
        match verdict:
            case NumberVerdict.SCAM:
                doubt.append(1 - weight)
            case NumberVerdict.NUISANCE:
                doubt.append(1 - weight * rules.nuisance)
            case NumberVerdict.CLEAN:
                clean.append(1 - weight)
    share = (1 - math.prod(sorted(doubt))) * math.prod(sorted(clean))
    return share if share >= rules.least else 0.0


def _in_force(entries: Iterable[WatchEntry], rules: Verdicts, at: datetime) -> Iterator[tuple[float, NumberVerdict]]:
    for entry in entries:
        weight = rules.vendors.get(entry.subject.rpartition(_BETWEEN)[2])
        if weight is None or entry.verdict is None or entry.until is None:
            continue
        if at < min(entry.until, entry.at + rules.longest):
            yield weight * (entry.confidence or 100) / 100, entry.verdict

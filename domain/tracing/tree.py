"""The result of a trace: which movement carried how much of which theft, what is left where, and what to look at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.tracing.bounds import BoundKind
from domain.tracing.facts import Destination, TracedAccount, TraceFinding
from domain.tracing.lots import STANDING, Lot, Standing, TracingRule


class Stolen(NamedTuple):
    """A theft: the payment by which a victim's money left. `amount_fen`: in fen, without money of an earlier theft in
    it.

    `at`: time of the payment. `executed`: False if it was refused, and nothing left.
    """

    victim: TracedAccount
    amount_fen: int
    at: datetime
    executed: bool = True


class Onward(NamedTuple):
    """An edge of the tree: the movement with the id `movement` carried `amount_fen` of one theft's money, at `at`.
    `hops`: 1 for the theft itself.
    """

    movement: str
    theft: str
    payer: TracedAccount
    payee: Destination
    amount_fen: int
    at: datetime
    hops: int


class TraceEnd(NamedTuple):
    """Money of a theft (`amount_fen`, in fen) that is not followed further, because of `bound`, and stays in the
    account where it was last seen.
    """

    theft: str
    account: TracedAccount
    amount_fen: int
    bound: BoundKind


@dataclass(frozen=True, slots=True)
class MoneyTrace:
    """Where each theft's money went, by one rule. `thefts`: by the id of the victim's payment; `steps`: the movements
    that carried their money, in the order of time.

    `remaining`: the lots still in each account, in the order of time; `ends`: what was not followed further;
    `findings`: what a person should look at. Two traces of the same facts are equal.
    """

    rule: TracingRule
    thefts: Mapping[str, Stolen]
    steps: tuple[Onward, ...]
    remaining: Mapping[TracedAccount, tuple[Lot, ...]]
    ends: tuple[TraceEnd, ...]
    findings: tuple[TraceFinding, ...]

    @property
    def standing(self) -> Standing:
        """What the trace may be used for, by its rule: legally, or for investigation only."""
        return STANDING[self.rule]


def in_accounts(trace: MoneyTrace) -> Counter[tuple[TracedAccount, str]]:
    """Return how much (fen) of each theft's money was last seen in each account, by (account, theft)."""
    found: Counter[tuple[TracedAccount, str]] = Counter()
    for account, lots in trace.remaining.items():
        for lot in lots:
            if lot.origin is not None:
                found[account, lot.origin] += lot.amount_fen
    for end in trace.ends:
        found[end.account, end.theft] += end.amount_fen
    return found

"""The result of a trace: the part of each theft that each movement carried, the lots that are left, and the
findings.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.tracing.bounds import BoundKind
from domain.tracing.facts import Destination, TracedAccount, TraceFinding
from domain.tracing.lots import STANDING, Lot, Standing, TracingRule


class Stolen(NamedTuple):
    """A theft: the payment by which a victim's money left, at `at`.

    `amount_fen`: in fen, without money of an earlier theft that the payment contained. `executed`: False if the payment
    was refused, so that no money left.
    """

    victim: TracedAccount
    amount_fen: int
    at: datetime
    executed: bool = True


class Onward(NamedTuple):
    """A step of the trace: the movement with the id `movement` carried `amount_fen` (fen) of one theft's money, at
    `at`.

    `hops`: the number of movements since the theft; 1 for the theft's own.
    """

    movement: str
    theft: str
    payer: TracedAccount
    payee: Destination
    amount_fen: int
    at: datetime
    hops: int


class TraceEnd(NamedTuple):
    """Money of a theft (`amount_fen`, in fen) that is not followed further, because of `bound`. The money counts as in
    `account`, where it was last seen.
    """

    theft: str
    account: TracedAccount
    amount_fen: int
    bound: BoundKind


@dataclass(frozen=True, slots=True)
class MoneyTrace:
    """The result of a trace: the movements of each theft's money, by one rule. Two traces of the same facts are equal.

    `thefts`: by the id of the victim's payment. `steps`: the movements that carried the money, in order of time.
    `remaining`: the lots still in each account, in order of time. `ends`: money that was not followed further.
    `findings`: for a person to examine.
    """

    rule: TracingRule
    thefts: Mapping[str, Stolen]
    steps: tuple[Onward, ...]
    remaining: Mapping[TracedAccount, tuple[Lot, ...]]
    ends: tuple[TraceEnd, ...]
    findings: tuple[TraceFinding, ...]

    @property
    def standing(self) -> Standing:
        """The use that may be made of the trace, which depends on its rule: LEGAL for FIFO, else INVESTIGATIVE."""
        return STANDING[self.rule]


def in_accounts(trace: MoneyTrace) -> Counter[tuple[TracedAccount, str]]:
    """Return the fen of each theft's money that was last seen in each account, by (account, theft)."""
    found: Counter[tuple[TracedAccount, str]] = Counter()
    for account, lots in trace.remaining.items():
        for lot in lots:
            if lot.origin is not None:
                found[account, lot.origin] += lot.amount_fen
    for end in trace.ends:
        found[end.account, end.theft] += end.amount_fen
    return found

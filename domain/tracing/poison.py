"""Poison: every account that a tainted account pays is tainted. The result shows which accounts to examine, and has no
amounts.

A theft of ¥5,000 may taint a wholesaler's whole turnover, so poison says nothing about whose money is where. Its result
is investigative, and its type has no amount that somebody could book, stop or return.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from domain.tracing.bounds import Arrival, BoundedReach, TraceBounds
from domain.tracing.facts import History, Movement, TracedAccount
from domain.tracing.lots import Standing


class Taint(NamedTuple):
    """How a theft's money may have reached an account: the fewest movements since the theft (`hops`), and the earliest
    time (`at`), which may be of different ways.
    """

    hops: int
    at: datetime


class PoisonSuspects(NamedTuple):
    """Accounts that a theft's money may have reached (`tainted`), by (theft, account). For investigation only."""

    tainted: dict[tuple[str, TracedAccount], Taint]

    @property
    def standing(self) -> Standing:
        """INVESTIGATIVE, always."""
        return Standing.INVESTIGATIVE


def suspects(past: History, thefts: Collection[str], bounds: TraceBounds) -> PoisonSuspects:
    """Return the accounts that may have received money of the thefts, within the bounds, by (theft, account).

    `thefts`: ids of the victims' payments. `bounds.least_fen` is compared with the whole movement. A victim's own
    account is never tainted by that victim's theft. Takes O(movements · thefts that tainted the payer).
    """
    named = set(thefts)
    started: dict[str, Movement] = {}
    followed = BoundedReach(bounds)
    tainted: dict[TracedAccount, dict[str, Taint]] = {}
    for movement in past.movements:
        reached = {theft: taint.hops for theft, taint in tainted.get(movement.payer, {}).items()}
        if movement.id in named:
            started[movement.id] = movement
            reached[movement.id] = 0
        if not isinstance(movement.payee, TracedAccount):
            continue
        for theft, hops in reached.items():
            if movement.payee != started[theft].payer:
                _taint(tainted.setdefault(movement.payee, {}), followed, started[theft], movement, hops + 1)
    return PoisonSuspects({(theft, account): taint for account, by in tainted.items() for theft, taint in by.items()})


def _taint(known: dict[str, Taint], followed: BoundedReach, theft: Movement, movement: Movement, hops: int) -> None:
    """Taint the movement's payee, within the bounds. Fewer hops than before count; the first time stays."""
    before = known.get(theft.id)
    if before is not None and before.hops <= hops:
        return
    arrival = Arrival(movement.amount_fen, hops, movement.at - theft.at)
    if followed.admit(theft.id, movement.payee, arrival) is None:
        known[theft.id] = Taint(hops, before.at if before else movement.at)

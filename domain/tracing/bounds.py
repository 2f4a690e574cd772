"""Where a trace ends, so that a wholesaler's account does not pull in a city.

Money beyond a bound stays where it was last seen: it counts as in that account, and it is not followed further. A bound
ends the trace of one theft's money on one way; other ways go on. For scale: in 2016 Ningbo's police followed ¥6 million
to the tenth account in a row, and stopped money in 25 accounts (zjnews.zjol.com.cn, 2017-02-20).
"""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class TraceBounds(NamedTuple):
    """How far the money of one theft is followed.

    `least_fen`: the smallest part of one movement; `hops`: movements, the theft's own included; `within`: the time
    since the theft; `accounts`: how many, in the order in which the money reached them.
    """

    least_fen: int
    hops: int
    within: timedelta
    accounts: int


class BoundKind(StrEnum):
    """The bound at which a trace ended: of one movement's amount (AMOUNT), the number of movements since the theft
    (HOPS), the time since the theft (HOURS), or the number of accounts (ACCOUNTS).
    """

    AMOUNT = "amount"
    HOPS = "hops"
    HOURS = "hours"
    ACCOUNTS = "accounts"


class Arrival(NamedTuple):
    """Money of a theft that reaches an account. `amount_fen`: how much, in fen; `hops`: number of movements since the
    theft; `since`: the time since the theft.
    """

    amount_fen: int
    hops: int
    since: timedelta


class BoundedReach:
    """The accounts to which each theft's money was followed. Memory: O(thefts · accounts), both bounded."""

    def __init__(self, bounds: TraceBounds) -> None:
        self._bounds = bounds
        self._accounts: dict[str, set[object]] = {}  # by theft

    def admit(self, theft: str, account: object, arrival: Arrival) -> BoundKind | None:
        """Follow money to an account and return None, or return the bound that forbids it.

        A theft's first account is always within.
        """
        accounts = self._accounts.setdefault(theft, set())
        if (bound := self._exceeded(arrival)) and accounts:
            return bound
        if account not in accounts and len(accounts) >= max(1, self._bounds.accounts):
            return BoundKind.ACCOUNTS
        accounts.add(account)
        return None

    def _exceeded(self, arrival: Arrival) -> BoundKind | None:
        if arrival.hops > self._bounds.hops:
            return BoundKind.HOPS
        if arrival.since > self._bounds.within:
            return BoundKind.HOURS
        return BoundKind.AMOUNT if arrival.amount_fen < self._bounds.least_fen else None

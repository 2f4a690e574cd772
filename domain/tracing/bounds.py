"""The bounds at which a trace ends, so that a wholesaler's account does not pull in a city.

Money beyond a bound stays where it was last seen: it counts as in that account, and it is not followed further. A bound
ends the trace of one theft's money on one way; other ways go on. For scale: in 2016 Ningbo's police followed ¥6 million
to the tenth account in a row, and stopped money in 25 accounts (zjnews.zjol.com.cn, 2017-02-20).
"""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class TraceBounds(NamedTuple):
    """The limits within which the money of one theft is followed.

    `least_fen`: the smallest part of one movement. `hops`: the most movements in a row, the theft included. `within`:
    the longest time since the theft. `accounts`: the most accounts, in the order in which the money reached them.
    """

    least_fen: int
    hops: int
    within: timedelta
    accounts: int


class BoundKind(StrEnum):
    """The bound at which a trace ended.

    AMOUNT: the part of a movement was too small. HOPS: too many movements since the theft. HOURS: too long after the
    theft. ACCOUNTS: the theft's money has reached as many accounts as are allowed.
    """

    AMOUNT = "amount"
    HOPS = "hops"
    HOURS = "hours"
    ACCOUNTS = "accounts"


class Arrival(NamedTuple):
    """Money of a theft that reaches an account: the amount in fen, the number of movements since the theft (`hops`),
    and the time since the theft (`since`).
    """

    amount_fen: int
    hops: int
    since: timedelta


class BoundedReach:
    """The accounts to which the money of each theft was followed, within the bounds.

    Memory: O(thefts · accounts), both bounded.
    """

    def __init__(self, bounds: TraceBounds) -> None:
        self._bounds = bounds
        self._accounts: dict[str, set[object]] = {}  # by theft

    def admit(self, theft: str, account: object, arrival: Arrival) -> BoundKind | None:
        """Record, in place, that a theft's money is followed to an account, and return None; or return the bound that
        forbids it, and record nothing.

        The first account of a theft is always allowed. `account`: any hashable object.
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

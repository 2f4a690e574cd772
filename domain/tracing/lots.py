"""Lots: the money in an account, by origin, and the rule by which a withdrawal consumes it.

FIFO is the legal trace: the money that came in first goes out first (article 8 returns by the time of deposits). LIFO
predicts a mule's fast transfers best, and is investigative. PRO_RATA through several hops is investigative too: the law
applies it to the balance that is held at the end (`returns`), not to the accounts before.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol


class TracingRule(StrEnum):
    """The lots that a withdrawal consumes.

    FIFO: those that came in first. LIFO: those that came in last. PRO_RATA: a share of the lots of every origin.
    """

    FIFO = "fifo"
    LIFO = "lifo"
    PRO_RATA = "pro_rata"


class Standing(StrEnum):
    """The use that may be made of a trace.

    LEGAL: it may decide whose money it is. INVESTIGATIVE: it may decide where to ask, never whose money it is.
    """

    LEGAL = "legal"
    INVESTIGATIVE = "investigative"


STANDING = {
    TracingRule.FIFO: Standing.LEGAL,
    TracingRule.LIFO: Standing.INVESTIGATIVE,
    TracingRule.PRO_RATA: Standing.INVESTIGATIVE,
}


class Lot(NamedTuple):
    """The part that is still in an account (`amount_fen`) of money of one origin that came in at once.

    `origin`: the theft, or None for money that is not traced. `hops`: number of movements since the theft. Lots of an
    account are ordered by time and the bank's sequence.
    """

    origin: str | None
    amount_fen: int
    hops: int = 0


class Purse(Protocol):
    """The money in one account, as lots. Iterating yields the lots that are left, in order."""

    def add(self, lot: Lot) -> None:
        """Add money that comes in, in place."""

    def take(self, amount_fen: int) -> list[Lot]:
        """Remove an amount (fen), in place, and return it as lots, in the order in which they are taken. If the account
        has less, return all its lots.
        """

    def __iter__(self) -> Iterator[Lot]: ...


def purse(rule: TracingRule) -> Purse:
    """Return an empty purse that pays out by this rule: the earliest lot first, the latest first, or all in
    proportion.
    """
    return ProRataPurse() if rule is TracingRule.PRO_RATA else OrderedPurse(last_first=rule is TracingRule.LIFO)


class OrderedPurse:
    """A purse with lots in the order of time. A withdrawal takes the first lots, or the last ones (`last_first`).

    A lot is split at most once per withdrawal, and is removed when it is used up: n deposits and withdrawals take O(n)
    in all, and the memory is O(lots not yet used). Neighbours with the same origin and hops merge, so an account
    without traced money is one lot.
    """

    def __init__(self, *, last_first: bool) -> None:
        self._lots: deque[Lot] = deque()
        self._last_first = last_first

    def add(self, lot: Lot) -> None:
        """Add money that comes in, in place, as the latest lot. It is joined to the lot before if both have the same
        origin and hops.
        """
        if self._lots and _alike(self._lots[-1], lot):
            lot = lot._replace(amount_fen=lot.amount_fen + self._lots.pop().amount_fen)
        if lot.amount_fen:
            self._lots.append(lot)

    def take(self, amount_fen: int) -> list[Lot]:
        """Remove an amount (fen), in place, and return it as lots, in the order taken: from the first lot on, or from
        the last one on if `last_first` was set. If the purse has less, remove and return all lots.
        """
        taken: list[Lot] = []
        while amount_fen and self._lots:
            lot = self._lots.pop() if self._last_first else self._lots.popleft()
            if lot.amount_fen > amount_fen:
                self._put_back(lot._replace(amount_fen=lot.amount_fen - amount_fen))
                lot = lot._replace(amount_fen=amount_fen)
            amount_fen -= lot.amount_fen
            taken.append(lot)
        return taken

    def _put_back(self, lot: Lot) -> None:
        if self._last_first:
            self._lots.append(lot)
        else:
            self._lots.appendleft(lot)

    def __iter__(self) -> Iterator[Lot]:
        return iter(self._lots)


class ProRataPurse:
    """A purse with one lot for each origin. A withdrawal takes from all lots, in proportion to their amounts.

    A lot made of several deposits has the fewest hops of any of them. A deposit takes O(1), a withdrawal O(k log k) for
    k origins; the memory is O(k), for any number of deposits.
    """

    def __init__(self) -> None:
        self._lots: dict[str | None, Lot] = {}  # in the order of each origin's first deposit

    def add(self, lot: Lot) -> None:
        """Add money that comes in, in place, to the one lot of its origin."""
        if known := self._lots.get(lot.origin):
            lot = Lot(lot.origin, known.amount_fen + lot.amount_fen, min(known.hops, lot.hops))
        if lot.amount_fen:
            self._lots[lot.origin] = lot

    def take(self, amount_fen: int) -> list[Lot]:
        """Remove an amount (fen), in place, and return it as one lot for each origin, in the order of their first
        deposits. If the purse has less, remove and return all lots.

        The shares are whole fen that add up to the amount (see `shares_of`).
        """
        lots = list(self._lots.values())
        parts = shares_of(min(amount_fen, sum(lot.amount_fen for lot in lots)), [lot.amount_fen for lot in lots])
        rest = (lot._replace(amount_fen=lot.amount_fen - part) for lot, part in zip(lots, parts, strict=True))
        self._lots = {lot.origin: lot for lot in rest if lot.amount_fen}
        return [lot._replace(amount_fen=part) for lot, part in zip(lots, parts, strict=True) if part]

    def __iter__(self) -> Iterator[Lot]:
        return iter(self._lots.values())


def shares_of(amount: int, weights: Sequence[int]) -> list[int]:
    """Return an amount divided in proportion to the weights: whole numbers, in the order of the weights, that add up to
    it. `amount`, `weights`: 0 or more.

    What rounding down leaves is given to the largest remainders, of equal ones to the earlier. No share exceeds its
    weight unless the amount exceeds the sum of the weights. If all weights are 0, all shares are 0.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts, remainders = zip(*(divmod(amount * weight, whole) for weight in weights), strict=True)
    shares = list(parts)
    by_remainder = sorted(range(len(weights)), key=lambda place: -remainders[place])
    for place in by_remainder[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def _alike(one: Lot, other: Lot) -> bool:
    return one.origin == other.origin and one.hops == other.hops

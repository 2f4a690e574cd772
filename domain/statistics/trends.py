"""The trend of figures: compared with the days before, added up day by day, and as small pictures of single values."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from domain.statistics.situation import DAYS, Sums, last_days

SHOWN = 8  # small pictures: the values with the most cases
COMPARED = ("cases", "dissuaded_evidenced", "kept", "lost")  # the four figures, as `Sums` has them
ROUND = (1, 2, 3, 4, 5, 6, 8, 10)  # digits at which an axis may end
GOOD_IF_MORE = {"kept": True, "lost": False}  # the others are neither good nor bad


class Compared(NamedTuple):
    """A figure (`name`: a field of Sums) of some days (`now`), and of as many days before them (`before`).

    `before` None: those days are no longer kept.
    """

    name: str
    now: int
    before: int | None

    @property
    def change(self) -> int | None:
        """The change in whole per cent (negative: it fell); None if `before` is None or 0."""
        return round((self.now - self.before) * 100 / self.before) if self.before else None

    @property
    def better(self) -> bool | None:
        """True if the change is an improvement: more money kept, or less lost. False if it is a deterioration.

        None for other figures, if nothing changed, and if `before` is None.
        """
        if self.name not in GOOD_IF_MORE or self.before is None or self.now == self.before:
            return None
        return (self.now > self.before) is GOOD_IF_MORE[self.name]


class Multiple(NamedTuple):
    """A small picture: a value of a dimension, and its numbers of cases, day by day."""

    value: str
    cases: list[int]


def before(days: Sequence[str]) -> list[str] | None:
    """Return as many days as `days` (YYYY-MM-DD), directly before them, the earliest first; None if both together are
    over 35 days, which are all that is kept.

    Raises IndexError if `days` is empty.
    """
    if 2 * len(days) > DAYS:
        return None
    return last_days(days[-1], 2 * len(days))[: len(days)]


def four(now: Sums, earlier: Sums | None) -> list[Compared]:
    """Return four figures of a period in this order: `cases`, `dissuaded_evidenced`, `kept` (fen) and `lost` (fen).
    Each is compared with the period before it; `earlier` None: that period is no longer kept.
    """
    return [
        Compared(name, getattr(now, name), None if earlier is None else getattr(earlier, name)) for name in COMPARED
    ]


def summed(days: Iterable[Sums]) -> Sums:
    """Return the sum, field by field, of the sums of some days; zeros for none."""
    return Sums(*map(sum, zip(Sums(), *days, strict=True)))


def cumulative(days: Iterable[int]) -> list[int]:
    """Return, for each day, the sum of all days up to and including it."""
    return list(accumulate(days))


def multiples(by_value: Mapping[str, Sequence[int]]) -> list[Multiple]:
    """Return small pictures of the 8 values with the most cases, the most first. `by_value`: for each value, its
    numbers of cases, day by day.
    """
    found = [Multiple(value, list(cases)) for value, cases in by_value.items()]
    return sorted(found, key=lambda each: (-sum(each.cases), each.value))[:SHOWN]


def round_top(most: int) -> int:
    """Return the end of an axis: the least number from `most` (0 or more) on that is 1, 2, 3, 4, 5, 6 or 8 times a
    power of ten. 1 for 0.
    """
    nought: int = 10 ** max(0, len(str(most)) - 1)
    return next(digit * nought for digit in ROUND if most <= digit * nought)

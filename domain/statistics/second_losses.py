"""Second losses: how many residents lost money again within 90 days of a loss, with the shield and without one.

A second loss belongs to the arm of the first one, even if a short shield has ended by then.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.casework.events import Fact, FactKind

_Z = 1.959964  # of the normal distribution, for 95 %
_KINDS = {
    True: (FactKind.SHIELDED, FactKind.LOST_AGAIN_SHIELDED),
    False: (FactKind.UNSHIELDED, FactKind.LOST_AGAIN_UNSHIELDED),
}


class SecondLosses(NamedTuple):
    """How often a loss is followed by a second one within 90 days: `losses`, the number of losses; `again`, the number
    that were followed; `share`, again / losses. `low` and `high` are the limits of its 95 % interval (0 to 1; Wilson's
    score interval).

    Without losses, the share is None and the interval says nothing: 0 to 1.
    """

    losses: int
    again: int
    share: float | None
    low: float
    high: float

    @classmethod
    def of(cls, losses: int, again: int) -> "SecondLosses":
        """Return the figures for `again` second losses among `losses`.

        A second loss whose first one is not among the losses counts as one too, so the share is at most 1.
        """
        tried = max(losses, again)
        if tried == 0:
            return cls(0, 0, None, 0.0, 1.0)
        share, z2 = again / tried, _Z * _Z
        middle = (share + z2 / (2 * tried)) / (1 + z2 / tried)
        half = _Z / (1 + z2 / tried) * math.sqrt(share * (1 - share) / tried + z2 / (4 * tried * tried))
        return cls(tried, again, round(share, 4), round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4))


def second_losses(facts: Iterable[Fact]) -> dict[str, SecondLosses]:
    """Return how often losses were followed by a second one within 90 days, by "shielded" and "unshielded": residents
    who after the first loss reach levels earlier for a time, and others. `facts`: those of a journal's events, each
    once; other facts are ignored.

    A loss of the last 90 days counts although its second loss may still come, so recent journals understate both.
    """
    counted: dict[FactKind, int] = dict.fromkeys((kind for kinds in _KINDS.values() for kind in kinds), 0)
    for fact in facts:
        if fact.kind in counted:
            counted[fact.kind] += 1
    return _by_shield({kind.value: number for kind, number in counted.items()})


def second_losses_of_counts(counts: Mapping[str, int]) -> dict[str, SecondLosses]:
    """Return how often losses were followed by a second one, by "shielded" and "unshielded", as `second_losses` does.
    `counts`: an installation's counts by name, such as `fact|shielded` (domain/statistics/counts).
    """
    return _by_shield({name.removeprefix("fact|"): number for name, number in counts.items()})


def _by_shield(numbers: Mapping[str, int]) -> dict[str, SecondLosses]:
    return {
        "shielded" if shielded else "unshielded": SecondLosses.of(*(numbers.get(kind.value, 0) for kind in kinds))
        for shielded, kinds in _KINDS.items()
    }

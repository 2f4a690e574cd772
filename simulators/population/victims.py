"""The choice of a scam's victims: by the type's sexes, ages and groups, some more often, as the sources state."""

from collections.abc import Callable, Sequence
from datetime import date
from random import Random

import numpy as np

from schemas.people.residents import Resident, Sex
from simulators.assumptions.figures import HARD_HIT, HARD_HIT_WEIGHT, IN_AGE_BAND, SAVINGS_WEIGHT, SCAMS, Scam
from simulators.population import kinds
from simulators.population.kinds import TABLE, Ints, Shares

_TRIES = 200
_OLD_ENOUGH = 10
_MAN = kinds.SEXES.index(Sex.MALE)


class AtRisk:
    """The people by kind, with each kind's weight for each type of scam, for a choice of victims that is fast even
    among millions.
    """

    def __init__(self, counts: Ints, resident: Callable[[int], Resident]) -> None:
        """`counts`: number of people of each kind. `resident`: returns the person at a position in the order of
        kinds.
        """
        self._counts, self._starts, self._resident = counts, np.cumsum(counts) - counts, resident
        self._hit = {name: _hit(weights(scam, counts)) for name, scam in SCAMS.items()}

    @classmethod
    def among(cls, residents: Sequence[Resident], on: date) -> "AtRisk":
        """Return an object that chooses victims among these residents, with their ages on the day `on`. Raises
        ValueError if a resident lives in another province.
        """
        numbers = kinds.numbers(residents, on)
        order = np.argsort(numbers, kind="stable")
        return cls(np.bincount(numbers, minlength=kinds.COUNT), lambda place: residents[order[place]])

    def pick(self, chance: Random, scam_type: str, spared: set[str]) -> Resident | None:
        """Return a random victim of a type of scam (a key of SCAMS) whose id is not in `spared`. Return None if 200
        random choices find nobody, or nobody can be hit by this type. Raises KeyError for an unknown type.
        """
        hit, sums = self._hit[scam_type]
        for _ in range(_TRIES if len(hit) else 0):
            at = int(np.searchsorted(sums, chance.random() * sums[-1], side="right"))
            kind = hit[min(at, len(hit) - 1)]
            victim = self._resident(int(self._starts[kind]) + chance.randrange(int(self._counts[kind])))
            if victim.id not in spared:
                return victim
        return None


def _hit(weighed: Shares) -> tuple[Ints, Shares]:
    """Return the kinds with a positive weight, and the cumulative sums of their weights."""
    hit = np.flatnonzero(weighed)
    return hit, np.cumsum(weighed[hit])


def weights(scam: Scam, counts: Ints) -> Shares:
    """Return an array with each kind's weight for a type of scam, in the order of the kinds' numbers: the probability
    (0 to 1) that a victim is of that kind. `counts`: the number of people of each kind.

    Each combination of sex and age (within the type's ages or not) has a fixed share of the victims. A combination
    without people has weight 0, and then the sum is below 1.
    """
    in_band = (TABLE.age >= scam.ages[0]) & (TABLE.age <= scam.ages[1])
    cell = 2 * (TABLE.sex == _MAN) + in_band
    own = counts * _own(scam)
    people = np.bincount(cell, own, minlength=len(_cells(scam)))
    found: Shares = own * np.divide(_cells(scam), people, out=np.zeros_like(people), where=people > 0)[cell]
    return found


def _cells(scam: Scam) -> Shares:
    """Return the shares of the four cells: women outside the type's ages, women within, men outside, men within."""
    by_sex, by_age = (1 - scam.men, scam.men), (1 - IN_AGE_BAND, IN_AGE_BAND)
    return np.array([sex * age for sex in by_sex for age in by_age])


def _own(scam: Scam) -> Shares:
    """Return for each kind how many times more often it is hit than other kinds of the same sex and age."""
    in_group = np.array([one in scam.groups for one in kinds.OCCUPATIONS])[TABLE.occupation]
    hard_hit = np.array([one in HARD_HIT for one in kinds.PREFECTURES])[TABLE.prefecture]
    savings = np.array([SAVINGS_WEIGHT[one] if scam.for_savings else 1.0 for one in kinds.BALANCES])[TABLE.balance]
    grouped = np.where(in_group, scam.group_weight, 1.0)
    return np.asarray((TABLE.age >= _OLD_ENOUGH) * grouped * np.where(hard_hit, HARD_HIT_WEIGHT, 1.0) * savings)

"""Whom a scam picks: by the type's sexes, ages and groups, more often where the reference says that more are hit."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from random import Random

from schemas.residents import Resident, Sex
from simulators.figures import HARD_HIT, HARD_HIT_WEIGHT, IN_AGE_BAND, IN_GROUP_WEIGHT, SCAMS, Scam
from simulators.people import age_of

_TRIES = 200
_OLD_ENOUGH = 10


class AtRisk:
    """The residents, with each one's weight for each type of scam."""

    def __init__(self, residents: Sequence[Resident], on: date) -> None:
        self._residents = residents
        self._sums = {name: list(accumulate(_weights(scam, residents, on))) for name, scam in SCAMS.items()}

    def pick(self, chance: Random, scam_type: str, spared: set[str]) -> Resident | None:
        """A victim who is not among the `spared`; none when hardly anybody is left."""
        for _ in range(_TRIES):
            victim = chance.choices(self._residents, cum_weights=self._sums[scam_type])[0]
            if victim.id not in spared:
                return victim
        return None


def _weights(scam: Scam, residents: Sequence[Resident], on: date) -> list[float]:
    """Each cell of sex and age has its share, whatever number of people is in it."""
    cells = [(resident.sex, scam.ages[0] <= age_of(resident, on) <= scam.ages[1]) for resident in residents]
    people = Counter(cells)
    return [
        _cell(scam, *cell) / people[cell] * _own_weight(scam, resident, on)
        for cell, resident in zip(cells, residents, strict=True)
    ]


def _cell(scam: Scam, sex: Sex, in_band: bool) -> float:
    men = scam.men if sex is Sex.MALE else 1 - scam.men
    return men * (IN_AGE_BAND if in_band else 1 - IN_AGE_BAND)


def _own_weight(scam: Scam, resident: Resident, on: date) -> float:
    if age_of(resident, on) < _OLD_ENOUGH:
        return 0.0
    group = IN_GROUP_WEIGHT if resident.occupation in scam.groups else 1.0
    return group * (HARD_HIT_WEIGHT if f"{resident.division[:4]}00" in HARD_HIT else 1.0)

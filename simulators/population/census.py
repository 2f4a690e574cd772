"""A whole province without its objects: a resident is a number in a column, and a person once a story needs one."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from schemas.people.residents import Resident
from simulators.assumptions import figures
from simulators.assumptions.chance import stream
from simulators.population import kinds
from simulators.population.kinds import Ints
from simulators.population.people import resident
from simulators.population.victims import AtRisk

_SECRET = b"only for simulated people"


class Census:
    """`kind`: each resident's kind, 4 bytes a head. Whoever is of one kind stands side by side, in the kinds' order.

    `counts`: people of each kind; `starts`: the row of the first.
    """

    def __init__(
        self, seed: int, residents: int = figures.PEOPLE, on: date = date(2026, 3, 2), secret: bytes = _SECRET
    ) -> None:
        """So many residents as of the day `on`; `secret` keys the hashes of their ID numbers."""
        self._seed, self._on, self._secret = seed, on, secret
        self.counts: Ints = np.asarray(generator(seed, "census").multinomial(residents, kinds.shares()), dtype=np.intp)
        self.starts: Ints = np.cumsum(self.counts) - self.counts
        self.kind: NDArray[np.uint32] = np.repeat(np.arange(kinds.COUNT, dtype=np.uint32), self.counts)

    def __len__(self) -> int:
        return len(self.kind)

    def resident(self, row: int) -> Resident:
        """Who stands there, by the rules of people.py; always the same. A minor has no guardian, a telephone no
        second holder: the neighbours are numbers only."""
        chance = stream(self._seed, "resident", row)
        return resident(chance, row, kinds.kind(int(self.kind[row])), self._on, self._secret)

    def at_risk(self) -> AtRisk:
        """Whom scams pick. Not kept: it holds on to the census, and each of the two would outlive its use."""
        return AtRisk(self.counts, self.resident)

    def rows(self, chance: np.random.Generator, count: int, among: NDArray[np.bool_], part: float = 1.0) -> Ints:
        """`count` residents of the kinds `among`, each as likely as another; nobody when there is none such.

        `part`: only this part of each kind, always the same people.
        """
        meant = np.where(among, np.rint(self.counts * part), 0).astype(np.intp)
        sums = np.cumsum(meant)
        if not sums[-1]:
            return np.empty(0, dtype=np.intp)
        places = chance.integers(sums[-1], size=count)
        found = np.searchsorted(sums, places, side="right")
        return np.asarray(self.starts[found] + places - (sums - meant)[found], dtype=np.intp)

    def share(self, among: NDArray[np.bool_]) -> float:
        """The share of the residents that is of these kinds."""
        return float(self.counts[among].sum() / max(len(self), 1))


def generator(seed: int, *names: object) -> np.random.Generator:
    """NumPy's chance, seeded as `stream` is."""
    return np.random.default_rng(stream(seed, *names).getrandbits(128))

"""A whole province's residents in compact form: each is a row number, and becomes an object only when
a story needs it.
"""

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
    """The residents of a complete province as row numbers from 0. `len` returns their number.

    `kind`: the number of each row's kind, 4 bytes each, sorted; `counts`: number of residents of each kind; `starts`:
    the first row of each kind.
    """

    def __init__(
        self, seed: int, residents: int = figures.PEOPLE, on: date = date(2026, 3, 2), secret: bytes = _SECRET
    ) -> None:
        """Draw `residents` residents as of the day `on`. `secret`: keys the hashes of their ID numbers."""
        self._seed, self._on, self._secret = seed, on, secret
        self.counts: Ints = np.asarray(generator(seed, "census").multinomial(residents, kinds.shares()), dtype=np.intp)
        self.starts: Ints = np.cumsum(self.counts) - self.counts
        self.kind: NDArray[np.uint32] = np.repeat(np.arange(kinds.COUNT, dtype=np.uint32), self.counts)

    def __len__(self) -> int:
        return len(self.kind)

    def resident(self, row: int) -> Resident:
        """Return the resident of a row (from 0), made by the rules of people.py. The same row always gives the same
        resident.

        Minors have no guardian, and telephones no second holder, because other rows exist only as numbers. Raises
        IndexError if the row does not exist.
        """
        chance = stream(self._seed, "resident", row)
        return resident(chance, row, kinds.kind(int(self.kind[row])), self._on, self._secret)

    def at_risk(self) -> AtRisk:
        """Return the residents in the form from which a scam's victims are chosen.

        Each call makes a new object: a stored one would keep this census in memory, and the census the object.
        """
        return AtRisk(self.counts, self.resident)

    def rows(self, chance: np.random.Generator, count: int, among: NDArray[np.bool_], part: float = 1.0) -> Ints:
        """Draw `count` residents at random, with repetition, among the kinds in `among` (a mask with an entry for each
        kind). Return their row numbers; empty if no resident is of these kinds, or `part` of each kind rounds to none.

        `part`: draw only from this share (0 to 1) of each kind, always the same residents.
        """
        meant = np.where(among, np.rint(self.counts * part), 0).astype(np.intp)
        sums = np.cumsum(meant)
        if not sums[-1]:
            return np.empty(0, dtype=np.intp)
        places = chance.integers(sums[-1], size=count)
        found = np.searchsorted(sums, places, side="right")
        return np.asarray(self.starts[found] + places - (sums - meant)[found], dtype=np.intp)

    def share(self, among: NDArray[np.bool_]) -> float:
        """Return the share (0 to 1) of all residents who are of the kinds in `among` (a mask with an entry for each
        kind); 0 for an empty census.
        """
        return float(self.counts[among].sum() / max(len(self), 1))


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return a new NumPy random generator seeded by `seed` and `names`. Equal arguments give the same sequence of
    numbers.
    """
    return np.random.default_rng(stream(seed, *names).getrandbits(128))

"""Logistic regression of outcomes on what was known, in bits, with nothing else asked. Needs the extra `lab`."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from schemas.errors import UserError
from simulators.fit.rows import Row
from simulators.fit.scores import Floats, Scale

LEAST_SEEN = 50  # rows: what is rarer stays as it is set by hand. Assumed
LEAST_BITS = 0.1  # evidence never speaks against danger; a policy's bits are above 0
REGULARISED = 10.0  # sklearn's C: weak, so that what tells nearly for certain does not run away. Assumed
_LN2 = math.log(2)


class UnlearnableError(UserError, ValueError):
    """There is too little to learn from; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as figures: a column for each of `names`, which was seen often enough. `nats`: worth, times ln 2."""

    names: tuple[str, ...]
    seen: Mapping[str, int]
    nats: Floats
    outcomes: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Learnt:
    """`bits` by name, of what was seen often enough; `scale`: from their sum to the odds, of the rows as they are."""

    bits: Mapping[str, float]
    scale: Scale
    seen: Mapping[str, int]


def sampled(rows: Sequence[Row], by_hand: Mapping[str, float]) -> Sample:
    """Rows with what is too rare are left out.

    Raises UnlearnableError when the rows are all of one kind, or nothing is seen often enough.
    """
    seen = Counter(name for row in rows for name, value in row.worth.items() if value > 0)
    names = tuple(name for name in by_hand if seen[name] >= LEAST_SEEN)
    rare = by_hand.keys() - set(names)
    usable = [row for row in rows if not any(row.worth.get(name) for name in rare)]
    outcomes = np.asarray([row.scam for row in usable])
    if not names or outcomes.all() or not outcomes.any():
        raise UnlearnableError("nothing can be learnt: live through more provinces, or for longer")
    # Bits instead of nats: the columns are stretched, so that the coefficients come out as bits.
    nats = np.asarray([[row.worth.get(name, 0.0) for name in names] for row in usable]) * _LN2
    return Sample(names, {name: seen[name] for name in by_hand}, nats, outcomes)


def learn(sample: Sample) -> Learnt:
    """The bits that fit the rows best, none below LEAST_BITS, whatever becomes of the examples.

    Raises UnlearnableError when nothing speaks for a scam.
    """
    intercept, found = _not_below(sample)
    bits = {name: max(LEAST_BITS, found.get(column, 0.0)) for column, name in enumerate(sample.names)}
    return Learnt(bits, Scale(1.0, intercept), sample.seen)


def _not_below(sample: Sample) -> tuple[float, dict[int, float]]:
    """Fit again without the column that speaks most against, until none does; the rest by column."""
    free = list(range(len(sample.names)))
    while free:
        model = LogisticRegression(C=REGULARISED, max_iter=2000).fit(sample.nats[:, free], sample.outcomes)
        bits = [float(each) for each in model.coef_[0]]
        if min(bits) >= LEAST_BITS:
            return float(model.intercept_[0]) / _LN2, dict(zip(free, bits, strict=True))
        del free[bits.index(min(bits))]
    raise UnlearnableError("nothing that was seen speaks for a scam")

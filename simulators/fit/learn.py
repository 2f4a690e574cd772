"""Logistic regression of outcomes on evidence, in bits, without further constraints. Needs the extra `lab`."""

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

LEAST_SEEN = 50  # rows: rarer features keep their hand-set weight. Assumed
LEAST_BITS = 0.1  # evidence never counts against danger, and a policy's bits are above 0
REGULARISED = 10.0  # sklearn's C: weak, so that near-certain features do not get huge weights. Assumed
_LN2 = math.log(2)


class UnlearnableError(UserError, ValueError):
    """No weights can be learnt: too little data, or no weights under which all examples hold. The text
    says what to do.
    """


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as arrays, for a regression.

    `names`: the features that occur often enough, one column each; `seen`: feature -> number of rows that have it, rare
    features too; `nats`: rows × columns, the multiplier of each of the policy's bits, times ln 2, so that coefficients
    are in bits; `outcomes`: for each row, whether it was fraud in the simulation.
    """

    names: tuple[str, ...]
    seen: Mapping[str, int]
    nats: Floats
    outcomes: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Learnt:
    """Learnt weights: `bits` by name, without rare features. `scale`: converts the sum of a row's weighted bits to
    log-odds in bits. `seen`: by name, the number of rows that have the feature, rare features too.
    """

    bits: Mapping[str, float]
    scale: Scale
    seen: Mapping[str, int]


def sampled(rows: Sequence[Row], by_hand: Mapping[str, float]) -> Sample:
    """Return the rows as arrays for a regression, in their order, without the rows that have a rare feature (one that
    fewer than 50 rows have).

    `by_hand`: the hand-set bits by name; the names are the features. The multipliers (`nats`) are times ln 2, so that
    coefficients are in bits. Raises UnlearnableError if no row remains, all that remain have the same outcome, or no
    feature occurs often enough.
    """
    seen = Counter(name for row in rows for name, value in row.worth.items() if value > 0)
    names = tuple(name for name in by_hand if seen[name] >= LEAST_SEEN)
    rare = by_hand.keys() - set(names)
    usable = [row for row in rows if not any(row.worth.get(name) for name in rare)]
    outcomes = np.asarray([row.scam for row in usable])
    if not names or outcomes.all() or not outcomes.any():
        raise UnlearnableError("nothing can be learnt: live through more provinces, or for longer")
    # Columns are scaled so that coefficients are in bits instead of nats.
    nats = np.asarray([[row.worth.get(name, 0.0) for name in names] for row in usable]) * _LN2
    return Sample(names, {name: seen[name] for name in by_hand}, nats, outcomes)


def learn(sample: Sample) -> Learnt:
    """Return the bits that fit the sample best, for each of its names and at least 0.1, without regard to the examples
    of the levels.

    Raises UnlearnableError if nothing indicates a scam, so that no feature gets 0.1 bits.
    """
    intercept, found = _not_below(sample)
    bits = {name: max(LEAST_BITS, found.get(column, 0.0)) for column, name in enumerate(sample.names)}
    return Learnt(bits, Scale(1.0, intercept), sample.seen)


def _not_below(sample: Sample) -> tuple[float, dict[int, float]]:
    """Fit repeatedly, dropping the column with the lowest bits, until no column is below LEAST_BITS. Return the
    intercept and the bits by column. Raises UnlearnableError if no column is left.
    """
    free = list(range(len(sample.names)))
    while free:
        model = LogisticRegression(C=REGULARISED, max_iter=2000).fit(sample.nats[:, free], sample.outcomes)
        bits = [float(each) for each in model.coef_[0]]
        if min(bits) >= LEAST_BITS:
            return float(model.intercept_[0]) / _LN2, dict(zip(free, bits, strict=True))
        del free[bits.index(min(bits))]
    raise UnlearnableError("nothing that was seen speaks for a scam")

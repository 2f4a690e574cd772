"""Logistic regression of outcomes on what was known, in bits, and how good probabilities are. Needs the extra `lab`."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import TimeSeriesSplit

from schemas.errors import UserError
from simulators.fit.rows import Row

LEAST_SEEN = 50  # rows: what is rarer stays as it is set by hand. Assumed
LEAST_BITS = 0.1  # evidence never speaks against danger; a policy's bits are above 0
REGULARISED = 10.0  # sklearn's C: weak, so that what tells nearly for certain does not run away. Assumed
FOLDS = 4
BINS = 10
_LN2 = math.log(2)

Floats = NDArray[np.float64]


class UnlearnableError(UserError, ValueError):
    """There is too little to learn from; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """`bits` by name, of what was seen often enough; `intercept`, of the rows as they are, in bits."""

    intercept: float
    bits: Mapping[str, float]
    seen: Mapping[str, int]

    def odds(self, rows: Sequence[Row]) -> Floats:
        """In bits. What was seen too rarely counts nothing."""
        sums = [math.fsum(self.bits.get(name, 0.0) * value for name, value in row.worth.items()) for row in rows]
        return np.asarray(sums) + self.intercept


@dataclass(frozen=True, slots=True)
class Score:
    """How good probabilities were. `auc` (1 best, 0.5 chance) asks for their order alone; none of one kind only.

    `calibration`: said on average and what was true, of equally many rows each.
    """

    rows: int
    scams: int
    brier: float
    log_loss: float
    auc: float | None
    calibration: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Fold:
    """Learnt from the days before, judged on these."""

    since: date
    until: date
    by_hand: Score
    learnt: Score


def learn(rows: Sequence[Row], by_hand: Mapping[str, float]) -> Learnt:
    """The bits that fit the rows best, none below LEAST_BITS; rows with what is too rare are left out.

    Raises UnlearnableError when the rows are all of one kind, or nothing is seen often enough.
    """
    seen = Counter(name for row in rows for name, value in row.worth.items() if value > 0)
    names = [name for name in by_hand if seen[name] >= LEAST_SEEN]
    rare = by_hand.keys() - set(names)
    usable = [row for row in rows if not any(row.worth.get(name) for name in rare)]
    outcomes = np.asarray([row.scam for row in usable])
    if not names or outcomes.all() or not outcomes.any():
        raise UnlearnableError("nothing can be learnt: live through more provinces, or for longer")
    matrix = np.asarray([[row.worth.get(name, 0.0) for name in names] for row in usable])
    intercept, found = _not_below(matrix, outcomes)
    bits = {name: max(LEAST_BITS, float(found.get(column, 0.0))) for column, name in enumerate(names)}
    return Learnt(intercept, bits, {name: seen[name] for name in by_hand})


def _not_below(matrix: Floats, outcomes: NDArray[np.bool_]) -> tuple[float, dict[int, float]]:
    """Fit again without the column that speaks most against, until none does; the rest by column."""
    free = list(range(matrix.shape[1]))
    while free:
        # Bits instead of nats: the columns are stretched, so that the coefficients come out as bits.
        model = LogisticRegression(C=REGULARISED, max_iter=2000).fit(matrix[:, free] * _LN2, outcomes)
        bits = [float(each) for each in model.coef_[0]]
        if min(bits) >= LEAST_BITS:
            return float(model.intercept_[0]) / _LN2, dict(zip(free, bits, strict=True))
        del free[bits.index(min(bits))]
    raise UnlearnableError("nothing that was seen speaks for a scam")


def best_intercept(odds: Floats, outcomes: Sequence[bool]) -> float:
    """What to add to these odds, in bits, so that as many scams are said as there are: the likeliest prior."""
    share = float(np.mean(outcomes))
    return float(brentq(lambda more: float(np.mean(probability(odds + more))) - share, -80.0, 80.0))


def probability(odds: Floats) -> Floats:
    """Of log-odds in bits."""
    return np.asarray(1.0 / (1.0 + np.exp2(-odds)), dtype=np.float64)


def score(said: Floats, outcomes: Sequence[bool]) -> Score:
    """How good the probabilities were."""
    true = np.asarray(outcomes, dtype=int)
    mixed = 0 < true.sum() < len(true)
    observed, predicted = calibration_curve(true, said, n_bins=BINS, strategy="quantile")
    return Score(
        rows=len(true),
        scams=int(true.sum()),
        brier=float(brier_score_loss(true, said)),
        log_loss=float(log_loss(true, said, labels=[0, 1])),
        auc=float(roc_auc_score(true, said)) if mixed else None,
        calibration=[(float(each), float(was)) for each, was in zip(predicted, observed, strict=True)],
    )


def by_time(rows: Sequence[Row], by_hand: Mapping[str, float], prior: float) -> Iterator[Fold]:
    """Learn from the days before and judge on those after, FOLDS times; a day is never on both sides.

    Judged are the moments at which there was news, since then a policy decides. The weights set by hand get the prior
    that fits the same days best, so that the weights alone are compared.
    """
    days = sorted({row.at.date() for row in rows})
    for before, after in TimeSeriesSplit(n_splits=min(FOLDS, len(days) - 1)).split(days):
        known, judged = {days[place] for place in before}, {days[place] for place in after}
        past = [row for row in rows if row.at.date() in known]
        coming = [row for row in rows if row.at.date() in judged and row.news]
        learnt, outcomes = learn(past, by_hand), [row.scam for row in coming]
        more = best_intercept(without(past, 0, prior), [row.scam for row in past])
        yield Fold(
            min(judged),
            max(judged),
            score(probability(without(coming, 0, prior) + more), outcomes),
            score(probability(learnt.odds(coming)), outcomes),
        )


def without(rows: Sequence[Row], which: int, prior: float) -> Floats:
    """The odds of the policy number `which`, in bits, without its prior."""
    return np.asarray([row.odds[which] - prior for row in rows])

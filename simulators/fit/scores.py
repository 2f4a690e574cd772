"""Scores of predicted probabilities. Log-odds are in bits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """Converts a policy's bits to log-odds in bits: `factor` times bits plus `intercept`. A factor below 1 means that
    the policy's odds are too extreme.
    """

    factor: float
    intercept: float

    def __call__(self, bits: Floats) -> Floats:
        return self.factor * bits + self.intercept


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of predictions. `rows`: their number; `scams`: how many of them were scams. `brier`, `log_loss` (nats):
    lower is better. `auc`: 1 is best, 0.5 is chance; None if all outcomes are equal.

    `calibration`: pairs of mean prediction and true share (0 to 1), for up to ten groups of equally many predictions,
    the lowest first.
    """

    rows: int
    scams: int
    brier: float
    log_loss: float
    auc: float | None
    calibration: Sequence[tuple[float, float]]


def likeliest_scale(bits: Floats, outcomes: Sequence[bool]) -> Scale:
    """Return the scale with which the bits fit the outcomes best (Platt scaling: a logistic regression without
    regularization).

    `bits`: a policy's bits for each prediction; `outcomes`: for each, True if it was a scam. Raises ValueError if all
    outcomes are equal.
    """
    model = LogisticRegression(C=np.inf).fit(bits.reshape(-1, 1) * np.log(2), outcomes)
    return Scale(float(model.coef_[0, 0]), float(model.intercept_[0] / np.log(2)))


def probability(odds: Floats) -> Floats:
    """Return the probabilities (0 to 1) that correspond to log-odds in bits, element by element."""
    return np.asarray(1.0 / (1.0 + np.exp2(-odds)), dtype=np.float64)


def score(said: Floats, outcomes: Sequence[bool]) -> Score:
    """Return the scores of the predicted probabilities `said` (0 to 1). `outcomes`: for each prediction, True if it was
    a scam. Raises ValueError if there are no predictions.
    """
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

"""Thresholds of the levels for other weights, and the scams found with them. Log-odds are in bits."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from schemas.levels import Level
from simulators.fit.rows import Row
from simulators.fit.scores import Floats
from simulators.fit.worth import summed

_DIGITS = 2  # decimals of a policy's thresholds


def odds_with_learnt_bits(rows: Sequence[Row], by_hand: Mapping[str, float], learnt: Mapping[str, float]) -> Floats:
    """Return for each row its log-odds in bits under the hand-set policy with the learnt bits in place of the policy's
    own. The prior is included.

    `by_hand`, `learnt`: bits by name; names that are only in `by_hand` keep their bits. Raises KeyError for a name that
    is only in `learnt`.
    """
    more = {name: bits - by_hand[name] for name, bits in learnt.items()}
    return np.asarray([row.odds[0] for row in rows]) + summed([row.worth for row in rows], more)


def as_many(levels: Mapping[Level, float], by_hand: Floats, learnt: Floats) -> dict[Level, float]:
    """Return new thresholds in bits, by level, for learnt weights: with them, about as many of the given moments reach
    each level as under the hand-set policy. Rounded to 0.01 bits, each at least 0.01 above the one before. Learnt
    weights have another scale, on which the old thresholds could be out of reach.

    `levels`: the hand-set threshold of every level, in bits; `by_hand`, `learnt`: the log-odds in bits, by the hand-set
    and by the learnt weights, of the same residents at the same moments.
    """
    reached = {level: np.quantile(learnt, np.mean(by_hand < bits)) for level, bits in levels.items()}
    return _rising({level: round(float(bits), _DIGITS) for level, bits in reached.items()})


def _rising(levels: Mapping[Level, float]) -> dict[Level, float]:
    """Return the thresholds with each one higher than the previous one, as a policy requires."""
    found: dict[Level, float] = {}
    for level in Level:
        least = max(found.values(), default=-math.inf) + 10**-_DIGITS
        found[level] = round(max(levels[level], least), _DIGITS)
    return found


def caught(levels: Mapping[Level, float], odds: Floats, outcomes: Sequence[bool]) -> dict[str, dict[str, float]]:
    """Return, keyed by level ("red" and so on): the number of moments at or above its threshold (`moments`), the share
    (0 to 1) of them that were scams (`scams_among_them`), and these scams as a share of all scams (`of_all_scams`).
    Both shares are 0 if no moment is above the threshold.

    `levels`: thresholds in bits; `odds`: log-odds in bits; `outcomes`: for each moment, True for a scam.
    """
    scams = np.asarray(outcomes)
    found = {}
    for level, bits in levels.items():
        above = odds >= bits
        hits = float(scams[above].sum())
        found[level.value] = {
            "moments": float(above.sum()),
            "scams_among_them": hits / max(1.0, float(above.sum())),
            "of_all_scams": hits / max(1.0, float(scams.sum())),
        }
    return found

"""How the arms' probabilities learn from the outcomes: Thompson sampling with a floor.

The probabilities of the next assignments are those with which each arm is the best, given the outcomes so far, but
never below the plan's floor. They are proposed as a new version of the plan; every assignment stores its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from domain.experiments.estimates import Exposure

DRAWS = 20_000  # of each arm's mean; the error of a probability is below 0.004
_DIGITS = 3  # of a proposed probability


def learned_weights(exposures: Sequence[Exposure], arms: Sequence[str], floor: float, seed: int) -> Mapping[str, float]:
    """Return the proposed probability of each arm, by arm: `floor`, plus a share of the rest by Thompson sampling,
    which is the probability that the arm has the lowest mean loss. Rounded to three digits; their sum is 1.

    Outcomes are losses from 0 to 1; missing ones (None) are left out. An arm's mean loss has the distribution Beta(1 +
    s, 1 + n - s), where n is the number of its outcomes and s their sum (Agrawal and Goyal, 2012). Without outcomes all
    arms get about the same.

    `floor`: the least probability of each arm. Equal arguments, with the same `seed`, give the same result. Raises
    ValueError if the floors of all arms exceed 1 together.
    """
    if floor * len(arms) > 1 + 1e-9:
        raise ValueError("the floors of all arms exceed 1 together")
    chance = np.random.default_rng(seed)
    drawn = np.empty((len(arms), DRAWS))
    for place, arm in enumerate(arms):
        known = [each.outcome for each in exposures if each.arm == arm and each.outcome is not None]
        drawn[place] = chance.beta(1 + sum(known), 1 + len(known) - sum(known), DRAWS)
    best = np.bincount(drawn.argmin(axis=0), minlength=len(arms)) / DRAWS
    return _rounded({arm: floor + (1 - floor * len(arms)) * float(best[place]) for place, arm in enumerate(arms)})


def _rounded(weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights rounded; the largest takes up the difference to 1."""
    found = {arm: round(weight, _DIGITS) for arm, weight in weights.items()}
    largest = max(found, key=lambda arm: found[arm])
    found[largest] = round(1 - sum(weight for arm, weight in found.items() if arm != largest), _DIGITS)
    return found

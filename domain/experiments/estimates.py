"""What an experiment's outcomes show: the difference between an arm and the control, with its confidence sequence.

Intention to treat: an outcome counts for the arm that was assigned, whether or not the arm was carried out. Each
outcome is weighed by the probability with which its arm was assigned at that time, so that the estimate stays unbiased
if the probabilities change (doubly robust, augmented inverse-propensity weighting: Robins, Rotnitzky and Zhao, 1994;
with confidence sequences: Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro, 2022, "Anytime-valid off-policy
inference for contextual bandits").
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np

from domain.experiments.sequences import Array, Bounds, daily_bounds, evidence_above

PRIOR_MEAN = 0.5  # what an arm is taken to have before its first outcome; it counts as one outcome


@dataclass(frozen=True, slots=True)
class Exposure:
    """One assignment and its outcome. `unit`: what was randomised; `propensity`: the probability of `arm` when it was
    assigned. `known_at`: when the outcome was complete; `outcome`: from 0 to 1, None if it is missing.
    """

    unit: str
    arm: str
    propensity: float
    assigned_at: datetime
    known_at: datetime
    outcome: float | None


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """An arm's units. `missing`: those without an outcome. `mean`: of the known outcomes, None without any.

    The plain mean is for display; it is biased if the arms' probabilities changed.
    """

    arm: str
    assigned: int
    missing: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """An arm's mean outcome minus the control's, from -1 to 1. Below 0, less counted money left under it.

    `units`: with an outcome; `estimate`: None without any. `bounds`: the confidence sequence's latest. `if_missing`:
    the lowest and the highest estimate that the missing outcomes allow. `harm`: the evidence (an e-value) that the arm
    is worse than the control by more than the plan's margin.
    """

    arm: str
    units: int
    estimate: float | None
    bounds: Bounds
    if_missing: Bounds | None
    harm: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """How a contrast is analysed, as stated in the plan in advance.

    `floor`: the lowest probability that an arm may be assigned with. `margin`, `harm_alpha`: of the harm rule.
    `horizon`: the planned number of units. `wedge`: True for a stepped wedge, in which a station's periods are one
    unit.
    """

    control: str
    floor: float
    alpha: float
    margin: float
    harm_alpha: float
    horizon: int
    wedge: bool = False


def first_exposures(exposures: Iterable[Exposure]) -> list[Exposure]:
    """Return the first exposure of each unit, ordered by when their outcomes were complete.

    Later ones of a unit that was randomised once are not independent of the first, and would count it twice.
    """
    first: dict[str, Exposure] = {}
    for each in sorted(exposures, key=lambda one: (one.assigned_at, one.unit)):
        first.setdefault(each.unit, each)
    return sorted(first.values(), key=lambda one: (one.known_at, one.unit))


def clusters(exposures: Iterable[Exposure]) -> list[Exposure]:
    """Return one exposure for each pair of a unit and an arm, for units that hold several people, ordered by when their
    outcomes were complete. The outcome is the mean of the known ones.

    A unit has several arms if the weights changed during it. A unit's outcome is complete when the last of its outcomes
    is; it is missing (None) if all of them are.
    """
    groups: defaultdict[tuple[str, str], list[Exposure]] = defaultdict(list)
    for each in exposures:
        groups[each.unit, each.arm].append(each)
    return sorted(map(_cluster, groups.values()), key=lambda one: (one.known_at, one.unit))


def households(exposures: Iterable[Exposure], within: timedelta) -> list[Exposure]:
    """Return one exposure for each household, ordered by when their outcomes were complete. Its members are not
    independent of one another, so they count as one, with the mean of their known outcomes.

    Members are those who were assigned less than `within` after the first one and to the same arm; others, who came
    later or after the weights had changed, are left out. `known_at` of an exposure must be when the outcomes of all
    who could be members are complete if its resident is the first.
    """
    groups: defaultdict[str, list[Exposure]] = defaultdict(list)
    for each in sorted(exposures, key=lambda one: (one.assigned_at, one.arm)):
        groups[each.unit].append(each)
    return sorted((_household(group, within) for group in groups.values()), key=lambda one: (one.known_at, one.unit))


def _household(group: Sequence[Exposure], within: timedelta) -> Exposure:
    """Return the exposure of a household. `group`: all its exposures, the first assigned first."""
    first = group[0]
    members = [each for each in group if each.assigned_at < first.assigned_at + within and each.arm == first.arm]
    known = [each.outcome for each in members if each.outcome is not None]
    return replace(first, outcome=fmean(known) if known else None)


def _cluster(group: Sequence[Exposure]) -> Exposure:
    known = [each.outcome for each in group if each.outcome is not None]
    first = min(group, key=lambda one: one.assigned_at)
    return Exposure(
        first.unit,
        first.arm,
        first.propensity,
        first.assigned_at,
        max(each.known_at for each in group),
        fmean(known) if known else None,
    )


def arm_counts(exposures: Sequence[Exposure], arms: Iterable[str]) -> list[ArmCounts]:
    """Return the number of units, the number of missing outcomes and the plain mean of the known outcomes (0 to 1) for
    each arm, in the order of `arms`. Count units, not people: see `first_exposures` and `clusters`.
    """
    found = []
    for arm in arms:
        outcomes = [each.outcome for each in exposures if each.arm == arm]
        known = [outcome for outcome in outcomes if outcome is not None]
        found.append(ArmCounts(arm, len(outcomes), len(outcomes) - len(known), fmean(known) if known else None))
    return found


def contrast(exposures: Sequence[Exposure], arm: str, plan: Analysis) -> Contrast:
    """Return the difference of an arm's mean outcome from the control's, with its bounds and the evidence of harm.
    `exposures`: one for each unit (see `first_exposures`, `clusters`).

    Without known outcomes, the estimate is None and the bounds are as wide as possible, -1 to 1. Raises ValueError if
    an arm was assigned with a probability below the plan's floor.
    """
    known = [each for each in exposures if each.outcome is not None]
    scores = scores_of(exposures, arm, plan)
    return Contrast(
        arm=arm,
        units=sum(each.arm in (arm, plan.control) for each in known),
        estimate=float(scores.mean()) if len(scores) else None,
        bounds=contrast_bounds(scores, [len(scores)], plan)[0],
        if_missing=_if_missing(exposures, arm, plan),
        harm=evidence_above(
            scaled(scores, plan.floor), (plan.margin * plan.floor + 1) / 2, plan.harm_alpha, plan.horizon
        ),
    )


def contrast_bounds(scores: Array, looks: list[int], plan: Analysis) -> list[Bounds]:
    """Return the bounds of the mean of `scores` (see `differences`), within -1 to 1, one for each number in `looks`:
    after so many units. The numbers in `looks` must rise. The bounds never widen.
    """
    found = daily_bounds(scaled(scores, plan.floor), looks, plan.alpha, plan.horizon)
    limit = Bounds(-1.0, 1.0)
    return [each.scaled(-1 / plan.floor, 1 / plan.floor).within(limit) for each in found]


def scaled(scores: Array, floor: float) -> Array:
    """Return scores that lie between -1 / `floor` and 1 / `floor`, converted linearly to the scale from 0 to 1. Scores
    outside these limits become 0 or 1.
    """
    return np.clip((scores * floor + 1) / 2, 0.0, 1.0)


def scores_of(exposures: Sequence[Exposure], arm: str, plan: Analysis) -> Array:
    """Return the scores (see `differences`) of the exposures that have an outcome, in the order of `exposures`.
    Exposures whose arm was certain (propensity 1) compare nothing and are left out.

    In a stepped wedge, return one score for each station: the mean over its complete periods, in the order of each
    station's last period. Raises ValueError if an arm was assigned with a probability below the plan's floor.
    """
    known = [each for each in exposures if each.outcome is not None and each.propensity < 1]
    if any(each.propensity < plan.floor - 1e-9 for each in known):
        raise ValueError("an arm was assigned with a probability below the plan's floor")
    scores = differences(known, arm, plan.control, learn=not plan.wedge)
    return _by_station(known, scores) if plan.wedge else scores


def differences(known: Sequence[Exposure], arm: str, control: str, *, learn: bool = True) -> Array:
    """Return a score for each exposure, in their order, whose expected value is the mean outcome of `arm` minus that of
    `control`. `known`: exposures with an outcome, the earliest known first.

    The score is the predicted difference, corrected by how far the outcome is from its prediction, divided by the
    propensity. Predictions are the arms' means of earlier outcomes, so the expected value is right however good they
    are. An exposure of a third arm gets the predicted difference only. `learn`: False if arms depend on earlier ones,
    as in a stepped wedge: predictions then stay at PRIOR_MEAN (0.5).
    """
    sums = {arm: PRIOR_MEAN, control: PRIOR_MEAN}
    counts = {arm: 1, control: 1}
    scores = np.empty(len(known))
    for place, each in enumerate(known):
        outcome = each.outcome or 0.0
        predicted = {name: sums[name] / counts[name] for name in sums}
        scores[place] = predicted[arm] - predicted[control]
        if each.arm in predicted:
            sign = 1 if each.arm == arm else -1
            scores[place] += sign * (outcome - predicted[each.arm]) / each.propensity
            if learn:
                sums[each.arm] += outcome
                counts[each.arm] += 1
    return scores


def _by_station(known: Sequence[Exposure], scores: Array) -> Array:
    """Return the mean score of each station, in the order of its last period. The unit is STATION/PERIOD."""
    found: dict[str, list[float]] = {}
    for each, score in zip(known, scores, strict=True):
        station = each.unit.partition("/")[0]
        found[station] = [*found.pop(station, []), float(score)]
    return np.array([fmean(group) for group in found.values()])


def _if_missing(exposures: Sequence[Exposure], arm: str, plan: Analysis) -> Bounds | None:
    """Return the lowest and the highest estimate that the missing outcomes allow; None if no outcome is missing."""
    if not any(each.outcome is None for each in exposures):
        return None
    low = scores_of(_filled(exposures, {arm: 0.0, plan.control: 1.0}), arm, plan)
    high = scores_of(_filled(exposures, {arm: 1.0, plan.control: 0.0}), arm, plan)
    return Bounds(float(low.mean()), float(high.mean())) if len(low) else None


def _filled(exposures: Sequence[Exposure], outcomes: Mapping[str, float]) -> list[Exposure]:
    return [replace(each, outcome=outcomes.get(each.arm, 0.0)) if each.outcome is None else each for each in exposures]

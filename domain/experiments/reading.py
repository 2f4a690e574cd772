"""A reading of an experiment on some day: its arms, their differences from the control, and the sequences so far."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.experiments.allocation import learned_weights
from domain.experiments.estimates import Analysis, Exposure, arm_counts, contrast, contrast_bounds, scores_of
from domain.experiments.outcomes import Observed, analysis_of, exposures_of, unstated_sums
from domain.experiments.stopping import finding
from domain.policy.experiments.plan import ExperimentPlan, RandomisedUnit
from schemas.administration.experiments import (
    MOST_POINTS,
    ArmReading,
    ContrastReading,
    ExperimentReading,
    SequencePoint,
)

DAY = timedelta(days=1)


def read_experiment(
    name: str, plan: ExperimentPlan, observed: Iterable[Observed], policy: str, now: datetime
) -> ExperimentReading:
    """Return the reading of an experiment at `now`: counts and mean by arm, contrasts with the control, and the weights
    proposed for the next version of the plan. `observed`: all its assignments with the money that left so far.

    `policy`: the digest of the policy that has the plan. Raises ValueError if an arm was assigned with a probability
    below the plan's floor, or if the floors of all arms exceed 1 together.
    """
    seen = list(observed)
    exposures = exposures_of(plan, seen, now)
    assigned = Counter(each.given.arm for each in seen)
    unstated = unstated_sums(plan, seen, now)
    return ExperimentReading(
        name=name,
        policy=policy,
        at=now,
        arms=[
            ArmReading(
                arm=each.arm,
                assigned=assigned[each.arm],
                complete=each.assigned - each.missing,
                missing=each.missing,
                unstated=unstated.get(each.arm, 0),
                mean=each.mean,
            )
            for each in arm_counts(exposures, plan.arms)
        ],
        contrasts=[_contrast(arm, plan, exposures, now) for arm in plan.tested],
        weights=dict(learned_weights(exposures, tuple(plan.arms), plan.floor, seed=len(exposures))),
    )


def _contrast(arm: str, plan: ExperimentPlan, exposures: Sequence[Exposure], now: datetime) -> ContrastReading:
    analysis = analysis_of(plan)
    found = contrast(exposures, arm, analysis)
    lowest, highest = (found.if_missing.low, found.if_missing.high) if found.if_missing else (None, None)
    return ContrastReading(
        arm=arm,
        finding=finding(found, plan, now),
        units=found.units,
        estimate=found.estimate,
        low=found.bounds.low,
        high=found.bounds.high,
        lowest=lowest,
        highest=highest,
        harm=found.harm,
        points=[] if plan.unit is RandomisedUnit.STATION else _points(arm, plan, analysis, exposures),
    )


def _points(arm: str, plan: ExperimentPlan, analysis: Analysis, exposures: Sequence[Exposure]) -> list[SequencePoint]:
    """Return the bounds at the end of each day with new outcomes; of many days, evenly spread ones and the last.

    A stepped wedge has no daily points: a station's complete periods count together.
    """
    known = [each for each in exposures if each.outcome is not None and each.propensity < 1]
    units_by_day: dict[datetime, int] = {}
    for count, each in enumerate(known, 1):
        days = (each.known_at - plan.starts) // DAY + 1
        units_by_day[plan.starts + days * DAY] = count
    shown = _thinned(list(units_by_day.items()))
    bounds = contrast_bounds(scores_of(exposures, arm, analysis), [count for _, count in shown], analysis)
    return [
        SequencePoint(at=day, units=count, low=each.low, high=each.high)
        for (day, count), each in zip(shown, bounds, strict=True)
    ]


def _thinned(days: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Return at most MOST_POINTS of the days, the last included."""
    every = -(-len(days) // MOST_POINTS)
    return list(days[::-1][::every][::-1]) if every else []

"""What an experiment has found by some day, and whether that ends it at once."""

from collections.abc import Sequence
from datetime import datetime

from domain.experiments.estimates import Contrast
from domain.policy.experiments.plan import ExperimentPlan
from schemas.administration.experiments import Finding


def finding(contrast: Contrast, plan: ExperimentPlan, now: datetime) -> Finding:
    """Return what an arm's outcomes show at `now`: HARM (worse by more than the plan's margin), WORSE (more money
    left), NOT_DECIDABLE (less counted money left), TOO_SMALL (the difference is below the plan's minimal effect), or
    without any of these, OPEN while outcomes still come and UNDECIDED after that.

    Each answer may be read on any day: together they are wrong with the probabilities that the plan states. None of
    them means that an arm is better: the outcome misses payments of cases that did not reach orange (see outcomes).
    """
    bounds, arms = contrast.bounds, len(plan.tested)
    if contrast.harm >= arms / plan.harm.alpha:
        return Finding.HARM
    if bounds.high < 0:
        return Finding.NOT_DECIDABLE
    if bounds.low > 0:
        return Finding.WORSE
    if -plan.minimal_effect < bounds.low and bounds.high < plan.minimal_effect:
        return Finding.TOO_SMALL
    return Finding.OPEN if now < plan.complete_at else Finding.UNDECIDED


def must_stop(findings: Sequence[Finding]) -> bool:
    """Return True if the harm rule stops the experiment: at least one arm's finding is HARM."""
    return Finding.HARM in findings

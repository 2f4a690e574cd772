"""The primary outcome: money that left a resident's accounts within 72 hours of the assignment, as the banks and the
police report it. Of an experiment with reminders, within 72 hours of when the reminder is due, in both arms.

Counted are the payments that a bank's feed reported as settled, and the frauds in the police's records whose last
payment was then: not what a person says, and not an operator's outcome. The same money may be in both, so the larger
sum counts. Money that came back later has left all the same: the outcome is what the resident did.

An outcome is final some time after the 72 hours, by the plan; reports that come later do not change it. Otherwise the
confidence sequence, which has counted it once, would not be valid.

A case learns of payments only once it is orange or red, and of new ones hardly after it was settled. Money that leaves
while the case stays below orange, or after a person has reported the resident as dissuaded, counts only if the victim
tells the police. An arm that changes how many cases reach orange, or are settled early, changes what is counted. A
lower outcome is therefore no evidence that less money left (see stopping).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.experiments.assignment import from_bank
from domain.experiments.estimates import Analysis, Exposure, clusters, first_exposures, households
from domain.policy.experiments.plan import (
    HOUSEHOLD_WITHIN,
    OUTCOME_WITHIN,
    ExperimentPlan,
    PrimaryOutcome,
    RandomisedUnit,
)
from schemas.casework.cases import Case
from schemas.casework.experiments import Assignment
from schemas.risk.signals import TransferState


class Observed(NamedTuple):
    """A case's assignment, and the fen that left within 72 hours of it as far as is known.

    `left_fen`: by the banks; None if no bank reported about the resident, so that the outcome is missing.
    `defrauded_fen`: by the police's records. `unstated`: a record states no sum.
    """

    given: Assignment
    left_fen: int | None
    defrauded_fen: int = 0
    unstated: bool = False


def observed_in(case: Case, name: str) -> Observed | None:
    """Return the case's assignment to the experiment `name`, with the money (fen) that left within 72 hours of it
    (`money_left`, `reported_loss`). None if the case is not in the experiment.
    """
    given = case.experiments.get(name)
    return Observed(given, money_left(case, given), *reported_loss(case, given)) if given else None


def money_left(case: Case, given: Assignment) -> int | None:
    """Return the sum, in fen, of the case's payments in the 72 hours from the assignment that a bank reported as
    settled.

    Return None (missing) if no bank reported about the resident when the case was assigned: what becomes known later
    depends on the outcome, because only residents who pay get a bank's record.
    """
    if not given.observed:
        return None
    return sum(
        payment.amount_fen
        for payment in case.payments
        if from_bank(payment) and payment.state is TransferState.SETTLED and _within(given, payment.at)
    )


def reported_loss(case: Case, given: Assignment) -> tuple[int, bool]:
    """Return the sum, in fen, of the police's records of the case whose last payment was in the 72 hours from the
    assignment, and whether one of them states no sum. A record counts with its whole loss; one that does not state when
    the fraud happened does not count.
    """
    records = [fraud for fraud in case.frauds if fraud.dated and _within(given, fraud.happened_at)]
    return sum(fraud.loss_fen or 0 for fraud in records), any(fraud.loss_fen is None for fraud in records)


def _within(given: Assignment, at: datetime) -> bool:
    return given.outcome_from <= at < given.outcome_from + OUTCOME_WITHIN


def primary_outcome(plan: ExperimentPlan, seen: Observed) -> float | None:
    """Return the plan's primary outcome of an assignment, from 0 to 1. None if it is missing: no bank reported about
    the resident; or a police record states no sum, the plan counts sums, and the known ones do not reach its cap.
    """
    if seen.left_fen is None:
        return None
    left = max(seen.left_fen, seen.defrauded_fen)
    if plan.outcome is PrimaryOutcome.ANY_MONEY or plan.cap_fen is None:
        return float(left > 0 or seen.unstated)
    share = min(left, plan.cap_fen) / plan.cap_fen
    return None if seen.unstated and share < 1 else share


def final(plan: ExperimentPlan, revisions: Sequence[tuple[datetime, Observed]]) -> Observed:
    """Return what was known of an assignment when its outcome became final by the plan. `revisions`: what was known
    from which time on, the earliest first; at least one. If nothing was known by then, the first of them.
    """
    known = [seen for at, seen in revisions if at < seen.given.outcome_from + plan.final_after]
    return known[-1] if known else revisions[0][1]


def unstated_sums(plan: ExperimentPlan, observed: Iterable[Observed], now: datetime) -> dict[str, int]:
    """Return, by arm, how many assignments whose outcome is final by `now` have a missing outcome because a police
    record states no sum. Arms without one are left out.
    """
    found: dict[str, int] = {}
    for each in observed:
        missing = each.left_fen is not None and primary_outcome(plan, each) is None
        if missing and each.given.outcome_from + plan.final_after <= now:
            found[each.given.arm] = found.get(each.given.arm, 0) + 1
    return found


def exposures_of(plan: ExperimentPlan, observed: Iterable[Observed], now: datetime) -> list[Exposure]:
    """Return the exposures of an experiment whose outcomes are complete by `now`, one for each randomised unit, ordered
    by when they were complete, with the plan's primary outcome (`primary_outcome`).

    If the unit is a resident, their first assignment counts. A unit that holds several people counts once for each of
    its arms, with the mean of their outcomes; a household counts once (see `households`).
    """
    found = [
        Exposure(
            each.given.unit,
            each.given.arm,
            each.given.propensity,
            each.given.at,
            _complete_at(plan, each.given),
            primary_outcome(plan, each),
        )
        for each in observed
    ]
    if plan.unit is RandomisedUnit.HOUSEHOLD:
        return [each for each in households(found, HOUSEHOLD_WITHIN) if each.known_at <= now]
    complete = [each for each in found if each.known_at <= now]
    return first_exposures(complete) if plan.unit is RandomisedUnit.RESIDENT else clusters(complete)


def _complete_at(plan: ExperimentPlan, given: Assignment) -> datetime:
    """Return when the outcomes of the assignment's unit are complete: when that of its last assignment is final."""
    if plan.unit is RandomisedUnit.HOUSEHOLD:
        return given.outcome_from + HOUSEHOLD_WITHIN + plan.final_after
    if plan.unit is RandomisedUnit.RESIDENT or plan.block is None:
        return given.outcome_from + plan.final_after
    begun = plan.starts + (given.at - plan.starts) // plan.block * plan.block
    return begun + plan.block + (given.outcome_from - given.at) + plan.final_after


def analysis_of(plan: ExperimentPlan) -> Analysis:
    """Return how the contrasts of a plan are analysed. The error probabilities (`alpha`, `harm_alpha`) are the plan's,
    divided by the number of tested arms. `floor`, the lowest probability with which a unit is assigned to an arm, is
    the plan's; for a stepped wedge (units are stations) it is 1 / (number of periods - 1).
    """
    arms = len(plan.tested)
    return Analysis(
        control=plan.control,
        floor=1 / (plan.waves - 1) if plan.unit is RandomisedUnit.STATION else plan.floor,
        alpha=plan.alpha / arms,
        margin=plan.harm.margin,
        harm_alpha=plan.harm.alpha / arms,
        horizon=plan.planned.units,
        wedge=plan.unit is RandomisedUnit.STATION,
    )

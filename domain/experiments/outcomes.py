"""The primary outcome: money in a case's payments that left within 72 hours of the assignment, from the banks' data.

Only payments that a bank's feed reported as settled count, not what a person says. Money that came back later has left
all the same: the outcome is what the resident did.

A case learns of payments only once it is orange or red, and of new ones hardly after it was settled. So money is not
counted if it leaves while the case stays below orange, or after a person has reported the resident as dissuaded. An arm
that changes how many cases reach orange, or are settled early, changes what is counted. A lower outcome is therefore
no evidence that less money left (see stopping).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from domain.experiments.assignment import from_bank
from domain.experiments.estimates import Analysis, Exposure, clusters, first_exposures
from domain.policy.experiments.plan import OUTCOME_WITHIN, ExperimentPlan, RandomisedUnit
from schemas.casework.cases import Case
from schemas.casework.experiments import Assignment
from schemas.risk.signals import TransferState


class Observed(NamedTuple):
    """A case's assignment, and the fen that left within 72 hours of it as far as is known; None if it is missing."""

    given: Assignment
    left_fen: int | None


def observed_in(case: Case, name: str) -> Observed | None:
    """Return the case's assignment to the experiment `name`, with the money (fen) that left within 72 hours of it
    (`money_left`). None if the case is not in the experiment.
    """
    given = case.experiments.get(name)
    return Observed(given, money_left(case, given)) if given else None


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
        if from_bank(payment)
        and payment.state is TransferState.SETTLED
        and given.at <= payment.at < given.at + OUTCOME_WITHIN
    )


def exposures_of(plan: ExperimentPlan, observed: Iterable[Observed], now: datetime) -> list[Exposure]:
    """Return the exposures of an experiment whose outcomes are complete by `now`, one for each randomised unit, ordered
    by when they were complete. An outcome is the money that left as a share (0 to 1) of the plan's cap; more than the
    cap counts as 1.

    If the unit is a resident, their first assignment counts. A unit that holds several people counts once for each of
    its arms, with the mean of their outcomes.
    """
    found = [
        Exposure(
            each.given.unit,
            each.given.arm,
            each.given.propensity,
            each.given.at,
            _complete_at(plan, each.given),
            None if each.left_fen is None else min(each.left_fen, plan.cap_fen) / plan.cap_fen,
        )
        for each in observed
    ]
    complete = [each for each in found if each.known_at <= now]
    return first_exposures(complete) if plan.unit is RandomisedUnit.RESIDENT else clusters(complete)


def _complete_at(plan: ExperimentPlan, given: Assignment) -> datetime:
    """Return when the outcomes of the assignment's unit are complete: 72 hours after the unit's last assignment."""
    if plan.unit is RandomisedUnit.RESIDENT or plan.block is None:
        return given.at + OUTCOME_WITHIN
    begun = plan.starts + (given.at - plan.starts) // plan.block * plan.block
    return begun + plan.block + OUTCOME_WITHIN


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

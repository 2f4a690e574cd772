"""Which arm a case is assigned to. A hash of the plan's seed and the randomised unit decides, also in a replay.

Eligible is only who may be compared: a yellow or blue case of an adult, without a live scam call, without a sign of
duress, who does not object, and who agrees if the plan requires it. For a reminder, who was just dissuaded.
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.policy.experiments.arms import Arm
from domain.policy.experiments.plan import Consent, ExperimentPlan, RandomisedUnit
from domain.policy.schedule import LATEST, may_remind
from schemas.casework.cases import Case, Payment
from schemas.casework.experiments import Assignment
from schemas.levels import LastResort
from schemas.people.residents import Flag
from schemas.risk.signals import TransferState


class AssignedSubject(NamedTuple):
    """A resident, with what may be randomised instead of them alone. `household`: None if not known."""

    resident: str
    household: str | None
    division: str


class DrawnArm(NamedTuple):
    """A randomised unit with its arm, and the probability that the arm had."""

    unit: str
    arm: str
    propensity: float


def may_join(case: Case, plan: ExperimentPlan, now: datetime) -> bool:
    """Return True if the case may be assigned to an arm of the plan at `now`: the experiment runs then, an arm may
    change the case (`may_vary`), and the case has no outcome yet; or, if the plan is about reminders, the resident may
    be reminded (`may_remind`). Whether the case has an arm already is not checked.
    """
    in_time = case.outcome is None if plan.remind_after is None else may_remind(case)
    return plan.runs_at(now) and may_vary(case, plan) and in_time


def may_vary(case: Case, plan: ExperimentPlan) -> bool:
    """Return True if an arm of the plan may change how the case is handled. That is so if the case's level is one of
    the plan's, the resident is no minor and consents (`consents`), there is no hold for duress, and no scam is live: no
    suspicious call goes on, and every payment of the case is settled.

    Otherwise the plan of the level applies as it is. A resident who objects, or who takes back a consent that the plan
    requires, no longer has the arm.
    """
    under_duress = any(hold.resort is LastResort.DURESS for hold in case.own_holds)
    under_way = any(payment.state is not TransferState.SETTLED for payment in case.payments)
    live = case.danger.call_since is not None or under_way
    willing = consents(case.profile.flags, plan)
    return willing and case.level in plan.levels and not (case.profile.minor or live or under_duress)


def consents(flags: Collection[Flag], plan: ExperimentPlan) -> bool:
    """Return True if a resident with these flags may take part: they do not object to experiments, and agree to them if
    the plan requires consent.
    """
    agrees = plan.consent is Consent.WAIVED or Flag.AGREES_TO_EXPERIMENTS in flags
    return agrees and Flag.OBJECTS_TO_EXPERIMENTS not in flags


def assignment(name: str, plan: ExperimentPlan, case: Case, now: datetime) -> Assignment:
    """Return the assignment of a case to an arm of the plan at `now`. `name`: the experiment's name, which the drawing
    of the arm uses. The caller checks that the case is eligible (`may_join`). The assignment also records whether a
    bank reports about the resident (`bank_reports`), and for a plan about reminders, from when its outcome counts: in
    both arms from when the reminder is due. Nothing is stored.
    """
    drawn = draw_arm(name, plan, AssignedSubject(case.resident, case.household, case.profile.division), now)
    return Assignment(
        arm=drawn.arm,
        unit=drawn.unit,
        propensity=drawn.propensity,
        at=now,
        observed=bank_reports(case),
        counted_from=None if plan.remind_after is None else min(now + plan.remind_after, LATEST),
    )


def bank_reports(case: Case) -> bool:
    """Return True if a bank reports about the resident: the case has an account of the resident, or a payment that a
    bank's feed reported (`from_bank`).
    """
    return bool(case.accounts) or any(map(from_bank, case.payments))


def from_bank(payment: Payment) -> bool:
    """Return True if a bank's feed reported the payment, whether or not a person has reported it too."""
    return payment.reported is None or payment.feed is not None


def draw_arm(name: str, plan: ExperimentPlan, subject: AssignedSubject, now: datetime) -> DrawnArm:
    """Return the randomised unit to which a resident belongs at `now`, with the unit's arm and that arm's probability.
    The unit is, by the plan, the resident, the household (of a resident without one, the resident), a block of time, or
    a division (the station's area) in a block of time.

    The arm follows from a hash of the plan's seed, the experiment's `name` and the unit: the same unit gets the same
    arm as long as the weights are the same. In a stepped wedge (unit STATION), each division begins with the control
    and changes to the tested arm at a random block.
    """
    match plan.unit:
        case RandomisedUnit.RESIDENT:
            return DrawnArm(subject.resident, *_by_weight(plan.arms, _uniform(plan.seed, name, subject.resident)))
        case RandomisedUnit.HOUSEHOLD:
            home = _home(plan.seed, name, subject)
            return DrawnArm(home, *_by_weight(plan.arms, _uniform(plan.seed, name, home)))
        case RandomisedUnit.HOUR:
            block = f"block-{_blocks(plan, now)}"
            return DrawnArm(block, *_by_weight(plan.arms, _uniform(plan.seed, name, block)))
        case RandomisedUnit.STATION:
            period = _blocks(plan, now)
            division = subject.division
            return DrawnArm(f"{division}/{period}", *_stepped(plan, _uniform(plan.seed, name, division), period))


def _home(seed: str, name: str, subject: AssignedSubject) -> str:
    """Return the unit of a resident's household: a hash, so that the token of an address does not stay in the
    assignment after an erasure. For a resident without a household, their id.
    """
    if subject.household is None:
        return subject.resident
    return hashlib.sha256("\x1f".join((seed, name, subject.household)).encode()).hexdigest()[:32]


def _blocks(plan: ExperimentPlan, now: datetime) -> int:
    """Return how many whole blocks have passed since the plan's start."""
    return (now - plan.starts) // plan.block if plan.block else 0


def _by_weight(arms: Mapping[str, Arm], point: float) -> tuple[str, float]:
    """Return the arm in whose part of the interval from 0 to 1 the point lies, with the arm's probability."""
    reached = 0.0
    for arm, found in arms.items():
        reached += found.weight
        if point < reached:
            return arm, found.weight
    last = list(arms)[-1]  # the weights' sum is below 1 by a rounding error
    return last, arms[last].weight


def _stepped(plan: ExperimentPlan, point: float, period: int) -> tuple[str, float]:
    """Return a station's arm in a period of a stepped wedge, with its probability.

    All stations begin with the control. Each changes at the beginning of a random period, from the second to the last,
    each with the same probability.
    """
    steps = plan.waves - 1
    changes = 1 + int(point * steps)
    changed = min(1.0, period / steps)  # the probability of having changed by now
    (arm,) = plan.tested
    return (arm, changed) if period >= changes else (plan.control, 1 - changed)


def _uniform(seed: str, name: str, unit: str) -> float:
    """Return a number from 0 (inclusive) to 1, uniform over the units, from a SHA-256 of the three texts."""
    digest = hashlib.sha256("\x1f".join((seed, name, unit)).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56

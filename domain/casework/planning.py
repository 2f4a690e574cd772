"""Starts a plan: the steps of the case's level, stops of payments, follow-ups, and the timer that closes the case."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.casework import fatigue, payments
from domain.casework.draft import CLOSE, DecisionBuilder
from domain.casework.holds import holding
from domain.casework.ordering.channels import swap_of
from domain.casework.orders import records as orders
from domain.casework.orders.open_orders import traced_before
from domain.casework.steps import end, plan_step, wrong_number
from domain.experiments.in_case import CaseArm, action_of, after_start, arm_of_case, new_assignments
from domain.policy.plan import StepRule
from domain.policy.schedule import conditions, steps_for, weaker
from schemas.casework.cases import LIVE_STEPS, WAITING_STEPS, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode, OvertakenByPlan
from schemas.codes.money import CanStillBeStopped
from schemas.codes.plan import AssignedToArm, ChannelPutFirst, StillSafe
from schemas.levels import Action


def begin(draft: DecisionBuilder, because: AnyCode) -> None:
    """Plan the steps of the case's level, and its stops, from now on. Waiting steps of an earlier plan that they
    replace are skipped, with facts, and the timer that closes the case is removed. The case is assigned to arms of the
    experiments that it joins; in a red case, steps that the contact budget has postponed are due now. Nothing is sent:
    see `run_due`. `because`: the reason in the facts.
    """
    draft.steps.pop(CLOSE, None)
    if draft.case.talk_from:
        draft.set(talk_from=None)
    holding = conditions(draft.case.profile, money_at_risk=payments.money_at_risk(draft))
    planned = list(steps_for(draft.level, holding))
    level = draft.case.level
    arm = assign_arm(draft)
    actions = {name: action_of(arm, name, rule) for name, rule in planned}
    _overtake(draft, actions.values(), OvertakenByPlan(level, because))
    times = {name: after_start(arm, name, rule) for name, rule in planned}
    if arm is None:
        times |= _swapped(draft, planned)
    for name, rule in planned:
        if rule.action is not Action.STOP_PAYMENT:
            plan_step(draft, f"{level.value}.{name}", actions[name], draft.now + times[name])
    if draft.case.claimed_by:  # an operator is talking with the resident
        for step in draft.live(Action.OPERATOR_CALL):
            draft.change(step, due=max(step.due or draft.now, draft.now + draft.plan.talk_within))
    fatigue.let_go(draft)
    plan_stops(draft)


def _swapped(draft: DecisionBuilder, planned: Sequence[tuple[str, StepRule]]) -> dict[str, timedelta]:
    """Return the times after the plan's start of the two steps that change places by past contacts, by name, with a
    fact; empty if the plan's order stands.

    It stands too while a hold keeps one of the two back, or the contact budget would: the other must not wait for it.
    """
    swap = swap_of(draft.case, draft.rules.policy, planned, draft.now)
    if swap is None or any(_kept_back(draft, action) for action in (swap.first_action, swap.other_action)):
        return {}
    first, other = swap.counts.count(swap.first_action), swap.counts.count(swap.other_action)
    why = ChannelPutFirst(swap.first_action, first.tries, first.reached, swap.other_action, other.tries, other.reached)
    draft.note(FactKind.NOTE, why)
    rules = dict(planned)
    return {swap.first: rules[swap.other].after, swap.other: rules[swap.first].after}


def _kept_back(draft: DecisionBuilder, action: Action) -> bool:
    """Return True if a hold or the contact budget would keep back a contact of this action now."""
    step = Step(id=action.value, action=action, state=StepState.PENDING, due=draft.now)
    return holding(draft, step) is not None or not fatigue.allows(draft, step)


def assign_arm(draft: DecisionBuilder) -> CaseArm | None:
    """Assign the case to an arm of each experiment that it joins, with a fact, and return the arm that has its effect.

    The assignment is in the journal before the arm's first step goes out, and before any outcome.
    """
    experiments = draft.rules.policy.experiments
    if made := new_assignments(draft.case, experiments, draft.now):
        draft.set(experiments={**draft.case.experiments, **made})
        for name, given in made.items():
            draft.note(FactKind.NOTE, AssignedToArm(name, given.arm))
    return arm_of_case(draft.case, experiments, draft.now)


def _overtake(draft: DecisionBuilder, actions: Iterable[Action], why: AnyCode) -> None:
    for step in draft.contacts():
        covered = any(step.action is action or weaker(step.action, action) for action in actions)
        if step.state in WAITING_STEPS and covered:
            end(draft, step, StepState.SKIPPED, why)


def plan_stops(draft: DecisionBuilder, *, at_once: bool = False) -> None:
    """Plan a stop-payment for each payment that has no stop yet and whose bank may be asked (`payments.may_not_ask`),
    if the level's plan has such a step, `orders.may_propose` allows it, and no order is open on the payee as a traced
    account.

    `at_once`: True if the resident states that the money is gone: stops are then planned for now, at any level, and
    regardless of earlier decisions.
    """
    rule = next((rule for rule in draft.level.steps.values() if rule.action is Action.STOP_PAYMENT), None)
    if rule is None and not at_once:
        return
    due = draft.now if rule is None or at_once else draft.now + rule.after
    stops: defaultdict[str | None, list[Step]] = defaultdict(list)
    for step in draft.live(Action.STOP_PAYMENT):
        stops[step.transfer].append(step)
    for payment in draft.case.payments:
        proposed = at_once or orders.may_propose(draft.case, payment)
        proposed = proposed and not traced_before(draft, payment)
        if payment.stop is None and proposed and payments.may_not_ask(draft, payment.transfer) is None:
            _plan_stop(draft, payment.transfer, stops[payment.transfer], due)


def _plan_stop(draft: DecisionBuilder, transfer: str, waiting: Sequence[Step], due: datetime) -> None:
    if not waiting:
        stem = payments.stop_id(draft.case, transfer)
        plan_step(draft, stem, Action.STOP_PAYMENT, due, CanStillBeStopped(), transfer=transfer)
    for step in waiting:
        if step.state is StepState.PENDING and step.due and step.due > due:
            draft.change(step, due=due)


def plan_follow_ups(draft: DecisionBuilder) -> None:
    """Plan the follow-up calls of the level's plan, unless some are unfinished or the number turned out to be wrong;
    and set the timer that closes the case after them.
    """
    if not draft.live(Action.FOLLOW_UP) and not wrong_number(draft):
        for number, after in enumerate(draft.level.follow_ups, 1):
            plan_step(draft, f"follow.{number}", Action.FOLLOW_UP, draft.now + after, StillSafe())
    plan_close_after_follow_ups(draft)


def plan_close_after_follow_ups(draft: DecisionBuilder) -> None:
    """Set the timer that closes the case: the policy's `close_after` after the latest unfinished follow-up, or after
    the builder's `now` without one.
    """
    last = max((step.due for step in draft.live(Action.FOLLOW_UP) if step.due), default=draft.now)
    plan_close(draft, last + draft.plan.close_after)


def plan_close(draft: DecisionBuilder, due: datetime) -> None:
    """Set the timer that closes the case at `due`; an earlier one is replaced."""
    draft.timer(CLOSE, Action.FOLLOW_UP, due)


def closing(draft: DecisionBuilder) -> bool:
    """Return True if the timer that closes the case is set."""
    step = draft.steps.get(CLOSE)
    return step is not None and step.state in LIVE_STEPS

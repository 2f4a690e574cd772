"""Protects a resident after a loss: when the shield begins, its support calls, and how they end.

A support call belongs to the case of the loss and outlives its closing. It is not made while the resident is in danger,
because the plan of the case contacts them then
(domain/casework/steps).
"""

from datetime import datetime, timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.shield.losses import new_loss
from domain.casework.steps import end, plan_step, withdraw
from domain.policy.schedule import conditions
from schemas.casework.cases import WAITING_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.plan import LostAgain, NotShielded, ShieldBegun, SupportInstead, SupportOffered
from schemas.levels import Action
from schemas.risk.evidence import PriorLoss

SAME_LOSS = timedelta(days=7)  # assumed: within it, another report is about the same loss, such as further payments
COUNTED = timedelta(days=90)  # as a loss counts against a warning: later ones are no second losses in the figures
SAME_TIME = timedelta(hours=24)  # a support call replaces a follow-up call that is planned so near to it


def shield_after_loss(draft: DecisionBuilder, before: Case | None) -> None:
    """Record a loss that became known by the decision, with facts, and begin the shield: the policy's support calls are
    planned.

    `before`: the case before the decision, or None. No effect without a new loss, or if it happened before the known
    one or within 7 days after it: then it belongs to that one. A second loss is counted by the rules under which the
    first one was met: with a shield or without, whether or not that shield still lasts. Without a shield in the
    policy, only the loss is recorded, so that second losses with and without a shield can be compared.
    """
    known, happened = draft.case.prior_loss, new_loss(before, draft.case, draft.now)
    if happened is None or (known is not None and happened - known.at < SAME_LOSS):
        return
    if known is not None and happened - known.at <= COUNTED:
        kind = FactKind.LOST_AGAIN_SHIELDED if known.shielded_until else FactKind.LOST_AGAIN_UNSHIELDED
        draft.note(kind, LostAgain((happened - known.at).days))
    until = None if (rules := draft.rules.policy.shield) is None else draft.after(rules.lasts)
    draft.set(prior_loss=PriorLoss(at=draft.now, scam_type=draft.case.danger.scam_type, shielded_until=until))
    if until is None:
        draft.note(FactKind.UNSHIELDED, NotShielded())
        return
    draft.note(FactKind.SHIELDED, ShieldBegun(until))
    withdraw(draft, draft.live(Action.SUPPORT_CALL), ShieldBegun(until))
    _plan_calls(draft)


def keep_support(draft: DecisionBuilder, earlier: Case) -> None:
    """Plan the waiting support calls of the resident's earlier case in their new one, for the same times, while the
    shield lasts; no deadline of the earlier case fires any more.
    """
    loss = earlier.prior_loss
    if loss is None or loss.shielded_until is None or loss.shielded_until <= draft.now:
        return
    for step in earlier.steps:
        if step.action is Action.SUPPORT_CALL and step.state in WAITING_STEPS and step.due is not None:
            plan_step(draft, _stem(step), Action.SUPPORT_CALL, step.due, SupportOffered())


def _stem(step: Step) -> str:
    return ".".join(step.id.split(".")[:2])


def _plan_calls(draft: DecisionBuilder) -> None:
    rules, asked = draft.rules.policy.shield, draft.plan.asked.get("support")
    true = conditions(draft.case.profile, money_at_risk=False)
    if rules is None or asked is None or not true.issuperset(asked.when):
        return
    for number, after in enumerate(rules.support_calls, 1):
        step = plan_step(draft, f"support.{number}", Action.SUPPORT_CALL, draft.after(after), SupportOffered())
        _instead_of_follow_ups(draft, step.due or draft.now)


def _instead_of_follow_ups(draft: DecisionBuilder, due: datetime) -> None:
    for step in draft.live(Action.FOLLOW_UP):
        if step.state is StepState.PENDING and step.due is not None and abs(step.due - due) < SAME_TIME:
            end(draft, step, StepState.SKIPPED, SupportInstead())

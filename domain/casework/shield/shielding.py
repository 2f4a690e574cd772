"""Protects a resident after a loss: when the shield begins, its support calls, and how they end.

A support call belongs to the case of the loss and outlives its closing. It is not made while the resident is in danger,
because the plan of the case contacts them then
(domain/casework/steps).
"""

from datetime import datetime, timedelta

from domain.casework.draft import DecisionBuilder
from domain.casework.shield.losses import new_loss
from domain.casework.steps import end, plan_step, withdraw
from domain.casework.week.question import withdraw_question
from domain.policy.schedule import conditions
from schemas.casework.cases import WAITING_STEPS, Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.danger import LostBefore
from schemas.codes.plan import LostAgain, NotShielded, ShieldBegun, SupportInstead, SupportOffered
from schemas.levels import Action
from schemas.risk.evidence import PriorLoss

SAME_LOSS = timedelta(days=7)  # assumed: within it, another report is about the same loss, such as further payments
COUNTED = timedelta(days=90)  # as a loss counts against a warning: later ones are no second losses in the figures
SAME_TIME = timedelta(hours=24)  # a support call replaces a follow-up call that is planned so near to it


def shield_after_loss(draft: DecisionBuilder, before: Case | None) -> None:
    """Record in `draft` a loss that the decision made known, and begin the shield (the protection after a loss).

    `before`: the case before the decision, or None. No effect without a new loss, or if it happened earlier than 7 days
    after the known one was recorded: then it belongs to that one. Otherwise it becomes the case's `prior_loss`, with a
    fact: UNSHIELDED if the policy has no shield, else SHIELDED. With a shield, waiting support calls are withdrawn, and
    new ones are planned if the plan has them; a follow-up call within 24 h of one is skipped.

    A loss up to 90 days after the known one also gives the fact LOST_AGAIN_SHIELDED if the known loss got a shield,
    even one that is over by now, else LOST_AGAIN_UNSHIELDED: so losses with and without a shield can be compared.
    """
    known, happened = draft.case.prior_loss, new_loss(before, draft.case, draft.now)
    if happened is None or (known is not None and happened - known.at < SAME_LOSS):
        return
    if known is not None and happened - known.at <= COUNTED:
        kind = FactKind.LOST_AGAIN_SHIELDED if known.shielded_until else FactKind.LOST_AGAIN_UNSHIELDED
        draft.note(kind, LostAgain((happened - known.at).days))
    withdraw_question(draft)
    until = None if (rules := draft.rules.policy.shield) is None else draft.after(rules.lasts)
    draft.set(prior_loss=PriorLoss(at=draft.now, scam_type=draft.case.danger.scam_type, shielded_until=until))
    if until is None:
        draft.note(FactKind.UNSHIELDED, NotShielded())
        return
    draft.note(FactKind.SHIELDED, ShieldBegun(until))
    withdraw(draft, draft.live(Action.SUPPORT_CALL), ShieldBegun(until))
    _plan_calls(draft)


def know_loss(draft: DecisionBuilder, told: PriorLoss | None) -> None:
    """Record in `draft` a loss that another province knows, so that its shield lasts here too, with a note of it. No
    effect if it has no shield, or unless it is later than the known one and its shield lasts longer: what is told from
    outside shortens no protection.

    The loss is counted, and its support calls are made, by the province that recorded it.
    """
    known, until = draft.case.prior_loss, told.shielded_until if told else None
    if told is None or until is None:
        return
    if known is not None and (known.at >= told.at or (known.shielded_until or until) > until):
        return
    at = min(told.at, draft.now)
    draft.set(prior_loss=told.model_copy(update={"at": at}))
    draft.note(FactKind.NOTE, LostBefore(at, until))


def keep_support(draft: DecisionBuilder, earlier: Case) -> None:
    """Plan the waiting support calls of the resident's earlier case in their new one (`draft`), for the same times,
    because no deadline of the earlier case is processed any more. No effect unless the earlier case's shield still
    lasts.
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

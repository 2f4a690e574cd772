"""The contact budget: limits how often a resident is contacted, except in a red case.

A contact is anything that reaches the resident: a message, a call (even if unanswered: it rang), an operator's call, a
visit, a follow-up. A stop-payment or a call to a trusted contact is none, nor is anything that did not happen: a
provider's failure, an obsolete step, a call that no operator took, a visit that nobody began.

A step that exceeds the budget is put off until the budget allows it. It is not held (holds are set and lifted by
people): it stays pending with a later time, like a step during quiet hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.casework.draft import DecisionBuilder
from domain.policy.schedule import STOPS
from schemas.casework.cases import Case, CaseState, Contacted, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.plan import BudgetSpent, RedPassesBudget
from schemas.levels import Action, Channel, Level

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)  # the longest span of a limit: older contacts are dropped


@dataclass(frozen=True, slots=True)
class Spent:
    """A limit that allows no contact before `until`. `limit`: its name; `most`: contacts allowed within `hours`.

    `channel`: None if contacts by all channels count.
    """

    limit: str
    most: int
    hours: int
    until: datetime
    channel: Channel | None


def put_off(draft: DecisionBuilder, step: Step) -> bool:
    """Put off a step that the budget does not allow now, until it does. Returns whether it was put off."""
    spent = _spent(draft, step)
    if spent is None:
        return False
    draft.change(step, due=spent.until, wanted=step.wanted or step.due)
    why = BudgetSpent(spent.hours, spent.most, spent.channel)
    if step.wanted is None:
        draft.note(FactKind.PUT_OFF, why, step, limit=spent.limit)
    else:  # it was put off before: counted once
        draft.note(FactKind.NOTE, why, step)
    return True


def spend(draft: DecisionBuilder, step: Step) -> None:
    """Record a contact that goes out now. No effect for an action that is no contact with the resident."""
    if counts(step.action):
        contact = Contacted(at=draft.now, channel=step.action.channel, step=step.id, attempt=step.attempt)
        draft.set(contacted=[*recent(draft.case, draft.now), contact])


def give_back(draft: DecisionBuilder, step: Step, attempt: int) -> None:
    """Remove the contact of a step's `attempt` from the case's contacts, because it did not happen after all; no effect
    if there is none.
    """
    kept = [each for each in draft.case.contacted if (each.step, each.attempt) != (step.id, attempt)]
    if len(kept) < len(draft.case.contacted):
        draft.set(contacted=kept)


def overdue(draft: DecisionBuilder, step: Step) -> None:
    """Remove the contact of an overdue step from the budget if nobody began it: no operator took the call, or no
    officer accepted the visit.
    """
    call = step.action is Action.OPERATOR_CALL and draft.case.claimed_by is None
    visit = step.action is Action.VISIT and draft.case.state is not CaseState.VISIT_UNDER_WAY
    if call or visit:
        give_back(draft, step, step.attempt)


def let_go(draft: DecisionBuilder) -> None:
    """Make all steps that the budget put off due now, if the case is red; else no effect."""
    if draft.case.level is not Level.RED:
        return
    for step in draft.contacts():
        if step.state is StepState.PENDING and step.wanted is not None:
            draft.change(step, due=draft.now, wanted=None)
            draft.note(FactKind.RELEASED, RedPassesBudget(), step)


def counts(action: Action) -> bool:
    """Return whether an action counts as a contact with the resident: not if it is to a trusted contact or a bank."""
    return not action.to_contact and action not in STOPS


def recent(case: Case, now: datetime) -> list[Contacted]:
    """Return the case's contacts of the last 24 hours before `now`, in the case's order; one exactly 24 hours ago is
    left out.
    """
    return [each for each in case.contacted if each.at > now - DAY]


def _spent(draft: DecisionBuilder, step: Step) -> Spent | None:
    """Return the exceeded limit with the latest end, or None."""
    fatigue, spared = draft.rules.policy.fatigue, draft.case.level is Level.RED and not draft.plan_over
    if fatigue is None or spared or not counts(step.action):
        return None
    channel = step.action.channel
    found = [
        Spent(limit, most, span // HOUR, until, counted)
        for limit, whose, span, most in fatigue.limits(channel)
        for counted in (None if whose == "all" else channel,)
        if (until := _free_at(_times(draft.case, counted), span, most)) > draft.now
    ]
    return max(found, key=lambda spent: spent.until, default=None)


def _times(case: Case, channel: Channel | None) -> list[datetime]:
    return sorted(each.at for each in case.contacted if channel in (None, each.channel))


def _free_at(times: Sequence[datetime], span: timedelta, most: int) -> datetime:
    """Return when one more contact is allowed: a whole span after the earliest of the last `most` contacts."""
    return times[-most] + span if len(times) >= most else datetime.min.replace(tzinfo=UTC)

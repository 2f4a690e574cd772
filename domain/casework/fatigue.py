"""The contact budget: no resident is contacted more often than the policy allows, but for one in the gravest danger.

What reaches for the resident is a contact: messages, calls (also one that nobody answers: it rang), an operator's call,
a visit, a follow-up. A stop-payment is between banks, and a trusted contact is somebody else. What did not go out is
none: a provider that failed, a step that no longer stood, a call that no operator took, a visit that nobody began.

A step that finds the budget used up is put off to the moment at which it allows one more. It is not held (a hold is a
person's, and is lifted by one): like a step that waits for the morning it stays pending, with a later time.
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
DAY = timedelta(days=1)  # the longest span of the budget: nothing older is kept


@dataclass(frozen=True, slots=True)
class Spent:
    """A limit that allows no further contact before `until`. `channel`: None when contacts by all channels count."""

    limit: str
    most: int
    hours: int
    until: datetime
    channel: Channel | None


def put_off(draft: DecisionBuilder, step: Step) -> bool:
    """Put a step off that the budget does not allow now. Says whether it did."""
    spent = _spent(draft, step)
    if spent is None:
        return False
    draft.change(step, due=spent.until, wanted=step.wanted or step.due)
    why = BudgetSpent(spent.hours, spent.most, spent.channel)
    if step.wanted is None:
        draft.say(FactKind.PUT_OFF, why, step, limit=spent.limit)
    else:  # brought forward meanwhile: it is counted once
        draft.say(FactKind.NOTE, why, step)
    return True


def spend(draft: DecisionBuilder, step: Step) -> None:
    """Note a contact that goes out now."""
    if counts(step.action):
        contact = Contacted(at=draft.now, channel=step.action.channel, step=step.id, attempt=step.attempt)
        draft.set(contacted=[*recent(draft.case, draft.now), contact])


def give_back(draft: DecisionBuilder, step: Step, attempt: int) -> None:
    """Forget a contact that did not go out after all."""
    kept = [each for each in draft.case.contacted if (each.step, each.attempt) != (step.id, attempt)]
    if len(kept) < len(draft.case.contacted):
        draft.set(contacted=kept)


def overdue(draft: DecisionBuilder, step: Step) -> None:
    """Forget a contact that nobody began: no operator took the call, no officer accepted the visit."""
    call = step.action is Action.OPERATOR_CALL and draft.case.claimed_by is None
    visit = step.action is Action.VISIT and draft.case.state is not CaseState.VISIT_UNDER_WAY
    if call or visit:
        give_back(draft, step, step.attempt)


def let_go(draft: DecisionBuilder) -> None:
    """The danger is the gravest now: what the budget has put off goes out at once."""
    if draft.case.level is not Level.RED:
        return
    for step in draft.contacts():
        if step.state is StepState.PENDING and step.wanted is not None:
            draft.change(step, due=draft.now, wanted=None)
            draft.say(FactKind.RELEASED, RedPassesBudget(), step)


def counts(action: Action) -> bool:
    """Whether an action is a contact with the resident."""
    return not action.to_contact and action not in STOPS


def recent(case: Case, now: datetime) -> list[Contacted]:
    """The contacts that may still count."""
    return [each for each in case.contacted if each.at > now - DAY]


def _spent(draft: DecisionBuilder, step: Step) -> Spent | None:
    """The limit that keeps a step back longest, if any does."""
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
    """When one more contact fits: the earliest of the last `most` must be a whole span ago."""
    return times[-most] + span if len(times) >= most else datetime.min.replace(tzinfo=UTC)

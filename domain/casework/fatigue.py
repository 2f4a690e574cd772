"""The contact budget: limits how often a resident is contacted, except in a red case whose plan still runs.

A contact is anything that reaches the resident: a message, a call (even unanswered: the telephone rang), an operator's
call, a visit, a follow-up. Orders to banks, hand-overs to other provinces, and calls and messages to trusted contacts
do not count, nor does a contact that did not happen: a provider's failure, an obsolete step, a call that no operator
made, a visit that nobody began.

A step that exceeds the budget is postponed until the budget allows it. It is not held (only people set and lift holds):
it stays pending with a later time, like a step during quiet hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.casework.draft import DecisionBuilder
from domain.policy.schedule import CONTACTS_NOBODY
from schemas.casework.cases import Case, Contacted, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.plan import BudgetSpent, RedPassesBudget
from schemas.levels import Action, Channel, Level

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)  # the longest span of a limit: older contacts are dropped


@dataclass(frozen=True, slots=True)
class Spent:
    """An exceeded limit: it allows no contact before `until`. `limit`: its name. `most`: contacts allowed within
    `hours` hours.

    `channel`: the channel whose contacts count; None: contacts of all channels count.
    """

    limit: str
    most: int
    hours: int
    until: datetime
    channel: Channel | None


def put_off(draft: DecisionBuilder, step: Step) -> bool:
    """Postpone a step until the budget allows it, with a fact. Return True if it was postponed, False if it may go out
    now.

    The budget never postpones a step of a red case whose plan still runs, nor one that does not count as a contact. The
    fact is PUT_OFF the first time, NOTE if the step was postponed before.
    """
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


def allows(draft: DecisionBuilder, step: Step) -> bool:
    """Return True if the budget lets the step go out now."""
    return _spent(draft, step) is None


def count_contact(draft: DecisionBuilder, step: Step) -> None:
    """Record in the case, for the contact budget, that a step contacts the resident now; no effect if its action does
    not count as a contact. No fact is recorded.
    """
    if counts(step.action):
        contact = Contacted(at=draft.now, channel=step.action.channel, step=step.id, attempt=step.attempt)
        draft.set(contacted=[*recent(draft.case, draft.now), contact])


def uncount_contact(draft: DecisionBuilder, step: Step, attempt: int) -> None:
    """Remove a step's attempt from the contacts that count towards the contact budget, because it did not happen; no
    effect if it is not among them. No fact is recorded.
    """
    kept = [each for each in draft.case.contacted if (each.step, each.attempt) != (step.id, attempt)]
    if len(kept) < len(draft.case.contacted):
        draft.set(contacted=kept)


def overdue(draft: DecisionBuilder, step: Step) -> None:
    """Remove an overdue step from the contacts that count towards the contact budget, if nobody began it: a call in a
    case that no operator has claimed, or a visit that no officer has accepted.
    """
    call = step.action is Action.OPERATOR_CALL and draft.case.claimed_by is None
    visit = step.action is Action.VISIT and step.accepted != step.attempt
    if call or visit:
        uncount_contact(draft, step, step.attempt)


def let_go(draft: DecisionBuilder) -> None:
    """In a red case, make all pending steps that the budget has postponed due now, each with a fact RELEASED; no effect
    at other levels. Nothing is sent: see `run_due`.
    """
    if draft.case.level is not Level.RED:
        return
    for step in draft.contacts():
        if step.state is StepState.PENDING and step.wanted is not None:
            draft.change(step, due=draft.now, wanted=None)
            draft.note(FactKind.RELEASED, RedPassesBudget(), step)


def counts(action: Action) -> bool:
    """Return True if an action counts as a contact with the resident; False for actions towards a trusted contact, a
    bank or another province.
    """
    return not action.to_contact and action not in CONTACTS_NOBODY


def recent(case: Case, now: datetime) -> list[Contacted]:
    """Return the case's contacts of less than 24 hours before `now`, in the case's order."""
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

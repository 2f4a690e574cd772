"""Applies the outcome of a conversation, by telephone or at the door."""

from datetime import datetime

from domain.casework import money
from domain.casework.draft import DecisionBuilder
from domain.casework.endings import defrauded, recall, reopen, settle
from domain.casework.follow import again, follow
from domain.casework.steps import end, ensure_action, leave_conversation
from domain.policy.plan import Word
from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import LIVE_STEPS, CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.codes.any_code import AnyCode
from schemas.codes.people import OutcomeTold, TalkedBefore, TalkEnded
from schemas.codes.plan import NotReached
from schemas.levels import Action, EvidenceClass, Outcome, OutcomeGround, Result


def apply(
    draft: DecisionBuilder,
    act: OutcomeAct,
    by: str,
    step: Step | None,
    other: Action,
    ground: OutcomeGround | None,
) -> None:
    """Apply the outcome of a conversation to the case, in `draft`, with facts: its state, its steps and its money. The
    operator's claim ends.

    `by`: the login of the person who reports it. `step`: the call or visit in which it was reached, or None. `other`:
    the action to take now if the resident is not persuaded. `ground`: the ground of the outcome DISSUADED, else None.
    """
    told = OutcomeTold(act.outcome, by)
    draft.note(FactKind.NOTE, OutcomeTold(act.outcome, by, act.note, act.complaint, ground), by=by)
    # The conversation is over, also where the case is what it was before. The next outcome needs a talk of its own.
    draft.set(claimed_by=None, desk_call=None, met_at=None)
    if act.outcome is Outcome.UNREACHABLE:
        leave_conversation(draft, TalkEnded())
        _not_reached(draft, step)
        return
    draft.reached(Action.OPERATOR_CALL if other is Action.VISIT else Action.VISIT)
    if act.lost_fen:
        money.book_loss(draft, None, act.lost_fen, by)
    heard = ground is None or ground.evidenced
    money.claim(draft, act.kept, by, EvidenceClass.C if heard else EvidenceClass.D)
    if act.outcome is Outcome.NOT_PERSUADED:
        _not_persuaded(draft, step, told, other)
        return
    if step is not None and step.state in LIVE_STEPS:
        end(draft, step, StepState.DONE, told)
    if act.outcome is Outcome.ALREADY_DEFRAUDED:
        defrauded(draft, told)
    else:
        settle(draft, act.outcome, told, ground)
    if act.recall:
        recall(draft, told)


def before_danger(draft: DecisionBuilder, act: OutcomeAct | None, at: datetime) -> bool:
    """Return True if an officer's outcome is too old to settle the case: it is DISSUADED or FALSE_ALARM, and the talk,
    at `at`, was before the present danger began. False without an outcome (`act` None).
    """
    settles = act is not None and act.outcome in (Outcome.DISSUADED, Outcome.FALSE_ALARM)
    return settles and draft.case.danger_at is not None and at < draft.case.danger_at


def warned_before(draft: DecisionBuilder, act: OutcomeAct | None, by: str) -> None:
    """Record an officer's outcome from before the present danger: a warning that reached the resident, the loss avoided
    as claimed, and a note. It settles nothing. `act`: the outcome, None without one.
    """
    draft.reached(Action.VISIT)
    if act is not None:
        money.claim(draft, act.kept, by)
    draft.note(FactKind.NOTE, TalkedBefore(), by=by)


def _not_reached(draft: DecisionBuilder, step: Step | None) -> None:
    if step is not None and step.state in LIVE_STEPS:
        follow(draft, step, "not_at_home" if step.action is Action.VISIT else Result.NO_ANSWER, NotReached())


def _not_persuaded(draft: DecisionBuilder, step: Step | None, told: AnyCode, other: Action) -> None:
    """Continue the plan: repeat the same action later, and take the other one (operator's call or visit) now."""
    if draft.case.settled or draft.case.state is CaseState.ALREADY_DEFRAUDED:
        reopen(draft, told, draft.case.level)
        step = None
    draft.set(officer=None, outcome=Outcome.NOT_PERSUADED)
    draft.enter(CaseState.NOT_PERSUADED, told)
    if step is not None and step.state in LIVE_STEPS:
        again(draft, step, Word.AGAIN, told)
    ensure_action(draft, "visit" if other is Action.VISIT else "operator", other, told)

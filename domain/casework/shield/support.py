"""What came of the offer of support after a loss."""

from domain.casework.draft import DecisionBuilder
from domain.casework.endings import end_talk, reopen
from domain.casework.steps import end, withdraw
from schemas.casework.acts import SupportAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.codes.people import SupportTold
from schemas.codes.plan import NoFurtherSupport
from schemas.codes.refusals import NoKnownLoss
from schemas.levels import Action, Level, SupportOutcome


def support_told(draft: DecisionBuilder, act: SupportAct, by: str) -> None:
    """Record what came of the offer of support after a loss, with a fact; if the case knows no loss, only a fact
    REFUSED.

    A talk for support ends: a case that was reopened for it is closed again, another one gets its former state back. If
    scammers have contacted the resident again, a case whose plan has ended, or that was reopened for the talk, goes on
    at yellow with a new plan. If the resident declines support, support calls that are not sent yet are withdrawn.
    """
    if draft.case.prior_loss is None:
        draft.note(FactKind.REFUSED, NoKnownLoss(), by=by)
        return
    told = SupportTold(act.outcome, by, act.note)
    contacted, talk = act.outcome is SupportOutcome.CONTACTED, only_talks(draft)
    draft.note(FactKind.EVIDENCE if contacted else FactKind.NOTE, told, by=by)
    if act.outcome is SupportOutcome.DECLINED:
        withdraw(draft, draft.live(Action.SUPPORT_CALL), NoFurtherSupport())
    if talk:
        draft.reached(Action.OPERATOR_CALL)
        for step in draft.live(Action.OPERATOR_CALL):
            end(draft, step, StepState.DONE, told)
    if contacted and (talk or draft.plan_over):
        reopen(draft, told, Level.YELLOW)
        draft.set(danger_at=draft.now)
    elif talk:
        end_talk(draft, told, by)


def only_talks(draft: DecisionBuilder) -> bool:
    """Return True if the case's only plan is a talk that a call or message after its plan led to."""
    return draft.case.talk_from is not None and draft.case.state in (CaseState.CONTACTING, CaseState.IN_CONVERSATION)

"""Answers to the question: by a reply to its text message, and as a person reports them."""

import unicodedata

from domain.casework.draft import DecisionBuilder
from domain.casework.endings import end_talk, reopen, reopen_for_talk
from domain.casework.follow import follow
from domain.casework.shield.support import only_talks
from domain.casework.steps import end
from domain.casework.week.records import note_answer
from domain.dispatches.ids import parts_of
from domain.policy.messages import WEEK_REPLIES
from schemas.casework.acts import WeekAnswerAct
from schemas.casework.cases import Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import ResidentReply
from schemas.codes.replies import ReplySender
from schemas.codes.week import NotAskedAfterWeek, WeekAnswerTold, WeekReplied
from schemas.levels import Action, Level, Result, WeekAnswer


def week_answer_of(text: str) -> Result | None:
    """Return the answer in a reply to the question's text message: its figure alone, such as "1", "１" or "2。"; None
    if it says anything else, because words are easily misread.
    """
    plain = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum())
    return WEEK_REPLIES.get(plain)


def take_reply(draft: DecisionBuilder, given: ResidentReply) -> None:
    """Apply a reply to the question's text message, with a fact, as the policy says for its answer. No effect for any
    other reply, and for one to another message or from another telephone.

    It never lowers an open case: while the resident is in danger, only the answer is recorded.
    """
    answer, step = week_answer_of(given.text), _asked_by(draft, given)
    if answer is None or step is None or given.sender is not ReplySender.RESIDENT:
        return
    why = WeekReplied(WeekAnswer(answer.value))
    step = draft.change(step, results=[*step.results, answer])
    note_answer(draft, step, answer)
    draft.note(FactKind.RESULT, why, step, result=answer)
    follow(draft, step, answer, why, late=step.due is None)


def _asked_by(draft: DecisionBuilder, given: ResidentReply) -> Step | None:
    """Return the step whose text message was answered, if it is this case's question."""
    dispatch = parts_of(given.dispatch)
    step = draft.steps.get(dispatch.step) if dispatch is not None and dispatch.case == draft.case.id else None
    return step if step is not None and step.action is Action.WEEK_SMS else None


def week_answer_told(draft: DecisionBuilder, act: WeekAnswerAct, by: str) -> None:
    """Record what the resident told a person about the time since they were dissuaded, with a fact; only a fact REFUSED
    if they were not asked. The person's word replaces an earlier answer.

    An unfinished question is done. NOTHING_PAID and NO_ANSWER end a talk that an answer led to. PAID_SINCE has an
    operator talk to them, who records the loss as the outcome; CONTACTED_AGAIN reopens a case whose plan has ended, a
    closed one at yellow, with a new plan.
    """
    question = draft.case.week
    if question is None:
        draft.note(FactKind.REFUSED, NotAskedAfterWeek(), by=by)
        return
    answered_at = None if act.answer is WeekAnswer.NO_ANSWER else draft.now
    draft.set(week=question.model_copy(update={"answer": act.answer, "answered_at": answered_at}))
    told = WeekAnswerTold(act.answer, by, act.note)
    bad = act.answer in (WeekAnswer.PAID_SINCE, WeekAnswer.CONTACTED_AGAIN)
    draft.note(FactKind.EVIDENCE if bad else FactKind.NOTE, told, by=by)
    for step in draft.live(Action.WEEK_CALL, Action.WEEK_SMS):
        end(draft, step, StepState.DONE, told)
    talk = only_talks(draft)
    if act.answer is WeekAnswer.CONTACTED_AGAIN and (talk or draft.plan_over):
        reopen(draft, told, draft.case.level if draft.case.open else Level.YELLOW)
        draft.set(danger_at=draft.now)
    elif act.answer is WeekAnswer.PAID_SINCE and draft.case.settled:
        reopen_for_talk(draft, told)
    elif talk and not bad:
        for step in draft.live(Action.OPERATOR_CALL):
            end(draft, step, StepState.DONE, told)
        end_talk(draft, told, by)

"""The record of the question in its case: when it was put, and what the answer is.

Below the steps of domain/casework, which call it when they send a step or end one.
"""

from domain.casework.draft import DecisionBuilder
from domain.policy.schedule import WEEK_QUESTIONS
from schemas.casework.cases import Step, StepState, WeekQuestion
from schemas.levels import NEVER_SENT, WEEK_ANSWERS, Result, WeekAnswer

_WORST_LAST = (WeekAnswer.NO_ANSWER, WeekAnswer.NOTHING_PAID, WeekAnswer.CONTACTED_AGAIN, WeekAnswer.PAID_SINCE)


def note_question(draft: DecisionBuilder, step: Step) -> None:
    """Record in the case (`week`) that the resident is asked now whether they have paid since, if `step` asks this (its
    action is one of WEEK_QUESTIONS) and the case has no such question yet. Else nothing is changed. No fact is
    recorded.
    """
    if step.action in WEEK_QUESTIONS and draft.case.week is None:
        draft.set(week=WeekQuestion(asked_at=draft.now, action=step.action))


def note_end(draft: DecisionBuilder, step: Step, state: StepState) -> None:
    """Record that the question got no answer, if `step` is one and ends (as `state`) without any; or, if no provider
    ever had it or it is withdrawn, that it was not put. No fact is recorded.
    """
    question = draft.case.week
    if step.action not in WEEK_QUESTIONS or question is None or question.answer is not None:
        return
    never = bool(step.results) and NEVER_SENT.issuperset(step.results)
    if never or state is StepState.WITHDRAWN:
        draft.set(week=None)
    else:
        draft.set(week=question.model_copy(update={"answer": WeekAnswer.NO_ANSWER}))


def note_answer(draft: DecisionBuilder, step: Step, result: Result) -> None:
    """Record the resident's answer, if `step` is the question and `result` an answer. An answer only gets worse: a key
    or a reply never takes back that they have paid. No fact is recorded.
    """
    question = draft.case.week
    if step.action not in WEEK_QUESTIONS or result not in WEEK_ANSWERS or question is None:
        return
    answer = WeekAnswer(result.value)
    if question.answer is None or _WORST_LAST.index(answer) > _WORST_LAST.index(question.answer):
        draft.set(week=question.model_copy(update={"answer": answer, "answered_at": draft.now}))

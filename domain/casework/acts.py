"""What an operator or a supervisor does to a case, by name."""

from collections.abc import Callable
from typing import Any

from domain.casework import outcomes, payments
from domain.casework.draft import WAITING, DecisionBuilder
from domain.casework.endings import close
from domain.casework.holds import holding, release
from domain.casework.steps import ask, end, plan_step, withdraw
from domain.policy.schedule import conditions, rule_of, steps_for
from schemas.casework.cases import CaseState, Step, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import (
    MOST_ANSWERS,
    AnswersAct,
    AskStopAct,
    CallAgainAct,
    ClaimAct,
    CloseAct,
    ConfirmAct,
    LowerAct,
    NoteAct,
    OperatorReport,
    OutcomeAct,
    ReleaseStopAct,
    SendOfficerAct,
    TellContactAct,
)
from schemas.levels import Action


def operator_report(draft: DecisionBuilder, given: OperatorReport) -> None:
    """Apply an operator's act to the case.

    When the case does not allow the act (it changed since it was seen, is closed or settled, or another operator has
    it), only a fact REFUSED is written. Nothing is raised.
    """
    act, by = given.act, given.by
    if why := _refusal(draft, given):
        refuse(draft, why, by)
        return
    handle, _ = _ACTS[type(act)]
    handle(draft, act, by)


def refuse(draft: DecisionBuilder, why: str, by: str | None) -> None:
    """Note an input that the case does not allow."""
    draft.say(FactKind.REFUSED, why, by=by)


def _refusal(draft: DecisionBuilder, given: OperatorReport) -> str | None:
    case, (_, needs) = draft.case, _ACTS[type(given.act)]
    if given.seen < case.version and not isinstance(given.act, NoteAct | AnswersAct | ClaimAct):
        return f"the case has changed since: version {case.version}, seen was {given.seen}; look again"
    if needs == "open" and not case.open:
        return "the case is closed"
    if needs in ("danger", "plan") and case.settled:
        return f"the case is settled: {case.state.value.replace('_', ' ')}"
    if needs == "plan" and draft.plan_over:
        return "the resident is defrauded already"  # no channel would carry it out (domain/dispatches/validity)
    return None


def _outcome(draft: DecisionBuilder, act: OutcomeAct, by: str) -> None:
    calls = draft.live(Action.OPERATOR_CALL)
    step = next((step for step in calls if step.state is StepState.SENT), calls[0] if calls else None)
    outcomes.apply(draft, act, by, step, Action.VISIT)


def _lower(draft: DecisionBuilder, act: LowerAct, by: str) -> None:
    if act.level.rank >= draft.case.level.rank:
        return refuse(draft, f"the level is {draft.case.level.value}: {act.level.value} is not lower", by)
    was = draft.case.level
    draft.set(level=act.level)
    draft.say(FactKind.LEVEL_LOWERED, f"{was.value} to {act.level.value}: {act.reason}", by=by)
    true = conditions(draft.case.profile, money_at_risk=payments.money_at_risk(draft))
    asked_for = {rule.action for _, rule in steps_for(draft.level, true)}
    extra = [
        step
        for step in draft.live()
        if not step.id.startswith(("asked.", "follow.")) and step.action not in asked_for | {Action.STOP_RELEASE}
    ]
    return withdraw(draft, extra, f"not asked for at {act.level.value}")


def _call_again(draft: DecisionBuilder, act: CallAgainAct, by: str) -> None:
    if act.when > draft.now + draft.plan.call_again_within:
        return refuse(draft, f"a call is put off by {draft.plan.call_again_within.days} days at most", by)
    why = f"the resident asked to be called then, says {by}"
    calls = draft.live(Action.OPERATOR_CALL)
    for step in calls[:1]:
        attempt = step.attempt + (step.state is StepState.SENT)
        draft.change(step, state=StepState.PENDING, due=max(act.when, draft.now), attempt=attempt, because=why)
    if not calls:
        plan_step(draft, "asked.operator", Action.OPERATOR_CALL, act.when, why)
    withdraw(draft, calls[1:], why)
    for step in draft.live(Action.ROBOT_CALL):  # one that is out is not repeated either
        end(draft, step, StepState.WITHDRAWN, why)
    draft.reached()
    draft.set(claimed_by=None)
    return draft.say(FactKind.NOTE, f"call again at {act.when:%Y-%m-%d %H:%M %Z}", by=by)


def _send_officer(draft: DecisionBuilder, act: SendOfficerAct, by: str) -> None:
    draft.say(FactKind.NOTE, f"an officer is asked for: {act.reason}", by=by)
    ask(draft, "visit", Action.VISIT, act.reason or f"{by} asks for it")


def _ask_stop(draft: DecisionBuilder, act: AskStopAct, by: str) -> None:
    live = [step for step in draft.live(Action.STOP_PAYMENT) if step.transfer == act.transfer]
    if why := payments.may_not_ask(draft, act.transfer):
        return refuse(draft, why, by)
    if any(step.state is StepState.SENT for step in live):
        return refuse(draft, "the bank has been asked and has not answered yet", by)
    draft.say(FactKind.NOTE, "a stop-payment is asked for", by=by)
    for step in live:
        draft.change(step, state=StepState.PENDING, due=draft.now)
    if not live:
        stem = payments.stop_id(draft.case, act.transfer)
        plan_step(draft, stem, Action.STOP_PAYMENT, draft.now, f"{by} asks for it", transfer=act.transfer)
    return None


def _release_stop(draft: DecisionBuilder, act: ReleaseStopAct, by: str) -> None:
    """Whoever was bought would lift a stop: so no way to the case lets one person do it."""
    if act.asked_by in (None, by):
        return refuse(draft, "two persons lift a stop: one asks, another approves", by)
    payment = payments.find(draft.case, act.transfer)
    if payment is None or payment.stop is None or payment.stop.state not in (StopState.ASKED, StopState.IN_FORCE):
        return refuse(draft, "there is no stop on this payment", by)
    if any(step.transfer == act.transfer for step in draft.live(Action.STOP_RELEASE)):
        return refuse(draft, "the bank has been asked to lift it already", by)
    draft.say(FactKind.STOP, f"to be lifted: {act.reason}", by=by)
    others = [step for step in draft.live(Action.STOP_PAYMENT, Action.STOP_AGAIN) if step.transfer == act.transfer]
    withdraw(draft, others, f"the stop is to be lifted: {act.reason}")
    stem = payments.stop_id(draft.case, act.transfer, "release")
    plan_step(draft, stem, Action.STOP_RELEASE, draft.now, act.reason, transfer=act.transfer)
    return None


def _tell_contact(draft: DecisionBuilder, act: TellContactAct, by: str) -> None:
    if act.contact >= draft.case.profile.contacts:
        return refuse(draft, f"there is no trusted contact {act.contact}", by)
    draft.say(FactKind.NOTE, f"trusted contact {act.contact} is to be told", by=by)
    plan_step(draft, "asked.contact", Action.CONTACT_CALL, draft.now, f"{by} asks for it", contact=act.contact)
    return None


def _claim(draft: DecisionBuilder, act: ClaimAct, by: str) -> None:
    holder = draft.case.claimed_by
    if act.do == "claim":
        if holder is not None and holder != by:
            return refuse(draft, f"{holder} has the case", by)
        return _take(draft, by)
    return _give_back(draft, act, by) if holder == by else refuse(draft, f"{by} does not have the case", by)


def _take(draft: DecisionBuilder, by: str) -> None:
    """The operator talks now: the desk does not offer the case again while he may be talking."""
    draft.set(claimed_by=by, returned_from=None)
    for step in draft.live(Action.OPERATOR_CALL):
        _move(draft, step, later=True)
    draft.say(FactKind.CLAIMED, f"{by} takes the case", by=by)


def _give_back(draft: DecisionBuilder, act: ClaimAct, by: str) -> None:
    draft.set(claimed_by=None, returned_from=by if act.note else None)
    for step in draft.live(Action.OPERATOR_CALL):
        _move(draft, step, later=False)
    words = f"{by} no longer has the case"
    draft.say(FactKind.UNCLAIMED, f"{words}: {act.note}" if act.note else words, by=by)
    if draft.case.state is CaseState.IN_CONVERSATION:
        draft.enter(CaseState.CONTACTING, "the conversation was broken off")


def _move(draft: DecisionBuilder, step: Step, *, later: bool) -> None:
    if later and step.due:
        draft.change(step, due=max(step.due, draft.now + draft.plan.talk_within))
    elif step.state is StepState.SENT:
        draft.change(step, due=draft.now + rule_of(draft.plan, step.id, step.action).result_within)
    elif step.state in WAITING:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def _note(draft: DecisionBuilder, act: NoteAct, by: str) -> None:
    draft.say(FactKind.NOTE, f"{act.what.replace('_', ' ')}: {act.note}" if act.note else act.what, by=by)
    if act.what == "conversation" and not draft.plan_over:
        draft.reached()
        draft.enter(CaseState.IN_CONVERSATION, f"{by} talks with the resident")


def _answers(draft: DecisionBuilder, act: AnswersAct, by: str) -> None:
    """Add to what was answered by the same script; another script begins anew."""
    known = draft.case.answers if draft.case.script == act.script else {}
    answers = {question: answer for question, answer in known.items() if question not in act.withdrawn} | act.answers
    if len(answers) > MOST_ANSWERS:
        return refuse(draft, f"more than {MOST_ANSWERS} answers", by)
    draft.set(script=act.script, answers=answers)
    said = [f"{question}={answer}" for question, answer in act.answers.items()]
    said += [f"{question}=" for question in act.withdrawn if question not in act.answers]
    draft.say(FactKind.NOTE, f"script {act.script}: {'; '.join(said) or 'begun'}", by=by)
    if act.answers and not draft.plan_over:
        draft.reached()
        if draft.case.state is not CaseState.VISIT_UNDER_WAY:
            draft.enter(CaseState.IN_CONVERSATION, f"{by} talks with the resident")
    return None


def _close(draft: DecisionBuilder, act: CloseAct, by: str) -> None:
    close(draft, act.reason, by)


def _confirm(draft: DecisionBuilder, act: ConfirmAct, by: str) -> None:
    draft.set(raised_by=None)
    draft.say(FactKind.NOTE, f"confirmed: {act.reason}", by=by)
    for step in draft.live():
        if step.state is StepState.HELD and holding(draft, step) is None:
            release(draft, step, f"{by} has confirmed the danger")


# What an act does, and what it needs of the case: "open", "danger" (neither dissuaded nor cleared), "plan" (nor
# defrauded), or nothing.
_ACTS: dict[type, tuple[Callable[[DecisionBuilder, Any, str], None], str]] = {
    OutcomeAct: (_outcome, "open"),
    LowerAct: (_lower, "danger"),
    CallAgainAct: (_call_again, "plan"),
    SendOfficerAct: (_send_officer, "plan"),
    AskStopAct: (_ask_stop, "danger"),
    ReleaseStopAct: (_release_stop, ""),
    TellContactAct: (_tell_contact, "plan"),
    ClaimAct: (_claim, "open"),
    NoteAct: (_note, ""),
    AnswersAct: (_answers, "open"),
    CloseAct: (_close, "open"),
    ConfirmAct: (_confirm, "danger"),
}

"""Applies operators' and supervisors' acts to a case; each kind of act has its handler."""

from collections.abc import Callable
from typing import Any

from domain.casework import grounds, outcomes, payments, stops
from domain.casework.calls.parties import admit_third_party, hand_over_call, third_party_told
from domain.casework.calls.recordings import recording_told
from domain.casework.draft import DecisionBuilder
from domain.casework.endings import close
from domain.casework.evidence.notes import code_of_note
from domain.casework.evidence.replies import take_note_of_reply
from domain.casework.holds import holding, release
from domain.casework.orders import decisions as approvals
from domain.casework.orders import freeze_ends, handover, objections
from domain.casework.orders import records as orders
from domain.casework.orders.later import end_later
from domain.casework.own_account import decisions as own_account
from domain.casework.own_account import delays
from domain.casework.provinces.offers import end_here, offer_case
from domain.casework.searches.decisions import start_search, stop_search
from domain.casework.shield.support import support_told
from domain.casework.steps import end, ensure_action, leave_conversation, plan_step, withdraw
from domain.casework.week.answers import week_answer_told
from domain.dispatches.validity import ending_of
from domain.policy.schedule import LIFTS, conditions, rule_of, steps_for
from schemas.casework.acts import (
    MOST_ANSWERS,
    Act,
    AnswersAct,
    AskStopAct,
    AssignAct,
    CallAgainAct,
    ClaimAct,
    CloseAct,
    ConfirmAct,
    HandOverCallAct,
    LowerAct,
    NoteAct,
    NotifyContactAct,
    OutcomeAct,
    ReleaseStopAct,
    SendOfficerAct,
    SupportAct,
    WeekAnswerAct,
)
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.cases import WAITING_STEPS, CaseState, DeskCall, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import OperatorReport
from schemas.casework.objections import DecideObjectionAct
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, EndFreezeAct, HandOverStopAct
from schemas.casework.own_account import (
    ApproveHoldAct,
    DeclineHoldAct,
    DelayOutgoingAct,
    EndDelayAct,
    LiftHoldAct,
    ProposeHoldAct,
)
from schemas.casework.provinces import EndHereAct, OfferCaseAct
from schemas.casework.searches import StartSearchAct, StopSearchAct
from schemas.casework.third_parties import AdmitThirdPartyAct, ThirdPartyAct
from schemas.codes.any_code import AnyCode
from schemas.codes.money import ReleaseApproved, StopToBeLifted
from schemas.codes.people import (
    AskedBy,
    CallAgainAt,
    CallNotTaken,
    CallPromised,
    CaseAssigned,
    CaseClaimed,
    CaseGivenBack,
    CaseReassigned,
    ClaimRanOut,
    ConfirmedBy,
    ContactToBeTold,
    DangerConfirmed,
    LevelLowered,
    OfficerAskedFor,
    Said,
    ScriptAnswered,
    ScriptBegun,
    TalkBrokenOff,
    TalkEnded,
    Talks,
)
from schemas.codes.plan import ClosedWithHold, NotAskedForAt
from schemas.codes.refusals import (
    CallTooLate,
    CaseChanged,
    CaseClosed,
    GroundMissing,
    GroundNeedsNote,
    HasCase,
    MayNotAssign,
    NoSuchContact,
    NoTalkYet,
    NotHolder,
    NotLower,
    PlanOverByLoss,
    ReassignNeedsReason,
    RefusalCode,
    TooManyAnswers,
    TwoPersons,
)
from schemas.levels import Action
from schemas.people.staff import StaffRole


def operator_report(draft: DecisionBuilder, given: OperatorReport) -> None:
    """Apply a person's act to the case, in `draft`.

    If the case does not allow the act (the case has changed since the person saw it, is closed or settled, or another
    operator has claimed it), only a fact REFUSED is recorded; but an approval of a stop order that can no longer help
    also withdraws the order. An act that shows that the person has seen the resident's reply, or that the number is
    wrong, also removes the case's mark of it.
    """
    act, by = given.act, given.by
    if why := _refusal(draft, given):
        refuse(draft, why, by)
        return
    draft.role = given.role
    handle, _ = _ACTS[type(act)]
    handle(draft, act, by)
    if not isinstance(act, (*_OF_ORDERS, *_OF_SEARCHES, *_OF_OFFERS, *_OF_CALLS)):
        take_note_of_reply(draft, given)


def refuse(draft: DecisionBuilder, why: RefusalCode, by: str | None) -> None:
    """Record a fact REFUSED in `draft`: the case does not allow an input, for the reason `why`. `by`: the login of the
    person who reported it, or None.
    """
    draft.note(FactKind.REFUSED, why, by=by)


def _refusal(draft: DecisionBuilder, given: OperatorReport) -> RefusalCode | None:
    case, (_, needs) = draft.case, _ACTS[type(given.act)]
    if given.seen < case.version and not isinstance(given.act, _ANY_VERSION):
        return CaseChanged(case.version, given.seen)
    if isinstance(given.act, ApproveStopAct) and orders.amended_since(case, given.act.order, given.seen):
        return CaseChanged(case.version, given.seen)
    if needs == "open" and not case.open:
        return CaseClosed()
    if needs in ("danger", "plan") and case.settled:
        return ending_of(case)
    if needs == "plan" and draft.plan_over:
        return PlanOverByLoss()  # no channel would carry it out (domain/dispatches/validity)
    return None


def _outcome(draft: DecisionBuilder, act: OutcomeAct, by: str) -> None:
    ground = grounds.ground_of(draft.case, act)
    if isinstance(ground, GroundMissing | GroundNeedsNote):
        return refuse(draft, ground, by)
    calls = draft.live(Action.OPERATOR_CALL)
    step = next((step for step in calls if step.state is StepState.SENT), calls[0] if calls else None)
    return outcomes.apply(draft, act, by, step, Action.VISIT, ground)


def _lower(draft: DecisionBuilder, act: LowerAct, by: str) -> None:
    if act.level.rank >= draft.case.level.rank:
        return refuse(draft, NotLower(draft.case.level, act.level), by)
    was = draft.case.level
    draft.set(level=act.level)
    draft.note(FactKind.LEVEL_LOWERED, LevelLowered(was, act.level, act.reason), by=by)
    true = conditions(draft.case.profile, money_at_risk=payments.money_at_risk(draft))
    asked_for = {rule.action for _, rule in steps_for(draft.level, true)}
    if Action.STOP_PAYMENT in asked_for:  # so it wants to keep a stop that runs
        asked_for |= {Action.STOP_AGAIN, Action.STOP_STATUS}
    extra = [
        step
        for step in draft.live()
        if not step.id.startswith(("asked.", "follow.", "support.")) and step.action not in asked_for | LIFTS
    ]
    traced = {each.transfer for each in draft.case.traced}  # no level's plan asks for their orders: banks' answers do
    return withdraw(draft, [step for step in extra if step.transfer not in traced], NotAskedForAt(act.level))


def _call_again(draft: DecisionBuilder, act: CallAgainAct, by: str) -> None:
    if act.when > draft.now + draft.plan.call_again_within:
        return refuse(draft, CallTooLate(draft.plan.call_again_within.days), by)
    why = CallPromised(by)
    calls = draft.live(Action.OPERATOR_CALL)
    for step in calls[:1]:
        attempt = step.attempt + (step.state is StepState.SENT)
        draft.change(step, state=StepState.PENDING, due=max(act.when, draft.now), attempt=attempt, because=why)
    if not calls:
        plan_step(draft, "asked.operator", Action.OPERATOR_CALL, act.when, why)
    withdraw(draft, calls[1:], why)
    for step in draft.live(Action.ROBOT_CALL):  # one that is out is not repeated either
        end(draft, step, StepState.WITHDRAWN, why)
    draft.reached(Action.OPERATOR_CALL)
    draft.set(claimed_by=None, desk_call=None, met_at=None)
    leave_conversation(draft, TalkEnded())
    return draft.note(FactKind.NOTE, CallAgainAt(act.when), by=by)


def _send_officer(draft: DecisionBuilder, act: SendOfficerAct, by: str) -> None:
    draft.note(FactKind.NOTE, OfficerAskedFor(act.reason), by=by)
    ensure_action(draft, "visit", Action.VISIT, Said(act.reason) if act.reason else AskedBy(by))


def _ask_stop(draft: DecisionBuilder, act: AskStopAct, by: str) -> None:
    if why := stops.propose_stop(draft, act.transfer, AskedBy(by), by):
        refuse(draft, why, by)


_Decide = Callable[[DecisionBuilder, Any, str, StaffRole | None], RefusalCode | None]
"""Decides on an order, and returns why it does not, or None."""


def _by_role(decide: _Decide) -> Callable[[DecisionBuilder, Any, str], None]:
    """Return the handler of an act that depends on the person's role."""

    def handle(draft: DecisionBuilder, act: Act, by: str) -> None:
        if why := decide(draft, act, by, draft.role):
            refuse(draft, why, by)

    return handle


def _release_stop(draft: DecisionBuilder, act: ReleaseStopAct, by: str) -> None:
    """Plan lifting a stop, which needs two different persons, so that a single bribed one cannot do it."""
    if act.asked_by is None or act.asked_by == by:
        return refuse(draft, TwoPersons(), by)
    if refused := stops.may_not_lift(draft, act.transfer):
        return refuse(draft, refused, by)
    why = ReleaseApproved(act.asked_by, by, act.reason, act.request)
    draft.note(FactKind.STOP, why, by=by)
    for step in draft.live_for(act.transfer, *orders.ASKING):  # one that is out too: it would be asked for again
        end(draft, step, StepState.WITHDRAWN, StopToBeLifted(act.reason))
    stops.plan_release(draft, act.transfer, why)
    end_later(draft, act.transfer)
    return None


def _notify_contact(draft: DecisionBuilder, act: NotifyContactAct, by: str) -> None:
    if act.contact >= draft.case.profile.contacts:
        return refuse(draft, NoSuchContact(act.contact), by)
    draft.note(FactKind.NOTE, ContactToBeTold(act.contact), by=by)
    plan_step(draft, "asked.contact", Action.CONTACT_CALL, draft.now, AskedBy(by), contact=act.contact)
    return None


def _claim(draft: DecisionBuilder, act: ClaimAct, by: str) -> None:
    holder = draft.case.claimed_by
    if act.do == "claim":
        if holder is not None and holder != by:
            return refuse(draft, HasCase(holder), by)
        return _take(draft, by, CaseClaimed(by), by)
    return _give_back(draft, act, by) if holder == by else refuse(draft, NotHolder(by), by)


def _assign(draft: DecisionBuilder, act: AssignAct, by: str) -> None:
    """Give the case to another person. A claim that the supervisor has not seen is never overridden."""
    if why := _may_not_assign(draft, act):
        return refuse(draft, why, by)
    assigned = CaseAssigned(by, act.to)
    told = CaseReassigned(by, act.holder, act.to, act.reason) if act.holder and act.reason else assigned
    _take(draft, act.to, told, by)
    return draft.set(assigned_by=None if act.to == by else by)


def _may_not_assign(draft: DecisionBuilder, act: AssignAct) -> RefusalCode | None:
    """Return why the case is not given to another person, or None."""
    holder = draft.case.claimed_by
    if draft.role is not StaffRole.SUPERVISOR:
        return MayNotAssign()
    if holder is None:
        return NotHolder(act.holder) if act.holder else None
    if holder != act.holder or holder == act.to:
        return HasCase(holder)
    return None if act.reason else ReassignNeedsReason(holder)


def _take(draft: DecisionBuilder, holder: str, told: AnyCode, by: str) -> None:
    """Record the claim with the fact `told`, and delay the calls on the desk while the operator may be talking.

    Where this ends another person's claim, their conversation ends too, unless the new holder has it.
    """
    call = draft.case.desk_call
    if draft.case.claimed_by not in (None, holder) and not (call and call.by == holder):
        leave_conversation(draft, TalkBrokenOff())
    draft.set(claimed_by=holder, assigned_by=None, returned_from=None)
    for step in draft.live(Action.OPERATOR_CALL):
        _move(draft, step, later=True)
    draft.note(FactKind.CLAIMED, told, by=by)


def _give_back(draft: DecisionBuilder, act: ClaimAct, by: str) -> None:
    draft.set(claimed_by=None, assigned_by=None, returned_from=by if act.ran_out else None)
    for step in draft.live(Action.OPERATOR_CALL):
        _move(draft, step, later=False)
    draft.note(FactKind.UNCLAIMED, ClaimRanOut(by) if act.ran_out else CaseGivenBack(by), by=by)
    leave_conversation(draft, TalkBrokenOff())


def _move(draft: DecisionBuilder, step: Step, *, later: bool) -> None:
    if later and step.due:
        draft.change(step, due=max(step.due, draft.now + draft.plan.talk_within))
    elif step.state is StepState.SENT:
        draft.change(step, due=draft.now + rule_of(draft.plan, step.id, step.action).result_within)
    elif step.state in WAITING_STEPS:
        draft.change(step, state=StepState.PENDING, due=draft.now)


def _note(draft: DecisionBuilder, act: NoteAct, by: str) -> None:
    draft.note(FactKind.NOTE, code_of_note(act), by=by)
    before = draft.case.desk_call
    call = grounds.call_after(before, act.what, by, draft.now)
    if call is not None and call is not before:
        _called(draft, call, by)


def _called(draft: DecisionBuilder, call: DeskCall, by: str) -> None:
    """Store the desk's call in the case, which is IN_CONVERSATION while the call goes on."""
    draft.set(desk_call=call)
    if call.goes_on:
        draft.reached(Action.OPERATOR_CALL)
    if call.goes_on and not draft.plan_over:
        draft.enter(CaseState.IN_CONVERSATION, Talks(by))
    else:
        leave_conversation(draft, TalkEnded() if call.answered else CallNotTaken(call.result))


def _answers(draft: DecisionBuilder, act: AnswersAct, by: str) -> None:
    """Add answers to those given to the same script, or remove the withdrawn ones; another script begins without
    answers.

    Answers are refused if nobody has talked with the resident yet.
    """
    if act.answers and grounds.known_ground(draft.case) is None:
        return refuse(draft, NoTalkYet(), by)
    known = draft.case.answers if draft.case.script == act.script else {}
    answers = {question: answer for question, answer in known.items() if question not in act.withdrawn} | act.answers
    if len(answers) > MOST_ANSWERS:
        return refuse(draft, TooManyAnswers(MOST_ANSWERS), by)
    draft.set(script=act.script, answers=answers)
    withdrawn = tuple(question for question in act.withdrawn if question not in act.answers)
    told = ScriptAnswered(act.script, act.answers, withdrawn)
    draft.note(FactKind.NOTE, told if act.answers or withdrawn else ScriptBegun(act.script), by=by)
    return None


def _hand_over_call(draft: DecisionBuilder, act: HandOverCallAct, by: str) -> None:
    if why := hand_over_call(draft, act, by):
        refuse(draft, why, by)


def _close(draft: DecisionBuilder, act: CloseAct, by: str) -> None:
    close(draft, ClosedWithHold(act.hold, act.reason) if act.hold else Said(act.reason), by)


def _confirm(draft: DecisionBuilder, act: ConfirmAct, by: str) -> None:
    draft.set(raised_by=None)
    draft.note(FactKind.NOTE, DangerConfirmed(act.reason), by=by)
    for step in draft.live():
        if step.state is StepState.HELD and holding(draft, step) is None:
            release(draft, step, ConfirmedBy(by))


# Acts that do not depend on what else the case shows: a decision on an order or objection is about it alone. But an
# approval does not count for an amount that the person has not seen.
_OF_HOLDS = (ApproveHoldAct, DeclineHoldAct, LiftHoldAct, EndDelayAct)
_OF_ORDERS = (ApproveStopAct, DeclineStopAct, HandOverStopAct, EndFreezeAct, DecideObjectionAct, *_OF_HOLDS)
_OF_SEARCHES = (StartSearchAct, StopSearchAct)
_OF_OFFERS = (OfferCaseAct, EndHereAct)
_OF_CALLS = (AdmitThirdPartyAct, ThirdPartyAct, HandOverCallAct, RecordedCallAct)
_ANY_VERSION = (NoteAct, AnswersAct, ClaimAct, AssignAct, *_OF_ORDERS, *_OF_SEARCHES, *_OF_CALLS)
# Each act's handler, and what it requires of the case: "open"; "danger": neither dissuaded, cleared nor closed; "plan":
# moreover not already defrauded; or nothing.
_ACTS: dict[type, tuple[Callable[[DecisionBuilder, Any, str], None], str]] = {
    OutcomeAct: (_outcome, "open"),
    LowerAct: (_lower, "danger"),
    CallAgainAct: (_call_again, "plan"),
    SendOfficerAct: (_send_officer, "plan"),
    AskStopAct: (_ask_stop, "danger"),
    ApproveStopAct: (_by_role(approvals.approve_order), ""),
    DeclineStopAct: (_by_role(approvals.decline_order), ""),
    HandOverStopAct: (_by_role(handover.record_authority_freeze), ""),
    EndFreezeAct: (_by_role(freeze_ends.end_freeze), ""),
    DecideObjectionAct: (_by_role(objections.decide_objection), ""),
    ProposeHoldAct: (_by_role(own_account.propose_hold), "danger"),
    ApproveHoldAct: (_by_role(own_account.approve_hold), ""),
    DeclineHoldAct: (_by_role(own_account.decline_hold), ""),
    LiftHoldAct: (_by_role(own_account.lift_hold), ""),
    DelayOutgoingAct: (_by_role(delays.delay_outgoing), "danger"),
    EndDelayAct: (_by_role(delays.end_delay), ""),
    ReleaseStopAct: (_release_stop, ""),
    NotifyContactAct: (_notify_contact, "plan"),
    ClaimAct: (_claim, "open"),
    AssignAct: (_assign, "danger"),
    NoteAct: (_note, ""),
    AnswersAct: (_answers, "open"),
    CloseAct: (_close, "open"),
    ConfirmAct: (_confirm, "danger"),
    OfferCaseAct: (_by_role(offer_case), "danger"),
    EndHereAct: (_by_role(end_here), "danger"),
    StartSearchAct: (_by_role(start_search), "danger"),
    StopSearchAct: (_by_role(stop_search), ""),
    SupportAct: (support_told, ""),
    WeekAnswerAct: (week_answer_told, ""),
    AdmitThirdPartyAct: (_by_role(admit_third_party), "open"),
    ThirdPartyAct: (third_party_told, ""),
    HandOverCallAct: (_hand_over_call, ""),
    RecordedCallAct: (recording_told, ""),
}

"""The acts of persons on a case, by the name that the act has in `do`."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from schemas.casework.acts import (
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
from schemas.casework.inputs import OperatorReport
from schemas.casework.objections import DecideObjectionAct, WrongfulCause
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, EndFreezeAct, HandOverStopAct
from schemas.casework.own_account import (
    ApproveHoldAct,
    DeclineHoldAct,
    DelayOutgoingAct,
    EndDelayAct,
    LiftHoldAct,
    ProposeHoldAct,
)
from schemas.casework.provinces import EndHereAct, OfferCaseAct, ProvinceGround
from schemas.casework.searches import AssignedPlace, SearchGround, StartSearchAct, StopGround, StopSearchAct
from schemas.casework.third_parties import AdmitThirdPartyAct, ThirdPartyAct, ThirdPartyCallState, ThirdPartyKind
from schemas.levels import Level, Outcome, OutcomeGround, SupportOutcome, WeekAnswer
from schemas.people.staff import StaffRole
from tests.simulation.policy import OTHER_PROVINCE
from tests.simulation.reports.seen import SeenCase, pick

REASON = "drawn by a schedule"
SEARCHES = ("s1", "s2")
RECORDINGS = ("1", "2")
OFFICERS = ("officer-1", "officer-2")
Made = tuple[Any, str, StaffRole]  # an act, who acts, in which role
_OPERATORS = ("operator-1", "operator-2")
_DESK = ("release-1", "release-2", "release-3")
_NOTES = ("conversation", "conversation_ended", "busy", "no_answer", "code_confirmed", "three_way_call", "note")


def act_reports(seen: SeenCase, act: str) -> list[OperatorReport]:
    """The report of an act of this name; none without a case."""
    if seen.case is None:
        return []
    done, by, role = ACTS[act](seen, seen.random())
    return [
        OperatorReport(
            id=f"drawn:{act}:{seen.n}:{seen.case.id}",
            at=seen.now,
            resident=seen.case.resident,
            case=seen.case.id,
            by=by,
            role=role,
            seen=seen.case.version,
            act=done,
        )
    ]


def _operator(act: object, random: Random) -> Made:
    return act, random.choice(_OPERATORS), StaffRole.OPERATOR


def _supervisor(act: object) -> Made:
    return act, "supervisor-1", StaffRole.SUPERVISOR


def _release(act: object, random: Random) -> Made:
    return act, random.choice(_DESK), StaffRole.RELEASE_DESK


def _outcome(seen: SeenCase, random: Random) -> Made:
    outcome = random.choice(list(Outcome))
    ground = random.choice((None, OutcomeGround.RELATIVE, OutcomeGround.COUNTER))
    lost = random.choice((0, 1_000_000)) if outcome is Outcome.ALREADY_DEFRAUDED else 0
    return _operator(OutcomeAct(outcome=outcome, ground=ground, lost_fen=lost), random)


def _lower(seen: SeenCase, random: Random) -> Made:
    return _supervisor(LowerAct(level=random.choice(list(Level)), reason=REASON))


def _call_again(seen: SeenCase, random: Random) -> Made:
    return _operator(CallAgainAct(when=seen.now + timedelta(seconds=random.randrange(1, 8))), random)


def _transfer(seen: SeenCase, random: Random) -> str:
    return str(pick(random, [each.transfer for each in seen.paid()], "bank:none"))


def _order(seen: SeenCase, random: Random) -> str:
    return str(pick(random, [each.step for each in seen.case.orders] if seen.case else [], "red.none"))


def _hold(seen: SeenCase, random: Random) -> str:
    return str(pick(random, [each.id for each in seen.case.own_holds] if seen.case else [], "hold.none"))


def _objection(seen: SeenCase, random: Random) -> DecideObjectionAct:
    objections = [each.id for each in seen.case.objections] if seen.case else []
    upheld = random.random() < 0.5
    cause = WrongfulCause.LAWFUL_PAYMENT if upheld else None
    name = str(pick(random, objections, "objection.none"))
    return DecideObjectionAct(objection=name, upheld=upheld, reason=REASON, cause=cause)


def _recorded(random: Random) -> RecordedCallAct:
    seconds = random.choice((None, 8.0))
    return RecordedCallAct(id=random.choice(RECORDINGS) * 20, written_ms=0, seconds=seconds)


def _start_search(seen: SeenCase, random: Random) -> Made:
    places = [AssignedPlace(number=f"p{number}", officer=name) for number, name in enumerate(OFFICERS, 1)]
    since = seen.now - timedelta(hours=random.choice((1, 1, 1, -1)))
    ground, name = random.choice(list(SearchGround)), random.choice(SEARCHES)
    return _supervisor(StartSearchAct(search=name, ground=ground, missing_since=since, hours=1, places=places))


def _stop_search(seen: SeenCase, random: Random) -> Made:
    return _supervisor(StopSearchAct(search=random.choice(SEARCHES), ground=random.choice(list(StopGround))))


def _offer(seen: SeenCase, random: Random) -> Made:
    return _operator(OfferCaseAct(province=OTHER_PROVINCE, ground=random.choice(list(ProvinceGround))), random)


def _end_here(seen: SeenCase, random: Random) -> Made:
    offers = [each.id for each in seen.case.offers] if seen.case else []
    return _supervisor(EndHereAct(offer=offers[-1] if offers else "province.none"))


def _third_party(seen: SeenCase, random: Random) -> Made:
    states = [state for state in ThirdPartyCallState if state is not ThirdPartyCallState.RINGING]
    act = ThirdPartyAct(number=1, kind=ThirdPartyKind.CONTACT, party="contact-1", state=random.choice(states))
    return _operator(act, random)


def _release_stop(seen: SeenCase, random: Random) -> Made:
    asked = random.choice((None, "release-1", "release-9"))
    return _release(ReleaseStopAct(transfer=_transfer(seen, random), reason=REASON, asked_by=asked), random)


def _hand_over_stop(seen: SeenCase, random: Random) -> Made:
    act = HandOverStopAct(order=_order(seen, random), decision="freezing 2026-1", authority="a court")
    return _release(act, random)


ACTS: Mapping[str, Callable[[SeenCase, Random], Made]] = {
    "outcome": _outcome,
    "lower": _lower,
    "call_again": _call_again,
    "send_officer": lambda _, random: _operator(SendOfficerAct(reason=REASON), random),
    "ask_stop": lambda seen, random: _operator(AskStopAct(transfer=_transfer(seen, random)), random),
    "approve_stop": lambda seen, random: _release(ApproveStopAct(order=_order(seen, random)), random),
    "decline_stop": lambda seen, random: _release(DeclineStopAct(order=_order(seen, random), reason=REASON), random),
    "hand_over_stop": _hand_over_stop,
    "end_freeze": lambda seen, random: _release(
        EndFreezeAct(order=_order(seen, random), decision="end of freezing 2026-1"), random
    ),
    "decide_objection": lambda seen, random: _release(_objection(seen, random), random),
    "propose_hold": lambda _, random: _operator(
        ProposeHoldAct(account=0, duress=random.random() < 0.7, reason=REASON), random
    ),
    "approve_hold": lambda seen, random: _release(ApproveHoldAct(hold=_hold(seen, random)), random),
    "decline_hold": lambda seen, random: _release(DeclineHoldAct(hold=_hold(seen, random), reason=REASON), random),
    "lift_hold": lambda seen, random: _release(LiftHoldAct(hold=_hold(seen, random), reason=REASON), random),
    "delay_outgoing": lambda _, random: _operator(DelayOutgoingAct(), random),
    "end_delay": lambda _, random: _operator(EndDelayAct(), random),
    "release_stop": _release_stop,
    "tell_contact": lambda _, random: _operator(NotifyContactAct(contact=random.randrange(2)), random),
    "claim": lambda _, random: _operator(ClaimAct(do="claim"), random),
    "unclaim": lambda _, random: _operator(ClaimAct(do="unclaim", ran_out=random.random() < 0.5), random),
    "assign": lambda _, random: _supervisor(AssignAct(to=random.choice(_OPERATORS), reason=REASON)),
    "hand_over_call": lambda _, random: _operator(HandOverCallAct(to=random.choice(_OPERATORS)), random),
    "recorded_call": lambda _, random: _operator(_recorded(random), random),
    "note": lambda _, random: _operator(NoteAct(what=random.choice(_NOTES), note=REASON), random),
    "answers": lambda _, random: _operator(AnswersAct(script="calm", answers={"q1": "yes"}), random),
    "support": lambda _, random: _operator(SupportAct(outcome=random.choice(list(SupportOutcome))), random),
    "week_answer": lambda _, random: _operator(WeekAnswerAct(answer=random.choice(list(WeekAnswer))), random),
    "confirm": lambda _, random: _operator(ConfirmAct(reason=REASON), random),
    "close": lambda _, random: _supervisor(CloseAct(reason=REASON)),
    "offer_case": _offer,
    "end_here": _end_here,
    "start_search": _start_search,
    "stop_search": _stop_search,
    "admit_third_party": lambda _, random: _operator(
        AdmitThirdPartyAct(kind=ThirdPartyKind.CONTACT, party="contact-1"), random
    ),
    "third_party": _third_party,
}
"""Name of an act -> what makes it. An act may be about something that does not exist: the case then refuses it."""

"""What operators and officers do to a case."""

from datetime import timedelta

import pytest

from domain.casework import queue_rank
from schemas.casework.acts import (
    Act,
    AskStopAct,
    CallAgainAct,
    ClaimAct,
    CloseAct,
    LowerAct,
    NoteAct,
    NotifyContactAct,
    OutcomeAct,
    SendOfficerAct,
)
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.codes.people import ClaimRanOut, LevelLowered, Said
from schemas.codes.refusals import CaseChanged, HasCase
from schemas.levels import Action, Level, Outcome, OutcomeGround, Result
from tests.domain.builders import NOON, Line, at_the_desk, payment

OPERATOR, VISIT = Action.OPERATOR_CALL, Action.VISIT
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def under_way() -> Line:
    """A red case that an officer has been asked to visit."""
    line = at_the_desk()
    line.pass_to(MINUTE)
    return line


def test_a_case_is_in_the_queue_from_its_operators_turn_until_it_is_settled() -> None:
    line = Line()
    line.alert(Level.RED)
    assert queue_rank(line.here) is None
    line.pass_to(timedelta(seconds=90))
    assert queue_rank(line.here) is not None
    line.dissuaded()
    assert queue_rank(line.here) is None


def test_a_call_that_nobody_takes_and_is_put_on_the_desk_anew_has_waited_all_the_while() -> None:
    line = at_the_desk()
    begun = line.now
    assert line.here.offered_at == begun
    line.pass_to(11 * MINUTE)
    assert line.step("red.operator").attempt == 3
    assert line.here.offered_at == begun


def test_whoever_takes_a_case_ends_its_waiting_and_one_that_is_given_back_waits_anew() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    assert line.here.offered_at is None
    line.pass_to(MINUTE)
    line.act(ClaimAct(do="unclaim"))
    assert line.here.offered_at == line.now


def test_a_case_whose_call_is_to_be_tried_again_later_does_not_wait_until_then() -> None:
    line = at_the_desk()
    line.outcome(Outcome.UNREACHABLE)
    assert line.here.offered_at is None
    line.pass_to(5 * MINUTE)
    assert line.here.offered_at == line.now


def test_red_comes_before_orange_however_long_orange_waits() -> None:
    orange = Line(at=NOON - timedelta(days=3))
    orange.alert(Level.ORANGE)
    orange.pass_to(26 * MINUTE)
    red, waiting = queue_rank(at_the_desk().here), queue_rank(orange.here)
    assert red is not None
    assert waiting is not None
    assert red < waiting


def test_the_second_of_two_operators_is_told_who_has_the_case() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by="li")
    decision = line.act(ClaimAct(do="claim"), by="han")
    assert [(fact.kind, fact.what) for fact in decision.facts] == [(FactKind.REFUSED, HasCase("li"))]
    assert line.here.claimed_by == "li"


def test_no_robot_and_no_second_operator_calls_while_one_has_the_case() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    line.act(NoteAct(what="conversation"))
    assert line.state() is CaseState.IN_CONVERSATION
    assert not {Action.ROBOT_CALL, OPERATOR} & {out.action for out in line.pass_to(29 * MINUTE)}


def test_a_case_given_back_is_offered_again_within_its_result_time() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    line.act(ClaimAct(do="unclaim"))
    assert line.here.claimed_by is None
    assert line.step("red.operator").due == line.now + 5 * MINUTE


def test_a_claim_that_ran_out_is_remembered_until_somebody_has_the_case_again() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"), by="li")
    line.act(ClaimAct(do="unclaim", ran_out=True), by="li")
    assert (line.here.claimed_by, line.here.returned_from) == (None, "li")
    assert line.facts(FactKind.UNCLAIMED) == [ClaimRanOut("li")]
    line.act(ClaimAct(do="claim"), by="han")
    assert line.here.returned_from is None
    line.act(ClaimAct(do="unclaim"), by="han")
    assert line.here.returned_from is None


def test_an_operator_who_does_not_report_in_time_loses_the_case() -> None:
    line = at_the_desk()
    line.act(ClaimAct(do="claim"))
    sent = line.pass_to(30 * MINUTE)
    assert OPERATOR in {out.action for out in sent}
    assert line.facts(FactKind.UNCLAIMED)
    assert line.here.returned_from == "operator li"


def test_an_outcome_seen_on_an_old_screen_is_refused_and_changes_nothing() -> None:
    line = at_the_desk()
    decision = line.act(OutcomeAct(outcome=Outcome.DISSUADED), seen=line.here.version - 1)
    assert decision.facts[0].kind is FactKind.REFUSED
    assert isinstance(decision.facts[0].what, CaseChanged)
    assert not line.here.settled


def test_a_note_is_taken_however_old_the_screen() -> None:
    line = at_the_desk()
    assert line.act(NoteAct(what="code_confirmed"), seen=1).facts[0].kind is FactKind.NOTE


@pytest.mark.parametrize("outcome", [Outcome.DISSUADED, Outcome.FALSE_ALARM])
def test_once_dissuaded_or_cleared_nothing_of_the_plan_goes_out(outcome: Outcome) -> None:
    line = at_the_desk()
    line.outcome(outcome, ground=OutcomeGround.RELATIVE)
    later = {out.action for out in line.pass_to(timedelta(days=10))}
    assert later == ({Action.FOLLOW_UP, Action.WEEK_CALL} if outcome is Outcome.DISSUADED else set())
    assert line.state() is CaseState.CLOSED


def test_a_red_residents_follow_ups_come_after_a_day_three_days_and_a_week() -> None:
    line = at_the_desk()
    line.dissuaded()
    settled, dues = line.now, []
    for _ in range(3):
        dues.append(min(step.due for step in line.here.steps if step.due and step.action is Action.FOLLOW_UP) - settled)
        line.pass_to(settled + dues[-1])
        line.result(Result.ACKNOWLEDGED, Action.FOLLOW_UP)
    assert dues == [24 * HOUR, 72 * HOUR, timedelta(days=7)]


def test_a_resident_not_persuaded_is_called_again_and_visited_at_once() -> None:
    line = at_the_desk()
    sent = line.outcome(Outcome.NOT_PERSUADED).dispatches
    assert [out.action for out in sent] == [VISIT]
    assert line.state() is CaseState.NOT_PERSUADED
    assert line.step("red.operator").due == line.now + 5 * MINUTE


def test_a_resident_an_operator_does_not_reach_is_called_again() -> None:
    line = at_the_desk()
    line.outcome(Outcome.UNREACHABLE)
    assert (line.step("red.operator").state, line.step("red.operator").attempt) == (StepState.PENDING, 2)
    assert line.state() is not CaseState.UNREACHABLE


def test_a_defrauded_resident_is_warned_no_more_and_the_money_is_stopped_at_once() -> None:
    line = Line()
    line.alert(Level.YELLOW, payment())
    sent = line.outcome(Outcome.ALREADY_DEFRAUDED, lost_fen=5000).dispatches
    assert [out.action for out in sent] == [Action.STOP_PAYMENT]
    assert {out.action for out in line.pass_to(HOUR)} <= {Action.STOP_PAYMENT}
    assert line.state() is CaseState.ALREADY_DEFRAUDED


@pytest.mark.parametrize("outcome", [Outcome.ALREADY_DEFRAUDED, Outcome.DISSUADED, Outcome.UNREACHABLE])
def test_whoever_puts_down_an_outcome_no_longer_has_the_case_though_it_was_that_already(outcome: Outcome) -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.outcome(outcome, ground=OutcomeGround.RELATIVE)
    line.act(ClaimAct(do="claim"))
    assert line.here.claimed_by == "operator li"
    line.outcome(outcome, ground=OutcomeGround.RELATIVE)
    assert line.here.claimed_by is None
    assert queue_rank(line.here) is None


def test_a_level_is_lowered_by_name_and_reason_and_what_is_not_asked_for_is_withdrawn() -> None:
    line = at_the_desk()
    line.act(LowerAct(level=Level.BLUE, reason="his own sister called"), by="li")
    fact = next(fact for fact in line.decisions[-1].facts if fact.kind is FactKind.LEVEL_LOWERED)
    assert (fact.by, fact.what) == ("li", LevelLowered(Level.RED, Level.BLUE, "his own sister called"))
    assert line.here.level is Level.BLUE
    states = line.states()
    assert {states["red.visit"], states["red.contact"], states["stop.0"]} == {StepState.WITHDRAWN}


def test_a_level_is_not_raised_by_lowering_it() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    assert line.act(LowerAct(level=Level.RED, reason="a slip")).facts[0].kind is FactKind.REFUSED


def test_a_resident_who_asks_for_it_is_called_at_the_time_and_by_no_robot_before() -> None:
    line = at_the_desk()
    when = line.now + 2 * HOUR
    line.act(CallAgainAct(when=when))
    assert line.step("red.operator").due == when
    assert not {Action.ROBOT_CALL, OPERATOR} & {out.action for out in line.pass_to(when - MINUTE)}
    assert OPERATOR in {out.action for out in line.pass_to(when)}


def test_a_call_is_not_put_off_for_ever() -> None:
    line = at_the_desk()
    assert line.act(CallAgainAct(when=line.now + timedelta(days=30))).facts[0].kind is FactKind.REFUSED


def test_an_officer_asked_for_at_blue_goes_although_blue_plans_none() -> None:
    line = Line()
    line.alert(Level.BLUE)
    sent = line.act(SendOfficerAct(reason="lives alone")).dispatches
    assert [(out.action, out.because) for out in sent] == [(VISIT, Said("lives alone"))]


def test_an_officer_who_is_asked_for_twice_is_sent_once() -> None:
    line = under_way()
    assert line.act(SendOfficerAct(reason="hurry")).dispatches == []


def test_a_contact_is_told_when_somebody_asks_for_it() -> None:
    line = at_the_desk()
    assert [out.contact for out in line.act(NotifyContactAct(contact=0)).dispatches] == [0]
    assert line.act(NotifyContactAct(contact=1)).facts[0].kind is FactKind.REFUSED


ACTS: list[Act] = [
    SendOfficerAct(reason="go"),
    NotifyContactAct(contact=0),
    AskStopAct(transfer="bank:1"),
    LowerAct(level=Level.BLUE, reason="a mistake"),
]


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_done_against_a_danger_that_is_over(act: Act) -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    decision = line.act(act)
    assert [fact.kind for fact in decision.facts] == [FactKind.REFUSED]
    assert decision.dispatches == []


def test_a_closed_case_withdraws_its_follow_ups_and_refuses_an_outcome() -> None:
    line = at_the_desk()
    line.dissuaded()
    line.act(CloseAct(reason="moved away"))
    assert line.pass_to(timedelta(days=30)) == []
    assert line.outcome(Outcome.NOT_PERSUADED).facts[0].kind is FactKind.REFUSED


def test_an_officers_way_to_the_door_is_followed() -> None:
    line = under_way()
    line.officer(VisitStage.ACCEPTED)
    assert line.state() is CaseState.VISIT_UNDER_WAY
    assert line.step("red.visit").due == line.now + 40 * MINUTE
    line.officer(VisitStage.ON_THE_WAY)
    line.officer(VisitStage.ARRIVED)
    assert line.here.officer == "officer wang"
    line.officer(VisitStage.DONE, OutcomeAct(outcome=Outcome.DISSUADED))
    assert line.state() is CaseState.DISSUADED
    assert line.step("red.visit").state is StepState.DONE


def test_an_officer_who_refuses_is_followed_by_the_next_at_once() -> None:
    line = under_way()
    sent = line.officer(VisitStage.REFUSED).dispatches
    assert [(out.action, out.attempt) for out in sent] == [(VISIT, 2)]


@pytest.mark.parametrize("stage", [None, VisitStage.ACCEPTED, VisitStage.ARRIVED])
def test_an_officer_who_is_late_is_followed_by_the_next(stage: VisitStage | None) -> None:
    line = under_way()
    if stage is not None:
        line.officer(stage)
    sent = line.fire("red.visit").dispatches
    assert [out.attempt for out in sent if out.action is VISIT] == [2]
    assert line.state() is CaseState.CONTACTING


def test_nobody_at_home_means_again_when_people_are_and_a_word_to_the_trusted_contact() -> None:
    line = under_way()
    sent = line.officer(VisitStage.NOT_AT_HOME).dispatches
    assert [out.action for out in sent] == [Action.CONTACT_CALL]
    assert line.step("red.visit").due == NOON.replace(hour=9, minute=30), "17:30 in Jilin"


def test_an_officer_whose_visit_is_over_is_noted_and_does_not_move_the_next() -> None:
    line = under_way()
    first = line.last(VISIT)
    line.officer(VisitStage.REFUSED)
    due = line.step("red.visit").due
    late = line.decisions[-1]
    assert late.dispatches[0].id != first.id
    stale = line.give(_report(line, first.attempt))
    assert [fact.kind for fact in stale.facts] == [FactKind.VISIT]
    assert line.step("red.visit").due == due


def _report(line: Line, attempt: int) -> OfficerReport:
    out = line.last(VISIT)
    return OfficerReport(
        id="late",
        at=line.now,
        resident=out.resident,
        case=out.case,
        by="officer zhao",
        dispatch=out.id,
        step=out.step,
        attempt=attempt,
        stage=VisitStage.ACCEPTED,
    )

"""What follows each result, and a result that does not come."""

from datetime import timedelta

import pytest

from domain.casework import deadlines
from schemas.casework.acts import ClaimAct, NoteAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import FactKind
from schemas.codes.any_code import LateResult
from schemas.codes.people import NumberNotResidents
from schemas.codes.plan import BusyDuringCall, BusyInARow
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from tests.domain.builders import MIDNIGHT, NOON, Line, contact_result, danger, payment, profile

ROBOT, OPERATOR = Action.ROBOT_CALL, Action.OPERATOR_CALL
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def red(*flags: Flag, contacts: int = 0, live: bool = False) -> Line:
    """A red case whose SMS has arrived and whose robot call is on its way, 20 seconds on."""
    line = Line()
    line.alert(
        Level.RED, of=profile(*flags, contacts=contacts), found=danger(Level.RED, call_since=NOON if live else None)
    )
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(20 * SECOND)
    return line


def yellow() -> Line:
    """A yellow case whose SMS has arrived and whose robot call is on its way, an hour on."""
    line = Line()
    line.alert(Level.YELLOW)
    line.pass_to(3 * MINUTE)
    line.result(Result.DELIVERED, Action.SMS)
    line.pass_to(57 * MINUTE)
    return line


def test_a_red_alert_sends_a_flash_sms_in_the_same_decision() -> None:
    decision = Line().alert(Level.RED)
    assert [(out.action, out.at, out.signal_at) for out in decision.dispatches] == [(Action.FLASH_SMS, NOON, NOON)]
    assert decision.case is not None
    assert decision.case.state is CaseState.CONTACTING


def test_a_delivered_sms_ends_its_step_and_counts_as_a_warning() -> None:
    line = red()
    assert line.step("red.sms").state is StepState.DONE
    assert line.here.warned_at == NOON


def test_no_receipt_in_sixty_seconds_brings_the_call_forward() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.pass_to(30 * SECOND)
    assert [out.action for out in line.pass_to(60 * SECOND)] == [ROBOT]
    assert line.now == NOON + 90 * SECOND
    assert line.step("orange.sms").state is StepState.PENDING


def test_an_undelivered_sms_brings_the_call_forward_at_once() -> None:
    line = Line()
    line.alert(Level.RED)
    assert [out.action for out in line.result(Result.UNDELIVERED, Action.FLASH_SMS).dispatches] == [ROBOT]


def test_a_receipt_that_is_36_minutes_late_is_shown_and_acted_on() -> None:
    line = Line()
    line.alert(Level.RED)
    first = line.sent()[0]
    line.pass_to(36 * MINUTE)
    decision = line.result(Result.DELIVERED, of=first)
    assert (decision.facts[0].kind, decision.facts[0].result) == (FactKind.RESULT, Result.DELIVERED)
    assert isinstance(decision.facts[0].what, LateResult)
    assert line.here.warned_at == NOON + 36 * MINUTE


def test_a_receipt_that_comes_late_spares_the_resident_the_next_sms() -> None:
    line = Line()
    line.alert(Level.RED)
    first = line.sent()[0]
    line.pass_to(2 * MINUTE)
    line.result(Result.DELIVERED, of=first)
    assert line.step("red.sms").state is StepState.DONE
    assert Action.FLASH_SMS not in {out.action for out in line.pass_to(timedelta(hours=1))}


@pytest.mark.parametrize("result", [Result.ACKNOWLEDGED, Result.HUNG_UP, Result.BUSY, Result.WRONG_NUMBER])
def test_a_receipt_of_a_call_that_was_not_made_yet_changes_nothing_and_the_call_is_made(result: Result) -> None:
    line = Line()
    line.alert(Level.RED)
    before, call = line.here, line.step("red.call")
    assert call.state is StepState.PENDING
    sms = line.sent()[0]
    unsent = sms.model_copy(update={"id": f"{sms.case}:{call.id}:1:phone", "step": call.id, "action": call.action})
    assert line.result(result, of=unsent).facts == []
    assert line.here is before
    assert ROBOT in {out.action for out in line.pass_to(timedelta(hours=1))}


@pytest.mark.parametrize("result", [Result.ACKNOWLEDGED, Result.HUNG_UP, Result.BUSY, Result.WANTS_OPERATOR])
def test_a_receipt_of_a_call_that_was_withdrawn_before_it_was_made_changes_nothing(result: Result) -> None:
    line = Line()
    line.alert(Level.RED)
    sms = line.sent()[0]
    line.result(Result.WRONG_NUMBER, Action.FLASH_SMS)
    before, call = line.here, line.step("red.call")
    assert (call.state, call.attempt) == (StepState.WITHDRAWN, 0)
    for attempt in (1, 2):
        told = {"id": f"{sms.case}:{call.id}:{attempt}:phone", "step": call.id, "attempt": attempt}
        assert line.result(result, of=sms.model_copy(update={**told, "action": call.action})).facts == []
    assert line.here is before


def test_a_receipt_of_a_call_that_was_made_and_not_made_again_still_counts() -> None:
    line = red()
    call = line.last(ROBOT)
    line.result(Result.BUSY, ROBOT)
    assert (line.step("red.call").state, line.step("red.call").attempt) == (StepState.PENDING, 2)
    line.result(Result.WRONG_NUMBER, of=line.sent()[0])
    assert (line.step("red.call").state, line.step("red.call").attempt) == (StepState.WITHDRAWN, 1)
    line.result(Result.WANTS_OPERATOR, of=call)
    assert line.step("red.call").results == [Result.BUSY, Result.WANTS_OPERATOR]


def test_the_same_result_twice_means_nothing_the_second_time() -> None:
    line = red()
    before = line.here
    assert line.result(Result.DELIVERED, Action.FLASH_SMS).facts == []
    assert line.here is before


def test_a_busy_line_is_dialled_again_soon() -> None:
    line = red()
    line.result(Result.BUSY, ROBOT)
    assert (line.step("red.call").state, line.step("red.call").due) == (StepState.PENDING, line.now + MINUTE)


def test_a_line_busy_twice_in_a_row_sends_an_officer_now_with_the_reason() -> None:
    line = yellow()
    line.result(Result.BUSY, ROBOT)
    line.pass_to(MINUTE)
    sent = line.result(Result.BUSY, ROBOT).dispatches
    assert [out.action for out in sent] == [Action.VISIT]
    assert sent[0].because == BusyInARow(2)
    assert line.facts(FactKind.EVIDENCE) == [sent[0].because]


def test_busy_lines_with_an_answer_between_them_are_not_in_a_row() -> None:
    line = yellow()
    for result, wait in ((Result.BUSY, MINUTE), (Result.NO_ANSWER, timedelta(hours=2)), (Result.BUSY, MINUTE)):
        line.result(result, ROBOT)
        line.pass_to(wait)
    assert line.facts(FactKind.EVIDENCE) == []


def test_a_busy_line_while_the_residents_own_call_runs_on_sends_an_officer_at_once() -> None:
    sent = red(live=True).result(Result.BUSY, ROBOT).dispatches
    assert [out.action for out in sent] == [Action.VISIT]
    assert sent[0].because == BusyDuringCall()


def test_a_line_is_not_suspicious_for_being_busy_with_the_operator() -> None:
    line = red(live=True)
    line.act(ClaimAct(do="claim"))
    line.result(Result.BUSY, ROBOT)
    assert line.facts(FactKind.EVIDENCE) == []


def test_no_answer_is_tried_again_until_the_attempts_are_used_up_and_then_an_officer_goes() -> None:
    line = yellow()
    for _ in range(2):
        line.result(Result.NO_ANSWER, ROBOT)
        line.pass_to(timedelta(hours=2))
    sent = line.result(Result.NO_ANSWER, ROBOT).dispatches
    assert {out.action for out in sent} == {OPERATOR, Action.VISIT}
    assert line.step("yellow.call").state is StepState.FAILED


def test_blue_has_a_robot_only_and_ends_when_nobody_answers() -> None:
    line = Line()
    line.alert(Level.BLUE)
    line.pass_to(20 * MINUTE)
    line.result(Result.DELIVERED, Action.SMS)
    line.pass_to(timedelta(hours=4))
    line.result(Result.NO_ANSWER, ROBOT)
    line.pass_to(timedelta(hours=4))
    line.result(Result.NO_ANSWER, ROBOT)
    assert {out.action for out in line.sent()} == {Action.SMS, ROBOT}
    line.pass_to(timedelta(days=2))
    assert line.state() is CaseState.CLOSED
    assert line.here.outcome is None


@pytest.mark.parametrize("result", [Result.REFUSED, Result.HUNG_UP, Result.WANTS_OPERATOR])
def test_whoever_refuses_hangs_up_or_asks_for_one_gets_an_operator_now(result: Result) -> None:
    assert [out.action for out in yellow().result(result, ROBOT).dispatches] == [OPERATOR]


def test_whoever_asks_for_an_operator_at_blue_gets_one_although_blue_plans_none() -> None:
    line = Line()
    line.alert(Level.BLUE)
    line.pass_to(timedelta(hours=4))
    assert [out.action for out in line.result(Result.WANTS_OPERATOR, ROBOT).dispatches] == [OPERATOR]


def test_a_refused_operator_sends_an_officer() -> None:
    line = yellow()
    line.result(Result.REFUSED, ROBOT)
    assert [out.action for out in line.result(Result.REFUSED, OPERATOR).dispatches] == [Action.VISIT]


def test_voicemail_brings_the_next_sms_forward() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.pass_to(90 * SECOND)
    assert line.step("orange.sms").state is StepState.PENDING
    assert [out.action for out in line.result(Result.VOICEMAIL, ROBOT).dispatches] == [Action.SMS]


def test_a_wrong_number_gets_no_further_call_or_sms_and_an_officer_goes() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.pass_to(4 * MINUTE)
    sent = line.result(Result.WRONG_NUMBER, ROBOT).dispatches
    assert [out.action for out in sent] == [Action.VISIT]
    later = line.pass_to(timedelta(days=3))
    assert {out.action for out in later} == {Action.VISIT}


def test_who_says_that_they_are_not_the_resident_may_be_the_scammer_so_family_and_officer_are_told_at_once() -> None:
    line = red(contacts=1)
    sent = line.result(Result.WRONG_NUMBER, ROBOT).dispatches
    assert {Action.VISIT, Action.CONTACT_CALL} <= {out.action for out in sent}
    assert NumberNotResidents(ROBOT) in line.facts(FactKind.EVIDENCE)
    assert (line.here.level, line.here.open, line.here.wrong_number_at) == (Level.RED, True, line.now)


def test_a_wrong_number_of_a_trusted_contact_says_nothing_of_the_residents() -> None:
    line = red(contacts=1)
    line.result(Result.OUT_OF_AREA, ROBOT)
    line.result(Result.WRONG_NUMBER, Action.CONTACT_CALL)
    assert line.here.wrong_number_at is None


def test_a_wrong_number_is_shown_until_an_operator_who_has_seen_it_acts() -> None:
    line = red()
    shown = line.here.version
    line.result(Result.WRONG_NUMBER, ROBOT)
    line.act(NoteAct(what="note", note="the daughter is asked"), "chen", role=StaffRole.OPERATOR, seen=shown)
    assert line.here.wrong_number_at is not None
    line.act(
        NoteAct(what="note", note="the daughter has the new number"),
        "chen",
        role=StaffRole.OPERATOR,
        seen=line.here.version,
    )
    assert line.here.wrong_number_at is None


def test_the_mark_of_a_wrong_number_outlasts_a_claim_from_the_queue_because_the_page_is_opened_after_it() -> None:
    line = red()
    line.result(Result.WRONG_NUMBER, ROBOT)
    line.act(ClaimAct(do="claim"), "chen", role=StaffRole.OPERATOR)
    assert line.here.claimed_by == "chen"
    assert line.here.wrong_number_at is not None


def test_out_of_area_sends_an_sms_and_tells_the_trusted_contact() -> None:
    line = Line()
    line.alert(Level.RED, of=profile(contacts=1))
    line.result(Result.UNDELIVERED, Action.FLASH_SMS)
    sent = line.result(Result.OUT_OF_AREA, ROBOT).dispatches
    assert {out.action for out in sent} == {Action.FLASH_SMS, Action.CONTACT_CALL}


def test_an_acknowledgement_settles_yellow() -> None:
    line = yellow()
    line.result(Result.ACKNOWLEDGED, ROBOT)
    assert line.state() is CaseState.DISSUADED
    assert {out.action for out in line.pass_to(timedelta(days=20))} == {Action.FOLLOW_UP, Action.WEEK_SMS}


def test_an_acknowledgement_in_mid_chain_does_not_stop_the_other_channels_of_red() -> None:
    line = red()
    line.result(Result.ACKNOWLEDGED, ROBOT)
    assert not line.here.settled
    assert {out.action for out in line.pass_to(5 * MINUTE)} >= {OPERATOR, Action.VISIT}


def test_an_acknowledgement_at_orange_ends_the_robot_calls_alone() -> None:
    line = Line()
    line.alert(Level.ORANGE)
    line.pass_to(5 * MINUTE)
    line.result(Result.ACKNOWLEDGED, ROBOT)
    later = {out.action for out in line.pass_to(timedelta(hours=6))}
    assert ROBOT not in later
    assert later >= {OPERATOR, Action.VISIT}


def test_an_acknowledgement_of_before_the_level_was_raised_settles_nothing() -> None:
    line = Line()
    line.alert(Level.BLUE)
    line.pass_to(timedelta(hours=4))
    old = line.last(ROBOT)
    line.alert(Level.YELLOW)
    line.result(Result.ACKNOWLEDGED, of=old)
    assert not line.here.settled


def test_an_old_acknowledgement_never_comes_back_after_a_reopening() -> None:
    line = yellow()
    old = line.last(ROBOT)
    line.dissuaded()
    line.pass_to(timedelta(hours=1))
    line.alert(Level.YELLOW, found=danger(Level.YELLOW, "a scam site opened"))
    line.result(Result.ACKNOWLEDGED, of=old)
    assert not line.here.settled
    assert {out.action for out in line.pass_to(timedelta(hours=2))} >= {Action.SMS, ROBOT}


def test_a_provider_that_fails_and_recovers_makes_exactly_one_contact() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.pass_to(3 * MINUTE)
    pauses = []
    for _ in range(5):
        line.result(Result.FAILED, Action.SMS)
        pauses.append(deadlines(line.here)["yellow.sms"] - line.now)
        line.pass_to(pauses[-1])
    assert pauses == [15 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND, 240 * SECOND]
    line.result(Result.DELIVERED, Action.SMS)
    assert Action.SMS not in {out.action for out in line.pass_to(timedelta(days=1))}
    assert [result for result in line.step("yellow.sms").results if result is not Result.FAILED] == [Result.DELIVERED]


def test_a_provider_that_stays_away_gives_way_to_the_next_channel() -> None:
    line = Line()
    line.alert(Level.RED)
    for _ in range(41):
        line.result(Result.FAILED, Action.FLASH_SMS)
        line.pass_to(10 * MINUTE)
    assert line.step("red.sms").state is StepState.FAILED


def test_in_doubt_is_tried_again_at_red_and_taken_as_sent_elsewhere() -> None:
    line = red()
    line.result(Result.IN_DOUBT, ROBOT)
    assert line.step("red.call").attempt == 2
    other = yellow()
    other.result(Result.IN_DOUBT, ROBOT)
    assert (other.step("yellow.call").state, other.step("yellow.call").attempt) == (StepState.SENT, 1)


def test_what_was_not_sent_is_withdrawn() -> None:
    line = red()
    line.result(Result.NOT_SENT, ROBOT)
    assert line.step("red.call").state is StepState.WITHDRAWN


def test_what_was_not_sent_because_its_time_was_over_is_tried_again() -> None:
    line = red()
    out = line.last(ROBOT)
    assert out.not_after is not None
    line.give(contact_result(out, Result.NOT_SENT, out.not_after + SECOND))
    assert (line.step("red.call").state, line.step("red.call").attempt) == (StepState.PENDING, 2)


def test_a_call_without_a_result_is_tried_again() -> None:
    line = red()
    line.pass_to(90 * SECOND)
    assert (line.step("red.call").state, line.step("red.call").attempt) == (StepState.PENDING, 2)


def test_a_result_after_the_resident_was_dissuaded_is_noted_and_nothing_follows() -> None:
    line = red()
    line.dissuaded()
    decision = line.result(Result.BUSY, ROBOT)
    assert [fact.kind for fact in decision.facts] == [FactKind.RESULT, FactKind.STEP_FAILED]
    assert {out.action for out in line.pass_to(timedelta(days=10))} == {Action.FOLLOW_UP, Action.WEEK_SMS}


def test_the_trusted_contacts_are_told_one_after_the_other() -> None:
    line = Line()
    line.alert(Level.RED, of=profile(contacts=2))
    line.pass_to(10 * MINUTE)
    asked = [line.last(Action.CONTACT_CALL).contact]
    line.result(Result.NO_ANSWER, Action.CONTACT_CALL)
    line.pass_to(MINUTE)
    asked.append(line.last(Action.CONTACT_CALL).contact)
    line.result(Result.DELIVERED, Action.CONTACT_CALL)
    assert asked == [0, 1]
    assert line.step("red.contact").state is StepState.DONE
    assert line.here.warned_at is None, "the resident himself has not been reached"


def test_no_contact_is_told_of_a_resident_who_named_none() -> None:
    line = Line()
    line.alert(Level.RED)
    assert "red.contact" not in line.states()


@pytest.mark.parametrize("flag", [Flag.OBJECTS_TO_CALLS, Flag.HARD_OF_HEARING])
def test_no_robot_calls_whoever_objects_or_is_hard_of_hearing(flag: Flag) -> None:
    line = Line()
    line.alert(Level.RED, of=profile(flag))
    assert ROBOT not in {out.action for out in line.pass_to(timedelta(days=1))}


def test_at_night_yellow_waits_for_the_morning_and_goes_on_from_there() -> None:
    line = Line(at=MIDNIGHT)
    line.alert(Level.YELLOW)
    assert line.pass_to(timedelta(hours=6, minutes=59)) == []
    assert line.pass_to(timedelta(minutes=1))[0].action is Action.SMS
    assert len(line.pass_to(timedelta(hours=10))) > 2


def test_at_night_red_and_orange_do_not_wait() -> None:
    for level in (Level.RED, Level.ORANGE):
        line = Line(at=MIDNIGHT)
        line.alert(level)
        assert line.pass_to(MINUTE)


def test_a_resident_whom_nothing_reaches_is_unreachable_and_called_once_more() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(days=5))
    assert line.state() is CaseState.UNREACHABLE
    assert line.here.outcome is Outcome.UNREACHABLE
    line.pass_to(timedelta(days=35))
    assert line.state() is CaseState.CLOSED


def test_an_unreachable_resident_who_answers_at_last_gets_an_operator() -> None:
    line = Line()
    line.alert(Level.RED)
    line.pass_to(timedelta(hours=5))
    assert line.state() is CaseState.UNREACHABLE
    line.pass_to(timedelta(hours=24))
    assert [out.action for out in line.result(Result.HUNG_UP, Action.FOLLOW_UP).dispatches] == [OPERATOR]
    assert line.state() is CaseState.CONTACTING


def test_a_dissuaded_resident_who_asks_for_an_operator_at_a_follow_up_is_in_danger_again() -> None:
    line = red()
    line.dissuaded()
    line.pass_to(timedelta(hours=24))
    sent = [*line.result(Result.WANTS_OPERATOR, Action.FOLLOW_UP).dispatches, *line.pass_to(30 * SECOND)]
    assert {out.action for out in sent} == {Action.FLASH_SMS, ROBOT, OPERATOR}
    assert line.facts(FactKind.REOPENED)


def test_after_an_outage_a_backlog_keeps_its_gaps_and_what_is_overtaken_is_skipped() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    sent = line.fire("yellow.call", late=timedelta(hours=8))
    assert [out.action for out in sent.dispatches] == [Action.SMS]
    assert line.step("yellow.call").state is StepState.SKIPPED
    assert line.step("yellow.operator").due == line.now + 5 * MINUTE


def test_a_result_of_an_earlier_case_means_nothing() -> None:
    line = red()
    stray = contact_result(line.last(ROBOT), Result.BUSY, line.now).model_copy(update={"case": "rbbbbbbbbbbbbbbbb-9"})
    assert line.give(stray).facts == []


def test_a_red_case_with_money_moving_is_asked_to_be_stopped_within_five_minutes() -> None:
    line = Line()
    line.alert(Level.RED, payment(), payment("bank:2", payee="a2"))
    asked = [out for out in line.pass_to(5 * MINUTE) if out.action is Action.STOP_PAYMENT]
    assert [out.payment.transfer for out in asked if out.payment] == ["bank:1", "bank:2"]

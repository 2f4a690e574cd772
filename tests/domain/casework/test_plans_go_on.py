"""A plan that has run out, was put off or asked for what never came goes on when there is danger again."""

from datetime import timedelta

from domain.casework import deadlines, lift
from domain.dispatches.validity import validity
from schemas.casework.acts import CallAgainAct, ClaimAct, NotifyContactAct, SendOfficerAct
from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import HoldChange, VisitStage
from schemas.codes.refusals import PlanOverByLoss
from schemas.levels import Action, Channel, Level, Outcome, Result
from tests.domain.builders import NOON, Line, contact_result, danger, hold, payment, profile, rules

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BESIDE = (Action.STOP_PAYMENT, Action.FOLLOW_UP)  # what is done without contacting anybody in danger


def dissuaded_while_the_bank_was_away() -> Line:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(2 * MINUTE)
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    line.dissuaded()
    line.pass_to(HOUR)
    return line


def test_a_stop_that_never_reached_the_bank_is_asked_for_when_there_is_danger_again() -> None:
    line = dissuaded_while_the_bank_was_away()
    line.alert(Level.RED, payment(), found=danger(Level.RED, "another call"))
    assert Action.STOP_PAYMENT in [each.action for each in line.pass_to(HOUR)]


def test_a_stop_that_never_reached_the_bank_is_asked_for_when_the_victim_tells_of_it() -> None:
    line = dissuaded_while_the_bank_was_away()
    told = line.victim(1_000_000, "bank:1")
    assert Action.STOP_PAYMENT in [each.action for each in told.dispatches]


def test_who_was_defrauded_and_asks_for_a_person_at_a_follow_up_is_called() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(2 * MINUTE)
    line.outcome(Outcome.ALREADY_DEFRAUDED, lost_fen=100)
    line.pass_to(25 * HOUR)
    asked = line.result(Result.WANTS_OPERATOR, Action.FOLLOW_UP).dispatches[-1]
    assert validity(asked, line.here, line.now) is None


def test_a_milder_danger_begins_a_plan_when_that_of_the_graver_one_has_run_out() -> None:
    line = Line()
    line.alert(Level.RED)
    line.pass_to(30 * HOUR)
    while any(step.state in ("pending", "sent") and step.action not in BESIDE for step in line.here.steps):
        line.pass_to(10 * MINUTE)
    line.pass_to(2 * DAY)
    suspect = payment("bank:9", 20_000_000, payee="z9", at=line.now)
    told = line.alert(Level.ORANGE, suspect, found=danger(Level.ORANGE, "a transfer to a suspect account"))
    assert {each.action for each in told.dispatches + line.pass_to(12 * HOUR)} - set(BESIDE)


def test_a_call_put_off_for_days_comes_at_once_when_he_is_red_again() -> None:
    line = Line()
    line.alert(Level.RED)
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(seconds=90))
    line.act(CallAgainAct(when=line.now + 5 * DAY))
    line.pass_to(3 * MINUTE)
    for stage in (VisitStage.ACCEPTED, VisitStage.ARRIVED, VisitStage.DONE):
        line.officer(stage)
    line.pass_to(DAY)
    scammer = payment("bank:9", 20_000_000, payee="z9", at=line.now)
    told = line.alert(Level.RED, scammer, found=danger(Level.RED, "a transfer to a scammer"))
    assert {each.action for each in told.dispatches + line.pass_to(DAY)} - set(BESIDE)


def test_a_visit_is_asked_for_until_the_morning_when_nobody_is_on_duty_by_night() -> None:
    line = Line(at=NOON + timedelta(hours=10))
    line.alert(Level.RED)
    while True:
        step, due = min(deadlines(line.here).items(), key=lambda each: each[1])
        if due > NOON + timedelta(hours=19):
            break
        for sent in line.fire(step).dispatches:
            if sent.action is Action.VISIT:
                line.now = sent.at
                line.give(contact_result(sent, Result.FAILED, sent.at))
    assert line.step("red.visit").state in (StepState.PENDING, StepState.SENT)


def asks_for_a_person_while_an_operator_has_his_case() -> Line:
    line = Line()
    line.alert(Level.BLUE)
    line.pass_to(5 * HOUR)
    line.act(ClaimAct(do="claim"))
    line.result(Result.WANTS_OPERATOR, Action.ROBOT_CALL)
    assert Action.OPERATOR_CALL not in [each.action for each in line.sent()], "whoever has the case may be talking"
    return line


def test_who_asked_for_a_person_while_an_operator_had_his_case_is_called_when_it_is_given_back() -> None:
    line = asks_for_a_person_while_an_operator_has_his_case()
    line.act(ClaimAct(do="unclaim"))
    assert line.here.open
    assert line.last(Action.OPERATOR_CALL).at == line.now


def test_who_asked_for_a_person_is_called_though_the_operator_who_had_his_case_never_reports() -> None:
    line = asks_for_a_person_while_an_operator_has_his_case()
    line.pass_to(HOUR)
    assert line.sent()[-1].action is Action.OPERATOR_CALL
    assert line.here.claimed_by is None


def test_who_asked_for_a_person_and_is_talked_out_of_it_by_the_operator_who_had_his_case_is_not_called_again() -> None:
    line = asks_for_a_person_while_an_operator_has_his_case()
    line.dissuaded()
    line.pass_to(10 * HOUR)
    assert Action.OPERATOR_CALL not in [each.action for each in line.sent()]


def test_an_officer_who_is_asked_for_twice_while_a_hold_stands_is_sent_once() -> None:
    mute = hold(until=NOON + 10 * HOUR, channel=Channel.VISIT)
    line = Line(mute)
    line.alert(Level.RED, payment())
    line.pass_to(3 * MINUTE)
    line.outcome(Outcome.NOT_PERSUADED)
    line.act(SendOfficerAct(reason="quickly"))
    lifted = HoldChange(id="lifted", at=line.now, hold=mute, lift="release")
    sent = lift(line.here, lifted, rules(), line.now).dispatches
    assert [each.action for each in sent if each.action is Action.VISIT] == [Action.VISIT]


def test_who_was_defrauded_is_not_promised_a_contact_that_no_channel_makes() -> None:
    for act in (SendOfficerAct(reason="in despair"), CallAgainAct(when=NOON + HOUR), NotifyContactAct(contact=0)):
        line = Line()
        line.alert(Level.RED, payment(), of=profile(contacts=1))
        line.pass_to(2 * MINUTE)
        line.outcome(Outcome.ALREADY_DEFRAUDED, lost_fen=100)
        line.act(act)
        assert line.facts(FactKind.REFUSED) == [PlanOverByLoss()]


def test_a_stop_that_was_dropped_with_a_hold_is_asked_for_when_the_victim_tells_of_it() -> None:
    mute = hold(until=NOON + 10 * HOUR, channel=Channel.PAYMENT)
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(2 * MINUTE)
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    line.rules = rules(mute)
    line.pass_to(MINUTE)
    line.case = lift(line.here, HoldChange(id="l", at=line.now, hold=mute, lift="drop"), rules(), line.now).case
    line.rules = rules()
    asked = len([each for each in line.sent() if each.action is Action.STOP_PAYMENT])
    told = line.victim(1_000_000, "bank:1").dispatches
    assert Action.STOP_PAYMENT in [each.action for each in told], f"asked {asked} times, and the bank never had it"

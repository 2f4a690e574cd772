"""The question a week after a resident was dissuaded: by which channel, when, never twice, and what its answers do."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework import Rules
from domain.casework.week.answers import week_answer_of
from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.policy import load
from schemas.casework.acts import CloseAct, NoteAct, OutcomeAct, WeekAnswerAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import ResidentReply, VisitStage
from schemas.codes.replies import ReplySender
from schemas.codes.week import AskedInstead, AskedNoMore, NotAskedAfterWeek, WeekAnswerTold, WeekReplied
from schemas.levels import WEEK_ANSWERS, Action, Channel, Level, Outcome, OutcomeGround, Result, WeekAnswer
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, RESIDENT, Line, alert, at_the_desk, payment, policy_text, profile

DAY = timedelta(days=1)
QUESTIONS = (Action.WEEK_CALL, Action.WEEK_SMS)
PAID, AGAIN, NOTHING = Result.PAID_SINCE, Result.CONTACTED_AGAIN, Result.NOTHING_PAID


def at_the_door(*flags: Flag) -> Line:
    """A red case of a resident whom an officer has just dissuaded at the door."""
    line = Line()
    line.alert(Level.RED, payment(), of=profile(*flags))
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(minutes=4))
    line.officer(VisitStage.ACCEPTED)
    line.officer(VisitStage.DONE, OutcomeAct(outcome=Outcome.DISSUADED))
    return line


def by_telephone() -> Line:
    line = at_the_desk()
    line.dissuaded()
    return line


def by_key() -> Line:
    """A blue case whose automated call was answered with the key; it closes a day later."""
    line = Line()
    line.alert(Level.BLUE)
    line.pass_to(timedelta(hours=5))
    line.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
    return line


def asked(line: Line, days: float = 9) -> list[Dispatch]:
    """Let time pass; other calls are answered well. The questions that were put."""
    put = []
    until = line.now + days * DAY
    while line.now < until:
        for out in line.pass_to(min(line.now + timedelta(minutes=5), until)):
            if out.action in QUESTIONS:
                put.append(out)
            elif out.action is Action.FOLLOW_UP:
                line.result(Result.ACKNOWLEDGED, of=out)
        if put:
            break
    return put


def put(line: Line) -> Dispatch:
    [out] = asked(line)
    return out


def reply(line: Line, text: str, of: Dispatch, sender: ReplySender = ReplySender.RESIDENT) -> None:
    name = f"{of.id}:reply:{len(line.decisions)}"
    line.give(ResidentReply(id=name, at=line.now, resident=RESIDENT, dispatch=of.id, sender=sender, text=text))


def answer(line: Line) -> WeekAnswer | None:
    assert line.here.week is not None
    return line.here.week.answer


@pytest.mark.parametrize(
    ("line", "ground", "action"),
    [
        (at_the_door(), OutcomeGround.VISIT, Action.WEEK_CALL),
        (by_telephone(), OutcomeGround.CALL, Action.WEEK_SMS),
        (by_key(), OutcomeGround.KEY, Action.WEEK_SMS),
        (at_the_door(Flag.OBJECTS_TO_CALLS), OutcomeGround.VISIT, Action.WEEK_SMS),
        (at_the_door(Flag.HARD_OF_HEARING), OutcomeGround.VISIT, Action.WEEK_SMS),
    ],
)
def test_the_question_comes_by_another_channel_a_week_after_they_were_dissuaded(
    line: Line, ground: OutcomeGround, action: Action
) -> None:
    since = line.now
    assert line.here.ground is ground
    assert line.here.week is None
    out = put(line)
    assert out.action is action
    assert timedelta(days=7) <= out.at - since <= timedelta(days=7, hours=20)
    assert 7 <= (out.at + timedelta(hours=8)).hour < 22
    assert validity(out, line.here, out.at) is None
    assert line.here.week is not None
    assert (line.here.week.asked_at, line.here.week.action, answer(line)) == (out.at, action, None)
    assert action.channel is not (Channel.VISIT if ground is OutcomeGround.VISIT else Channel.PHONE)


def test_who_was_dissuaded_on_somebodys_word_is_called() -> None:
    line = at_the_desk()
    line.outcome(Outcome.DISSUADED, ground=OutcomeGround.RELATIVE, note="her son is with her")
    assert put(line).action is Action.WEEK_CALL


def test_a_case_that_has_closed_still_asks() -> None:
    line = by_key()
    out = put(line)
    assert line.state() is CaseState.CLOSED
    assert validity(out, line.here, out.at) is None


def test_a_call_takes_the_place_of_the_follow_up_of_that_day_and_a_message_does_not() -> None:
    called, written = at_the_door(), by_telephone()
    assert called.step("follow.3").state is StepState.SKIPPED
    assert called.facts(FactKind.SKIPPED)[-1] == AskedInstead()
    assert written.step("follow.3").state is StepState.PENDING


def test_the_question_is_put_once_however_often_they_are_dissuaded() -> None:
    line = by_telephone()
    line.result(Result.DELIVERED, of=put(line))
    assert asked(line, 20) == []
    line.alert(Level.RED, payment("bank:2", at=line.now))
    line.act(NoteAct(what="conversation"))
    line.outcome(Outcome.DISSUADED)
    assert asked(line, 20) == []


def test_who_is_dissuaded_anew_before_the_question_is_asked_a_week_after_that() -> None:
    line = by_telephone()
    asked(line, 5)
    line.alert(Level.RED, payment("bank:2", at=line.now))
    assert line.step("week.week_sms").state is StepState.WITHDRAWN
    line.act(NoteAct(what="conversation"))
    line.outcome(Outcome.DISSUADED)
    again = line.now
    assert put(line).at - again >= timedelta(days=7)


def test_nobody_is_asked_while_in_danger() -> None:
    line = by_key()
    line.pass_to(DAY)
    line.alert(Level.ORANGE)
    assert asked(line, 12) == []
    assert AskedNoMore() in line.facts(FactKind.WITHDRAWN)


def test_the_question_of_an_earlier_case_is_not_put_beside_a_new_one() -> None:
    line = by_key()
    line.pass_to(DAY)
    line.act(CloseAct(reason="a test")) if line.here.open else None
    rules = Rules(load(policy_text().replace('reopen_within = "', 'reopen_within = "1s" # "', 1)))
    line.rules = rules
    line.now += timedelta(hours=1)
    line.give(alert(Level.YELLOW, at=line.now))
    assert line.here.number == 2
    assert asked(line, 6.5) == []


def test_a_loss_withdraws_the_question_and_support_takes_its_place() -> None:
    line = by_telephone()
    line.pass_to(DAY)
    line.victim(500_000)
    assert line.step("week.week_sms").state is StepState.WITHDRAWN
    assert asked(line, 12) == []


def test_who_lost_money_before_they_were_dissuaded_gets_support_and_not_the_question() -> None:
    line = at_the_desk()
    line.dissuaded(lost_fen=100_000)
    assert line.here.outcome is Outcome.DISSUADED
    assert not [step for step in line.here.steps if step.action in QUESTIONS]


@pytest.mark.parametrize("later", [False, True])
def test_who_asked_for_no_more_messages_is_not_asked(later: bool) -> None:
    line = at_the_desk()
    if later:
        line.dissuaded()
    reply(line, "退订", line.last(Action.FLASH_SMS))
    if not later:
        line.dissuaded()
    assert asked(line, 12) == []


def test_a_contacts_wish_for_no_more_messages_is_not_the_residents() -> None:
    line = by_telephone()
    reply(line, "T", line.last(Action.FLASH_SMS), ReplySender.CONTACT)
    assert put(line).action is Action.WEEK_SMS


def test_a_false_alarm_is_not_asked_about() -> None:
    line = at_the_desk()
    line.outcome(Outcome.FALSE_ALARM)
    assert asked(line, 12) == []


def test_a_policy_without_the_key_asks_nobody() -> None:
    line = Line()
    line.rules = Rules(load(policy_text().replace('ask_after = "7d"', "")))
    line.alert(Level.RED, payment())
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.dissuaded()
    assert asked(line, 12) == []


def test_a_question_on_its_way_is_obsolete_once_the_resident_is_in_danger() -> None:
    line = by_telephone()
    out = put(line)
    line.alert(Level.RED, payment("bank:2", at=line.now))
    assert validity(out, line.here, out.at) == ObsoleteDispatch(AskedNoMore())


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1", NOTHING),
        ("１。", NOTHING),
        (" 2 ", PAID),
        ("3!", AGAIN),
        ("没有", None),
        ("12", None),
        ("", None),
        ("9", None),
    ],
)
def test_only_a_figure_alone_is_an_answer(text: str, result: Result | None) -> None:
    assert week_answer_of(text) is result


def test_nothing_paid_by_reply_is_noted_and_changes_nothing_else() -> None:
    line = by_telephone()
    out = put(line)
    before = line.here
    reply(line, "1", out)
    assert answer(line) is WeekAnswer.NOTHING_PAID
    assert line.step(out.step).state is StepState.DONE
    assert WeekReplied(WeekAnswer.NOTHING_PAID) in line.facts(FactKind.RESULT)
    assert (line.here.state, line.here.outcome, line.here.level) == (before.state, before.outcome, before.level)


@pytest.mark.parametrize("result", [PAID, AGAIN])
@pytest.mark.parametrize("channel", ["key", "reply"])
@pytest.mark.parametrize("closed", [False, True])
def test_who_has_paid_or_was_contacted_is_called_by_an_operator_and_no_loss_is_booked_yet(
    result: Result, channel: str, closed: bool
) -> None:
    line = by_key() if closed else by_telephone() if channel == "reply" else at_the_door()
    out = put(line)
    if channel == "reply" or closed:
        reply(line, {PAID: "2", AGAIN: "3"}[result], out)
    else:
        line.result(result, of=out)
    assert answer(line) == WeekAnswer(result.value)
    assert line.state() is CaseState.CONTACTING
    assert line.last(Action.OPERATOR_CALL).at == line.now
    assert line.here.losses == []
    assert line.here.outcome is Outcome.DISSUADED, "until a person confirms"
    line.act(NoteAct(what="conversation"))
    line.outcome(Outcome.ALREADY_DEFRAUDED, lost_fen=300_000)
    assert line.state() is CaseState.ALREADY_DEFRAUDED
    assert line.here.prior_loss is not None
    assert answer(line) == WeekAnswer(result.value)


@pytest.mark.parametrize("closed", [False, True])
def test_a_person_who_hears_that_nothing_was_paid_puts_the_case_back(closed: bool) -> None:
    line = by_key() if closed else by_telephone()
    before, out = line.here, put(line)
    was = line.state()
    reply(line, "2", out)
    line.act(NoteAct(what="conversation"))
    line.act(WeekAnswerAct(answer=WeekAnswer.NOTHING_PAID, note="pressed by mistake"))
    assert line.state() is was
    assert answer(line) is WeekAnswer.NOTHING_PAID
    assert (line.here.outcome, line.here.ground) == (before.outcome, before.ground)
    assert WeekAnswerTold(WeekAnswer.NOTHING_PAID, "operator li", "pressed by mistake") in line.facts(FactKind.NOTE)


def test_a_reply_never_lowers_an_open_case() -> None:
    line = by_telephone()
    out = put(line)
    line.alert(Level.RED, payment("bank:2", at=line.now))
    before = line.here
    reply(line, "1", out)
    assert (line.here.state, line.here.level, line.here.outcome) == (before.state, before.level, before.outcome)
    assert {step.id for step in line.here.steps if step.state in (StepState.PENDING, StepState.SENT)} == {
        step.id for step in before.steps if step.state in (StepState.PENDING, StepState.SENT) and step.id != out.step
    }


def test_an_answer_only_gets_worse_until_a_person_says_otherwise() -> None:
    line = by_telephone()
    out = put(line)
    reply(line, "2", out)
    reply(line, "1", out)
    assert answer(line) is WeekAnswer.PAID_SINCE
    line.act(WeekAnswerAct(answer=WeekAnswer.CONTACTED_AGAIN))
    assert answer(line) is WeekAnswer.CONTACTED_AGAIN


def test_no_reply_within_three_days_is_no_answer_and_a_late_one_still_counts() -> None:
    line = by_telephone()
    out = put(line)
    line.result(Result.DELIVERED, of=out)
    line.pass_to(4 * DAY)
    assert answer(line) is WeekAnswer.NO_ANSWER
    reply(line, "3", out)
    assert answer(line) is WeekAnswer.CONTACTED_AGAIN
    assert line.state() is CaseState.CONTACTING


def test_a_call_that_nobody_takes_is_tried_three_times_and_then_no_answer() -> None:
    line = at_the_door()
    out = put(line)
    tried = 1
    line.result(Result.NO_ANSWER, of=out)
    for _ in range(72):
        for each in line.pass_to(timedelta(hours=1)):
            if each.action is Action.WEEK_CALL:
                tried += 1
                line.result(Result.NO_ANSWER, of=each)
    assert tried == 3
    assert answer(line) is WeekAnswer.NO_ANSWER


def test_a_question_that_no_provider_ever_had_was_not_put() -> None:
    line = by_telephone()
    out = put(line)
    line.result(Result.NOT_SENT, of=out)
    assert line.here.week is None


def test_who_was_not_asked_has_no_answer_to_record() -> None:
    line = by_telephone()
    line.act(WeekAnswerAct(answer=WeekAnswer.NOTHING_PAID))
    assert line.facts(FactKind.REFUSED) == [NotAskedAfterWeek()]


def test_a_person_who_hears_of_a_payment_has_an_operator_confirm_it() -> None:
    line = by_telephone()
    put(line)
    line.act(WeekAnswerAct(answer=WeekAnswer.PAID_SINCE))
    assert line.state() is CaseState.CONTACTING
    assert line.here.losses == []
    assert line.step("week.week_sms").state is StepState.DONE


@given(st.lists(st.sampled_from(sorted(WEEK_ANSWERS)), min_size=1, max_size=5))
def test_whatever_is_answered_no_loss_is_booked_and_the_level_stays(results: list[Result]) -> None:
    line = by_telephone()
    out, level = put(line), line.here.level
    figures = {NOTHING: "1", PAID: "2", AGAIN: "3"}
    for result in results:
        reply(line, figures[result], out)
    assert line.here.losses == []
    assert line.here.level is level
    assert line.here.outcome is Outcome.DISSUADED
    assert line.now > NOON


@pytest.mark.parametrize("dissuaded", [at_the_door, by_key])
def test_a_wrong_number_at_the_question_puts_the_case_on_the_desk_with_its_mark(dissuaded: Callable[[], Line]) -> None:
    line = dissuaded()
    out = put(line)
    line.result(Result.WRONG_NUMBER, of=out)
    assert (line.here.open, line.state(), line.here.outcome) == (True, CaseState.CONTACTING, Outcome.DISSUADED)
    assert line.here.wrong_number_at == line.now
    assert line.last(Action.OPERATOR_CALL).at == line.now
    assert answer(line) is WeekAnswer.NO_ANSWER
    line.act(WeekAnswerAct(answer=WeekAnswer.NO_ANSWER, note="the daughter knows"), role=StaffRole.OPERATOR)
    assert line.here.wrong_number_at is None
    assert line.here.settled

"""Who makes a call, and a reminder after two weeks, as arms of an experiment: what they change and for whom."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import tomlkit
from pydantic import ValidationError

from domain.dispatches.messages import render
from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.experiments.outcomes import exposures_of, final, observed_in
from domain.policy import PolicyError, load
from domain.policy.experiments.plan import ExperimentPlan
from domain.policy.faults import FaultCode
from schemas.casework.acts import ClaimAct, CloseAct, NoteAct, WeekAnswerAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.codes.plan import AssignedToArm
from schemas.codes.week import RemindedNoMore
from schemas.levels import Action, Level, Outcome, Result, WeekAnswer
from schemas.people.residents import Flag, Language
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, at_the_desk, payment, policy_text, profile
from tests.domain.experiments.plans import STARTS, WORDING, fields, plan

DAY = timedelta(days=1)
TWO_WEEKS = 14 * DAY
BY_OPERATOR = {"weight": 0.95, "caller": {"call": "operator"}}
REMINDED = {"weight": 0.95, "remind_after": "14d"}
CONTROL = {"weight": 0.05}
CERTAIN = {"floor": 0.05, "minimal_effect": 0.3}


def calling(arm: Mapping[str, Any] = BY_OPERATOR, **changes: object) -> ExperimentPlan:
    return plan(**CERTAIN | {"arms": {"usual": CONTROL, "person": arm}} | changes)


def reminding(**changes: object) -> ExperimentPlan:
    """Under this plan, the resident of these tests is assigned to the reminder."""
    return plan(**CERTAIN | {"arms": {"usual": CONTROL, "reminded": REMINDED}} | changes)


def under(line: Line, **experiments: ExperimentPlan) -> Line:
    policy = line.rules.policy.model_copy(update={"experiments": experiments})
    line.rules = replace(line.rules, policy=policy)
    return line


def dissuaded(level: Level = Level.BLUE, line: Line | None = None, *flags: Flag) -> Line:
    """A case whose automated call was answered with the key, so that the resident counts as dissuaded."""
    line = line or under(Line(), reminder=reminding())
    line.alert(level, of=profile(*flags))
    line.pass_to(timedelta(hours=5))
    line.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
    return line


def reminders(line: Line, days: float = 20) -> list[Dispatch]:
    """Let time pass; the follow-up call is answered well. The reminders that were sent."""
    sent, until = [], line.now + days * DAY
    while line.now < until:
        for out in line.pass_to(min(line.now + timedelta(hours=1), until)):
            if out.action is Action.REMINDER:
                sent.append(out)
                line.result(Result.DELIVERED, of=out)
            elif out.action is Action.FOLLOW_UP:
                line.result(Result.ACKNOWLEDGED, of=out)
    return sent


def first_reminder(line: Line) -> Dispatch:
    """The reminder as it goes out, before its receipt."""
    for _ in range(24 * 20):
        for out in line.pass_to(line.now + timedelta(hours=1)):
            if out.action is Action.REMINDER:
                return out
    raise AssertionError("no reminder went out")


# ---------------------------------------------------------------- who calls


def test_an_operator_calls_when_the_automated_call_would_have_been_made_and_all_else_stays() -> None:
    without, line = Line(), under(Line(), caller=calling())
    for each in (without, line):
        each.alert(Level.YELLOW)
    plain, own = ({step.id: step for step in each.here.steps} for each in (without, line))
    assert line.here.experiments["caller"].arm == "person"
    assert plain["yellow.call"].action is Action.ROBOT_CALL
    assert own["yellow.call"] == plain["yellow.call"].model_copy(update={"action": Action.OPERATOR_CALL})
    assert {name: step for name, step in own.items() if name != "yellow.call"} == {
        name: step for name, step in plain.items() if name != "yellow.call"
    }


def called(level: Level) -> tuple[Line, Dispatch]:
    """A case whose SMS has arrived, as the operator's call goes to the desk that stands for the automated one."""
    line = under(Line(), caller=calling())
    line.alert(level)
    sms, call = (line.step(f"{level.value}.{name}").due for name in ("sms", "call"))
    assert sms
    assert call
    line.pass_to(sms)
    line.result(Result.DELIVERED, Action.SMS)
    [out] = line.pass_to(call)
    return line, out


@pytest.mark.parametrize("level", [Level.YELLOW, Level.BLUE])
def test_such_a_call_waits_on_the_desk_as_long_as_a_requested_call_and_then_the_machine_calls(level: Level) -> None:
    line, out = called(level)
    assert (out.step, out.action) == (f"{level.value}.call", Action.OPERATOR_CALL)
    assert out.not_after == out.at + timedelta(minutes=10)
    [instead] = line.pass_to(timedelta(minutes=11))
    assert (instead.action, instead.at) == (Action.ROBOT_CALL, out.not_after)
    assert line.step(out.step).state is StepState.SKIPPED
    line.result(Result.NO_ANSWER, of=instead)
    assert line.step(instead.step).state is StepState.PENDING, "with all attempts of the plan"


def test_a_call_that_came_too_late_to_the_desk_is_the_machines_and_does_not_go_there_again() -> None:
    line, out = called(Level.YELLOW)
    assert out.not_after
    line.now = out.not_after
    [instead] = line.result(Result.NOT_SENT, of=out).dispatches
    assert (instead.action, line.step(out.step).state) == (Action.ROBOT_CALL, StepState.SKIPPED)


def test_a_call_that_came_too_late_to_the_desk_stays_with_the_operator_who_has_the_case() -> None:
    line, out = called(Level.YELLOW)
    line.act(ClaimAct(do="claim"))
    assert out.not_after
    line.now = out.not_after
    line.result(Result.NOT_SENT, of=out)
    assert Action.ROBOT_CALL not in {sent.action for sent in line.sent()}


def test_an_operator_who_has_taken_the_call_keeps_it() -> None:
    line, _ = called(Level.YELLOW)
    line.act(ClaimAct(do="claim"))
    line.pass_to(timedelta(minutes=25))
    assert {out.action for out in line.sent()} == {Action.SMS, Action.OPERATOR_CALL}


def test_nobody_is_called_by_a_machine_after_they_were_dissuaded() -> None:
    line, _ = called(Level.YELLOW)
    line.dissuaded()
    assert Action.ROBOT_CALL not in {out.action for out in line.pass_to(timedelta(days=5))}


def test_messages_without_a_receipt_put_no_second_call_beside_the_first() -> None:
    line = under(Line(), caller=calling())
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(minutes=5))  # the SMS has no receipt: on to the voice
    waiting = [step.id for step in line.here.steps if step.state is StepState.SENT]
    assert waiting == ["yellow.call"]
    line.pass_to(timedelta(hours=2, minutes=30))  # and again, after the second attempt
    assert line.step("yellow.operator").due == line.here.opened_at + timedelta(hours=8)


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_in_graver_cases_the_plan_says_who_calls(level: Level) -> None:
    line = under(Line(), caller=calling())
    line.alert(level)
    assert line.here.experiments == {}
    assert line.step(f"{level.value}.call").action is Action.ROBOT_CALL


def test_who_objects_to_automated_calls_gets_no_further_call_by_the_arm() -> None:
    line = under(Line(), caller=calling())
    line.alert(Level.YELLOW, of=profile(Flag.OBJECTS_TO_CALLS))
    assert "yellow.call" not in {step.id for step in line.here.steps}


@pytest.mark.parametrize("step", ["operator", "visit", "sms", "letter"])
def test_only_an_automated_call_may_get_another_caller(step: str) -> None:
    own = fields(
        levels=["yellow"], arms={"usual": {"weight": 0.5}, "other": {"weight": 0.5, "caller": {step: "operator"}}}
    )
    with pytest.raises(PolicyError) as raised:
        load(policy_text() + tomlkit.dumps({"experiments": {"caller": own}}))
    assert [fault.code for fault in raised.value.faults] == [FaultCode.NO_AUTOMATED_CALL]


def test_no_arm_has_a_machine_call_instead_of_a_person() -> None:
    with pytest.raises(ValidationError):
        calling({"weight": 0.95, "caller": {"operator": "robot"}})


# ---------------------------------------------------------------- reminders


def test_who_was_dissuaded_is_assigned_then_and_reminded_two_weeks_later_once() -> None:
    line = under(Line(), reminder=reminding())
    line.alert(Level.BLUE)
    assert line.here.experiments == {}, "nobody is assigned before they are dissuaded"
    line.pass_to(timedelta(hours=5))
    line.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
    since = line.now
    given = line.here.experiments["reminder"]
    assert (given.arm, given.at, given.outcome_from) == ("reminded", since, since + TWO_WEEKS)
    assert AssignedToArm("reminder", "reminded") in line.facts(FactKind.NOTE)
    [out] = reminders(line, 40)
    assert TWO_WEEKS <= out.at - since <= TWO_WEEKS + timedelta(hours=10)
    assert 7 <= (out.at + timedelta(hours=8)).hour < 22
    text = render(line.rules.policy.messages, out, Language.CHINESE, "13900000123", "123456")
    assert text == line.rules.policy.messages.reminder.zh["default"].format(tail="0123", code="123456")  # type: ignore[union-attr]


def test_a_closed_case_still_reminds() -> None:
    line = dissuaded()
    out = first_reminder(line)
    assert line.state() is CaseState.CLOSED
    assert validity(out, line.here, out.at) is None


def test_the_control_is_assigned_and_gets_no_reminder() -> None:
    arms = {"usual": {"weight": 0.95}, "reminded": {"weight": 0.05, "remind_after": "14d"}}
    line = dissuaded(line=under(Line(), reminder=reminding(arms=arms)))
    assert line.here.experiments["reminder"].arm == "usual"
    assert line.here.experiments["reminder"].outcome_from == line.now + TWO_WEEKS
    assert reminders(line) == []


@pytest.mark.parametrize("flag", [Flag.OBJECTS_TO_EXPERIMENTS])
def test_who_objects_is_neither_assigned_nor_reminded(flag: Flag) -> None:
    line = dissuaded(Level.BLUE, None, flag)
    assert line.here.experiments == {}
    assert reminders(line) == []


def test_a_red_case_is_not_reminded_by_an_experiment() -> None:
    line = under(at_the_desk(), reminder=reminding())
    line.dissuaded()
    assert line.here.experiments == {}
    assert reminders(line) == []


def test_no_reminder_goes_out_beside_a_new_danger() -> None:
    line = dissuaded()
    line.pass_to(5 * DAY)
    line.alert(Level.RED, payment("bank:2", at=line.now))
    assert line.step("remind.reminder").state is StepState.WITHDRAWN
    assert RemindedNoMore() in line.facts(FactKind.WITHDRAWN)
    assert reminders(line) == []


def test_a_person_who_closes_the_case_withdraws_the_reminder() -> None:
    line = dissuaded(Level.YELLOW)
    line.act(CloseAct(reason="moved away"))
    assert reminders(line) == []


def test_a_dispatch_on_its_way_is_obsolete_once_the_resident_is_in_danger_again() -> None:
    line = dissuaded()
    out = first_reminder(line)
    line.alert(Level.RED, payment("bank:2", at=line.now))
    assert isinstance(validity(out, line.here, out.at), ObsoleteDispatch)


def test_once_the_experiment_is_stopped_nobody_is_reminded() -> None:
    line = dissuaded()
    line.pass_to(5 * DAY)
    under(line, reminder=reminding(stopped_at=NOON.isoformat()))
    assert reminders(line) == []
    assert RemindedNoMore() in line.facts(FactKind.SKIPPED)


def test_who_was_assigned_on_the_last_day_is_reminded_after_the_end() -> None:
    ends = NOON + timedelta(hours=12)
    line = dissuaded(line=under(Line(), reminder=reminding()))
    ended = reminding().model_copy(update={"ends": ends})
    under(line, reminder=ended)
    assert not ended.runs_at(line.now + DAY)
    assert len(reminders(line)) == 1


def test_a_policy_may_remind_everybody_without_an_experiment() -> None:
    line = Line()
    changed = line.rules.policy.plan.model_copy(update={"remind_after": TWO_WEEKS})
    line.rules = replace(line.rules, policy=line.rules.policy.model_copy(update={"plan": changed}))
    line = dissuaded(line=line)
    assert len(reminders(line)) == 1


def test_who_is_dissuaded_again_after_a_reminder_gets_no_second_one() -> None:
    line = dissuaded()
    assert len(reminders(line)) == 1
    line.alert(Level.BLUE, payment("bank:2", at=line.now))
    line.act(NoteAct(what="conversation"))
    line.dissuaded()
    assert reminders(line, 30) == []


def test_a_wrong_number_at_a_reminder_of_a_closed_case_puts_the_case_on_the_desk_with_its_mark() -> None:
    line = dissuaded()
    out = first_reminder(line)
    assert line.state() is CaseState.CLOSED
    line.result(Result.WRONG_NUMBER, of=out)
    assert (line.here.open, line.state(), line.here.outcome) == (True, CaseState.CONTACTING, Outcome.DISSUADED)
    assert line.here.wrong_number_at == line.now
    assert line.last(Action.OPERATOR_CALL).at == line.now
    line.act(WeekAnswerAct(answer=WeekAnswer.NO_ANSWER, note="a son knows the number"), role=StaffRole.OPERATOR)
    assert line.here.settled
    assert reminders(line, 40) == []


def test_the_outcome_is_the_money_that_leaves_in_the_72_hours_after_the_reminder() -> None:
    own = reminding()
    line = dissuaded(line=under(Line(), reminder=own))
    seen = observed_in(line.here, "reminder")
    assert seen is not None
    due = line.now + TWO_WEEKS
    complete = due + timedelta(hours=72)
    assert exposures_of(own, [seen], complete - timedelta(seconds=1)) == []
    [exposure] = exposures_of(own, [seen], complete)
    assert exposure.known_at == complete
    later = seen._replace(defrauded_fen=100)
    assert final(own, [(line.now, seen), (due + timedelta(hours=71), later)]) == later
    assert final(own, [(line.now, seen), (complete, later)]) == seen
    assert own.complete_at == own.ends + TWO_WEEKS + timedelta(hours=72)


def test_a_reminder_is_compared_with_nothing_else() -> None:
    both = {"usual": CONTROL, "reminded": REMINDED | {"sms": WORDING}}
    three = {
        "usual": CONTROL,
        "one": {"weight": 0.5, "remind_after": "7d"},
        "two": {"weight": 0.45, "remind_after": "14d"},
    }
    for arms, code in ((both, FaultCode.REMINDER_AND_WARNING), (three, FaultCode.TOO_MANY_ITEMS)):
        with pytest.raises(ValidationError) as raised:
            plan(**CERTAIN | {"arms": arms})
        assert [error["type"] for error in raised.value.errors()] == [code]


@pytest.mark.parametrize("missing", ["asked", "results", "messages"])
def test_a_reminder_without_its_text_times_or_results_is_refused(missing: str) -> None:
    text = policy_text()
    raw: Any = tomlkit.parse(text)
    if missing == "messages":
        del raw["messages"]["reminder"]
    else:
        del raw["plan"][missing]["reminder"]
    load(tomlkit.dumps(raw))
    own = fields(arms={"usual": {"weight": 0.5}, "reminded": {"weight": 0.5, "remind_after": "14d"}})
    with pytest.raises(PolicyError) as raised:
        load(tomlkit.dumps(raw) + tomlkit.dumps({"experiments": {"reminder": own}}))
    assert [fault.code for fault in raised.value.faults] == [FaultCode.KEYS_MISSING]


def test_no_arm_reminds_later_than_the_plan() -> None:
    text = policy_text().replace('ask_after = "7d"', 'ask_after = "7d"\nremind_after = "10d"')
    own = fields(arms={"usual": {"weight": 0.5}, "reminded": {"weight": 0.5, "remind_after": "14d"}})
    with pytest.raises(PolicyError) as raised:
        load(text + tomlkit.dumps({"experiments": {"reminder": own}}))
    assert [fault.code for fault in raised.value.faults] == [FaultCode.NOT_BETWEEN]
    assert STARTS < NOON

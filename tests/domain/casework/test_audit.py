"""The auditor's questions to a case: what casework keeps is found right, what is broken by hand is found."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from domain.casework import deadlines, has_held, queue_rank
from domain.casework.audit import CaseIndexes, InvariantViolation, Kind, examine
from domain.desk.missed import Missed
from schemas.casework.acts import CloseAct
from schemas.casework.cases import Case, CaseState, StepState
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, policy
from tests.domain.casework.test_casework_machine import CaseLife

GRACE = timedelta(seconds=15)


def kept(case: Case) -> CaseIndexes:
    """What casework keeps beside a case."""
    dues = {step: due.timestamp() * 1000 for step, due in deadlines(case).items()}
    return CaseIndexes({step: round(due) for step, due in dues.items()}, queue_rank(case) is not None, has_held(case))


def found(case: Case, beside: CaseIndexes | None = None, late: timedelta = timedelta(0)) -> list[InvariantViolation]:
    return examine(case, beside or kept(case), policy().plan, case.updated_at + late, GRACE)


class Audited(CaseLife):
    """A case's whole life, audited after each input."""

    @invariant()
    def the_auditor_finds_nothing_that_is_not_late(self) -> None:
        if self.case is not None:
            wrong = [each for each in found(self.case) if each.kind not in (Kind.OVERDUE, Kind.RESULT_OVERDUE)]
            assert not wrong


TestAudited = pytest.mark.timeout(200)(Audited.TestCase)
TestAudited.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def red() -> Line:
    line = Line()
    line.alert(Level.RED)
    return line


def without(case: Case, wrong: Callable[[str], bool]) -> CaseIndexes:
    right = kept(case)
    return CaseIndexes(
        {step: due for step, due in right.deadlines.items() if not wrong(step)}, right.queued, right.held
    )


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_whichever_deadline_is_missing_it_alone_is_found(data: st.DataObject) -> None:
    case = red().here
    gone = data.draw(st.sampled_from(sorted(deadlines(case))))
    assert [(each.kind, each.step) for each in found(case, without(case, lambda step: step == gone))] == [
        (Kind.DEADLINE_MISSING, gone)
    ]


def test_a_deadline_at_another_time_and_one_too_many_are_found() -> None:
    case = red().here
    right = kept(case)
    wrong = CaseIndexes({**right.deadlines, "red.call": 1, "red.gone": 2}, right.queued, right.held)
    assert [(each.kind, each.step) for each in found(case, wrong)] == [
        (Kind.DEADLINE_WRONG, "red.call"),
        (Kind.DEADLINE_STRAY, "red.gone"),
    ]


def test_what_is_late_is_found_after_the_grace_and_a_result_owed_is_another_thing_than_a_step_due() -> None:
    case = red().here
    assert not found(case, late=timedelta(seconds=30))
    late = found(case, late=timedelta(seconds=80))
    assert {(each.kind, each.step) for each in late} == {(Kind.RESULT_OVERDUE, "red.sms"), (Kind.OVERDUE, "red.call")}


def test_an_open_case_to_which_nothing_will_happen_is_found_and_a_closed_one_needs_nothing() -> None:
    line = red()
    stuck = line.here.model_copy(update={"steps": []})
    assert [each.kind for each in found(stuck)] == [Kind.NO_NEXT_STEP]
    line.act(CloseAct(do="close", reason="a test"))
    assert not [each for each in found(line.here) if each.kind is Kind.NO_NEXT_STEP]


def test_a_next_step_further_away_than_any_clock_is_found() -> None:
    case = red().here
    far = [step.model_copy(update={"due": NOON + timedelta(days=90)}) if step.due else step for step in case.steps]
    case = case.model_copy(update={"steps": far})
    assert [each.kind for each in found(case)] == [Kind.TOO_FAR]


def test_the_follow_ups_of_a_graver_warning_are_not_too_far_for_the_milder_danger_that_came_after_it() -> None:
    line = Line()
    line.alert(Level.YELLOW)
    line.dissuaded()
    line.pass_to(timedelta(hours=1))
    line.alert(Level.BLUE)
    for result in (Result.DELIVERED, Result.HUNG_UP):  # of the message, of the robot's call
        step = next(step.id for step in line.here.steps if step.id.startswith("blue.") and step.due)
        [sent] = line.fire(step).dispatches
        line.result(result, of=sent)
    assert line.here.level is Level.BLUE
    assert line.here.state is CaseState.CONTACTING
    assert [step.id for step in line.here.steps if step.state is StepState.PENDING] == ["follow.1", "clock.close"]
    assert found(line.here) == []


def test_a_case_off_the_desk_that_an_operator_should_call_is_found() -> None:
    line = red()
    line.pass_to(timedelta(minutes=3))
    right = kept(line.here)
    assert right.queued
    assert Kind.NOT_QUEUED in {each.kind for each in found(line.here, CaseIndexes(right.deadlines, False, right.held))}


def test_a_settled_case_left_on_the_desk_is_found() -> None:
    line = red()
    line.dissuaded()
    right = kept(line.here)
    assert [each.kind for each in found(line.here, CaseIndexes(right.deadlines, True, right.held))] == [Kind.QUEUED]


def missed(case: Case, after: timedelta) -> Missed:
    look = Missed(case.updated_at + after, GRACE)
    look.add(case)
    return look


def test_a_red_case_whose_gateway_fails_is_not_contacted_in_its_time() -> None:
    line = red()
    assert not missed(line.here, timedelta(0)).red
    line.result(Result.FAILED, Action.FLASH_SMS)
    assert missed(line.here, timedelta(0)).red == [line.here.id]


def test_a_red_case_whose_message_a_carrier_took_is_contacted() -> None:
    line = red()
    line.result(Result.SENT, Action.FLASH_SMS)
    assert not missed(line.here, timedelta(minutes=10)).red


def test_deadlines_that_passed_are_counted_by_level_and_dispatches_by_channel() -> None:
    look = missed(red().here, timedelta(seconds=80))
    assert look.overdue == {Level.RED: 2}
    assert {str(channel): count for channel, count in look.awaited.items()} == {"sms": 1}
    assert look.oldest == NOON + timedelta(seconds=20)


def test_nobody_is_missed_in_a_case_that_is_closed() -> None:
    line = red()
    line.result(Result.SENT, Action.FLASH_SMS)
    line.dissuaded()
    line.act(CloseAct(do="close", reason="a test"))
    assert line.here.state is CaseState.CLOSED
    assert not [step for step in line.here.steps if step.state in (StepState.PENDING, StepState.HELD)]
    assert not missed(line.here, timedelta(0)).open

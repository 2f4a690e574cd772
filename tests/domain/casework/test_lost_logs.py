"""After a log of inputs was lost nobody knows what was decided last on it: no dispatch gets an id that it had then."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.casework.draft import NUMBERS_OF_A_LOG
from schemas.levels import Action, Level, Outcome, Result
from tests.domain.builders import Line, payment

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def line(logs: int = 0) -> Line:
    made = Line()
    made.rules = replace(made.rules, logs=logs)
    return made


def brought_back(lost: Line, logs: int = 1) -> Line:
    """The same case as it stood, on another log: what follows for `lost` from now on is not known there."""
    made = line(logs)
    made.case, made.now = lost.case, lost.now
    return made


@pytest.mark.parametrize(("logs", "first"), [(0, 1), (1, NUMBERS_OF_A_LOG + 1), (2, 2 * NUMBERS_OF_A_LOG + 1)])
def test_a_case_s_number_is_behind_all_that_a_lost_log_may_have_given(logs: int, first: int) -> None:
    here = line(logs)
    for number in (first, first + 1):
        here.alert(Level.RED)
        assert (here.here.number, here.here.id.rpartition("-")[2]) == (number, str(number))
        here.outcome(Outcome.FALSE_ALARM)
        here.pass_to(90 * DAY)


def test_what_was_sent_on_the_lost_log_and_what_is_sent_for_the_same_danger_now_have_other_ids() -> None:
    lost = line()
    lost.alert(Level.YELLOW)
    here = brought_back(lost)
    known = {dispatch.id for dispatch in lost.sent()}
    for each in (lost, here):
        each.alert(Level.RED, payment())
        each.pass_to(5 * MINUTE)
    then, now = ([one for one in each.sent() if one.id not in known] for each in (lost, here))
    assert [one.action for one in then] == [one.action for one in now]
    assert Action.FLASH_SMS in {one.action for one in now}
    assert not {one.id for one in then} & {one.id for one in now}


def test_a_step_of_a_brought_back_case_goes_on_as_any() -> None:
    lost = line()
    lost.alert(Level.YELLOW)
    lines = [line(), brought_back(lost)]
    lines[0].case, lines[0].now = lost.case, lost.now
    for here in lines:
        here.alert(Level.RED)
        here.pass_to(MINUTE)
        here.result(Result.NO_ANSWER, Action.ROBOT_CALL)
        here.pass_to(30 * MINUTE)
        here.result(Result.ACKNOWLEDGED, Action.ROBOT_CALL)
        here.pass_to(DAY)
    usual, back = ([(one.action, one.attempt, one.at) for one in here.sent()] for here in lines)
    assert usual == back
    assert lines[0].state() is lines[1].state()
    assert all(len(step.id) <= 32 for step in lines[1].here.steps)

"""What a line that stays busy means for the robot that dials it."""

from datetime import timedelta

from schemas.casework.cases import StepState
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, danger

ROBOT = Action.ROBOT_CALL
HOUR = timedelta(hours=1)


def test_the_robot_does_not_dial_a_suspicious_line_again_once_an_officer_goes() -> None:
    line = Line()
    line.alert(Level.RED, found=danger(Level.RED, call_since=NOON))
    line.pass_to(timedelta(seconds=20))
    line.result(Result.BUSY, ROBOT)
    assert line.step("red.call").state is StepState.FAILED
    assert ROBOT not in {out.action for out in line.pass_to(HOUR)}


def test_a_suspicious_line_is_dialled_on_where_the_level_sends_nobody() -> None:
    line = Line()
    line.alert(Level.BLUE, found=danger(Level.BLUE, call_since=NOON))
    line.pass_to(4 * HOUR)
    line.result(Result.BUSY, ROBOT)
    assert line.step("blue.call").state is StepState.PENDING

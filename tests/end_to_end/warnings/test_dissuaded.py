"""Once a resident is dissuaded nothing more of the plan goes out."""

from schemas.casework.acts import NoteAct, OutcomeAct
from schemas.casework.cases import CaseState, StepState
from schemas.levels import Action, Outcome
from tests.end_to_end.harness.rig import OPERATOR, Line
from tests.end_to_end.harness.signals import call, transfer


async def test_once_the_operator_has_dissuaded_a_resident_only_follow_ups_and_the_question_are_left(
    line: Line,
) -> None:
    resident = await line.resident(friends=1)
    mule = line.account()
    await line.officers("dissuaded-1")
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(seconds=95)
    claimed = await line.house.desk.next(OPERATOR)
    assert claimed is not None
    await line.operator(resident, NoteAct(what="conversation"))
    await line.operator(resident, OutcomeAct(outcome=Outcome.DISSUADED))
    case = await line.case(resident)
    assert case.state is CaseState.DISSUADED
    live = {step.id for step in case.steps if step.state in (StepState.PENDING, StepState.HELD)}
    assert live == {"follow.1", "follow.2", "follow.3", "week.week_sms", "clock.close"}
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect(Action.ROBOT_CALL, resident, seconds=20)
    await line.until(line.after(hours=23))
    line.expect_nothing_else()
    await line.until(line.after(hours=25))
    line.expect(Action.FOLLOW_UP, resident, hours=24, seconds=95)
    line.expect_nothing_else()

"""A message without a receipt is not taken for read, and a receipt that comes late is not lost."""

from datetime import timedelta

from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.codes.any_code import LateResult
from schemas.levels import Action, Result
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app


async def test_a_message_without_a_receipt_in_60_seconds_goes_to_voice(line: Line) -> None:
    resident = await line.resident(sms=[None], calls=[Result.ACKNOWLEDGED])
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=10)
    line.expect(Action.SMS, resident, minutes=3)
    line.expect(Action.ROBOT_CALL, resident, minutes=4)
    line.expect_nothing_else()


async def test_a_receipt_36_minutes_late_is_in_the_story_and_acted_on(line: Line) -> None:
    resident = await line.resident()
    line.house.behaviour.delays[resident.phones[0].value] = timedelta(minutes=36)
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=5)
    assert (await line.case(resident)).warned_at is None
    line.expect(Action.SMS, resident, minutes=3)
    line.expect(Action.ROBOT_CALL, resident, minutes=4)
    await line.until(line.after(minutes=41))
    case = await line.case(resident)
    assert case.warned_at is not None
    told = [fact.what for fact in await line.facts(resident, FactKind.RESULT) if fact.result is Result.DELIVERED]
    assert told == [LateResult(Action.SMS, 1, Result.DELIVERED)]
    await line.until(line.after(hours=2, minutes=1))  # the second attempt was planned for 2 h 4 min
    (sms,) = [step for step in case.steps if step.action is Action.SMS]
    assert sms.state is StepState.DONE
    line.expect_nothing_else()

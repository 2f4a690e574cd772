"""Blue: one short scam call, one scam SMS. A resident is told once, quietly, and left in peace."""

from schemas.casework.cases import CaseState
from schemas.levels import Action, Level, Result
from schemas.people.residents import Flag
from schemas.risk.signals import NumberClass
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_sms


async def test_a_blue_case_of_one_who_objects_to_calls_is_one_message_and_nothing_else(line: Line) -> None:
    resident = await line.resident(flags=frozenset({Flag.OBJECTS_TO_CALLS}))
    await line.signal(scam_sms(line, resident))
    await line.advance(hours=30)
    text = line.expect(Action.SMS, resident, minutes=20).said
    assert "96110" in text
    line.expect_nothing_else()
    case = await line.case(resident)
    assert (case.level, case.state) == (Level.BLUE, CaseState.CLOSED)


async def test_a_blue_case_is_over_once_the_robots_call_is_acknowledged(line: Line) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(scam_sms(line, resident))
    await line.advance(hours=30)
    line.expect(Action.SMS, resident, minutes=20)
    line.expect(Action.ROBOT_CALL, resident, hours=4)
    line.expect_nothing_else()


async def test_a_call_from_an_ordinary_number_contacts_nobody(line: Line) -> None:
    resident = await line.resident()
    await line.signal(call(line, resident, number_class=NumberClass.ORDINARY))
    await line.advance(hours=12)
    assert await line.no_case(resident)
    line.expect_nothing_else()

"""Red: money is moving while the scammer talks. Everything is tried, at once, and it goes on until somebody talked."""

from schemas.casework.cases import CaseState
from schemas.levels import Action, Level, Result
from schemas.people.residents import Language
from tests.end_to_end.harness.behaviour import goes_there
from tests.end_to_end.harness.rig import OPERATOR, Line
from tests.end_to_end.harness.signals import call, transfer


async def test_a_red_case_is_flashed_at_once_and_a_key_pressed_on_the_robots_call_does_not_end_it(line: Line) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    mule = line.account()
    await line.officers("red-1", stages=goes_there())
    await line.signal(call(line, resident, ongoing=True), transfer(line, resident, mule))
    await line.advance(minutes=6)
    flash = line.expect(Action.FLASH_SMS, resident, seconds=0)
    assert "您正在遭遇诈骗" in flash.said
    line.expect(Action.ROBOT_CALL, resident, seconds=20)
    line.expect_stop(mule, minutes=2)
    line.expect_visit("red-1", seconds=150)
    line.expect_nothing_else()
    case = await line.case(resident)
    assert (case.level, case.state) == (Level.RED, CaseState.VISIT_UNDER_WAY)
    waiting = await line.house.desk.next(OPERATOR)
    assert waiting is not None
    assert waiting.id == case.id


async def test_a_korean_speaker_in_yanbian_is_warned_in_korean_and_visited_by_who_speaks_it(line: Line) -> None:
    resident = await line.resident(language=Language.KOREAN, division="222401001")
    korean = frozenset({Language.CHINESE, Language.KOREAN})
    await line.officers("yanji-1", division="222401001", stages=goes_there())
    await line.officers("yanji-2", division="222401002", languages=korean, stages=goes_there())
    mule = line.account()
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=3)
    assert "사기입니다" in line.expect(Action.FLASH_SMS, resident, seconds=0).said
    assert "반사기전용전화" in line.expect(Action.ROBOT_CALL, resident, seconds=20).said
    line.expect_stop(mule, minutes=2)
    line.expect_visit("yanji-2", seconds=150)
    line.expect_nothing_else()

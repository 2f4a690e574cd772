"""A closed case is opened again by what comes late, and it is said so."""

from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.any_code import LevelAndWhy
from schemas.codes.danger import DangerAgain, PaymentMade, PaymentUnderWay
from schemas.levels import Action, Level
from schemas.people.residents import Resident
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, confirmed, scam_app, transfer


async def closed(line: Line) -> Resident:
    """Somebody whose case was closed, five minutes after it was opened."""
    resident = await line.resident()
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident, minutes=3)
    await line.operator(resident, CloseAct(do="close", reason="it was a test of his own"))
    assert (await line.case(resident)).state is CaseState.CLOSED
    return resident


async def reopened_by(line: Line, resident: Resident) -> DangerAgain:
    """Why the case was reopened: by the call or the payment, whichever was read first. The payment alone is blue."""
    (reopened,) = await line.facts(resident, FactKind.REOPENED)
    why = reopened.what.why if isinstance(reopened.what, LevelAndWhy) else reopened.what
    assert isinstance(why, DangerAgain)
    return why


async def test_what_happens_after_a_case_was_closed_raises_it_again_and_says_so(line: Line) -> None:
    resident = await closed(line)
    await line.advance(minutes=10)
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    await line.advance(seconds=25)
    line.expect(Action.FLASH_SMS, resident, minutes=15)
    line.expect(Action.ROBOT_CALL, resident, minutes=15, seconds=20)
    line.expect_nothing_else()
    case = await line.case(resident)
    assert (case.number, case.level, case.state) == (1, Level.RED, CaseState.CONTACTING)
    await reopened_by(line, resident)


async def test_a_late_signal_raises_a_closed_case_again_and_says_so(line: Line) -> None:
    mule = line.account()
    await line.signal(confirmed(line, mule, ago=60))
    resident = await closed(line)
    await line.signal(call(line, resident, ago=4), transfer(line, resident, mule, ago=2))  # from before it was closed
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident, minutes=8)
    line.expect_nothing_else()
    case = await line.case(resident)
    assert (case.number, case.level) == (1, Level.YELLOW)  # what came before counts little
    why = await reopened_by(line, resident)
    assert any(isinstance(reason, PaymentMade | PaymentUnderWay) for reason in why.reasons)


async def test_the_same_signal_once_more_does_not_raise_a_closed_case(line: Line) -> None:
    resident = await line.resident()
    told = scam_app(line, resident)
    await line.signal(told)
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident, minutes=3)
    await line.operator(resident, CloseAct(do="close", reason="it was a test of his own"))
    await line.signal(told)
    await line.advance(hours=6)
    line.expect_nothing_else()
    assert (await line.case(resident)).state is CaseState.CLOSED

"""A stop-payment runs for 48 hours, is asked for once more before it runs out, and never a third time."""

from datetime import timedelta

from schemas.casework.acts import AskStopAct, OutcomeAct, ReleaseStopAct
from schemas.casework.cases import StopState
from schemas.casework.events import FactKind
from schemas.casework.orders import OrderState
from schemas.codes.any_code import StopNotExtended
from schemas.codes.money import StopExtended
from schemas.codes.refusals import MostStops
from schemas.levels import Action, Outcome, Result
from schemas.people.residents import Resident
from schemas.people.staff import StaffRole
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

STOP = timedelta(hours=48)


async def stopped(line: Line, mule: str, outcome: Outcome = Outcome.ALREADY_DEFRAUDED) -> Resident:
    """Somebody whose payment is stopped, three minutes after it was seen; what was done until then is expected."""
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=1)
    line.expect(Action.FLASH_SMS, resident, seconds=0)
    line.expect(Action.ROBOT_CALL, resident, seconds=20)
    await line.operator(resident, OutcomeAct(outcome=outcome))
    await line.advance(minutes=2)
    line.expect_stop(mule, minutes=1)  # the operator's word brought it forward
    return resident


async def test_no_bank_is_asked_before_a_person_has_approved(line: Line) -> None:
    line.approves = False
    mule = line.account()
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=10)
    assert line.bank.left == []
    (order,) = (await line.case(resident)).orders
    assert (order.state, order.approvals) == (OrderState.PROPOSED, ())
    await line.approve(resident)
    line.expect_stop(mule, minutes=10)
    (order,) = (await line.case(resident)).orders
    assert [approval.role for approval in order.approvals] == [StaffRole.RELEASE_DESK]


async def test_a_stop_is_reminded_of_and_asked_once_more_before_it_runs_out_and_never_a_third_time(line: Line) -> None:
    mule = line.account()
    resident = await stopped(line, mule)
    (payment,) = (await line.case(resident)).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.IN_FORCE
    await line.advance(hours=43)
    line.expect(Action.FOLLOW_UP, resident, hours=24, minutes=1)
    line.expect_nothing_else()
    await line.advance(hours=2)
    line.expect_stop(mule, Action.STOP_AGAIN, hours=44, minutes=2)
    line.expect_nothing_else()
    await line.advance(hours=60)
    call = line.expect(Action.SUPPORT_CALL, resident)  # in place of the third day's follow-up, when people are at home
    assert call.at[11:16] == "09:30"
    line.expect_nothing_else()
    (payment,) = (await line.case(resident)).payments
    assert payment.stop is not None
    assert (payment.stop.state, payment.stop.times) == (StopState.EXPIRED, 2)
    first, second = [fact.what for fact in await line.facts(resident, FactKind.STOP_REMINDER)]
    assert isinstance(first, StopExtended)
    assert isinstance(second, StopNotExtended)


async def test_an_operator_cannot_have_an_account_stopped_a_third_time(line: Line) -> None:
    mule = line.account()
    resident = await stopped(line, mule)
    await line.advance(hours=96)
    line.expect_stop(mule, Action.STOP_AGAIN)
    for action in (Action.FOLLOW_UP, Action.SUPPORT_CALL):
        line.expect(action, resident)
    (payment,) = (await line.case(resident)).payments
    await line.operator(resident, AskStopAct(transfer=payment.transfer))
    refused = await line.facts(resident, FactKind.REFUSED)
    assert [fact.what for fact in refused] == [MostStops(2)]
    line.expect_nothing_else()


async def test_a_stop_is_lifted_for_hardship_and_not_asked_again(line: Line) -> None:
    mule = line.account()
    resident = await stopped(line, mule)
    (payment,) = (await line.case(resident)).payments
    lifted = ReleaseStopAct(transfer=payment.transfer, reason="the rent is due", asked_by="release anna")
    await line.operator(resident, lifted)
    await line.advance(hours=50)
    line.expect_stop(mule, Action.STOP_RELEASE, minutes=3)
    line.expect(Action.FOLLOW_UP, resident)
    line.expect_nothing_else()
    (payment,) = (await line.case(resident)).payments
    assert payment.stop is not None
    assert payment.stop.state is StopState.RELEASED

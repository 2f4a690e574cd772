"""A key pressed counts for the plan it was pressed in, and for what the level lets it settle."""

from datetime import timedelta

from schemas.cases import CaseState
from schemas.events import FactKind
from schemas.inputs import OutcomeAct
from schemas.levels import Action, Channel, Outcome, Result
from tests.line.behaviour import goes_there
from tests.line.rig import Line
from tests.line.signals import call, confirmed, scam_app, transfer


async def test_a_key_pressed_in_mid_chain_ends_the_robots_calls_and_leaves_the_other_channels_going(
    line: Line,
) -> None:
    resident = await line.resident(calls=[Result.ACKNOWLEDGED])
    mule = line.account()
    await line.officers("mid-1", stages=goes_there())
    await line.signal(
        confirmed(line, mule, ago=60), transfer(line, resident, mule, ago=120, state="settled", new_payee=False)
    )
    await line.until(line.after(hours=3))
    line.expect(Action.SMS, resident, seconds=30)
    line.expect_stop(mule, minutes=2)
    line.expect(Action.ROBOT_CALL, resident, minutes=5)
    line.expect_visit("mid-1", because="not reached by operator call")  # nobody was at the desk
    line.expect_nothing_else()
    out = await line.facts(resident, FactKind.DISPATCHED)
    assert sum(fact.action is Action.OPERATOR_CALL for fact in out) == 5  # the desk, every half an hour


async def test_an_old_acknowledgement_never_comes_back_after_a_reopening(line: Line) -> None:
    resident = await line.resident(calls=[None])
    await line.signal(scam_app(line, resident))
    await line.advance(hours=1, minutes=1)
    line.expect(Action.SMS, resident, minutes=3)
    robot = line.expect(Action.ROBOT_CALL, resident, hours=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.FALSE_ALARM))
    line.house.behaviour.phones[resident.phones[0].value][Channel.PHONE] = [Result.NO_ANSWER]
    await line.advance(minutes=10)
    mule = line.account()
    await line.signal(call(line, resident), transfer(line, resident, mule))
    reopened = line.house.clock.now()
    assert (await line.case(resident)).state is CaseState.CONTACTING
    line.house.providers.carrier.tell(robot.dispatch, "/calls", {"result": "answered", "key": "1"})
    await line.settle()
    case = await line.case(resident)
    assert case.state is CaseState.CONTACTING
    assert case.settled_at is None
    await line.until(reopened + timedelta(seconds=25))
    line.expect(Action.FLASH_SMS, resident)
    line.expect(Action.ROBOT_CALL, resident)  # it goes on as if no key had been pressed
    line.expect_nothing_else()

"""A mute holds contacts back; lifted, it lets them go or drops them. Red can be left out of it."""

from datetime import timedelta

from schemas.casework.events import FactKind
from schemas.casework.inputs import Hold, HoldChange
from schemas.levels import Action
from streams.messaging import case_inputs
from streams.operations.rules import holds_in_force
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, scam_app, transfer


async def test_a_mute_of_sms_holds_them_back_and_lets_them_go_when_it_is_lifted(line: Line) -> None:
    resident = await line.resident()
    mute = await line.hold(channel="sms")
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=30)
    line.expect_nothing_else()
    assert len(await line.facts(resident, FactKind.HELD)) == 1
    await line.lift(mute)
    line.expect(Action.SMS, resident, minutes=30)
    line.expect_nothing_else()


async def test_a_mute_holds_back_no_other_channel(line: Line) -> None:
    resident = await line.resident()
    await line.hold(channel="sms")
    await line.signal(scam_app(line, resident))
    await line.advance(hours=1, minutes=1)
    line.expect(Action.ROBOT_CALL, resident, hours=1)
    line.expect_nothing_else()


async def test_what_a_mute_held_back_is_dropped_when_it_is_lifted_so(line: Line) -> None:
    resident = await line.resident()
    mute = await line.hold(channel="sms")
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=30)
    await line.lift(mute, drop=True)
    await line.advance(minutes=29)
    line.expect_nothing_else()
    assert len(await line.facts(resident, FactKind.DROPPED)) == 1


async def test_the_stop_for_all_contact_holds_everything_back_but_red_when_it_is_spared(line: Line) -> None:
    yellow, red = await line.resident(), await line.resident()
    mule = line.account()
    await line.hold(spare_red=True)
    await line.signal(scam_app(line, yellow), call(line, red), transfer(line, red, mule))
    await line.advance(minutes=2, seconds=10)
    line.expect(Action.FLASH_SMS, red, seconds=0)
    line.expect(Action.ROBOT_CALL, red, seconds=20)
    line.expect_stop(mule, minutes=2)
    line.expect_nothing_else()
    await line.dissuade(red)
    await line.advance(hours=2)
    line.expect_nothing_else()
    assert {fact.action for fact in await line.facts(yellow, FactKind.HELD)} == {Action.SMS, Action.ROBOT_CALL}


async def test_the_stop_for_all_contact_holds_back_red_too_when_nothing_is_said(line: Line) -> None:
    red = await line.resident()
    await line.hold()
    await line.signal(call(line, red), transfer(line, red, line.account()))
    await line.advance(minutes=10)
    line.expect_nothing_else()


async def test_a_hold_that_begins_again_under_its_name_can_be_lifted_again(line: Line) -> None:
    for time in ("first", "second"):  # as the breaker does when the same policy is stopped twice
        await line.advance(minutes=1)
        now = line.house.clock.now()
        hold = Hold(id="b0123abcd", until=now + timedelta(days=1), reason="too many", by="breaker", policy="0" * 16)
        change = HoldChange(id=f"hold:{time}-{now.isoformat()}", at=now, hold=hold)
        await line.house.line.producer.send_all(case_inputs.to_all(change, range(line.house.settings.partitions)))
        line.holds.append(hold.id)
        await line.settle()
        assert [each.id for each in await holds_in_force(line.house.line)] == [hold.id]
        await line.lift(hold.id)
        assert await holds_in_force(line.house.line) == []

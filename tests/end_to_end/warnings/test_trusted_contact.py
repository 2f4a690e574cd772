"""Who is trusted is told when the resident is not reached, and no more than that he should call."""

import re
from collections.abc import Sequence

from schemas.levels import Action, Channel, Result
from schemas.people.residents import Resident
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer

RESIDENTS_OWN = (Action.FLASH_SMS, Action.SMS, Action.ROBOT_CALL)


async def out_of_reach(line: Line, friends: int, friends_do: Sequence[Result] = (Result.NO_ANSWER,)) -> Resident:
    """Somebody in gravest danger who answers nothing, a quarter of an hour on, nobody being on duty."""
    resident = await line.resident(sms=[None], friends=friends)
    line.house.behaviour.phones |= {friend.phone: {Channel.PHONE: [*friends_do]} for friend in resident.contacts}
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    await line.advance(minutes=16)
    return resident


def expect_what_is_the_residents_own(line: Line, resident: Resident) -> None:
    """Cross out what went to the resident and to the bank."""
    line.expect_stop(line.bank.left[0].to)
    for contact in line.carrier.left:
        if contact.to == resident.phones[0].value:
            assert contact.action in RESIDENTS_OWN
            line.expect(Action(contact.action), resident)


async def test_a_trusted_contact_is_told_when_the_resident_is_not_reached_and_told_the_least(line: Line) -> None:
    resident = await out_of_reach(line, friends=1, friends_do=[Result.ACKNOWLEDGED])
    (friend,) = resident.contacts
    told = line.expect(Action.CONTACT_CALL, friend, minutes=10).said
    expect_what_is_the_residents_own(line, resident)
    line.expect_nothing_else()
    tail = resident.phones[0].value[-4:]
    assert tail in told
    numbers = re.findall(r"\d+", re.sub(r"核验码是\d{6}", "", told))
    assert set(numbers) == {"96110", tail, "1", "2", "9"}  # the keys to press; no amount, no account
    assert not [word for word in ("诈骗", "刷单", "元", "公检法", resident.name) if word in told]


async def test_of_two_trusted_contacts_the_second_is_told_when_the_first_does_not_answer(line: Line) -> None:
    resident = await out_of_reach(line, friends=2)
    expect_what_is_the_residents_own(line, resident)
    first, second = resident.contacts
    line.expect(Action.CONTACT_CALL, first, minutes=10)
    line.expect(Action.CONTACT_CALL, second, minutes=11, seconds=30)
    line.expect(Action.CONTACT_CALL, first, minutes=13)
    line.expect(Action.CONTACT_CALL, second, minutes=14, seconds=30)
    line.expect_nothing_else()


async def test_nobody_is_told_where_nobody_is_trusted(line: Line) -> None:
    resident = await out_of_reach(line, friends=0)
    expect_what_is_the_residents_own(line, resident)
    line.expect_nothing_else()


async def test_a_trusted_contact_is_not_told_of_a_resident_who_was_dissuaded(line: Line) -> None:
    resident = await line.resident(friends=1, calls=[Result.WANTS_OPERATOR])
    await line.signal(call(line, resident), transfer(line, resident, line.account()))
    await line.advance(minutes=1)
    await line.dissuade(resident)
    await line.until(line.after(hours=1))
    line.expect(Action.FLASH_SMS, resident)
    line.expect(Action.ROBOT_CALL, resident)
    line.expect_nothing_else()

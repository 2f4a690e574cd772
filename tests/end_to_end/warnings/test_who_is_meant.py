"""A warning reaches who is meant: a minor's guardian, and whoever holds the telephone now."""

from datetime import timedelta

from schemas.levels import Action
from schemas.people.residents import Holding, Language
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app


async def test_a_minors_warning_goes_to_the_guardian_and_not_to_the_child(line: Line) -> None:
    guardian = await line.resident(language=Language.KOREAN)
    child = await line.resident(guardian=guardian.id, birth_year=2014)
    await line.signal(scam_app(line, child))
    await line.advance(hours=1, minutes=1)
    text = line.expect(Action.SMS, guardian, minutes=3).said
    assert guardian.phones[0].value[-4:] in text
    line.expect(Action.ROBOT_CALL, guardian, hours=1)
    line.expect_nothing_else()
    assert await line.no_case(guardian)


async def test_a_telephones_new_owner_is_not_warned_for_the_old_ones_signals(line: Line) -> None:
    number, since = line.phone(), line.began - timedelta(hours=1)
    old = await line.resident(phones=[Holding(value=number, until=since), Holding(value=line.phone(), since=since)])
    new = await line.resident(phones=[Holding(value=number, since=since)])
    late = scam_app(line, new, ago=90)  # from when the number was still the old owner's
    await line.signal(late)
    await line.advance(minutes=5)
    line.expect(Action.SMS, old, minutes=3)
    line.expect_nothing_else()
    assert await line.no_case(new)
    await line.signal(scam_app(line, new))
    await line.advance(minutes=5)
    line.expect(Action.SMS, new, minutes=8)
    line.expect_nothing_else()

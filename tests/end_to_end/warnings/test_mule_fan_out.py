"""Once an account is known for a scammer's, everybody who paid it lately is in danger, and nobody else."""

from typing import Any

from schemas.levels import Action, Level
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import confirmed, transfer


async def test_everybody_who_paid_a_mule_in_72_hours_is_raised_under_one_campaign_and_nobody_else(line: Line) -> None:
    mule, honest = line.account(), line.account()
    first, second, long_ago, other, late = [await line.resident() for _ in range(5)]
    usual: dict[str, Any] = {"state": "settled", "new_payee": False}
    await line.signal(
        transfer(line, first, mule, ago=60, **usual),
        transfer(line, second, mule, ago=70 * 60, **usual),
        transfer(line, long_ago, mule, ago=73 * 60, **usual),
        transfer(line, other, honest, ago=60, **usual),
    )
    await line.advance(hours=1)
    line.expect_nothing_else()
    await line.signal(confirmed(line, mule))
    await line.advance(seconds=35)
    for payer in (first, second):
        line.expect(Action.SMS, payer, hours=1, seconds=30)
    line.expect_nothing_else()
    await line.signal(transfer(line, late, mule, **usual))  # paid after it was confirmed
    await line.signal(transfer(line, long_ago, mule, ago=30, **usual))  # paid again, and told of late
    await line.advance(seconds=35)
    for payer in (late, long_ago):
        line.expect(Action.SMS, payer, hours=1, seconds=65)
    line.expect_nothing_else()
    cases = [await line.case(payer) for payer in (first, second, late, long_ago)]
    assert {case.level for case in cases} == {Level.ORANGE}
    assert len({case.danger.campaign for case in cases} - {None}) == 1
    assert await line.no_case(other)

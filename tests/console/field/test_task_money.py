"""What an officer's task says about a payment's money: as far as banks have traced it, as on the case's page."""

from datetime import timedelta

from schemas.casework.inputs import BankState
from schemas.people.rosters import Roster
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from tests.console.cases.test_money_tree import gone
from tests.console.harness.stage import Stage
from tests.console.harness.visiting import tasks_of
from tests.end_to_end.harness.rig import HERE, STATION
from tests.end_to_end.harness.signals import call, transfer

MINUTE = timedelta(minutes=1)


async def test_an_officer_is_told_where_banks_have_traced_the_money_to(console: Stage) -> None:
    line, rosters = console.line(), console.house.line.outgoing.rosters
    await rosters.put(Roster(station=STATION))
    await line.officers("traced-1")
    mule, resident = line.account(), await line.resident(division=HERE)
    paid_at = line.house.clock.now() - MINUTE
    says = BankSays(MINUTE / 2, BankState.IN_FORCE, 1_000_000, "icbc", gone(mule, paid_at))
    console.house.behaviour.banks[mule] = [says]
    try:
        await line.signal(call(line, resident), transfer(line, resident, mule))
        await line.advance(minutes=3)
        case = await line.case(resident)
        assert len(case.movements) == 2
        async with await console.signed_in(StaffRole.OFFICER, officer="traced-1") as client:
            (task,) = [each for each in await tasks_of(client) if each["case"] == case.id]
        (payment,) = task["payments"]
        parts = {part["state"]: part["amount_fen"] for part in payment["parts"]}
        assert sum(parts.values()) == payment["amount_fen"] == 3_000_000
        assert parts["止付生效"] == 1_000_000
        assert parts["已取走"] == 1_000_000
        assert parts.get("其余去向待查", 0) <= 1_000_000, "two thirds went on, and half of that was taken out"
    finally:
        await line.end()

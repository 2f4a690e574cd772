"""Who goes to the door: on duty, willing, and not on too many visits already."""

from domain.visits.officers import load_of
from schemas.levels import Action, Outcome
from schemas.people.rosters import Shift
from simulators.providers.station import JOINED
from tests.end_to_end.harness.behaviour import goes_there, refuses
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer


async def red(line: Line, count: int = 1) -> None:
    """Residents in gravest danger, three minutes on; what goes to them by telephone and bank is expected."""
    residents = [(await line.resident(), line.account()) for _ in range(count)]
    signals = [(call(line, resident), transfer(line, resident, mule)) for resident, mule in residents]
    await line.signal(*(signal for pair in signals for signal in pair))
    await line.advance(minutes=3)
    for resident, mule in residents:
        line.expect(Action.FLASH_SMS, resident, seconds=0)
        line.expect(Action.ROBOT_CALL, resident, seconds=20)
        line.expect_stop(mule, minutes=2)


async def test_an_officer_off_duty_is_never_sent_however_near(line: Line) -> None:
    night = [Shift(start=line.after(hours=10), end=line.after(hours=20))]
    await line.officers("asleep-1", shifts=night)
    await line.officers("far-1", division="222401001", stages=goes_there())
    await red(line)
    line.expect_visit("far-1")
    line.expect_nothing_else()


async def test_an_officer_whose_shift_ends_before_he_would_be_done_is_spared_for_one_a_little_further_away(
    line: Line,
) -> None:
    ending = [Shift(start=line.after(hours=-1), end=line.after(minutes=5))]
    await line.officers("leaving-1", shifts=ending, stages=goes_there())
    await line.officers("near-2", division="220102002", stages=goes_there())
    await red(line)
    line.expect_visit("near-2")
    line.expect_nothing_else()


async def test_an_officer_who_refuses_is_followed_by_the_next_and_not_asked_again(line: Line) -> None:
    await line.officers("refuses-1", stages=refuses())
    await line.officers("willing-2", stages=goes_there())
    await red(line)
    await line.until(line.after(minutes=4, seconds=30))
    line.expect_visit("refuses-1", seconds=150)
    line.expect_visit("willing-2", seconds=210)
    line.expect_nothing_else()


async def test_a_unit_on_two_tasks_is_counted_once(line: Line) -> None:
    await line.officers("unit-1", stages=goes_there()[:1])
    await red(line, 2)
    line.expect_visit("unit-1")
    line.expect_visit("unit-1")
    line.expect_nothing_else()
    tasks = await line.house.line.outgoing.rosters.tasks(line.house.clock.now())
    busy = {unit: len(visits) for unit, visits in load_of(tasks.values()).items() if unit == "unit-1"}
    assert busy == {"unit-1": 2}


async def test_who_is_on_three_visits_gets_no_fourth(line: Line) -> None:
    await line.officers("full-1", stages=goes_there()[:1])
    await line.officers("far-2", division="222401001", stages=goes_there()[:1])
    await red(line, 4)
    for officer in ("full-1", "full-1", "full-1", "far-2"):
        line.expect_visit(officer)
    line.expect_nothing_else()


async def test_two_at_one_address_get_one_visit_and_what_comes_of_it_counts_for_both(line: Line) -> None:
    await line.officers("both-1", stages=goes_there())
    home = f"示例路{next(line.house.numbers)}号3-401"
    couple = [(await line.resident(address=home), line.account()) for _ in range(2)]
    await line.signal(*(told for who, mule in couple for told in (call(line, who), transfer(line, who, mule))))
    await line.advance(minutes=3)
    for resident, mule in couple:
        line.expect(Action.FLASH_SMS, resident, seconds=0)
        line.expect(Action.ROBOT_CALL, resident, seconds=20)
        line.expect_stop(mule, minutes=2)
    line.expect_visit("both-1", seconds=150)
    line.station.expect(JOINED, "both-1")
    line.expect_nothing_else()
    await line.advance(minutes=30)
    assert {(await line.case(resident)).outcome for resident, _ in couple} == {Outcome.DISSUADED}

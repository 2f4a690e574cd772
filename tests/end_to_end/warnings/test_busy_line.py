"""A line that stays busy is evidence, not bad luck."""

from schemas.casework.events import FactKind
from schemas.codes.plan import BusyDuringCall
from schemas.levels import Action, Result
from tests.end_to_end.harness.behaviour import goes_there
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call


async def test_a_busy_line_while_the_residents_own_call_runs_on_sends_one_officer_and_no_further_call(
    line: Line,
) -> None:
    resident = await line.resident(calls=[Result.BUSY])
    await line.officers("busy-1", stages=goes_there())
    await line.signal(call(line, resident, ago=31, ongoing=True))  # orange: a visit would be due in the evening only
    await line.advance(minutes=45)
    line.expect(Action.SMS, resident, seconds=30)
    line.expect(Action.ROBOT_CALL, resident, minutes=5)
    line.expect_visit("busy-1", because="当事人仍在通话", minutes=5.5)
    line.expect_nothing_else()
    evidence = await line.facts(resident, FactKind.EVIDENCE)
    assert [fact.what for fact in evidence] == [BusyDuringCall()]

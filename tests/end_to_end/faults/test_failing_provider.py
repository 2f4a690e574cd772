"""A provider that fails is tried again, and a resident is contacted once all the same."""

import pytest

from schemas.levels import Action
from simulators.providers.base import Fault
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

IN_BETWEEN = 504  # a gateway's: whether the provider has it is not known, and it is sent to again at once


@pytest.mark.parametrize(("status", "times"), [(500, 3), (503, 3), (IN_BETWEEN, 1)])
async def test_a_provider_that_fails_and_recovers_makes_exactly_one_contact(
    line: Line, status: int, times: int
) -> None:
    resident = await line.resident()
    line.house.providers.carrier.faults["error"] = Fault(times=times, status=status)
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=10)
    line.expect(Action.SMS, resident)
    line.expect_nothing_else()

"""Bulk work gives way to the urgent lane, and does not starve."""

import asyncio
import time

from agents.screening import Urgent

LONG = 60.0


def busy() -> Urgent:
    urgent = Urgent()
    urgent.watch(lambda: 1)
    return urgent


async def seconds_of(urgent: Urgent, until: float) -> float:
    """How long bulk stands still."""
    began = time.monotonic()
    await urgent.first(until)
    return time.monotonic() - began


async def test_bulk_stands_still_until_the_urgent_lane_has_nothing_to_do() -> None:
    urgent, waiting = Urgent(), [0]
    urgent.watch(lambda: waiting[0])
    with urgent.batch():
        standing = asyncio.create_task(seconds_of(urgent, time.monotonic() + LONG))
        await asyncio.sleep(0.05)
        assert not standing.done()
        waiting[0] = 1
    await asyncio.sleep(0.05)
    assert not standing.done()
    waiting[0] = 0
    assert 0.1 <= await asyncio.wait_for(standing, LONG) < LONG


async def test_others_have_their_turn_also_when_the_urgent_lane_is_idle() -> None:
    had: list[bool] = []
    asyncio.get_running_loop().call_soon(had.append, True)
    await Urgent().first(time.monotonic() + LONG)
    assert had


async def test_bulk_goes_on_when_its_time_has_come() -> None:
    until = time.monotonic() + 0.1
    assert await seconds_of(busy(), until) >= 0.1
    assert await seconds_of(busy(), until) < 0.1

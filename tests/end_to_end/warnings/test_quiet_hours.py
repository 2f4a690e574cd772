"""The night is kept free, and what waits for the morning waits through a restart."""

from datetime import timedelta
from typing import Literal

import pytest

from schemas.casework.acts import NoteAct
from schemas.levels import Action
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

LATE_EVENING = timedelta(hours=10, minutes=47)  # after 11:12: 21:59 in Jilin
MORNING = timedelta(hours=19, minutes=48)  # 7:00


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_chain_paused_over_the_night_goes_on_in_the_morning_after_the_worker_was_restarted(
    line: Line, how: Literal["kill", "stop"]
) -> None:
    resident = await line.resident()
    await line.until(line.began + LATE_EVENING)
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=30)
    line.expect_nothing_else()
    getattr(line.house.worker, how)()
    line.house.clock.move_to(line.began + MORNING - timedelta(hours=1))
    line.house.worker.start()
    await line.operator(resident, NoteAct(what="note"))  # returns when the new worker has taken it in
    await line.until(line.began + MORNING - timedelta(minutes=1))
    line.expect_nothing_else()
    await line.until(line.began + MORNING + timedelta(minutes=1))
    line.expect(Action.SMS, resident, seconds=MORNING.total_seconds())
    line.expect_nothing_else()

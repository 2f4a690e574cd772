"""A worker whose machine's clock is set contacts nobody early, and nobody late."""

import re
from pathlib import Path

import httpx

from schemas.levels import Action
from schemas.people.residents import Flag
from tests.end_to_end.harness.house import SETTLE_SECONDS, until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_sms
from tests.tools.servers.faketime import MachineClock

AHEAD = re.compile(r"^quanzu_clock_ahead_seconds (\S+)$", re.MULTILINE)
HALF_AN_HOUR = 1800.0  # the message is due twenty minutes after its signal


async def test_a_message_goes_out_in_its_time_while_the_worker_s_machine_is_set_forward_and_back(
    line: Line, tmp_path: Path
) -> None:
    machine, worker = MachineClock(tmp_path), line.house.worker
    worker.stop()
    worker.start(machine.environment)
    try:
        resident = await line.resident(flags=frozenset({Flag.OBJECTS_TO_CALLS}))
        await line.signal(scam_sms(line, resident))
        await _set(line, machine, HALF_AN_HOUR)
        await line.advance(minutes=19)
        line.expect_nothing_else()
        await _set(line, machine, -HALF_AN_HOUR)
        await line.advance(minutes=2)
        line.expect(Action.SMS, resident)
        line.expect_nothing_else()
    finally:
        worker.stop()
        worker.start()


async def _set(line: Line, machine: MachineClock, ahead: float) -> None:
    """Set the worker's machine, and wait until the worker has noticed."""
    machine.set(ahead)

    async def noticed() -> bool:
        async with httpx.AsyncClient() as client:
            told = await client.get(f"http://127.0.0.1:{line.house.worker.metrics_port}/metrics")
        found = AHEAD.search(told.text)
        return found is not None and abs(float(found[1]) - ahead) < 1

    await until(noticed, SETTLE_SECONDS, lambda: line.house.worker.log)

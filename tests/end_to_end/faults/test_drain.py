"""Before servers are stopped: intake is closed, and whoever was in danger by then is still warned."""

import asyncio

from schemas.levels import Action
from streams.operations import drain
from tests.end_to_end.harness.house import SETTLE_SECONDS, until
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app


async def test_a_drained_line_takes_nothing_more_in_and_warns_whom_it_has(line: Line) -> None:
    resident, late = await line.resident(), await line.resident()
    await line.signal(scam_app(line, resident))
    await drain.begin(line.house.line, "a chief", "Kafka is exchanged")
    try:
        await until(lambda: _answers(line, 503), 5)
        body = scam_app(line, late).model_dump_json()
        refused = await line.house.intake.post("/signals", content=body)
        assert refused.status_code == 503
        assert "a chief: Kafka is exchanged" in refused.json()["error"]
        await line.advance(minutes=5)
        line.expect(Action.SMS, resident)
        line.expect_nothing_else()
        async with asyncio.timeout(SETTLE_SECONDS):
            left = [found async for found in drain.waiting(line.house.line)]
        assert set(left[-1].values()) == {0}
    finally:
        assert await drain.end(line.house.line, "a chief")
    await until(lambda: _answers(line, 200), 5)
    assert not await drain.end(line.house.line, "a chief")


async def _answers(line: Line, status: int) -> bool:
    return (await line.house.intake.get("/readyz")).status_code == status

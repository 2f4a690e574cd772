"""A queue that stays open over midnight."""

from datetime import timedelta

import pytest

from domain.calendar import local_date
from schemas.people.staff import StaffRole
from streams.state.keys import milliseconds
from tests.console.harness.stage import Stage
from tests.console.queue.test_queue import stream


async def test_rows_of_another_day_are_loaded_anew_because_they_show_times_without_it(
    console: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.web.live.stream.LOOK_SECONDS", 0.05)
    now = console.house.clock.now()
    async with await console.signed_in(StaffRole.OPERATOR, "2206") as client:
        rows = (await client.get("/queue/rows", headers={"accept": "application/json"})).json()
        async with stream(client, f"{rows['mark']}&loaded={rows['now']}") as told:
            today = await anext(told)
        async with stream(client, f"{rows['mark']}&loaded={milliseconds(now - timedelta(days=1))}") as told:
            yesterday = await anext(told)
        async with stream(client, rows["mark"]) as told:
            await anext(told)
            monkeypatch.setattr("console.web.live.stream.local_date", lambda at: local_date(at + timedelta(days=1)))
            at_midnight = await anext(told)
    assert [each["event"] for each in (today, yesterday, at_midnight)] == ["message", "reload", "reload"]

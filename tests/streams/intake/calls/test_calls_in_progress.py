"""A call through a real Kamailio is a signal as soon as it is answered, and again when it has ended."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from tests.streams.intake.intake_signals import KEY, intake_client, until_ready
from tests.tools.gateway.kamailio import call, kamailio
from tests.tools.gateway.sipp import screen_of

SECONDS = 90.0
TALK_SECONDS = 4.0


async def calls(settings: Settings, called: str, count: int) -> list[dict[str, Any]]:
    """The calls to a number on the topics, once there are so many; of a caller, the one that goes on first."""
    while True:
        found = [
            each
            for lane in topics.LANES
            async for record in read_all(settings, lane.name)
            for each in json.loads(record.value or b"[]")
            if each.get("called") == called  # other tests write to the same topics
        ]
        if len(found) >= count:
            return sorted(found, key=lambda each: (each["caller"], not each["ongoing"]))
        await asyncio.sleep(0.1)


async def test_a_call_is_told_while_it_goes_on_and_at_its_end_as_one_call(settings: Settings, tmp_path: Path) -> None:
    topics.create(settings)
    async with asyncio.timeout(SECONDS), intake_client(settings) as client:
        await until_ready(client)
        async with kamailio(tmp_path, f"{client.base_url}/signals", KEY) as port:
            began = datetime.now(UTC)
            talking = asyncio.create_task(call(tmp_path / "a", port, "+85200000000", "+8614200000001", TALK_SECONDS))
            (ongoing,) = await calls(settings, "+8614200000001", 1)
            assert not talking.done()
            await talking
            first, second = await calls(settings, "+8614200000001", 2)
    assert first == ongoing
    assert (first["source"], first["caller"], first["called"]) == ("bank", "+85200000000", "+8614200000001")
    assert (first["ongoing"], first["number_class"]) == (True, "overseas")
    assert abs(datetime.fromisoformat(first["at"]) - began) < timedelta(seconds=TALK_SECONDS)
    assert (second["id"], second["at"], second["ongoing"], second["ended"]) == (
        first["id"],
        first["at"],
        False,
        "answered",
    )
    assert TALK_SECONDS - 1 <= second["seconds"] <= TALK_SECONDS + 2


async def test_calls_that_intake_does_not_take_wait_and_are_told_later_each_once(
    settings: Settings, tmp_path: Path
) -> None:
    topics.create(settings)
    http = free_port()
    async with asyncio.timeout(SECONDS), kamailio(tmp_path, f"http://127.0.0.1:{http}/signals", KEY) as port:
        callers = ["14200000001", "anonymous", "+8614200000003"]
        for number, caller in enumerate(callers):
            await call(tmp_path / str(number), port, caller, "14200000009", 1.2)
        async with intake_client(settings, port=http) as client:
            await until_ready(client)
            found = await calls(settings, "+8614200000009", 6)
            await asyncio.sleep(1)
            assert await calls(settings, "+8614200000009", 6) == found
        assert screen_of(tmp_path).count("does not take calls") == 1
    assert [each["caller"] for each in found[::2]] == ["+8614200000001", "+8614200000003", "anonymous"]
    assert {each["number_class"] for each in found} == {"ordinary"}
    assert [each["ongoing"] for each in found] == [True, False] * 3
    assert len({each["id"] for each in found}) == 3

"""A rolling upgrade: an older worker and a newer one share the line, and each reads what the other wrote."""

import httpx

from schemas.levels import Action, Level
from schemas.residents import Resident
from streams import topics
from streams.keys import key
from streams.reader import read_all
from tests.line.house import SETTLE_SECONDS, until
from tests.line.newer import WORD
from tests.line.rig import Line
from tests.line.signals import call, transfer
from tests.line.worker import Worker


async def ready(worker: Worker) -> bool:
    """Whether it takes its part in the line, as it says itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{worker.metrics_port}/readyz")).is_success
        except httpx.HTTPError:
            return False


async def in_every_partition(line: Line) -> list[Resident]:
    """Somebody of each partition."""
    partitions = line.house.settings.partitions
    found: dict[int, Resident] = {}
    while len(found) < partitions:
        somebody = await line.resident()
        found.setdefault(topics.home(somebody.id, partitions), somebody)
    return list(found.values())


async def test_an_older_and_a_newer_worker_share_the_line_and_each_goes_on_with_the_others_cases(line: Line) -> None:
    house = line.house
    newer = Worker(house.settings, house.settings.data / "clock")
    newer.start({"TEST_NEWER": "1"})
    try:
        await until(lambda: ready(newer), SETTLE_SECONDS, lambda: newer.log)
        people = await in_every_partition(line)
        for each in people:
            await line.signal(call(line, each, ongoing=True), transfer(line, each, line.account()))
        await line.advance(seconds=10)
        for each in people:
            line.expect(Action.FLASH_SMS, each)
            assert (await line.case(each)).level is Level.RED
        ours = [record.value or b"" async for record in read_all(house.settings, topics.CASE_EVENTS.name)]
        said = {WORD.encode() in value for value in ours if any(each.id.encode() in value for each in people)}
        assert said == {True, False}  # both have written
    finally:
        newer.stop()
    homes = {each.id: topics.home(each.id, house.settings.partitions) for each in people}
    stored = [await house.line.redis.hget(key("cases", home), name) for name, home in homes.items()]
    assert {WORD.encode() in raw for raw in stored} == {True, False}
    # The older one has all partitions again, and goes on with the newer one's cases.
    await line.advance(seconds=60)
    for each in people:
        line.expect(Action.ROBOT_CALL, each)
    letters = [record async for record in read_all(house.settings, topics.DEAD_LETTERS.name)]
    assert not [each for each in letters if WORD.encode() in (each.value or b"")]
    assert "passed over" not in newer.log

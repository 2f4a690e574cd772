"""A rolling upgrade: an older worker and a newer one share the line, and each reads what the other wrote."""

import httpx

from schemas.levels import Action, Level
from schemas.people.residents import Resident
from streams.messaging import topics
from streams.messaging.reader import read_all
from tests.end_to_end.harness.house import SETTLE_SECONDS, until
from tests.end_to_end.harness.newer import WORD
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, transfer
from tests.end_to_end.harness.worker import Worker

ROUNDS = 8


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


async def wrote(line: Line, people: list[Resident]) -> set[bool]:
    """Whether the journal's entries about them are of the newer version: both, when both have written."""
    found = [record.value or b"" async for record in read_all(line.house.settings, topics.CASE_EVENTS.name)]
    return {WORD.encode() in value for value in found if any(each.id.encode() in value for each in people)}


async def endangered(line: Line) -> list[Resident]:
    """Somebody of each partition, in a red case."""
    people = await in_every_partition(line)
    for each in people:
        await line.signal(call(line, each, ongoing=True), transfer(line, each, line.account()))
    for each in people:
        line.expect(Action.FLASH_SMS, each)
        assert (await line.case(each)).level is Level.RED
    return people


async def test_an_older_and_a_newer_worker_share_the_line_and_each_goes_on_with_the_others_cases(line: Line) -> None:
    house, people = line.house, list[Resident]()
    newer = Worker(house.settings, house.settings.data / "clock")
    newer.start({"TEST_NEWER": "1"})
    try:
        await until(lambda: ready(newer), SETTLE_SECONDS, lambda: newer.log)
        for _ in range(ROUNDS):  # it may be in the group and have no share yet
            people += await endangered(line)
            if await wrote(line, people) == {True, False}:
                break
        assert await wrote(line, people) == {True, False}
    finally:
        newer.stop()
    # The older one has all partitions again, and goes on with the newer one's cases.
    await line.advance(seconds=60)
    for each in people:
        line.expect(Action.ROBOT_CALL, each)
    letters = [record.value or b"" async for record in read_all(house.settings, topics.DEAD_LETTERS.name)]
    assert not [each for each in letters if WORD.encode() in each]
    assert "passed over" not in newer.log

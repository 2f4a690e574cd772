"""A guardian's entry that only served a minor goes with the minor's; any other guardian's stays."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from schemas.people.residents import ReportSource
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.operations.erasure import forget
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.test_forgotten import NAME, in_redis, installed_house


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def a_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with installed_house(tmp_path_factory.mktemp("guardian")) as made:
        yield made


async def test_a_guardian_of_whom_another_province_told_for_one_minor_alone_is_forgotten_with_the_minor(
    a_house: House,
) -> None:
    house = a_house
    line = Line.begun(house)
    force = ReportSource.FORCE
    alone = await line.resident(name="监护独某", provisional=force)
    shared = await line.resident(name="监护共某", provisional=force)
    registered = await line.resident(name="监护册某")
    first, second, third = [await line.resident(name=NAME, guardian=each.id) for each in (alone, shared, registered)]
    sibling = await line.resident(name="手足某", guardian=shared.id)
    for minor in (first, second, third):
        await forget(house.line, minor.id, "supervisor-1", "a test")
    left = await house.line.residents.get([alone.id, shared.id, registered.id, sibling.id])
    assert set(left) == {shared.id, registered.id, sibling.id}
    assert await in_redis(house, ["监护独某".encode(), alone.phones[0].value.encode()]) == set()
    await forget(house.line, sibling.id, "supervisor-1", "a test")
    assert set(await house.line.residents.get([shared.id, registered.id])) == {registered.id}
    written = [each async for each in read_all(house.line.settings, topics.RESIDENTS.name)]
    assert not [each for each in written if each.value and "监护独某".encode() in each.value]

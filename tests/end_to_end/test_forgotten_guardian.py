"""A guardian's entry that only served a minor goes with the minor's; any other guardian's stays."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from domain.identity.entries import merge
from domain.identity.personal import without
from schemas.casework.acts import CloseAct
from schemas.levels import Level
from schemas.people.residents import ReportSource
from streams.messaging import case_inputs, topics
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.operations.erasure import Forgotten, NotForgottenError, forget
from tests.domain.builders import alert
from tests.end_to_end.harness.house import House
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.test_forgotten import NAME, in_redis, installed_house
from tests.end_to_end.test_forgotten_meanwhile import after


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


async def test_a_second_run_looks_again_whether_cases_of_merged_entries_and_of_a_guardian_began(
    a_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, line = a_house, Line.begun(a_house)
    guardian = await line.resident(name="监护独某", provisional=ReportSource.FORCE)
    minor, gone = await line.resident(name=NAME, guardian=guardian.id), await line.resident(name="并入某")
    await house.line.residents.put(merge(minor, gone, house.clock.now()))
    late = (gone, guardian)

    async def alarmed() -> None:
        alarm = alert(Level.YELLOW, at=house.clock.now())
        inputs = [alarm.model_copy(update={"id": each.id, "resident": each.id}) for each in late]
        partitions = house.settings.partitions
        await house.line.producer.send_all(
            [case_inputs.record(each, home(each.resident, partitions)) for each in inputs]
        )

    after(monkeypatch, "_drop_matches", alarmed)
    for _ in range(2):
        with pytest.raises(NotForgottenError, match="began or changed while the data was erased") as told:
            await forget(house.line, minor.id, "supervisor-1", "a test")
        assert all(f"{each.id}-1" in str(told.value) for each in late)
    for each in late:
        await line.operator(each, CloseAct(do="close", reason="there is nothing more to do"))
    await line.settle()
    assert await forget(house.line, minor.id, "supervisor-1", "a test") == Forgotten(0, 0, 0, finished=3)
    for each in late:
        assert without(found := await line.case(each)) == found
    await line.end()

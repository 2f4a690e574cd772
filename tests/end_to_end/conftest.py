"""One installation for all tests of the line, and for each test its own residents, officers and day."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.end_to_end.harness.house import START, House, house
from tests.end_to_end.harness.rig import Line

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The house lives in one event loop, and so do the tests in it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Ends where the file that follows is another folder's: a house with nothing to do takes a seventh of a core."""
    async with house(tmp_path_factory.mktemp("line")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def line(the_house: House) -> AsyncIterator[Line]:
    """The line on the next morning at 11:12, with nobody on duty and nothing under way."""
    days = (the_house.clock.now() - START) // timedelta(days=1) + 1
    the_house.clock.move_to(START + timedelta(days=days))
    begun = Line.begun(the_house)
    try:
        yield begun
    finally:
        await begun.end()

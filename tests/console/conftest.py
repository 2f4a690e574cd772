"""The console on embedded servers with a worker's line beside it, and clients that are signed in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.people.staff import StaffRole
from tests.console.harness.stage import Client, Stage, stage
from tests.end_to_end.harness.rig import Line

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stage lives in one event loop, and so do the tests in it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One console and one line for the tests of a file: another's holds and cases are not in their way."""
    async with stage(tmp_path_factory.mktemp("console")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """A test's own residents, whose cases are closed at its end."""
    begun = console.line()
    try:
        yield begun
    finally:
        await begun.end()


@pytest_asyncio.fixture(loop_scope="session")
async def operator(console: Stage) -> AsyncIterator[Client]:
    async with await console.signed_in(StaffRole.OPERATOR) as client:
        yield client

"""A real browser (Debian's Chromium) on the console beside a whole line; screenshots of what it saw are kept."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.people import CHROMIUM, SHELL, People, launched
from tests.console.harness.stage import Stage, stage
from tests.end_to_end.harness.rig import Line

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stage and the browser live in one event loop, and so do the tests in it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One console and one line for the tests of a file: another's officers and cases are not in their way."""
    async with stage(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def line(console: Stage) -> AsyncIterator[Line]:
    """A test's own residents, whose cases are closed at its end."""
    begun = console.line()
    try:
        yield begun
    finally:
        await begun.end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser; each person in it has a context of its own. Timings are those of Chromium with its windows."""
    timed = bool(os.environ.get("QUANZU_QUIET"))
    async with launched(*(() if timed else (SHELL,)), CHROMIUM) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def people(console: Stage, browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[People]:
    """Opens pages for people who are signed in; every page's errors fail the test."""
    folder = Path(os.environ.get("QUANZU_SCREENSHOTS", "screenshots"))
    opened = People(console, browser, folder / request.node.name)
    try:
        yield opened
    finally:
        await opened.close()
    assert not opened.errors, "\n".join(opened.errors)

"""The two administrators."""

from collections.abc import AsyncIterator

import pytest_asyncio

from schemas.people.staff import StaffRole
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import Visitor, person, sign_in


@pytest_asyncio.fixture(loop_scope="session")
async def admin(console: Stage) -> AsyncIterator[Visitor]:
    """A system administrator at work."""
    async with Visitor(console) as visitor:
        await sign_in(visitor, await person(console, StaffRole.SYSTEM_ADMINISTRATOR, ""))
        yield visitor


@pytest_asyncio.fixture(loop_scope="session")
async def second(console: Stage) -> AsyncIterator[Visitor]:
    """A security administrator at work."""
    async with Visitor(console) as visitor:
        await sign_in(visitor, await person(console, StaffRole.SECURITY_ADMINISTRATOR, ""))
        yield visitor

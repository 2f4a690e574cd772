from collections.abc import AsyncIterator

import pytest_asyncio

from tests.browser.people import People

WITHOUT_NETWORK = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "ERR_FAILED", "ERR_INCOMPLETE_CHUNKED")


@pytest_asyncio.fixture(loop_scope="session")
async def afield(people: People) -> AsyncIterator[People]:
    """People whose pages may tell that there is no network: that is what these tests are about."""
    yield people
    people.errors[:] = [each for each in people.errors if not any(part in each for part in WITHOUT_NETWORK)]

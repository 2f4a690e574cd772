"""Both sizes and all three languages in which a page is looked at."""

from collections.abc import Awaitable, Callable
from itertools import product

from playwright.async_api import Page

from tests.browser.people import DESKTOP, People
from tests.browser.test_incidents import wrong

NARROW = {"width": 390, "height": 844}
LOOKS = tuple(product(("zh-CN", "en", "ko"), (NARROW, DESKTOP)))


async def wrong_in_each_look(
    people: People, name: str, opened: Callable[[str, dict[str, int]], Awaitable[Page]]
) -> list[str]:
    """Open a page in each language and size, keep pictures of it, and return what sticks out of it and what axe finds.

    `opened`: opens the page in this language and size, once it shows what it must.
    """
    found = []
    for language, size in LOOKS:
        page = await opened(language, size)
        found += await wrong(people, page, f"{name}-{language[:2]}-{size['width']}")
        await page.context.close()
    return found

"""The bar above each page: in one row, and nothing beside it sticks out, on the screens that desks have."""

import pytest

from console.web.kit.navigation import ITEMS
from schemas.people.staff import StaffRole
from tests.browser.people import People

ONE_ROW = 56  # px: a second row would make it 63 and more
DESKS = (1024, 1152, 1280, 1366, 1440, 1920)
ROLES = (StaffRole.SUPERVISOR, StaffRole.OPERATOR, StaffRole.AUDITOR, StaffRole.RELEASE_DESK)


@pytest.mark.parametrize("language", ["zh-CN", "en", "ko"])
@pytest.mark.parametrize("role", ROLES)
async def test_the_bar_is_one_row_and_no_page_sticks_out(role: StaffRole, language: str, people: People) -> None:
    page = await people.page(role, "", language=language, size={"width": 1024, "height": 768})
    found = []
    for path in dict.fromkeys(item.path for item in ITEMS if role in item.roles):
        await page.goto(path)
        for width in DESKS:
            await page.set_viewport_size({"width": width, "height": 768})
            high = await page.locator("header.top").evaluate("bar => bar.offsetHeight")
            wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            found += [f"{path} {width}: {high} px high, {wide} px stick out"] if high > ONE_ROW or wide > 0 else []
    assert not found, "\n".join(found)

"""Every page, in every language, from a telephone to a wall: nothing breaks, nothing sticks out, axe finds nothing."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe

from console.web.kit.door import table
from schemas.people.staff import StaffRole
from tests.browser.people import People
from tests.console.harness.stage import Stage
from tests.console.programs.test_api import red

# Each page is seen in three of them; between them they have every language, both grounds, and three sizes.
LOOKS = (
    ("zh-CN", {"width": 1440, "height": 900}, False),
    ("en", {"width": 360, "height": 740}, True),
    ("ko", {"width": 2560, "height": 1440}, False),
)
NOT_PAGES = (
    "/api/",
    "/language/",
    "/guest/",
    "/sign-out",
    "/static/",
    "/audit/heads",
    "/rosters/file.csv",
    "/rosters/feeds",
)  # the last: files, and what needs a station
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def pages(console: Stage, role: StaffRole) -> Iterator[str]:
    """What a role can open without naming anything, and a case."""
    for method, path, _, roles in table(console.app):
        plain = "{" not in path and not path.startswith(NOT_PAGES)
        if method == "GET" and role in roles and (plain or path == "/cases/{case_id}"):
            yield path


@pytest.mark.parametrize("role", StaffRole)
async def test_every_page_is_for_everybody(role: StaffRole, console: Stage, people: People) -> None:
    case = await red(console.line())
    found = []
    for language, size, dark in LOOKS:
        page = await people.page(role, "", language=language, size=size, dark=dark)
        for path in pages(console, role):
            answer = await page.goto(path.replace("{case_id}", case.id), wait_until="commit")
            assert answer is not None
            if "html" not in answer.headers.get("content-type", ""):  # a stream, which never ends
                continue
            if answer.request.redirected_from:  # where it leads to has its own turn
                continue
            await page.wait_for_load_state("load")
            where = f"{path} {language} {size['width']} px"
            found += [f"{where}: status {answer.status}"] if answer.status != 200 else []
            wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            found += [f"{where}: {wide} px stick out"] if wide > 0 else []
            results = await Axe().run(page, options=RULES)
            found += [f"{where}: {each['id']}: {_places(each)}" for each in results.response["violations"]]
            await people.shot(page, f"{path.strip('/').replace('/', '-') or 'front'}-{language}-{size['width']}")
    assert found == []


def _places(violation: dict[str, list[dict[str, list[str]]]]) -> list[str]:
    return [" ".join(node["target"]) for node in violation["nodes"][:3]]

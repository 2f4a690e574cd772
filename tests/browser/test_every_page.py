"""Every page, in every language and both themes, from a telephone to a wall: nothing sticks out, axe finds nothing.
At most one solid button is in view.
"""

import secrets
from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe

from console.web.kit.door import EVERYBODY, table
from domain.desk.complaints import new_complaint
from schemas.casework.cases import Case
from schemas.people.complaints import Complaint, ComplaintKind, Deed, Entry
from schemas.people.staff import StaffRole
from tests.browser.people import DESKTOP, People
from tests.console.harness.stage import Stage
from tests.console.programs.test_api import red

pytestmark = pytest.mark.long

# Each page is seen in four of them; between them they have every language, both grounds on a desk and on a telephone.
LOOKS = (
    ("zh-CN", {"width": 1440, "height": 900}, False),
    ("en", {"width": 360, "height": 740}, True),
    ("ko", {"width": 2560, "height": 1440}, True),
    ("zh-CN", {"width": 390, "height": 844}, False),
)
UNFOLD = "document.querySelectorAll('main details').forEach(each => { each.open = true; })"  # what is folded counts
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
# WCAG 2.2 AA, and what axe counts as good practice only: the order of headings, names of parts, targets of 24 px.
GOOD = ("target-size", "heading-order", "page-has-heading-one", "empty-heading", "empty-table-header", "skip-link")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {rule: {"enabled": True} for rule in (*GOOD, "label-title-only", "landmark-unique", "scope-attr-valid")},
    "resultTypes": ["violations"],  # all are told; of what is right axe need not say where it is
}


NAMED = ("/cases/{case_id}", "/audit/export/{case_id}", "/complaints/{complaint_id}")


def pages(console: Stage, role: StaffRole, **names: str) -> Iterator[tuple[str, str]]:
    """What a role can open without naming anything, and pages of a case and a complaint: the path, and the address."""
    for method, path, _, roles in table(console.app):
        plain = "{" not in path and not path.startswith(NOT_PAGES)
        if method == "GET" and role in roles and (plain or path in NAMED):
            yield path, path.format(**names)


@pytest.mark.parametrize("role", sorted(EVERYBODY))
async def test_every_page_is_for_everybody(role: StaffRole, console: Stage, people: People) -> None:
    case = await red(console.line())
    complaint = await complained(console, case)
    found = []
    for language, size, dark in LOOKS:
        page = await people.page(role, "", language=language, size=size, dark=dark)
        for path, address in pages(console, role, case_id=case.id, complaint_id=complaint.id):
            answer = await page.goto(address, wait_until="commit")
            assert answer is not None
            if "html" not in answer.headers.get("content-type", ""):  # a stream, which never ends
                continue
            if answer.request.redirected_from:  # where it leads to has its own turn
                continue
            await page.wait_for_load_state("load")
            await page.evaluate(UNFOLD)
            where = f"{path} {language} {size['width']} px{' dark' if dark else ''}"
            found += [f"{where}: status {answer.status}"] if answer.status != 200 else []
            wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            found += [f"{where}: {wide} px stick out"] if wide > 0 else []
            results = await Axe().run(page, options=RULES)
            found += [f"{where}: {each['id']}: {_places(each)}" for each in results.response["violations"]]
            await people.shot(page, f"{path.strip('/').replace('/', '-') or 'front'}-{language}-{size['width']}")
    assert not found, "\n".join(found)


CALLS = ("/queue", "/call-in", "/cases")  # an operator in a call has an act beside each clock
WITHOUT_CALLS = (StaffRole.SUPERVISOR, StaffRole.RELEASE_DESK, StaffRole.AUDITOR, StaffRole.OFFICER, StaffRole.DISPLAY)
SOLID = "main :is(button:not(.second, .plain), a.button:not(.second)), .bar button:not(.second)"


@pytest.mark.parametrize("role", WITHOUT_CALLS)
async def test_a_page_has_one_solid_button_in_view_at_most(role: StaffRole, console: Stage, people: People) -> None:
    case = await red(console.line())
    complaint = await complained(console, case)
    page = await people.page(role, "", size=DESKTOP)
    found, seen = [], 0
    for path, address in pages(console, role, case_id=case.id, complaint_id=complaint.id):
        if path.startswith(CALLS):
            continue
        answer = await page.goto(address, wait_until="commit")
        assert answer is not None
        if "html" not in answer.headers.get("content-type", "") or answer.request.redirected_from:
            continue
        await page.wait_for_load_state("load")
        solid = await page.locator(SOLID).locator("visible=true").all_inner_texts()
        found += [f"{path}: {solid}"] if len(solid) > 1 else []
        seen += 1
    assert seen, "the role has pages"
    assert not found, "\n".join(found)


async def complained(console: Stage, case: Case) -> Complaint:
    """A complaint about the case that was taken down now: an operator sees none that is about no case."""
    now, name = console.house.clock.now(), f"k{secrets.randbits(80):020x}"
    first = Entry(id=name, at=now, by="anna", did=Deed.TAKEN, note="a call each hour")
    area, of = case.profile.division[:6], {"resident": case.resident, "case": case.id}
    made = new_complaint(name, first, ComplaintKind.TOO_OFTEN, "a call each hour", area, **of)
    await console.services.line.complaints.put(made)
    return made


def _places(violation: dict[str, list[dict[str, list[str]]]]) -> list[str]:
    return [" ".join(node["target"]) for node in violation["nodes"][:3]]

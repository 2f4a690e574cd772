"""What is pictured: each role's main pages, and how to come to each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page, expect

from schemas.people.staff import StaffRole

Size = tuple[int, int]
DESKS: tuple[Size, ...] = ((1024, 768), (1440, 900))
TELEPHONE: tuple[Size, ...] = ((390, 844),)
PATIENCE_MS, SOON_MS = 60_000, 1000  # on a machine that does other things too
STRANGER = "19800991003"  # a number of a prefix that tests use: nobody has it


@dataclass(frozen=True, slots=True)
class View:
    """A page of a role; None: of a person without account. `open`: brings the browser there; `sizes`: of the windows in
    pixels.
    """

    name: str
    role: StaffRole | None
    open: Callable[[Page], Awaitable[None]]
    sizes: tuple[Size, ...] = DESKS


def at(path: str, ready: str) -> Callable[[Page], Awaitable[None]]:
    """Return how to open a path; it is there once `ready` is visible."""

    async def go(page: Page) -> None:
        await page.goto(path)
        await expect(page.locator(ready).first).to_be_visible(timeout=PATIENCE_MS)

    return go


async def stranger_calls(page: Page) -> None:
    """Open the form of a call to 96110 from a number that the register does not have."""
    await page.goto("/call-in")
    await page.keyboard.type(STRANGER)
    await page.keyboard.press("Enter")
    await expect(page.locator("#d-suspect_account")).to_be_focused(timeout=PATIENCE_MS)


async def first_task(page: Page) -> None:
    """Open the officer's first task."""
    await page.goto("/tasks")
    await page.locator("#list > ul a").first.click()
    await expect(page.locator("#one")).to_be_visible(timeout=PATIENCE_MS)


async def next_case(page: Page) -> str:
    """Claim the queue's first case that nobody had before: no talk is recorded for it. Return the path of its page."""
    await page.goto("/queue")
    await page.locator("#rows tr.case").filter(has=page.locator(".free")).first.locator("a").first.click()
    await page.wait_for_url("**/cases/*")
    await page.locator('form[action$="/claim"] button').click()
    await expect(page.locator("#case:not([data-claim=''])")).to_be_attached(timeout=PATIENCE_MS)
    return page.url[page.url.index("/cases/") :]


async def verified_audit(page: Page) -> None:
    """Open the audit, with its chains verified."""
    await page.goto("/audit")
    if not await page.locator("dl.facts").count():
        await page.locator('form[action="/audit/verify"] button').click()
    while not await page.locator("dl.facts").count():
        await page.wait_for_timeout(SOON_MS)  # it is verified in the background
        await page.goto("/audit")


async def look_up(page: Page, path: str) -> None:
    """Reveal the data of a case's resident, for a reason."""
    await page.goto(path)
    await page.locator("#unmask > summary").click()
    await page.locator("#unmask-why").select_option(index=1)
    await page.locator("#unmask-reason").fill("回拨前核对身份")
    await page.locator("#unmask form button").click()
    await expect(page.locator("#unmask")).to_have_count(0, timeout=PATIENCE_MS)


def case_view(name: str, path: str) -> View:
    """Return the operator's view of a case."""
    return View(name, StaffRole.OPERATOR, at(path, "#call"))


def check_view(account: str) -> View:
    """Return a resident's view of the public check, with the answer about an account."""

    async def go(page: Page) -> None:
        await page.goto("/check")
        await page.locator("input[name=kind][value=account]").check()
        await page.locator("#subject").fill(account)
        await page.locator("#ask-now").click()
        await expect(page.locator("#answer h2")).to_be_visible(timeout=PATIENCE_MS)

    return View("check", None, go, (*TELEPHONE, DESKS[-1]))


PLAIN = (
    View("queue", StaffRole.OPERATOR, at("/queue", "#rows tr.case")),
    View("call-in", StaffRole.OPERATOR, stranger_calls),
    View("release", StaffRole.RELEASE_DESK, at("/release", "main table")),
    View("desk", StaffRole.SUPERVISOR, at("/desk", "svg.map")),
    View("wall", StaffRole.DISPLAY, at("/wall", ".story li")),
    View("tasks", StaffRole.OFFICER, at("/tasks", "#list > ul a"), TELEPHONE),
    View("task", StaffRole.OFFICER, first_task, TELEPHONE),
)
DATA = (
    View("subject-requests", StaffRole.SUPERVISOR, at("/subject-requests", "main table"), DESKS[-1:]),
    View("legal-holds", StaffRole.SUPERVISOR, at("/legal-holds", "main table"), DESKS[-1:]),
    View("processing", StaffRole.AUDITOR, at("/processing", "main table"), DESKS[-1:]),
    View("staff", StaffRole.SYSTEM_ADMINISTRATOR, at("/staff", "main table"), DESKS[-1:]),
    View("integrations", StaffRole.SYSTEM_ADMINISTRATOR, at("/integrations", "main table"), DESKS[-1:]),
)
"""Personal data and access: in the light theme only, so that all pictures together stay small."""
AUDIT = View("audit", StaffRole.AUDITOR, verified_audit)

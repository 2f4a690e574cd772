"""Takes the pictures: `python -m tests.browser.pictures FOLDER [--only NAME …]`.

A demo (seed 7, 3,000 residents, about an hour) is stopped, so that each look shows the same province. It needs Chromium
with Chinese and Korean fonts, and takes some minutes. With --again it then waits: each line on its standard input takes
the views named in it once more (an empty line: all), with the templates and style sheets as they are by then.
"""

import argparse
import asyncio
import io
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from schemas.people.staff import StaffRole
from tests.browser.people import CHROMIUM, launched
from tests.browser.pictures.province import Still, standing_still
from tests.browser.pictures.views import (
    AUDIT,
    DATA,
    DESKS,
    PLAIN,
    Size,
    View,
    at,
    case_view,
    check_view,
    look_up,
    next_case,
)

LOOKS = tuple(product(("zh-CN", "en", "ko"), (False, True)))
STILL = "performance.now = () => 0"  # the page's countdowns show the time that the server told
MOST_BYTES = 6 * 1024 * 1024
MAKE_CALL = "p"
SETTLED_MS, WAIT_MS = 300, 60_000


async def main(folder: Path, only: Sequence[str], again: bool) -> None:
    """Take all pictures, or those of the views named in `only`; `again`: then those that each line of input names."""
    with tempfile.TemporaryDirectory() as data:
        async with standing_still(Path(data)) as still, launched(CHROMIUM) as browser:
            pictures = Pictures(still, browser, folder)
            await pictures.take(only)
            print("taken", flush=True)
            while again and (line := await asyncio.to_thread(sys.stdin.readline)):
                await pictures.take(line.split())
                print("taken", flush=True)
    if pictures.failed:
        raise SystemExit(f"no picture of {', '.join(sorted(set(pictures.failed)))}")


class Pictures:
    """Takes pictures of a province that stands still."""

    def __init__(self, still: Still, browser: Browser, folder: Path) -> None:
        self._still, self._browser, self._folder = still, browser, folder
        self.failed: list[str] = []  # views that could not be opened
        self._case = ""  # the path of the case that was taken from the queue
        self._sought = ""  # the path of the search's page

    async def take(self, only: Sequence[str]) -> None:
        """Take the views named in `only`; without names all: first the queue, before the operator takes a case from it.

        The case's call is begun once. Whoever takes the case again sees it in its call.
        """
        await self._of([view for view in PLAIN if not only or view.name in only])
        beside = [check_view(self._still.account)]
        beside += [View("province", StaffRole.SUPERVISOR, at(await self._still.handed_over(), "main li strong"))]
        beside += [View("shield", StaffRole.OPERATOR, at(await self._still.shielded(), ".about .shield"))]
        await self._of([view for view in beside if not only or view.name in only])
        data = [view for view in DATA if not only or view.name in only]
        if data:
            await self._still.personal_requests()
            await self._of(data, LOOKS[::2])
        if not only or {"case", "case-call"} & set(only):
            await self._cases()
        if not only or AUDIT.name in only:
            await self._of([AUDIT])
        if not only or "search" in only:
            await self._search()

    async def _search(self) -> None:
        """Start a search, and take it once officers are told of its places."""
        if not self._sought:
            self._sought = await self._still.not_reached()
            page = await self._page(StaffRole.SUPERVISOR, *LOOKS[0])
            await page.goto(self._sought)
            await page.locator("#start [name=ground]").first.check()
            await page.locator("#start button").click()
            await self._still.let_go_on(lambda: _visible(page, "#h-plan"))
            await page.context.close()
        await self._of([View("search", StaffRole.SUPERVISOR, at(self._sought, "#h-plan"))])

    async def _cases(self) -> None:
        page = await self._page(StaffRole.OPERATOR, *LOOKS[0])
        if not self._case:
            self._case = await next_case(page)
            await self._of([case_view("case", self._case)])
            await page.bring_to_front()
            await page.keyboard.press(MAKE_CALL)
            await self._still.let_go_on(lambda: _visible(page, "#call[data-state=connected]"))
        await self._of([case_view("case-call", self._case)])
        await look_up(page, self._case)  # for the audit
        await page.context.close()

    async def _of(self, views: Iterable[View], looks: Iterable[tuple[str, bool]] = LOOKS) -> None:
        for view, (language, dark) in product(views, looks):
            page = await self._page(view.role, language, dark, view.sizes[-1])
            try:
                await self._view(page, view, f"{view.name}-{language[:2]}-{{}}{'-dark' if dark else ''}.webp")
            except (PlaywrightError, AssertionError) as error:
                self.failed.append(view.name)
                print(f"{view.name} {language}: {error}", flush=True)
            await page.context.close()

    async def _view(self, page: Page, view: View, name: str) -> None:
        await view.open(page)
        for width, height in view.sizes:
            await page.set_viewport_size({"width": width, "height": height})
            await page.wait_for_timeout(SETTLED_MS)
            _keep(await page.screenshot(), self._folder / name.format(width))

    async def _page(self, role: StaffRole | None, language: str, dark: bool, size: Size = DESKS[-1]) -> Page:
        options: Any = {"viewport": {"width": size[0], "height": size[1]}, "locale": language}
        options |= {"color_scheme": "dark" if dark else "light", "reduced_motion": "reduce"}
        door = self._still.doors[role or StaffRole.OPERATOR]
        context = await self._browser.new_context(base_url=door[: door.index("/guest/")], **options)
        context.set_default_timeout(WAIT_MS)
        await context.add_init_script(STILL)
        page = await context.new_page()
        if role is not None:
            await page.goto(door)
        return page


async def _visible(page: Page, what: str) -> bool:
    return await page.locator(what).count() > 0


def _keep(picture: bytes, file: Path) -> None:
    """Write a screenshot as WebP without loss, so that text is sharp, but in 256 colours of its own: they differ by at
    most 7 of 255, and the file is a third smaller.
    """
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    few = whole.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).convert("RGB")
    few.save(file, "WEBP", lossless=True, method=6)


def parsed() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="views, such as queue or desk")
    parser.add_argument("--again", action="store_true", help="wait for lines of input that name views to take again")
    return parser.parse_args()


if __name__ == "__main__":
    given = parsed()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(given.folder, given.only, given.again))
    total = sum(file.stat().st_size for file in given.folder.glob("*.webp"))
    print(f"{len(list(given.folder.glob('*.webp')))} pictures, {total:,} bytes")
    if total > MOST_BYTES:
        raise SystemExit(f"over {MOST_BYTES:,} bytes: fewer views or colours")

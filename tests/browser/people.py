"""People at their browsers: each a context of its own, signed in, whose console errors are collected."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from console.web.auth.sessions import COOKIE
from schemas.people.staff import StaffRole
from tests.console.harness.stage import CHANGCHUN, Client, Stage

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"),
)
CHROMIUM = "chromium"
SHELL = "chromium-headless-shell"
"""Chromium without windows: the same engine for less than half the CPU time. It takes no push messages."""
EXPECTED = ("the server responded with a status of 4",)  # a refusal that a test asks for is no error of the page


@asynccontextmanager
async def launched(*programs: str) -> AsyncIterator[Browser]:
    """Context manager: start the first of these programs that is installed, and end it after the block."""
    installed = next(filter(None, map(shutil.which, programs)), None)
    assert installed, f"no {programs[-1]}: apt-get install {programs[-1]} fonts-noto-cjk"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=installed, args=list(ARGUMENTS))
        try:
            yield started
        finally:
            await started.close()


class People:
    """`errors`: what the pages' scripts failed of, or were kept from by the content security policy."""

    def __init__(self, console: Stage, browser: Browser, screenshots: Path) -> None:
        self._console, self._browser, self._screenshots = console, browser, screenshots
        self._contexts: list[BrowserContext] = []
        self._clients: list[Client] = []
        self.errors: list[str] = []

    async def page(
        self,
        role: StaffRole,
        area: str = CHANGCHUN,
        *,
        language: str = "zh-CN",
        size: dict[str, int] | None = None,
        dark: bool = False,
        account: dict[str, object] | None = None,
    ) -> Page:
        """A page of somebody new with this role."""
        client = await self._console.signed_in(role, area, **(account or {}))
        self._clients.append(client)
        return await self.page_of(client.token, language=language, size=size, dark=dark)

    async def page_of(
        self, token: str | None, *, language: str = "zh-CN", size: dict[str, int] | None = None, dark: bool = False
    ) -> Page:
        """A page in a new context with this session; none: of a stranger."""
        options: Any = {"viewport": size or DESKTOP, "color_scheme": "dark" if dark else "light", "locale": language}
        context = await self._browser.new_context(base_url=self._console.address, **options)
        self._contexts.append(context)
        if token:
            cookie: Any = {"name": COOKIE, "value": token, "url": self._console.address.replace("http:", "https:")}
            cookie |= {"secure": True, "httpOnly": True, "sameSite": "Strict"}
            await context.add_cookies([cookie])
        page = await context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._note(page, message))
        return page

    async def shot(self, page: Page, name: str) -> Path:
        """Keep a picture of the whole page."""
        file = self._screenshots / f"{name}.png"
        await page.screenshot(path=file, full_page=True)
        return file

    async def close(self) -> None:
        """End all contexts."""
        for context in self._contexts:
            await context.close()
        for client in self._clients:
            await client.aclose()

    def _note(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in EXPECTED):
            self.errors.append(f"{page.url}: {message.text}")

"""Progress lines that a demo prints without a terminal: one every ten seconds from the start."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from rich.console import Console

from schemas.levels import Level
from streams.monitoring.overview import Overview
from streams.runtime.tasks import wanted

EVERY_SECONDS = 10.0
LOCAL = ZoneInfo("Asia/Shanghai")

Look = Callable[[], Awaitable[Overview]]


class Lines:
    """Prints, every `every` seconds, what the demo is waiting for or, once it runs, the state of the province."""

    def __init__(self, out: Console, every: float = EVERY_SECONDS) -> None:
        self._out, self._every = out, every
        self._waits_for = "the servers"
        self._look: Look | None = None

    def wait_for(self, what: str) -> None:
        """Make the next and all later lines say that the demo waits for `what` (an English text), until the next call
        of `wait_for` or `show`.
        """
        self._waits_for, self._look = what, None

    def show(self, look: Look) -> None:
        """Make the next and all later lines show the state of the province. The function `look` is awaited for each
        line and returns that state.
        """
        self._look = look

    async def run(self) -> None:
        """Print a line every `every` wall-clock seconds until cancelled. On a terminal, which shows the board, return
        at once without a line. Errors of the function given to `show` pass through.
        """
        began = time.monotonic()
        while wanted() and not self._out.is_terminal:
            await asyncio.sleep(self._every)
            words = progress_line(await self._look()) if self._look else f"waits for {self._waits_for}"
            self._out.print(f"{time.monotonic() - began:5.0f} s  {words}", markup=False, highlight=False)


def progress_line(view: Overview) -> str:
    """Return one English line of text with the province's time (Beijing time) and the numbers of counted signals, open
    cases, red cases and overdue deadlines.
    """
    open_cases = view.of("open")
    red = sum(number for name, number in open_cases.items() if name.startswith(f"{Level.RED}|"))
    counted = sum(view.outcomes.values())
    return (
        f"{view.now.astimezone(LOCAL):%m-%d %H:%M} in the province, signals: {counted:,}, "
        f"open cases: {sum(open_cases.values()):,} ({red:,} red), deadlines overdue: {view.overdue:,}"
    )

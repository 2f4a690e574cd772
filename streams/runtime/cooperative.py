"""Cooperation in a worker's single event loop: long work pauses regularly, and garbage is collected rarely."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

PIECE_SECONDS = 0.001

Pause = Callable[[], Awaitable[None]]
"""Awaited by long work at each point where it may be interrupted."""


def in_pieces(others: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)) -> Pause:
    """Return a function `pause` for long work: awaited, it awaits `others` if over 1 ms has passed since it did so last
    (or was made), and else returns at once.

    `others`: by default, lets the other tasks of the event loop run once.
    """
    began = time.monotonic()

    async def pause() -> None:
        nonlocal began
        if time.monotonic() - began >= PIECE_SECONDS:
            await others()
            began = time.monotonic()

    return pause


async def at_once() -> None:
    """Return at once, and let no other task run: a Pause for work that has its event loop to itself."""


def spare_the_collector() -> None:
    """Exempt all existing objects from garbage collection in this process, and let it run less often.

    Scanning the objects made at the start over and over took a third of screening's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

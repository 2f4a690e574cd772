"""Cooperation in a worker's single event loop: long work pauses regularly, and garbage is collected rarely."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

PIECE_SECONDS = 0.001

Pause = Callable[[], Awaitable[None]]
"""Awaited by long work at each point where it may be interrupted."""


def in_pieces(others: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)) -> Pause:
    """Return a pause that awaits `others` if over 1 ms has passed since it last did, and else returns at once.

    `others`: by default, lets the other tasks of the loop run once.
    """
    began = time.monotonic()

    async def pause() -> None:
        nonlocal began
        if time.monotonic() - began >= PIECE_SECONDS:
            await others()
            began = time.monotonic()

    return pause


async def at_once() -> None:
    """A pause that does nothing, for work that shares its event loop with nobody."""


def spare_the_collector() -> None:
    """Exempt all existing objects from garbage collection, and collect less often.

    Scanning the objects made at start again and again cost a third of screening's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

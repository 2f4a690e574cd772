"""A worker's one event loop: long work lets other tasks run between its pieces, and garbage is collected rarely."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

PIECE_SECONDS = 0.001

Pause = Callable[[], Awaitable[None]]
"""Awaited wherever a work can be interrupted."""


def in_pieces(others: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)) -> Pause:
    """Others' turn after each piece of a work, as often as it could be interrupted within it."""
    began = time.monotonic()

    async def turn() -> None:
        nonlocal began
        if time.monotonic() - began >= PIECE_SECONDS:
            await others()
            began = time.monotonic()

    return turn


async def at_once() -> None:
    """Go on: there is nobody else."""


def spare_the_collector() -> None:
    """What was made at the start stays: looking through it for garbage again and again cost a third of screening."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

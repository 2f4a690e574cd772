"""Turns of a worker's one loop: long work lets others have theirs, piece by piece."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PIECE_SECONDS = 0.001

Turn = Callable[[], Awaitable[None]]
"""Awaited wherever a work can be interrupted."""


def in_pieces(others: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)) -> Turn:
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

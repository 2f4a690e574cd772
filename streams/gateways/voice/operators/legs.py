"""The telephones that are called beside the two sides of an operator's call: each leg is a task of its own."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class CallLegs:
    """The legs of one call. Use it as a context manager: after the block, all have ended."""

    def __init__(self) -> None:
        self._legs: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        await asyncio.gather(*self._legs, return_exceptions=True)

    def end(self) -> None:
        """Cancel all legs, because the call ends. Returns at once; the end of the context manager waits for them."""
        for leg in self._legs:
            leg.cancel()

    def _begin(self, leg: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(leg)
        self._legs.add(task)
        task.add_done_callback(self._legs.discard)

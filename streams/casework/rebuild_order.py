"""Which of several lost partitions a process builds first."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class RebuildOrder:
    """Lets one partition after the other be built; one whose inputs wait goes before those that nobody waits for.

    Built side by side, all of them would stand at the same late moment, and a red alert would wait for partitions that
    its resident has nothing to do with.
    """

    def __init__(self) -> None:
        self._waited_for: list[int] = []  # partitions, once for each batch of inputs that waits; the first came first
        self._building: list[int] = []
        self._changed = asyncio.Event()

    @contextmanager
    def waited_for(self, partition: int) -> Iterator[None]:
        """Inputs of the partition wait to be applied."""
        with self._listed(self._waited_for, partition):
            yield

    @contextmanager
    def building(self, partition: int) -> Iterator[None]:
        """The partition is being built: `turn` is awaited before each piece of the work."""
        with self._listed(self._building, partition):
            yield

    async def turn(self, partition: int) -> None:
        """Return when this partition may go on."""
        while self._first() != partition:
            self._changed.clear()
            await self._changed.wait()

    def _first(self) -> int:
        urgent = (partition for partition in self._waited_for if partition in self._building)
        return next(urgent, self._building[0])

    @contextmanager
    def _listed(self, those: list[int], partition: int) -> Iterator[None]:
        those.append(partition)
        self._changed.set()
        try:
            yield
        finally:
            those.remove(partition)
            self._changed.set()

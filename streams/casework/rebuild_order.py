"""The order in which a process rebuilds lost partitions."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class RebuildOrder:
    """Lets a process rebuild its partitions one at a time, those with waiting inputs first.

    If they were rebuilt concurrently, all would finish late, and a red alert would wait for unrelated partitions.
    """

    def __init__(self) -> None:
        self._waited_for: list[int] = []  # partitions, once for each batch that waits, in order of arrival
        self._building: list[int] = []
        self._changed = asyncio.Event()

    @contextmanager
    def waited_for(self, partition: int) -> Iterator[None]:
        """Context manager: count the partition, during the block, as having inputs that wait to be applied. Such
        partitions are rebuilt first, in the order in which they were entered here.
        """
        with self._listed(self._waited_for, partition):
            yield

    @contextmanager
    def building(self, partition: int) -> Iterator[None]:
        """Context manager: count the partition, during the block, as being rebuilt.

        Await `turn` for it before each piece of the work.
        """
        with self._listed(self._building, partition):
            yield

    async def turn(self, partition: int) -> None:
        """Wait without limit until this partition is the next to be rebuilt: the first one with waiting inputs, else
        the one whose rebuild began first. Call it within `building` for the same partition; outside it, IndexError is
        raised if none is being rebuilt.
        """
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

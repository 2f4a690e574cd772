"""Which inputs the journals prove to be applied, as far as this process has read them.

A Redis that went back under the same run id shows nothing of it. But each commit is published: a store that is behind
the journal has lost commits. The journal's newest entries do not suffice, because a rebuild publishes every entry that
waits for a result once more, perhaps thousands. A store's state names a journal offset after which all later commits
are published: so a look reads from there, or from where the last look ended.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from contextlib import aclosing

from streams.casework.batch import Entry
from streams.casework.journal import read_partial
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import Read, read_on
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore

LOOK_SECONDS = 0.25  # a look counts so long: others stand in for a worker when it was silent for 0.7 s

Applied = tuple[int, int]
"""The number of case-inputs topics that were lost before, and the offset of an input on the present one."""


class AppliedInputs:
    """The last input of each partition that is known to be applied, by its journal and by its store.

    Reads an entry once, and keeps none.
    """

    def __init__(self, settings: Settings, store: CaseStore) -> None:
        self._settings, self._store = settings, store
        self._last: dict[int, Applied] = {}
        self._next: dict[int, int] = {}  # partition -> the first journal offset that was not read yet
        self._looked_at: dict[int, float] = {}  # partition -> when, in the event loop's seconds

    def last(self, partition: int) -> int | None:
        """Return the offset on case-inputs of the last input of the partition that is known to be applied; -1 if none
        is applied.

        Returns None before the first `read_journals` or `published`, and after a `read_journals` that found the store
        lost: it is rebuilt from the complete journal.
        """
        return self._last[partition][1] if partition in self._last else None

    async def read_journals(self, partitions: Iterable[int], within: float = 0.0) -> None:
        """Read the new entries of the journals of `partitions`, and remember the last inputs that they and the stores
        prove to be applied; `last` returns them.

        A journal is read only up to the entry that proves that the store lacks commits. Kafka is asked once for the
        ends of all journals. Partitions for which this was done in the last `within` seconds are left out. Errors of
        Kafka and Redis pass through.
        """
        now = asyncio.get_running_loop().time()
        due = [each for each in partitions if now - self._looked_at.get(each, -math.inf) >= within]
        if not due:
            return
        ends = await end_offsets(self._settings, topics.CASE_EVENTS.name, due)
        for partition in due:
            await self._look(partition, ends[partition])
            self._looked_at[partition] = now

    async def is_current(self, partition: int) -> bool:
        """Return True if the partition's store has every commit that its journal proves; False if it lacks one or is
        lost. The journal is read at most every 0.25 s. Errors of Kafka and Redis pass through.
        """
        await self.read_journals([partition], LOOK_SECONDS)
        stand = await self._store.position(partition)
        proven = self._last.get(partition)
        return stand.offset is not None and proven is not None and (stand.logs, stand.offset) >= proven

    def published(self, partition: int, last: int, entries: Sequence[Entry]) -> None:
        """Remember that this process has published the entries of a commit: the inputs of the commit are then known to
        be applied. `last`: the journal offset of the last entry; `entries`: all entries of the commit, in order.

        If the entries directly follow what was read before, the next `read_journals` does not read them again.
        """
        if entries:
            commit = entries[-1].commit  # that of all of them
            self._note(partition, (commit.log, commit.last))
        if self._next.get(partition) == last - len(entries) + 1:
            self._next[partition] = last + 1

    async def _look(self, partition: int, end: int) -> None:
        if partition in self._last and end <= self._next.get(partition, 0):
            return
        stand = await self._store.position(partition)  # after the end: what is published before it, is committed
        if stand.offset is None:
            self._last.pop(partition, None)
            return
        stored = (stand.logs, stand.offset)
        self._note(partition, stored)
        first = self._next[partition] = max(stand.journal + 1, self._next.get(partition, 0))
        if first < end:
            await self._read(partition, first, end, stored)

    async def _read(self, partition: int, first: int, end: int, stored: Applied) -> None:
        """Read from `first` to before `end`, or up to an entry that proves that the store is behind.

        The rest waits for the next look: whoever asks has the lost commits applied again first.
        """
        records = read_on(self._settings, topics.CASE_EVENTS.name, partition, first)
        async with aclosing(records):
            async for record in records:
                if record.offset >= end:
                    break
                self._next[partition] = record.offset + 1
                proven = _proven(record)
                self._note(partition, proven)
                if proven > stored:
                    return
        self._next[partition] = end

    def _note(self, partition: int, applied: Applied) -> None:
        self._last[partition] = max(applied, self._last.get(partition, applied))


def _proven(record: Read) -> Applied:
    """Return what an entry proves; (0, -1) if it is a tombstone or cannot be read."""
    entry = read_partial(record.offset, record.value)
    return (entry.commit.log, entry.commit.last) if entry else (0, -1)

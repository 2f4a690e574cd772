"""A process ends while a task still puts a late record right: the task can ask until the end which Redis leads."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from domain.consistency.epochs import VALID_SECONDS
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from tests.channel_rig import until

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


class Entries:
    """A log of epochs in memory, of one process."""

    def __init__(self) -> None:
        self._entries, self._read = list[bytes](), 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        self._entries.append(value)
        return len(self._entries) - 1

    async def read_to(self, offset: int, hear: Callable[[bytes], None]) -> None:
        while self._read <= offset:
            hear(self._entries[self._read])
            self._read += 1


async def test_an_ending_process_knows_which_redis_leads_until_its_late_records_are_right(settings: Settings) -> None:
    line = Installation(settings, ChannelSettings(), Clock.starting(1, NOW), epochs=Entries())
    await line.producer.start()
    await line.leader.start()
    await until(lambda: line.leader.current() is not None)
    run, answers = line.leader.current() or "", list[bool]()

    async def asks() -> None:
        await asyncio.sleep(VALID_SECONDS + 0.5)  # nothing that was confirmed before is valid any more
        answers.append(await line.leader.names(run))

    line.producer.follow_up(asks())
    await line.close()
    assert answers == [True]

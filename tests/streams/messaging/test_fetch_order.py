"""In which order an agent is given what was fetched, and how much of it at once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from faust import StreamT
from faust.types import TP, EventT
from hypothesis import given
from hypothesis import strategies as st

from streams.messaging import topics
from streams.messaging.app import App, create_app, records
from streams.messaging.fetch_order import RUN_BYTES, FetchOrder
from streams.runtime.settings import Settings

ONE, TWO, RED = TP("signals", 1), TP("signals", 2), TP("signals-urgent", 1)
SETTINGS = Settings(kafka="127.0.0.1:9092", redis="redis://127.0.0.1:6379/0", embedded=True, app_id="centre")
SCHEDULER: FetchOrder = create_app(SETTINGS, App).conf.ConsumerScheduler()  # type: ignore[operator]


@dataclass
class Fetched:
    """What of a record decides on its turn."""

    value: bytes | None
    offset: int = 0


@dataclass
class Event:
    """An event of a worker that owns what it is given."""

    message: Any
    app: Any


@dataclass
class Flow:
    """A worker in which no rebalance runs."""

    flow_control: Any = None
    consumer_generation_id: int = 1

    def is_active(self) -> bool:
        return True


@dataclass
class Message:
    value: bytes
    generation_id: int = 1


@dataclass
class Stream:
    """A stream on which all of this waits already."""

    values: Sequence[bytes]
    flow: Flow = field(default_factory=Flow)

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        self.flow.flow_control = self.flow
        for value in self.values:
            yield Event(Message(value), self.flow)
        await asyncio.Event().wait()


def fetched(*sizes: int) -> list[Fetched]:
    return [Fetched(bytes(size), offset) for offset, size in enumerate(sizes)]


def order(**records: list[Fetched]) -> list[tuple[TP, int]]:
    """Partition and offset, as the agents are given them."""
    lanes = {"one": ONE, "two": TWO, "red": RED}
    waiting = {lanes[name]: found for name, found in records.items()}
    return [(tp, record.offset) for tp, record in SCHEDULER.iterate(waiting)]


async def taken(values: Sequence[bytes], most: int, most_bytes: int) -> list[list[int]]:
    """The sizes of what came together, until all have come."""
    found: list[list[int]] = []
    made = records(cast("StreamT[bytes]", Stream(values)), most, most_bytes=most_bytes)
    async with aclosing(cast("AsyncGenerator[list[EventT[bytes]]]", made)) as batches:
        async for batch in batches:
            found.append([len(event.message.value or b"") for event in batch])
            if sum(map(len, found)) == len(values):
                break
    return found


def test_bulk_comes_in_runs_of_a_partition() -> None:
    half = RUN_BYTES // 2
    found = order(one=fetched(half, half, half), two=fetched(RUN_BYTES, half))
    assert found == [(ONE, 0), (ONE, 1), (TWO, 0), (ONE, 2), (TWO, 1)]


def test_the_urgent_lane_waits_for_no_run() -> None:
    found = order(one=fetched(1, 1, 1), two=fetched(1), red=fetched(1, 1))
    assert found.index((RED, 0)) <= 1
    assert found.index((RED, 1)) <= 3


PLACES = st.tuples(st.sampled_from([lane.name for lane in topics.LANES]), st.integers(0, 5))


@given(st.dictionaries(PLACES, st.lists(st.integers(0, RUN_BYTES))))
def test_each_record_comes_once_and_each_partitions_in_order(sizes: dict[tuple[str, int], list[int]]) -> None:
    waiting = {TP(*place): fetched(*of) for place, of in sizes.items()}
    found: defaultdict[TP, list[int]] = defaultdict(list)
    for tp, record in SCHEDULER.iterate(waiting):
        found[tp].append(record.offset)
    assert found == {tp: [record.offset for record in of] for tp, of in waiting.items() if of}


async def test_a_batch_ends_with_the_record_that_fills_it() -> None:
    values = [bytes(size) for size in (40, 60, 100, 250, 10, 20, 30, 5)]
    assert await taken(values, 3, 100) == [[40, 60], [100], [250], [10, 20, 30], [5]]

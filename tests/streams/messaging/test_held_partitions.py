"""A partition with a record whose key is on its way is held at that record; the others go on, and nothing is lost."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from streams.messaging import held_partitions
from streams.messaging.codec import Awaited, TopicRecord
from streams.messaging.held_partitions import HeldPartitions
from streams.messaging.topics import CASE_INPUTS, SIGNALS
from streams.messaging.transport import Consumer

LANE, INPUTS = TP(SIGNALS.name, 3), TP(CASE_INPUTS.name, 3)


@dataclass(frozen=True)
class Fetched:
    """What aiokafka fetches: `replace` gives it another value."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None


def fetched(tp: TP, first: int, *values: bytes) -> list[Fetched]:
    return [Fetched(tp.topic, tp.partition, offset, value) for offset, value in enumerate(values, first)]


class Keys:
    """A codec whose key for values that begin with `new` comes later."""

    def __init__(self) -> None:
        self.here = False
        self.tried: list[bytes | None] = []

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        self.tried += [each.value for each in records]
        return [self._one(each.value or b"") for each in records]

    def _one(self, value: bytes) -> bytes:
        return Awaited(value) if value.startswith(b"new") and not self.here else b"plain " + value


class Thread:
    """Faust's thread, with what Kafka has: a fetch takes all of the partitions that are asked for."""

    def __init__(self) -> None:
        self.waiting: dict[TP, list[Fetched]] = {}

    async def getmany(self, active: set[TP], timeout: float) -> dict[TP, list[Fetched]]:  # noqa: ASYNC109 - as Faust's
        assert active, "no partition would mean all of them"
        return {tp: self.waiting.pop(tp) for tp in list(self.waiting) if tp in active}


class Line:
    """A consumer of two partitions, as Faust's fetcher asks it."""

    def __init__(self) -> None:
        self.keys, self.thread, self.now = Keys(), Thread(), 0.0
        self.held = HeldPartitions(lambda: self.now)
        self.app = SimpleNamespace(client_only=False, consumer_generation_id=1)
        self.active = {LANE, INPUTS}
        self.consumer = Consumer.__new__(Consumer)
        vars(self.consumer).update(
            app=self.app,
            flow_active=True,
            not_waiting_next_records=SimpleNamespace(set=lambda: None),
            _active_partitions=self.active,
            _thread=self.thread,
            _codec=self.keys,
            _held=self.held,
            sleep=self._slept,
        )

    async def _slept(self, seconds: float) -> None:
        self.now += seconds

    async def take(self) -> dict[TP, list[tuple[int, bytes]]]:
        """The offsets and values that agents get of the next fetch."""
        self.now += held_partitions.AGAIN_SECONDS
        found, _ = await self.consumer._wait_next_records(0.1)
        return {tp: [(each.offset, each.value) for each in some] for tp, some in (found or {}).items()}


def told(topic: str) -> float:
    return REGISTRY.get_sample_value("quanzu_partitions_awaiting_key", {"topic": topic}) or 0.0


async def test_only_the_partition_with_the_record_waits_and_gets_all_of_it_in_order_once_the_key_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line()
    line.thread.waiting = {
        LANE: fetched(LANE, 10, b"old", b"new 1", b"old 2", b"new 3"),
        INPUTS: fetched(INPUTS, 5, b"a"),
    }
    with caplog.at_level(logging.WARNING):
        assert await line.take() == {LANE: [(10, b"plain old")], INPUTS: [(5, b"plain a")]}
    assert "signals/3 is held at offset 11: intake encrypted it for the key pair" in caplog.text
    assert told(SIGNALS.name) == 1
    line.thread.waiting = {LANE: fetched(LANE, 14, b"old 4"), INPUTS: fetched(INPUTS, 6, b"b")}
    assert await line.take() == {INPUTS: [(6, b"plain b")]}
    assert await line.take() == {}
    assert LANE in line.thread.waiting, "a held partition is not fetched further"
    line.keys.here = True
    assert await line.take() == {LANE: [(11, b"plain new 1"), (12, b"plain old 2"), (13, b"plain new 3")]}
    assert told(SIGNALS.name) == 0
    assert await line.take() == {LANE: [(14, b"plain old 4")]}


async def test_only_the_first_held_record_is_tried_again_so_that_no_other_is_counted_each_second() -> None:
    line = Line()
    line.thread.waiting = {LANE: fetched(LANE, 10, b"new 1", b"lost 2", b"old 3")}
    for _ in range(5):
        assert await line.take() == {}
    assert line.keys.tried == [b"new 1", b"lost 2", b"old 3", *[b"new 1"] * 4]
    line.keys.here = True
    assert await line.take() == {LANE: [(10, b"plain new 1"), (11, b"plain lost 2"), (12, b"plain old 3")]}
    assert line.keys.tried[7:] == [b"new 1", b"lost 2", b"old 3"]


async def test_while_every_partition_is_held_nothing_is_fetched() -> None:
    line = Line()
    line.active.discard(INPUTS)
    line.thread.waiting = {LANE: fetched(LANE, 0, b"new")}
    assert await line.take() == {}
    line.thread.waiting = {LANE: fetched(LANE, 1, b"old")}
    assert await line.take() == {}
    line.keys.here = True
    assert await line.take() == {LANE: [(0, b"plain new")]}


async def test_what_is_held_of_a_partition_that_is_paused_waits_until_it_goes_on() -> None:
    line = Line()
    line.thread.waiting = {LANE: fetched(LANE, 0, b"new")}
    assert await line.take() == {}
    line.keys.here = True
    line.active.discard(LANE)
    assert await line.take() == {}
    line.active.add(LANE)
    assert await line.take() == {LANE: [(0, b"plain new")]}


async def test_a_rebalance_forgets_what_is_held_because_the_next_owner_reads_it_again() -> None:
    line = Line()
    line.thread.waiting = {LANE: fetched(LANE, 0, b"new")}
    assert await line.take() == {}
    line.held.release({LANE})
    assert told(SIGNALS.name) == 0
    line.keys.here = True
    assert await line.take() == {}
    real = line.keys.decode

    async def meanwhile(records: Sequence[TopicRecord]) -> list[bytes | None]:
        line.app.consumer_generation_id += 1
        line.keys.here = False
        return await real(records)

    line.keys.decode = meanwhile  # type: ignore[method-assign]
    line.thread.waiting = {LANE: fetched(LANE, 0, b"new")}
    assert await line.take() == {}
    assert not line.held.partitions, "records from before the rebalance are not held for the next owner"


def test_the_log_says_it_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    held = HeldPartitions(lambda: now)
    read = {LANE: fetched(LANE, 0, b"new")}
    waits = {LANE: fetched(LANE, 0, Awaited(b"new"))}
    with caplog.at_level(logging.WARNING):
        for now in range(0, 121):  # noqa: B007 - the clock of `held`
            held.deliverable(read, waits)
    assert len(caplog.records) == 3
    held.release_all()

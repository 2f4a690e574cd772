"""Whoever covers for a silent owner goes on with the rest of its work while a record's key is on its way."""

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from streams.messaging import topics, waiting_records
from streams.messaging.codec import Awaited, Codec, KeyAwaitedError, TopicRecord, refuse_awaited
from streams.messaging.reader import Read, _pages
from streams.messaging.waiting_records import WaitingRecords
from streams.runtime.settings import Settings
from streams.screening.lanes import Lanes


async def test_waiting_records_end_before_the_awaited_one_and_begin_with_it_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, topic = {8: True, 9: False, 10: True}, topics.OUTSIDE_INPUTS

    async def read_on(_: Settings, name: str, partition: int, first: int) -> AsyncIterator[Read]:
        for offset in range(first, 11):
            value = b"a report" if here[offset] else Awaited(bytes(200))
            refuse_awaited(name, partition, offset, value)
            yield Read(offset, b"", value, 0, partition)

    async def committed(_: Settings, __: TopicPartition) -> int:
        return 8

    monkeypatch.setattr(waiting_records, "read_on", read_on)
    monkeypatch.setattr(waiting_records, "committed_offset", committed)
    waiting = WaitingRecords(settings, topic)
    assert [each.offset for each in await waiting.read(3)] == [8]
    assert f"{topic.name}/3, offset 9: intake encrypted it for the key pair 00000000" in caplog.text
    assert await waiting.read(3) == []
    assert len(caplog.records) == 1, "the log says it once a minute, however often it is tried"
    here[9] = True
    assert [each.offset for each in await waiting.read(3)] == [9, 10]


class OneFetch:
    """A consumer whose topic's records, 8 to 10, come in one fetch."""

    def __init__(self, topic: str) -> None:
        self._records = [
            SimpleNamespace(topic=topic, partition=3, offset=at, key=b"", value=b"%d" % at, timestamp=0)
            for at in (8, 9, 10)
        ]
        self._next = 8

    def assign(self, wheres: list[TopicPartition]) -> None:
        assert len(wheres) == 1

    def seek(self, where: TopicPartition, first: int) -> None:
        self._next = first

    async def position(self, where: TopicPartition) -> int:
        return self._next

    async def getmany(self, where: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[SimpleNamespace]]:
        found, self._next = [each for each in self._records if each.offset >= self._next], 11
        return {where: found}


class NinthAwaited:
    """A codec that has not got the key of the record 9 yet."""

    async def decode(self, records: Sequence[TopicRecord]) -> list[bytes | None]:
        return [Awaited(bytes(200)) if each.value == b"9" else each.value for each in records]


async def test_what_stands_before_an_awaited_record_in_the_same_fetch_is_read() -> None:
    topic = topics.OUTSIDE_INPUTS.name
    consumer, codec = cast("Any", OneFetch(topic)), cast("Codec", NinthAwaited())
    pages = _pages(consumer, TopicPartition(topic, 3), 8, 11, codec)
    assert [each.offset for each in await anext(pages)] == [8]
    with pytest.raises(KeyAwaitedError, match="offset 9"):
        await anext(pages)


async def test_a_lane_that_waits_for_a_key_does_not_keep_the_other_lane_or_the_cases_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    covered, lanes = list[str](), Lanes.__new__(Lanes)

    async def cover(lane: TopicPartition) -> None:
        covered.append(lane.topic)
        if lane.topic == topics.LANES[0].name:
            raise KeyAwaitedError(f"{lane.topic}/3, offset 1: its key is on its way")

    vars(lanes)["_cover"] = cover
    await lanes.cover(3)
    assert covered == [lane.name for lane in topics.LANES]
    await lanes.cover(3)
    assert len(caplog.records) == 1, "the log says it once a minute, however often it is tried"
    assert "its key is on its way" in caplog.text

"""Counts of how many partitions of a topic Kafka is asked at once where they begin."""

from collections import defaultdict

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition


def partitions_asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[int]]:
    """Return a dictionary to which each later question for first offsets adds the number of its partitions, by topic.
    A topic of which nothing was asked has the empty set.
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    real = AIOKafkaConsumer.beginning_offsets

    async def counted(self: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        found[partitions[0].topic].add(len(partitions))
        answer: dict[TopicPartition, int] = await real(self, partitions)
        return answer

    monkeypatch.setattr(AIOKafkaConsumer, "beginning_offsets", counted)
    return found

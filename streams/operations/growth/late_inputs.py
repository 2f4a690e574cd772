"""Inputs that a process with the old number of partitions, such as a console that was not stopped, wrote to case-inputs
while its partitions grew: they are in the partition where their resident belonged before.
"""

from collections.abc import AsyncIterator, Sequence

from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import Read, read_range
from streams.messaging.topics import CASE_INPUTS
from streams.operations.growth.copies import Copier, place_of_key
from streams.runtime.settings import Settings

RULES = b"rules"  # the key of inputs for all partitions (streams/messaging/case_inputs.py)


async def forward(settings: Settings, applied: Sequence[int], partitions: int) -> list[int]:
    """Write the inputs after those in `applied` once more, each to the present partition of its resident; changes of
    rules, which are in every partition, to all partitions. Returns by present partition (the index in the list) the
    offset after the inputs that the new journal has to prove; 0 for a new partition.

    `applied`: by old partition, the offset after the last applied input. After an interruption, an input may be written
    twice: casework applies it once, by its id. Raises KafkaError if Kafka is unavailable.
    """
    begins, ends = await beginning_offsets(settings, CASE_INPUTS.name), await end_offsets(settings, CASE_INPUTS.name)
    old = len(applied)
    async with Copier(settings, CASE_INPUTS.name, partitions) as copier:
        for partition in range(old):
            async for record in _inputs(
                settings, partition, max(begins[partition], applied[partition]), ends[partition]
            ):
                for there in _places(record, partition, partitions):
                    await copier.add(there, record.key, record.value, record.timestamp)
        await copier.finish()
    return [ends[partition] if partition < old else 0 for partition in range(partitions)]


async def misplaced(settings: Settings, covered: Sequence[int], old: int) -> int:
    """Return the number of inputs after those in `covered` that are not in the partition of their resident. Changes of
    rules do not count.

    `covered`: by present partition, the offset after the inputs that the journal proves. Only the first `old`
    partitions are read: a process that still has the old number of partitions knows no others. Raises KafkaError if
    Kafka is unavailable.
    """
    begins, ends = await beginning_offsets(settings, CASE_INPUTS.name), await end_offsets(settings, CASE_INPUTS.name)
    count = 0
    for partition in range(old):
        async for record in _inputs(settings, partition, max(begins[partition], covered[partition]), ends[partition]):
            count += record.key != RULES and place_of_key(record.key, len(covered)) != partition
    return count


def _inputs(settings: Settings, partition: int, first: int, end: int) -> AsyncIterator[Read]:
    return read_range(settings, CASE_INPUTS.name, partition, first, end - 1, opened=False)


def _places(record: Read, partition: int, partitions: int) -> Sequence[int]:
    if record.key != RULES:
        return [place_of_key(record.key, partitions)]
    return range(partitions) if partition == 0 else ()

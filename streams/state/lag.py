"""How far the workers are: the end offsets of topics, and the offsets that were screened or passed on."""

from typing import Any, NamedTuple

from redis.asyncio import Redis

from streams.messaging import topics
from streams.messaging.offsets import acknowledged_offsets, end_offsets
from streams.runtime.settings import Settings
from streams.state.keys import lane_key


class Where(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


async def ends(settings: Settings, *names: str) -> dict[Where, int]:
    """Return the end offset (one after the last record) of each partition of the named topics. Errors of Kafka pass
    through.
    """
    found = {name: await end_offsets(settings, name) for name in names}
    return {Where(name, partition): end for name, part in found.items() for partition, end in part.items()}


async def signal_ends(settings: Settings) -> dict[Where, int]:
    """Return the end offset (one after the last record) of each partition of both signal lanes. Errors of Kafka pass
    through.
    """
    return await ends(settings, *(topic.name for topic in topics.LANES))


async def reports_passed_on(settings: Settings) -> dict[Where, int | None]:
    """Return, for each partition of outside-inputs, the offset of the last record that the workers have copied to
    case-inputs and acknowledged; None if they have acknowledged none. Errors of Kafka pass through.
    """
    name, partitions = topics.OUTSIDE_INPUTS.name, range(settings.partitions)
    acked = await acknowledged_offsets(settings, name, partitions)
    return {Where(name, partition): acked.get(partition) for partition in partitions}


async def screened(redis: "Redis", partitions: int) -> dict[Where, int | None]:
    """Return the offset of the last screened record of each partition of both signal lanes; None where Redis has no
    offset.

    `partitions`: the number of partitions of a lane. Errors of Redis pass through.
    """
    client: Any = redis  # redis-py types a command's result as sync or async at once
    where = [Where(topic.name, partition) for topic in topics.LANES for partition in range(partitions)]
    async with client.pipeline(transaction=False) as pipe:
        for each in where:
            pipe.get(lane_key("screened", each.topic.removeprefix(topics.SIGNALS.name), each.partition))
        found = await pipe.execute()
    return {each: None if raw is None else int(raw) for each, raw in zip(where, found, strict=True)}

"""The topic `partition-count`: the installation's number of partitions, and whether it is being changed.

Every process reads it when it starts. During a change (streams/operations/growth), and with another number than the one
in force, a resident's records and keys would be looked for in the wrong place: so no process starts then.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiokafka import AIOKafkaProducer

from schemas.administration.partition_counts import GrowthPhase, PartitionCount
from schemas.base import ANY_VERSION
from schemas.errors import UserError
from streams.messaging.dead_letter_writer import readable
from streams.messaging.kafka_client import access
from streams.messaging.kafka_client import admin as kafka_admin
from streams.messaging.reader import read_all
from streams.messaging.topics import PARTITION_COUNT
from streams.runtime.settings import Settings

KEY = b"partitions"


class PartitionCountError(UserError, RuntimeError):
    """The number of partitions is being changed, or the settings name another than the one in force."""


async def stored_count(settings: Settings) -> PartitionCount | None:
    """Return the latest valid record of the topic, or None if the number of partitions never changed. An invalid record
    is logged, counted and skipped.

    Raises KafkaError if Kafka is unavailable or the topic is missing.
    """
    found = None
    async for record in read_all(settings, PARTITION_COUNT.name):
        read = partial(PartitionCount.model_validate_json, record.value or b"", extra=ANY_VERSION)
        if record.key == KEY:
            found = readable(PARTITION_COUNT.name, record.offset, read) or found
    return found


async def store_count(settings: Settings, count: PartitionCount) -> None:
    """Write to the topic the number of partitions in force, with the change that is under way. Returns when all in-sync
    replicas have it.

    Raises KafkaError if Kafka does not store it, SettingsError if the embedded servers are not started yet, and
    ValueError if the CA file is unusable.
    """
    producer = AIOKafkaProducer(**access(settings), client_id=f"{settings.app_id}-partitions", acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(PARTITION_COUNT.name, count.model_dump_json().encode(), key=KEY, partition=0)
    finally:
        await producer.stop()


def check_count(settings: Settings) -> None:
    """Raise PartitionCountError, whose text gives the correction, if the number of partitions is being changed, or if
    the number in force is not that of the settings. Otherwise do nothing, also if the topic is missing, and for
    embedded servers, whose number never changes.

    Blocking. Raises AccessError if Kafka refuses access, KafkaError or OSError if it is unavailable, and ValueError if
    the CA file is unusable.
    """
    if settings.embedded:
        return
    with kafka_admin(settings) as admin:
        if PARTITION_COUNT.name not in admin.list_topics():  # the check of the topics reports it
            return
    with ThreadPoolExecutor(1) as beside:  # the caller may run in an event loop
        found = beside.submit(asyncio.run, stored_count(settings)).result()
    if found is not None and (why := why_refused(found, settings.partitions)) is not None:
        raise PartitionCountError(why)


def why_refused(found: PartitionCount, partitions: int) -> str | None:
    """Return why a process with this number of partitions must not start, and what to do; None if it may."""
    growth = found.growth
    if growth is not None:
        back = " or take it back with `--abort`" if growth.phase is GrowthPhase.COPYING else ""
        return (
            f"the installation grows from {found.partitions} to {growth.to} partitions, and that is not finished. "
            f"Finish it with `quanzu admin topics grow {growth.to}`{back}; until then no other process may start"
        )
    if found.partitions != partitions:
        return (
            f"the installation has {found.partitions} partitions, and QUANZU_PARTITIONS is {partitions}. Set it to "
            f"{found.partitions} for every process"
        )
    return None

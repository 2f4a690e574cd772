"""Reads a running system's recorded signals from its topics, without delaying it."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from aiokafka import TopicPartition

from domain.casework import settled_at
from schemas.casework.events import CaseEvent
from schemas.people.residents import ResidentId
from schemas.risk.evidence import WatchEntry
from simulators.backtest.spool import Spool
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import offset_at
from streams.messaging.reader import Read, read_all, read_on
from streams.messaging.record import Raw
from streams.runtime.settings import Settings
from streams.screening.records import read


async def signals(settings: Settings, spool: Spool, until: datetime) -> int:
    """Add the recorded signals of both lanes that arrived before `until` (exclusive) to `spool`. Return the number of
    invalid records and signals, which are left out.

    Raises KafkaError if Kafka is unavailable, CodecError if this process cannot decrypt the records, and
    KeyAwaitedError if the key of a record has not arrived in this process yet.
    """
    refused = 0
    for lane in topics.LANES:
        async for record in read_all(settings, lane.name):
            batch = read(TopicPartition(lane.name, record.partition), [Raw(record.offset, record.value or b"")], until)
            refused += len(batch.letters)
            for item in batch.records[0][1]:
                if item.arrived < until:
                    spool.add(item.signal)
    return refused


async def watchlist(settings: Settings, before: datetime) -> list[WatchEntry]:
    """Return the entries on the topic `watchlist` whose time is before `before` (exclusive), in no fixed order.

    Only each entry's latest version is known, so an entry that has changed since `before` is missing. Entries that
    cannot be parsed are logged and left out. Raises KafkaError if Kafka is unavailable, and CodecError or
    KeyAwaitedError if this process cannot decrypt a record.
    """
    name = topics.WATCHLIST.name
    found = [
        entry
        async for record in read_all(settings, name)
        if record.value and (entry := readable(name, record.offset, partial(_entry, record)))
    ]
    return [entry for entry in found if entry.at < before]


async def settled(settings: Settings, since: datetime) -> list[tuple[datetime, ResidentId]]:
    """Return (time, resident id) of each case that was settled at or after `since`, as the journal states it:
    dissuaded, false alarm, handed over or closed. Each pair occurs once; the earliest time comes first.

    Invalid journal entries are logged and left out. Raises KafkaError if Kafka is unavailable, and CodecError or
    KeyAwaitedError if this process cannot decrypt the journal.
    """
    found: set[tuple[datetime, ResidentId]] = set()
    async for record in _journal(settings, since):
        entry = read_entry(record.offset, record.value or b"")
        if isinstance(entry, CaseEvent) and (at := settled_at(entry.case)) and at >= since:
            found.add((at, entry.case.resident))
    return sorted(found)


async def _journal(settings: Settings, since: datetime) -> AsyncIterator[Read]:
    """Yield the journal's records from `since` on; all records if the system has a simulated clock."""
    name = topics.CASE_EVENTS.name
    for partition in range(settings.partitions):
        first = 0 if settings.clock else await offset_at(settings, name, partition, int(since.timestamp() * 1000))
        async for record in read_on(settings, name, partition, first):
            yield record


def _entry(record: Read) -> WatchEntry:
    return WatchEntry.model_validate_json(record.value or b"")

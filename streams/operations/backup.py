"""Backup and restore: the topics that are kept without a time limit, and the evidence, as Parquet files.

Redis is rebuilt from them. A restore may go back to a moment: the journal of cases then ends there, and all other
topics are as in the backup, so that no resident's data gets older, no account is revived and no audit line is lost.

A folder contains `TOPIC.parquet` (columns partition, offset, timestamp, key, value; as stored on the topic) and
`manifest.json` with each file's number of records and SHA-256. It contains the register of residents: store it
encrypted.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.ids import fingerprint
from schemas.base import Model, When
from schemas.casework.journal import PartialStandingEvent, decode
from schemas.errors import UserError
from streams.messaging import topics
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.partition_count import check_count
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import read_range
from streams.runtime.files import whole_file
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect
from streams.state.keys import WHOLE

# Workers go on meanwhile. Snapshots are read before the journal, so that no case is newer than its journal. The journal
# is read before everything else, so that every resident it names is in what is read after it.
FIRST = (topics.CASE_SNAPSHOTS, topics.CASE_EVENTS)
# Without the epochs: they are about servers that run now. Without the checkpoints: they name offsets of this journal.
OF_THESE_SERVERS = (topics.EPOCHS, topics.CHECKPOINTS)
KEPT = (
    *FIRST,
    *(each for each in topics.ALL if (each.kept is None or each.compacted) and each not in (*FIRST, *OF_THESE_SERVERS)),
)
OF_CASES = {topics.CASE_EVENTS.name, topics.CASE_SNAPSHOTS.name}  # topics that a restore to a moment cuts off
MANIFEST = "manifest.json"
BATCH = 5_000  # records in a row group, and in one write to Kafka
BATCH_BYTES = 32_000_000  # and no more than these: a picture has almost a million
SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("key", pa.binary()),
        ("value", pa.binary()),
    ]
)

Told = Callable[[str, int], None]  # called after each topic with its name and number of records
Row = dict[str, Any]
"""A record by the columns of SCHEMA."""


class BackupError(UserError, RuntimeError):
    """A backup cannot be written, is damaged or not complete, or does not fit the installation, or the topics or Redis
    to restore to are not empty.
    """


class BackupPart(Model):
    """A topic's file: its number of records, and its SHA-256 (`sha256`, hexadecimal)."""

    records: int
    sha256: str


class Manifest(Model):
    """The description of a backup.

    `at`: when it was made; `app_id`: of which installation; `partitions`: their number; `topics`: each topic's file, by
    topic. `key`: a fingerprint of the key of the hashes; under another key, no resident would be found.
    """

    at: When
    app_id: str
    partitions: int
    key: str
    topics: dict[str, BackupPart]


async def backup(settings: Settings, folder: Path, now: datetime, told: Told) -> Manifest:
    """Write all topics that are kept without a time limit, and the evidence, to a new folder, and return the manifest.

    `told` is called after each topic with its name and number of records. Raises BackupError, and changes nothing, if
    the folder exists and is not empty; PartitionCountError if the number of partitions is being changed or differs from
    that of the settings, AccessError or KafkaError if Kafka refuses access or is unavailable, and OSError if the folder
    cannot be written. After any of these, no file of the backup is left.
    """
    await asyncio.to_thread(check_count, settings)
    _make(folder)
    written: list[Path] = []
    try:
        return await _write_all(settings, folder, now, told, written)
    except BaseException:  # also if it is cancelled
        for path in written:
            path.unlink(missing_ok=True)
        raise


async def _write_all(settings: Settings, folder: Path, now: datetime, told: Told, written: list[Path]) -> Manifest:
    """Write the files of a backup, and add each complete one to `written`."""
    found = {}
    for topic in KEPT:
        path = folder / f"{topic.name}.parquet"
        count = await _write(settings, topic.name, path)
        written.append(path)
        found[topic.name] = BackupPart(records=count, sha256=await asyncio.to_thread(_digest, path))
        told(topic.name, count)
    manifest = Manifest(
        at=now, app_id=settings.app_id, partitions=settings.partitions, key=fingerprint(settings.key()), topics=found
    )
    with whole_file(folder / MANIFEST) as file:
        file.write(manifest.model_dump_json(indent=2).encode())
    return manifest


async def restore(settings: Settings, folder: Path, told: Told, until: datetime | None = None) -> Manifest:
    """Write a backup into empty topics, in the original partitions and order, and return its manifest. Nothing is
    written to Redis: the caller rebuilds it afterwards.

    `told` is called after each topic with its name and number of records. `until`: case records written after this time
    are left out; None: none are. Raises BackupError, before anything is written, if the backup is damaged or has no
    manifest, was made under another key or with another number of partitions, if a topic or Redis is not empty, or if
    there is no way back to `until`: the journal is empty, begins later, or was rewritten later because the number of
    partitions grew.

    Raises OSError if a topic's file is missing, KafkaError or RedisError if Kafka or Redis is unavailable, and
    SendError if Kafka refuses a record; some topics may then be filled.
    """
    manifest = _read_manifest(folder)
    _refuse_other(settings, manifest)
    for name, kept in manifest.topics.items():
        if await asyncio.to_thread(_digest, folder / f"{name}.parquet") != kept.sha256:
            raise BackupError(
                f"{folder / name}.parquet is not what was written: its SHA-256 differs. Take another copy"
            )
    if until:
        await asyncio.to_thread(_refuse_before, folder / f"{topics.CASE_EVENTS.name}.parquet", until)
    await _refuse_filled(settings, manifest)
    producer = make_producer(settings)
    await producer.start()
    try:
        for name in manifest.topics:
            cut = until if name in OF_CASES else None
            told(name, await _fill(producer, name, folder / f"{name}.parquet", cut))
    finally:
        await producer.stop()
    return manifest


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: a backup is never written over another. Name a new folder")
    folder.chmod(0o700)


def _refuse_before(journal: Path, until: datetime) -> None:
    times = pq.read_table(journal, columns=["timestamp"])["timestamp"]
    ends: dict[str, datetime | None] = pc.min_max(times).as_py()
    if (first := ends["min"]) is None or (last := ends["max"]) is None:
        raise BackupError(f"{journal} has no case: there is no moment to go back to")
    if until < first:
        begins, ended = (f"{each.astimezone(until.tzinfo):%Y-%m-%d %H:%M:%S}" for each in (first, last))
        raise BackupError(
            f"at {until:%Y-%m-%d %H:%M:%S} nothing was written yet: no case would be left. "
            f"This backup's journal runs from {begins} to {ended}: name a moment between them"
        )
    grown = max(_growths(journal), default=None)
    if grown and until < grown:
        at = grown.astimezone(until.tzinfo)
        raise BackupError(
            f"at {until:%Y-%m-%d %H:%M:%S} the installation had fewer partitions: this backup's journal was made anew "
            f"for more at {at:%Y-%m-%d %H:%M:%S}. Name a later moment, or take a backup from before that growth"
        )


def _growths(journal: Path) -> Iterator[datetime]:
    """Yield for each partition whose journal a growth has made anew when that growth began.

    The first entry then counts the moved ones after it, so such a journal cannot be cut off among them.
    """
    seen: set[int] = set()
    with pq.ParquetFile(journal) as file:
        for group in file.iter_batches(BATCH, columns=["partition", "offset", "value"]):
            for row in group.to_pylist():
                if row["partition"] in seen:
                    continue
                seen.add(row["partition"])
                entry = readable(topics.CASE_EVENTS.name, row["offset"], partial(decode, row["value"] or b""))
                if isinstance(entry, PartialStandingEvent) and entry.moved is not None:
                    yield entry.at


async def _refuse_filled(settings: Settings, manifest: Manifest) -> None:
    for name in manifest.topics:
        if filled := sum((await end_offsets(settings, name)).values()):
            raise BackupError(f"topic {name} holds {filled:,} records: a backup is restored into empty topics only")
    redis: Any = connect(settings)
    try:
        if await redis.exists(WHOLE):
            raise BackupError("this Redis holds a store already: restore with an empty one (FLUSHALL empties it)")
    finally:
        await redis.aclose()


async def _write(settings: Settings, topic: str, path: Path) -> int:
    count = 0
    with whole_file(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        async for rows in _batches(settings, topic):
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
            count += len(rows)
    return count


async def _batches(settings: Settings, topic: str) -> AsyncIterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size, first = 0, await beginning_offsets(settings, topic)
    for partition, end in (await end_offsets(settings, topic)).items():
        async for record in read_range(settings, topic, partition, first[partition], end - 1, opened=False):
            rows.append({"partition": partition, **record._asdict()})
            size += len(record.value or b"")
            if len(rows) == BATCH or size >= BATCH_BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


async def _fill(producer: Producer, topic: str, path: Path, until: datetime | None) -> int:
    count = 0
    ended: set[int] = set()  # partitions that are cut off: after the first record left out, all others are too
    for rows in _rows(path):
        records = [_record(topic, row) for row in (_until(rows, until, ended) if until else rows)]
        await producer.send_all(records)
        count += len(records)
    return count


def _until(rows: Iterable[Row], until: datetime, ended: set[int]) -> Iterator[Row]:
    for row in rows:
        if row["timestamp"] > until:
            ended.add(row["partition"])
        if row["partition"] not in ended:
            yield row


def _record(topic: str, row: Row) -> Record:
    at = round(row["timestamp"].timestamp() * 1000)
    return Record(topic, row["key"], row["value"], row["partition"], timestamp=at)


def _rows(path: Path) -> Iterator[list[Row]]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):  # one after the other: a batch must not join several
            for batch in file.iter_batches(BATCH, row_groups=[group]):
                yield batch.to_pylist()


def _read_manifest(folder: Path) -> Manifest:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise BackupError(f"{folder} holds no whole backup: there is no {MANIFEST} that can be read") from None


def _refuse_other(settings: Settings, manifest: Manifest) -> None:
    if manifest.partitions != settings.partitions:
        do = f"Set QUANZU_PARTITIONS={manifest.partitions} and create the topics with it"
        raise BackupError(f"the backup has {manifest.partitions} partitions, not {settings.partitions}. {do}")
    if manifest.key != fingerprint(settings.key()):
        raise BackupError("the backup was made under another QUANZU_SECRET: no resident would be found again. Set that")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

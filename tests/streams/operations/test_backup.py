"""A province saved to files and brought back on new servers, which know nothing of the log it came from."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schemas.casework.events import Commit, RulesEvent
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.operations import backup
from streams.operations.backup import BackupError
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect
from streams.state.keys import WHOLE
from tests.dispatched import NOW


@contextmanager
def servers(folder: Path) -> Iterator[Settings]:
    """New servers with empty topics: what lies on a topic here would be nonsense to other tests."""
    with Embedded(folder) as embedded:
        settings = embedded.settings(Settings(app_id="province", secret="the one key of all"))
        topics.create(settings)
        yield settings


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Settings]:
    with servers(tmp_path / "old") as settings:
        yield settings


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Settings]:
    with servers(tmp_path / "fresh") as settings:
        yield settings


@pytest.fixture
async def saved(old: Settings, tmp_path: Path) -> Path:
    """A backup of a few records in topics that are kept for good."""
    producer = make_producer(old)
    await producer.start()
    await producer.send_all([Record("audit", b"k%d" % number, b"v%d" % number, 0) for number in range(7)])
    await producer.send_all([Record("residents", b"gone", None, 3), Record("residents", b"r1", b"{}", 3)])
    await producer.stop()
    await backup.backup(old, tmp_path / "saved", NOW, lambda name, records: None)
    return tmp_path / "saved"


async def restored(settings: Settings, folder: Path, until: datetime | None = None) -> dict[str, int]:
    told: dict[str, int] = {}
    await backup.restore(settings, folder, told.__setitem__, until)
    return told


def open_to_others(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())}


async def test_what_is_restored_lies_in_its_partition_and_order_tombstones_too(saved: Path, fresh: Settings) -> None:
    told = await restored(fresh, saved)
    found = [(record.key, record.value) async for record in read_all(fresh, "audit")]
    assert found == [(b"k%d" % number, b"v%d" % number) for number in range(7)]
    assert told["audit"] == 7
    residents = [(record.key, record.value) async for record in read_all(fresh, "residents")]
    assert residents == [(b"gone", None), (b"r1", b"{}")]
    kept = {topic.name for topic in topics.ALL if topic.kept is None or topic.compacted}
    assert told.keys() == kept - {"epochs", "checkpoints"}
    assert [*told][:2] == ["case-snapshots", "case-events"]


async def test_a_backup_is_private_and_never_written_over_another(saved: Path, old: Settings) -> None:
    assert open_to_others(saved) == {0}
    with pytest.raises(BackupError, match="is not empty"):
        await backup.backup(old, saved, NOW, lambda name, records: None)


async def test_a_backup_that_failed_leaves_nothing_and_can_be_made_again(old: Settings, tmp_path: Path) -> None:
    def failing(name: str, records: int) -> None:
        if name == "audit":
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        await backup.backup(old, tmp_path / "saved", NOW, failing)
    assert list((tmp_path / "saved").iterdir()) == []
    await backup.backup(old, tmp_path / "saved", NOW, lambda name, records: None)
    assert (tmp_path / "saved" / backup.MANIFEST).exists()


async def test_a_backup_that_was_changed_is_refused_before_anything_is_written(saved: Path, fresh: Settings) -> None:
    with (saved / "residents.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BackupError, match=r"residents.parquet is not what was written"):
        await restored(fresh, saved)
    assert [record async for record in read_all(fresh, "case-events")] == []


async def test_nothing_is_restored_over_what_is_there(saved: Path, fresh: Settings) -> None:
    await restored(fresh, saved)
    with pytest.raises(BackupError, match=r"holds .* records: a backup is restored into empty topics only"):
        await restored(fresh, saved)


async def test_another_key_or_number_of_partitions_is_refused(saved: Path, fresh: Settings) -> None:
    other = fresh.model_copy(update={"secret": Settings(secret="another key of all").secret})
    with pytest.raises(BackupError, match="another QUANZU_SECRET"):
        await restored(other, saved)
    with pytest.raises(BackupError, match="Set QUANZU_PARTITIONS=4"):
        await restored(fresh.model_copy(update={"partitions": 8}), saved)


async def test_a_redis_that_holds_a_store_is_refused_before_anything_is_written(saved: Path, fresh: Settings) -> None:
    redis = connect(fresh)
    await redis.set(WHOLE, "another")
    with pytest.raises(BackupError, match="this Redis holds a store already"):
        await restored(fresh, saved)
    await redis.aclose()
    assert [record async for record in read_all(fresh, "case-events")] == []


async def test_a_restore_to_a_moment_ends_the_journal_of_cases_there_and_nothing_else(
    old: Settings, fresh: Settings, tmp_path: Path
) -> None:
    producer, moment = make_producer(old), round(NOW.timestamp() * 1000)
    await producer.start()
    # Of partition 1 one record is of before and lies behind one of after: two writers' clocks.
    places = [(0, -1), (0, 0), (0, 1), (1, -1), (1, 1), (1, -1)]
    for topic in ("case-events", "case-snapshots", "audit", "residents"):
        for number, (partition, ahead) in enumerate(places):
            where = 0 if topic == "audit" else partition
            await producer.send_all([Record(topic, b"k%d" % number, b"", where, timestamp=moment + ahead)])
    await producer.stop()
    await backup.backup(old, tmp_path / "saved", NOW, lambda name, records: None)
    told = await restored(fresh, tmp_path / "saved", NOW)
    assert {name: count for name, count in told.items() if count} == {
        "case-events": 3,
        "case-snapshots": 3,
        "audit": 6,
        "residents": 6,
    }
    events = {(record.key, record.timestamp - moment) async for record in read_all(fresh, "case-events")}
    assert events == {(b"k0", -1), (b"k1", 0), (b"k3", -1)}


async def test_a_moment_before_the_journal_began_is_refused_with_the_times_that_can_be_named(
    old: Settings, fresh: Settings, tmp_path: Path
) -> None:
    producer, moment = make_producer(old), round(NOW.timestamp() * 1000)
    await producer.start()
    await producer.send_all([Record("case-events", b"k", b"", 1, timestamp=moment + ahead) for ahead in (0, 60_000)])
    await producer.stop()
    await backup.backup(old, tmp_path / "saved", NOW, lambda name, records: None)
    with pytest.raises(BackupError, match=f"runs from {NOW:%Y-%m-%d %H:%M:%S} to .*: name a moment between them"):
        await restored(fresh, tmp_path / "saved", NOW - timedelta(seconds=1))
    assert [record async for record in read_all(fresh, "case-events")] == []


async def test_a_moment_before_a_growth_is_refused_for_a_backup_from_after_it(
    old: Settings, fresh: Settings, tmp_path: Path
) -> None:
    producer, moment = make_producer(old), round(NOW.timestamp() * 1000)
    await producer.start()
    frame = RulesEvent(
        commit=Commit(first=4, last=4, entries=1, log=1),
        input="growth:1:4",
        partition=1,
        offset=4,
        at=NOW,
        policy="",
        moved=1,
    )
    hour = 3_600_000
    entries = [
        (frame.model_dump_json().encode(), -hour),
        (b"moved", -hour),
        (frame.model_copy(update={"moved": None, "anew": True}).model_dump_json().encode(), 0),
        (b"later", hour),
    ]
    for value, ahead in entries:
        await producer.send_all([Record("case-events", b"k", value, 1, timestamp=moment + ahead)])
    await producer.stop()
    await backup.backup(old, tmp_path / "saved", NOW, lambda name, records: None)
    with pytest.raises(BackupError, match="take a backup from before that growth"):
        await restored(fresh, tmp_path / "saved", NOW - timedelta(seconds=1))
    assert (await restored(fresh, tmp_path / "saved", NOW))["case-events"] == 3


async def test_a_backup_without_a_case_has_no_moment_to_go_back_to(saved: Path, fresh: Settings) -> None:
    with pytest.raises(BackupError, match="has no case"):
        await restored(fresh, saved, NOW)


def test_snapshots_are_taken_before_the_journal_and_the_journal_before_whom_it_tells_of() -> None:
    """The line goes on meanwhile: a case must be no newer than its journal, and nobody in it unknown."""
    assert backup.KEPT[:2] == (topics.CASE_SNAPSHOTS, topics.CASE_EVENTS)
    assert len(set(backup.KEPT)) == len(backup.KEPT)
    kept = {topic for topic in topics.ALL if topic.kept is None or topic.compacted}
    assert {*backup.KEPT} == kept - {topics.EPOCHS, topics.CHECKPOINTS}

"""Evidence pictures on their topic: found by the time of their record, after a restore too, and gone with the key."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kafka import TopicPartition

from domain.identity.held import subject
from domain.identity.identifiers import new_resident_id
from schemas.casework.evidence_files import EvidenceFile
from schemas.people.residents import Occupation, Resident, Sex
from streams.messaging import topics
from streams.messaging.kafka_client import admin
from streams.messaging.reader import read_all
from streams.messaging.topics import EVIDENCE_FILES, home
from streams.operations import backup
from streams.operations.subject_access import parts
from streams.repositories.evidence_files import SKEW_MS, EvidenceFiles
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer, reading
from streams.security.vault import Vault
from tests.dispatched import NOW
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

SOMEBODY = new_resident_id(b"0123456789")
CASE = f"{SOMEBODY}-1"
AT = 1_772_000_000_000
PICTURE = b"\xff\xd8\xff a picture"


def file(number: int, written_ms: int = AT) -> EvidenceFile:
    digest = f"{number:064x}"
    return EvidenceFile(id=digest[-20:], at=NOW, by="operator-1", original=digest, written_ms=written_ms)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[EvidenceFiles]:
    producer = make_producer(settings)
    await producer.start()
    try:
        async with reading(settings):
            yield EvidenceFiles(settings, producer)
    finally:
        await producer.stop()


async def test_each_file_has_its_own_picture_and_no_other_case_has_it(settings: Settings) -> None:
    topics.create(settings, [EVIDENCE_FILES])
    async with opened(settings) as files:
        for number in range(4):
            await files.put(CASE, SOMEBODY, file(number, AT + number), PICTURE + bytes([number]))
        assert await files.get(CASE, SOMEBODY, file(2, AT + 2)) == PICTURE + b"\x02"
        assert await files.get(CASE, SOMEBODY, file(9)) is None
        assert await files.get(f"{SOMEBODY}-2", SOMEBODY, file(2, AT + 2)) is None


async def test_a_file_that_was_written_twice_is_found_by_the_record_that_the_case_names(settings: Settings) -> None:
    topics.create(settings, [EVIDENCE_FILES])
    async with opened(settings) as files:
        await files.put(CASE, SOMEBODY, file(21), PICTURE)
        await files.put(CASE, SOMEBODY, file(21, AT + 60_000), PICTURE)  # the form was sent again
        keys = [record.key async for record in read_all(settings, EVIDENCE_FILES.name)]
        assert len(set(keys)) == len(keys), "compaction would remove one that a case names"
        assert await files.get(CASE, SOMEBODY, file(21)) == PICTURE
        assert await files.get(CASE, SOMEBODY, file(21, AT + 60_000)) == PICTURE


async def test_the_largest_picture_fits_a_record(settings: Settings) -> None:
    topics.create(settings, [EVIDENCE_FILES])
    async with opened(settings) as files:
        await files.put(CASE, SOMEBODY, file(31), PICTURE + bytes(range(256)) * 2500)
        assert len(await files.get(CASE, SOMEBODY, file(31)) or b"") > 640_000


async def test_who_asks_for_their_data_gets_the_pictures_and_nobody_else_does(settings: Settings) -> None:
    topics.create(settings, [EVIDENCE_FILES])
    told = {"name": "某某", "birth_year": 1957, "sex": Sex.FEMALE, "occupation": Occupation.FARMER}
    people = [Resident(id=each, division="222401003", **told) for each in (SOMEBODY, new_resident_id(b"9876543210"))]
    asked = [subject(each, settings.id_number_keys()) for each in people]
    async with opened(settings) as files:
        await files.put(CASE, SOMEBODY, file(41), PICTURE)
        records = [
            each async for each in read_all(settings, EVIDENCE_FILES.name) if file(41).id.encode() in (each.key or b"")
        ]
    found = [[part for each in records for part in parts(EVIDENCE_FILES, each, one)] for one in asked]
    assert found == [[{"file": file(41).id, "picture": base64.b64encode(PICTURE).decode()}], []]


@pytest.fixture
def two_sites(tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """An installation, and empty servers for its restore, with the one vault."""
    with (
        Kafka(tmp_path / "old") as old,
        Kafka(tmp_path / "new") as new,
        RedisServer(tmp_path / "redis") as redis,
        RedisServer(tmp_path / "vault", synced="always") as vault,
    ):
        usual = {"redis": redis.url, "vault": vault.url, "replication": 1, "secret": "the key of a test", "keys": KEYS}
        sites = [Settings.model_validate(usual | {"kafka": each.address, "data": tmp_path}) for each in (old, new)]
        yield sites[0], sites[1]


async def test_a_picture_is_encrypted_restored_at_another_offset_and_destroyed_with_the_person_s_key(
    two_sites: tuple[Settings, Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = two_sites
    for settings in two_sites:
        await asyncio.to_thread(topics.create, settings)
    other = f"{SOMEBODY}-2"
    noise = bytes(range(256)) * 2500
    async with opened(old) as files:
        await files.put(other, SOMEBODY, file(0, AT - 10 * SKEW_MS), PICTURE)
        for number in range(4):
            await files.put(CASE, SOMEBODY, file(number, AT + number), noise + bytes([number]))
        await files.put(other, SOMEBODY, file(5, AT + 10 * SKEW_MS), PICTURE)
        assert await files.get(CASE, SOMEBODY, file(2, AT + 2)) == noise + b"\x02"
        assert await files.get(CASE, SOMEBODY, file(7, AT + 2)) is None

    raw = [record.value or b"" async for record in read_all(old, EVIDENCE_FILES.name, opened=False)]
    assert len(raw) == 6
    assert all(each.startswith(b'{"sealed":"') and b"picture" not in each for each in raw)
    assert max(map(len, raw)) < 1_000_000

    # The first record's time is over on the old brokers, so the rest has other offsets on the new ones.
    await asyncio.to_thread(_without_first, old)
    monkeypatch.setattr(backup, "BATCH_BYTES", 1_000_000)
    told: dict[str, int] = {}
    await backup.backup(old, tmp_path / "saved", NOW, told.__setitem__)
    assert told[EVIDENCE_FILES.name] == 5
    await backup.restore(new, tmp_path / "saved", told.__setitem__)
    for settings in two_sites:
        async with opened(settings) as files:
            assert await files.get(CASE, SOMEBODY, file(3, AT + 3)) == noise + b"\x03"
            assert await files.get(other, SOMEBODY, file(0, AT - 10 * SKEW_MS)) is None

    vault = Vault(old)
    await vault.destroy([SOMEBODY], NOW)
    await vault.aclose()
    for settings in two_sites:
        async with opened(settings) as files:
            assert await files.get(CASE, SOMEBODY, file(3, AT + 3)) is None
            await files.put(CASE, SOMEBODY, file(8, AT + 8), PICTURE)  # a console that was late
            assert await files.get(CASE, SOMEBODY, file(8, AT + 8)) is None
        late = [record.value async for record in read_all(settings, EVIDENCE_FILES.name, opened=False)][-1]
        assert late == b"{}"


def _without_first(settings: Settings) -> None:
    where = TopicPartition(EVIDENCE_FILES.name, home(SOMEBODY, settings.partitions))
    with admin(settings) as client:
        client.delete_records({where: 1})

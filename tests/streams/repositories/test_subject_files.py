"""Copies of people's data in Redis: encrypted under their keys, gone with these, and never too large."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.identity.identifiers import new_resident_id
from streams.messaging import topics
from streams.repositories.subject_files import MOST_BYTES, SubjectFileError, SubjectFiles
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.security.vault import Vault, VaultError
from streams.state.case_store import connect
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

SOMEBODY, OTHER = new_resident_id(b"0123456789"), new_resident_id(b"9876543210")
REQUEST = f"s{'1' * 20}"
COPY = b"PK a copy with the name " + "查某某".encode()


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Settings]:
    """An installation with a vault."""
    with (
        Kafka(tmp_path / "kafka") as kafka,
        RedisServer(tmp_path / "redis") as redis,
        RedisServer(tmp_path / "vault", synced="always") as vault,
    ):
        usual = {"redis": redis.url, "vault": vault.url, "replication": 1, "secret": "the key of a test", "keys": KEYS}
        yield Settings.model_validate(usual | {"kafka": kafka.address, "data": tmp_path})


async def test_a_copy_is_encrypted_under_its_persons_key_and_goes_with_it(sealed: Settings) -> None:
    await asyncio.to_thread(topics.create, sealed)
    producer = make_producer(sealed)
    await producer.start()
    redis = connect(sealed)
    files = SubjectFiles(sealed, redis)
    await files.put(REQUEST, SOMEBODY, COPY)
    raw = await redis.get(f"subject-file:{REQUEST}")
    assert isinstance(raw, bytes)
    assert raw.startswith(b'{"sealed":"')
    assert await files.get(REQUEST, SOMEBODY) == COPY
    with pytest.raises(VaultError):  # it is encrypted under the key of one person; and nothing names this vault
        await files.get(REQUEST, OTHER)
    assert await files.get(f"s{'2' * 20}", SOMEBODY) is None
    with pytest.raises(SubjectFileError, match="give --out FILE"):
        await files.put(REQUEST, SOMEBODY, bytes(MOST_BYTES + 1))
    assert await files.get(REQUEST, SOMEBODY) == COPY
    vault = Vault(sealed)
    await vault.destroy([SOMEBODY], datetime(2026, 3, 1, tzinfo=UTC))
    await vault.aclose()
    assert await files.get(REQUEST, SOMEBODY) is None
    await redis.aclose()
    await producer.stop()

"""What intake writes opens for workers and for nobody who has only what intake has; the vault is a real Redis."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from domain.access.key_rings import KeyPurpose, KeyRing, key_id, with_accepted, with_in_force, without_key
from domain.access.public_encryption import public_ring
from domain.identity.personal import WITHHELD
from streams.messaging import topics
from streams.messaging.codec import BY_INTAKE, SEALED_BY_GATEWAY, CodecError, PlainCodec, Unreadable, may_be_sealed
from streams.messaging.producer import Record
from streams.runtime.settings import Settings, SettingsError
from streams.security import intake_encryption
from streams.security.encrypted_kafka import make_readers
from streams.security.installation_keys import ring
from streams.security.intake_encryption import IntakeEncryption, IntakeKeys
from streams.security.key_files import ALL, change_ring, make_keys, random_key
from streams.security.record_encryption import RecordEncryption, record_encryption
from streams.security.rights import RIGHTS, VAULT, Component
from streams.security.vault import Vault
from tests.dispatched import NOW
from tests.tools.installation_keys import KEYS
from tests.tools.servers.redis import RedisServer

WHO = "raaaaaaaaaaaaaaaa"
OUTSIDE = orjson.dumps({"id": "one", "resident": WHO, "text": "my words", "amount_fen": 5})
FRAUD = orjson.dumps({"id": "A1", "source": "police", "version": 1, "name": "示例", "phone": "+8619900000001"})
SIGNALS = orjson.dumps([{"id": "s1", "payer": "990000000001"}])
WRITTEN = [
    Record(topics.SIGNALS.name, b"3", SIGNALS),
    Record(topics.SIGNALS_URGENT.name, b"3", SIGNALS),
    Record(topics.OUTSIDE_INPUTS.name, WHO.encode(), OUTSIDE),
    Record(topics.REPORTED_FRAUDS.name, b"police:A1", FRAUD),
    Record(topics.ROSTERS.name, b"task/1", b'{"id": "task"}'),
    Record(topics.OUTSIDE_INPUTS.name, WHO.encode(), None),
]
PLAIN = [each.value for each in WRITTEN]
KEY = b"a" * 64


@pytest.fixture
async def vault(redis_aof: RedisServer) -> AsyncIterator[Vault]:
    where = {"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0", "vault": redis_aof.url}
    vault = Vault(Settings.model_validate(where | {"secret": "the key of a test", "keys": KEYS}))
    await vault.identified()
    yield vault
    await vault.aclose()


def pair(*keys: bytes) -> IntakeKeys:
    private = KeyRing(keys)
    return IntakeKeys(lambda: public_ring(private), lambda: private)


def workers(vault: Vault | None, *keys: bytes) -> RecordEncryption:
    async def known() -> str | None:
        return await vault.identity() if vault else None

    return RecordEncryption(vault, known, intake=pair(*keys))


async def shut(*keys: bytes) -> list[Record]:
    values = await IntakeEncryption(pair(*keys).public).encode(WRITTEN)
    return [Record(each.topic, each.key, value) for each, value in zip(WRITTEN, values, strict=True)]


async def test_a_worker_opens_what_intake_wrote_and_intake_does_not(vault: Vault) -> None:
    lain = await shut(KEY)
    told = b"".join(each.value or b"" for each in lain[:4])
    for personal in (b"990000000001", b"my words", "示例".encode(), b"19900000001", WHO.encode()):
        assert personal not in told
    assert await workers(vault, KEY).decode(lain) == PLAIN
    found = await IntakeEncryption(pair(KEY).public).decode(lain)
    assert [isinstance(each, Unreadable) for each in found] == [True] * 4 + [False] * 2
    assert [each.withheld for each in found if isinstance(each, Unreadable)] == [b"{}"] * 4


async def test_intake_has_nothing_by_which_it_could_read_a_record_or_a_key() -> None:
    assert VAULT[Component.INTAKE] == ()
    written, read = RIGHTS[Component.INTAKE].writes, RIGHTS[Component.INTAKE].reads
    assert {each.name for each in written if may_be_sealed(each.name)} <= BY_INTAKE | SEALED_BY_GATEWAY
    assert not BY_INTAKE & {each.name for each in read}
    settings = Settings(kafka="127.0.0.1:1", redis="redis://a/0", vault="redis://b/0", secret=SecretStr("s" * 32))
    assert isinstance(make_readers(settings, Component.INTAKE).make_codec(), IntakeEncryption)


async def test_intake_refuses_to_write_what_only_the_vaults_keys_encrypt() -> None:
    codec = IntakeEncryption(pair(KEY).public)
    for topic in (topics.ACCOUNTS, topics.BANK_MESSAGES, topics.DEAD_LETTERS, topics.CASE_INPUTS):
        with pytest.raises(CodecError, match=f"a record of {topic.name}: a worker must write it"):
            await codec.encode([Record(topic.name, WHO.encode(), b'{"id": "x", "text": "words"}')])


async def test_intake_writes_the_sound_of_a_recording_as_the_gateway_encrypted_it() -> None:
    sound = b'{"id":"aaaaaaaaaaaaaaaaaaaa","part":1,"sound":"c2VhbGVk","last":false}'
    lain = Record(topics.CALL_RECORDINGS.name, f"{WHO}-1-aaaaaaaaaaaaaaaaaaaa-7-1".encode(), sound)
    assert await IntakeEncryption(pair(KEY).public).encode([lain]) == [sound]
    assert await workers(None, KEY).decode([lain]) == [sound]


async def test_records_outlive_a_rotation_until_the_former_key_is_removed(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_keys(tmp_path)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(tmp_path / ALL))
    ours = Settings(kafka="k:1", redis="redis://r", secret=SecretStr("s" * 32))
    keys = IntakeKeys(partial(ring, ours, KeyPurpose.INTAKE_PUBLIC), partial(ring, ours, KeyPurpose.INTAKE))
    worker = RecordEncryption(vault, intake=keys)

    async def written() -> list[Record]:
        made = await IntakeEncryption(keys.public).encode(WRITTEN)  # as after the second in which a key is shared
        return [Record(each.topic, each.key, value) for each, value in zip(WRITTEN, made, strict=True)]

    former, chinese = key_id(ring(ours, KeyPurpose.INTAKE).current), random_key(sm=True)
    before = await written()
    change_ring(tmp_path, KeyPurpose.INTAKE, lambda now: with_accepted(now, chinese))
    between = await written()
    change_ring(tmp_path, KeyPurpose.INTAKE, lambda now: with_in_force(now, key_id(chinese)))
    after = await written()
    for lain in (before, between, after):
        assert await worker.decode(lain) == PLAIN
    change_ring(tmp_path, KeyPurpose.INTAKE, lambda now: without_key(now, former))
    assert await worker.decode(after) == PLAIN
    lost = await worker.decode(before)
    assert [isinstance(each, Unreadable) for each in lost] == [True] * 4 + [False] * 2
    assert isinstance((await worker.decode(between))[0], Unreadable)


async def test_nothing_becomes_unreadable_while_the_pair_is_rotated_under_load(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_keys(tmp_path)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(tmp_path / ALL))
    monkeypatch.setattr(intake_encryption, "SHARED_SECONDS", 0.01)
    ours = Settings(kafka="k:1", redis="redis://r", secret=SecretStr("s" * 32))
    keys = intake_encryption.intake_keys(ours)
    worker, over, used = RecordEncryption(vault, intake=keys), asyncio.Event(), set[bytes]()

    async def feeds() -> int:
        intake, written = IntakeEncryption(keys.public), 0
        while not over.is_set():
            values = await intake.encode(WRITTEN)
            used.add((values[0] or b"")[1:5])
            await asyncio.sleep(0.002)  # on its way
            lain = [Record(each.topic, each.key, value) for each, value in zip(WRITTEN, values, strict=True)]
            assert await worker.decode(lain) == PLAIN
            written += len(lain)
        return written

    async def rotated(times: int) -> None:
        for _ in range(times):
            former, new = key_id(ring(ours, KeyPurpose.INTAKE).current), random_key()
            change_ring(tmp_path, KeyPurpose.INTAKE, partial(with_accepted, new=new))
            await asyncio.sleep(0.2)
            change_ring(tmp_path, KeyPurpose.INTAKE, partial(with_in_force, named=key_id(new)))
            await asyncio.sleep(0.5)  # longer than a key is shared and a record is on its way
            change_ring(tmp_path, KeyPurpose.INTAKE, partial(without_key, named=former))
        over.set()

    *written, _ = await asyncio.gather(*(feeds() for _ in range(4)), rotated(3))
    assert all(written)
    assert len(used) == 4, "each pair was used"


async def test_records_of_a_second_share_a_key_which_is_then_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_encryption, "SHARED_SECONDS", 0.2)
    intake = IntakeEncryption(pair(KEY).public)

    async def head() -> bytes:
        (value,) = await intake.encode(WRITTEN[:1])
        return (value or b"")[:85]

    first, second = await head(), await head()
    assert first == second
    assert intake._kept is not None
    sealer = weakref.ref(intake._kept)
    await asyncio.sleep(0.4)
    assert sealer() is None, "nothing holds the key any more"
    assert await head() != first


async def test_of_who_was_erased_a_worker_reads_only_the_rest(vault: Vault) -> None:
    worker, lain = workers(vault, KEY), await shut(KEY)
    await vault.destroy([WHO, "reported-frauds/police:A1/1"], NOW)
    found = await worker.decode(lain)
    assert found[:2] == PLAIN[:2]
    assert orjson.loads(found[2] or b"") == {"id": "one", "resident": WHO, "text": WITHHELD, "amount_fen": 5}
    assert orjson.loads(found[3] or b"")["name"] == WITHHELD


async def test_signals_of_other_writers_are_encrypted_too_and_other_records_under_the_vaults_keys(vault: Vault) -> None:
    worker = workers(vault, KEY)
    values = await worker.encode(WRITTEN)
    assert b"990000000001" not in (values[0] or b"")
    assert orjson.loads(values[2] or b"")["text"] == WITHHELD
    lain = [Record(each.topic, each.key, value) for each, value in zip(WRITTEN, values, strict=True)]
    assert [orjson.loads(each) if each else None for each in await worker.decode(lain)] == [
        orjson.loads(each) if each else None for each in PLAIN
    ]
    assert await worker.encode(lain) == values, "what is encrypted is written as it is"


async def test_a_worker_without_a_vault_opens_what_intake_wrote_and_a_reader_without_keys_says_so() -> None:
    lain = await shut(KEY)
    assert await workers(None, KEY).decode(lain) == PLAIN
    with pytest.raises(CodecError, match="no vault is set"):
        await PlainCodec().decode(lain)
    nowhere = Settings(kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", secret=SecretStr("s" * 32))
    with pytest.raises(SettingsError, match="no key for intake"):
        await record_encryption(nowhere).decode(lain)


@pytest.mark.parametrize("value", [b"\x03", b"\x03" + bytes(200), b"\x03[1]", b'\x03{"sealed":"AAAA"}'])
async def test_what_only_looks_encrypted_stops_nobody(vault: Vault, value: bytes) -> None:
    given = [Record(topic, WHO.encode(), value) for topic in sorted(BY_INTAKE)]
    assert [type(each) for each in await workers(vault, KEY).decode(given)] == [Unreadable] * len(given)

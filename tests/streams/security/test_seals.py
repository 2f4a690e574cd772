"""What tells of a person is sealed on the topics, by a vault that is a real Redis, and opens until its key is gone."""

import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import orjson
import pytest
from prometheus_client import REGISTRY
from redis import Redis

from domain.access.ciphers import RecordCipher
from domain.identity.personal import WITHHELD
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.reported_frauds import ReportedFraud
from streams.casework.checkpoints.parts import CasePart, case_body, part_in
from streams.messaging import topics
from streams.messaging.codec import SEALED, Unreadable
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.operations import backup
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings, SettingsError
from streams.screening.evidence_log import FORGOTTEN, evidence_records
from streams.screening.store import Known
from streams.security.encrypted_kafka import make_producer, reading
from streams.security.record_encryption import RecordEncryption
from streams.security.vault import Vault, VaultError
from tests.dispatched import NOW
from tests.domain.builders import policy
from tests.tools.installation_keys import KEYS
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

WHO = f"r{'a' * 16}"
OTHER = f"r{'b' * 16}"
NAME = "某某某"
PERSON = orjson.dumps({"id": WHO, "name": NAME, "sex": "male"})
ACCOUNT = b"9900000000000001"


@pytest.fixture
def settings(redis_aof: RedisServer) -> Settings:
    """Of an installation whose vault is a real Redis; of Kafka nothing is asked."""
    return settings_of(redis_aof)


@pytest.fixture
async def encryption(vault: Vault) -> RecordEncryption:
    """Of an installation that knows its vault."""
    identity = await vault.identified()

    async def known() -> str:
        return identity

    return RecordEncryption(vault, known)


@pytest.fixture
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    made = Vault(settings)
    yield made
    await made.aclose()


async def shut(encryption: RecordEncryption, topic: str, key: str, value: bytes) -> Record:
    (sealed,) = await encryption.encode([Record(topic, key.encode(), value)])
    return Record(topic, key.encode(), sealed)


async def test_an_installation_changes_between_ciphers_and_reads_both(vault: Vault) -> None:
    identity = await vault.identified()

    async def known() -> str:
        return identity

    both = [RecordEncryption(vault, known, cipher) for cipher in RecordCipher]
    lain = [await shut(each, "residents", WHO, PERSON) for each in both]
    versions = [base64.b64decode(orjson.loads(each.value or b"")[SEALED])[0] for each in lain]
    assert versions == [1, 2]
    for each in both:
        assert [orjson.loads(value or b"") for value in await each.decode(lain)] == [orjson.loads(PERSON)] * 2


async def test_what_is_sealed_shows_nothing_of_the_person_and_opens_to_what_it_was(
    encryption: RecordEncryption,
) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    told = orjson.loads(lain.value or b"")
    assert (told["name"], told["sex"], told.keys()) == (WITHHELD, "male", {"id", "name", "sex", SEALED})
    (opened,) = await encryption.decode([lain])
    assert orjson.loads(opened or b"") == orjson.loads(PERSON)


async def test_a_case_s_snapshot_and_its_events_are_under_its_residents_key(
    encryption: RecordEncryption, vault: Vault
) -> None:
    snapshot = await shut(encryption, "case-snapshots", f"{WHO}-2", b'{"answers":{"q":"a"}}')
    event = await shut(encryption, "case-events", WHO, b'{"facts":[{"words":"he has said it"}]}')
    other = await shut(encryption, "case-events", OTHER, b'{"facts":[{"words":"she has said it"}]}')
    await vault.destroy([WHO], NOW)
    found = [orjson.loads(value or b"") for value in await encryption.decode([snapshot, event, other])]
    assert found == [{"answers": {}}, {"facts": [{"words": WITHHELD}]}, {"facts": [{"words": "she has said it"}]}]


def case_in_part(value: bytes | None) -> bytes:
    part = part_in(value or b"")
    assert isinstance(part, CasePart)
    return bytes(part.case)


async def test_a_case_in_a_checkpoint_is_under_its_residents_key_though_its_records_is_not(
    encryption: RecordEncryption, vault: Vault
) -> None:
    body = case_body(WHO, b'{"answers":{"q":"a"}}', None, latest=True)
    lain = await shut(encryption, "checkpoints", "a/0", body.value("first", 0))
    assert b'"q"' not in (lain.value or b"")
    (opened,) = await encryption.decode([lain])
    assert case_in_part(opened) == b'{"answers":{"q":"a"}}'
    await vault.destroy([WHO], NOW)
    (left,) = await encryption.decode([lain])
    assert case_in_part(left) == b'{"answers":{}}'
    later = await shut(encryption, "checkpoints", "b/0", body.value("second", 0))
    assert orjson.loads(later.value or b"")["case"] == {"answers": {}}


async def test_of_who_was_forgotten_nothing_personal_is_written_any_more(
    encryption: RecordEncryption, vault: Vault
) -> None:
    await vault.to_seal_under(await vault.known([WHO]))
    await vault.destroy([WHO], NOW)
    lain = await shut(encryption, "residents", WHO, PERSON)
    assert orjson.loads(lain.value or b"") == {"id": WHO, "name": WITHHELD, "sex": "male"}


async def test_a_key_that_was_destroyed_is_on_the_vaults_disk_no_more(
    vault: Vault, redis_aof: RedisServer, tmp_path: Path
) -> None:
    assert (await vault.to_seal_under(await vault.known([WHO, OTHER])))[WHO]
    key = kept(redis_aof.client(), WHO)
    wait_for(lambda: _with(key, tmp_path) != [], "the key to be on disk")
    await vault.destroy([WHO], NOW)
    assert not _with(key, tmp_path)
    redis_aof.process.kill()
    redis_aof.start()
    again = (await vault.known([WHO, OTHER])).of
    assert again[WHO] is None
    assert again[OTHER]


def _with(key: bytes, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and key in path.read_bytes()]


async def test_evidence_is_sealed_whole_and_nothing_of_it_is_left_of_who_was_forgotten(
    encryption: RecordEncryption, vault: Vault
) -> None:
    member = call_from_abroad()
    (record,) = evidence_records({WHO: [member]}, {WHO: Known()}, policy().risk, NOW, 4)
    lain = await shut(encryption, record.topic, record.key.decode(), record.value or b"")
    assert orjson.loads(lain.value or b"").keys() == {SEALED}
    assert member.id.encode() not in record.key
    (opened,) = await encryption.decode([lain])
    assert Evidence.model_validate_json(opened or b"") == member
    await vault.destroy([WHO], NOW)
    assert await encryption.decode([lain]) == [None]
    late = await shut(encryption, record.topic, record.key.decode(), record.value or b"")
    assert late.value in FORGOTTEN


def call_from_abroad() -> Evidence:
    about = {"id": "carrier:c1~call_overseas", "kind": EvidenceKind.CALL_OVERSEAS, "at": NOW}
    return Evidence.model_validate(about | {"partition": 0, "offset": 7})


async def test_a_dead_letter_and_an_account_number_have_keys_of_their_own(
    encryption: RecordEncryption, vault: Vault
) -> None:
    where = RecordPlace(topic="signals", partition=0, offset=7)
    letter = DeadLetter.of("bank", where, "no such kind", b'{"payer":"somebody"}', NOW)
    lain = await shut(encryption, "dead-letters", "bank", letter.model_dump_json().encode())
    number = await shut(encryption, "accounts", "a-token", ACCOUNT)
    assert ACCOUNT not in (number.value or b"")
    opened = await encryption.decode([lain, number])
    assert (DeadLetter.model_validate_json(opened[0] or b""), opened[1]) == (letter, ACCOUNT)
    await vault.destroy(["dead-letters/signals/0/7", "accounts/a-token"], NOW)
    opened = await encryption.decode([lain, number])
    assert DeadLetter.model_validate_json(opened[0] or b"").content == b""
    assert opened[1] is None


async def test_a_police_record_has_a_key_of_its_own_beside_another_sources_number_and_another_version(
    encryption: RecordEncryption, vault: Vault
) -> None:
    same = [("police", 1), ("police", 2), ("bank", 1)]
    records = [
        await shut(encryption, "reported-frauds", f"{source}:A1", _fraud(source, version)) for source, version in same
    ]
    await vault.destroy(["reported-frauds/police:A1/1"], NOW)
    found = [ReportedFraud.model_validate_json(each or b"") for each in await encryption.decode(records)]
    assert [each.name for each in found] == [WITHHELD, "王某", "王某"]


def _fraud(source: str, version: int) -> bytes:
    fraud = ReportedFraud(source=source, id="A1", version=version, reported_at=NOW, name="王某")
    return fraud.model_dump_json().encode()


async def test_an_account_number_is_stored_again_under_a_new_key_after_its_key_was_destroyed(
    encryption: RecordEncryption, vault: Vault
) -> None:
    lain = [await shut(encryption, "accounts", "a-token", ACCOUNT)]
    for number in (2, 3):
        names = await vault.in_use(["accounts/a-token", "accounts/another"])
        assert names["accounts/another"] == "accounts/another"
        await vault.destroy([names["accounts/a-token"]], NOW)
        lain.append(await shut(encryption, "accounts", "a-token", ACCOUNT))
        assert ACCOUNT not in (lain[-1].value or b"")
        assert await encryption.decode(lain) == [None] * (number - 1) + [ACCOUNT]
    for wrong in (0, 7, "3", None):  # a foreign record never opens with another generation's key
        told = orjson.loads(lain[-1].value or b"") | {"generation": wrong}
        (found,) = await encryption.decode([Record("accounts", b"a-token", orjson.dumps(told))])
        assert found is None or isinstance(found, Unreadable)


async def test_rules_signals_and_what_is_no_json_are_written_as_they_are(encryption: RecordEncryption) -> None:
    records = [
        Record("case-inputs", b"rules", b'{"kind":"policy_change","reason":"a reason"}'),
        Record("signals", b"7", b'[{"note":"a note"}]'),
        Record("residents", WHO.encode(), b"no json"),
        Record("residents", WHO.encode(), None),
    ]
    assert await encryption.encode(records) == [record.value for record in records]


@pytest.mark.parametrize("seal", ["AAAA", "not base 64", 7, None, {"a": 1}])
async def test_what_only_looks_like_a_seal_is_read_as_it_is(encryption: RecordEncryption, seal: object) -> None:
    lain = Record("case-events", WHO.encode(), orjson.dumps({"facts": [], SEALED: seal}))
    assert await encryption.decode([lain]) == [lain.value]


async def test_without_a_vault_a_sealed_record_is_refused_and_not_taken_for_an_empty_one(
    encryption: RecordEncryption,
) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    with pytest.raises(VaultError, match="is sealed and QUANZU_VAULT is not set"):
        await RecordEncryption(None).decode([lain])


async def test_of_whom_the_vault_has_lost_the_key_the_record_stays_shut_and_the_others_open(
    encryption: RecordEncryption, redis_aof: RedisServer
) -> None:
    lost, kept = await shut(encryption, "residents", WHO, PERSON), await shut(encryption, "residents", OTHER, PERSON)
    lose(redis_aof.client(), WHO)
    before = counted("residents")
    found = await encryption.decode([lost, kept])
    assert (found[0], isinstance(found[0], Unreadable)) == (lost.value, True)
    assert orjson.loads(found[1] or b"") == orjson.loads(PERSON)
    assert counted("residents") - before == 1


async def test_what_was_sealed_before_a_new_key_was_made_stays_shut_and_what_was_sealed_after_it_opens(
    encryption: RecordEncryption, redis_aof: RedisServer
) -> None:
    old = await shut(encryption, "case-events", WHO, b'{"facts":[{"words":"he has said it"}],"id":"e"}')
    lose(redis_aof.client(), WHO)
    new = await shut(encryption, "residents", WHO, PERSON)
    found = await encryption.decode([old, new])
    assert isinstance(found[0], Unreadable)
    assert orjson.loads(found[0].withheld) == {"facts": [{"words": WITHHELD}], "id": "e"}
    assert orjson.loads(found[1] or b"") == orjson.loads(PERSON)


async def test_a_vault_that_was_emptied_is_refused_and_makes_no_key(
    encryption: RecordEncryption, vault: Vault, redis_aof: RedisServer
) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    redis_aof.client().flushall()
    with pytest.raises(VaultError, match="a vault without an identity"):
        await encryption.decode([lain])
    with pytest.raises(VaultError, match="a vault without an identity"):
        await shut(encryption, "residents", WHO, PERSON)
    assert (await vault.known([WHO])).of == {WHO: ()}


async def test_another_vault_is_refused_and_nobody_passes_for_forgotten(
    encryption: RecordEncryption, vault: Vault, redis_aof: RedisServer
) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    redis_aof.client().flushall()
    other = await vault.identified()
    with pytest.raises(VaultError, match=f"QUANZU_VAULT names the vault {other}, and the records were sealed by"):
        await encryption.decode([lain])
    with pytest.raises(VaultError, match="Name that one, or bring its copy back"):
        await shut(encryption, "residents", WHO, PERSON)


async def test_what_does_not_open_stops_who_does_not_know_the_installations_vault(
    encryption: RecordEncryption, vault: Vault, redis_aof: RedisServer
) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    lose(redis_aof.client(), WHO)
    with pytest.raises(VaultError, match="does not know its vault yet"):
        await RecordEncryption(vault).decode([lain])


async def test_the_keys_of_a_copy_open_what_was_sealed_before_and_those_made_since_still_open(
    encryption: RecordEncryption, vault: Vault, redis_aof: RedisServer, tmp_path: Path
) -> None:
    old = [await shut(encryption, "residents", who, PERSON) for who in (WHO, OTHER)]
    with RedisServer(tmp_path / "copy", synced="always") as server:
        copied(redis_aof.client(), server.client())
        lose(redis_aof.client(), WHO)
        lose(redis_aof.client(), OTHER)
        new = await shut(encryption, "residents", WHO, PERSON)
        async with aclosing(Vault(settings_of(server))) as copy:
            assert await vault.take_in(copy) == 2
            assert await vault.take_in(copy) == 0
    assert [orjson.loads(value or b"") for value in await encryption.decode([*old, new])] == [orjson.loads(PERSON)] * 3


async def test_who_was_forgotten_stays_forgotten_when_an_older_copy_is_taken_in(
    encryption: RecordEncryption, vault: Vault, redis_aof: RedisServer, tmp_path: Path
) -> None:
    lain = [await shut(encryption, "residents", who, PERSON) for who in (WHO, OTHER)]
    with RedisServer(tmp_path / "copy", synced="always") as server:
        copied(redis_aof.client(), server.client())
        await vault.destroy([WHO], NOW)
        async with aclosing(Vault(settings_of(server))) as copy:
            await copy.destroy([OTHER], NOW)
            assert await vault.take_in(copy) == 0, "no key was added"
    assert [orjson.loads(value or b"")["name"] for value in await encryption.decode(lain)] == [WITHHELD, WITHHELD]


def settings_of(server: RedisServer) -> Settings:
    where = {"kafka": "127.0.0.1:1", "redis": "redis://127.0.0.1:1/0", "vault": server.url}
    return Settings.model_validate(where | {"secret": "the key of a test", "keys": KEYS})


def copied(vault: Redis, to: Redis) -> None:
    """All keys, as a copy of the vault's file holds them."""
    for name in vault.keys("*"):
        for owner, key in vault.hgetall(name).items():
            to.hset(name, owner, key)


def kept(vault: Redis, owner: str) -> bytes:
    """What a vault stores of an owner's keys."""
    (found,) = [value for name in vault.keys("keys:*") if (value := vault.hget(name, owner))]
    assert isinstance(found, bytes)
    return found


def lose(vault: Redis, owner: str) -> None:
    """Take an owner's key away, as a vault loses its file's tail."""
    assert sum(vault.hdel(name, owner) for name in vault.keys("keys:*")) == 1


def counted(topic: str) -> float:
    return REGISTRY.get_sample_value("quanzu_vault_unreadable_total", {"topic": topic}) or 0.0


async def test_a_record_of_which_one_letter_was_changed_does_not_open(encryption: RecordEncryption) -> None:
    lain = orjson.loads((await shut(encryption, "residents", WHO, PERSON)).value or b"")
    sealed = lain[SEALED]
    for place in range(0, len(sealed) - 4, 7):  # the last letters of base 64 may have bits that count for nothing
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        (found,) = await encryption.decode([Record("residents", WHO.encode(), orjson.dumps({**lain, SEALED: changed}))])
        assert isinstance(found, Unreadable), place


async def test_a_record_that_was_put_under_another_s_name_does_not_open(encryption: RecordEncryption) -> None:
    lain = await shut(encryption, "residents", WHO, PERSON)
    await shut(encryption, "residents", OTHER, PERSON)
    (found,) = await encryption.decode([Record("residents", OTHER.encode(), lain.value)])
    assert isinstance(found, Unreadable)


def test_the_vault_is_no_part_of_the_store() -> None:
    with pytest.raises(ValueError, match="QUANZU_VAULT and QUANZU_REDIS are one"):
        Settings(kafka="a:1", redis="redis://a:1/0", vault="redis://a:1/0", secret="the key of a test")
    with pytest.raises((SettingsError, ValueError), match="QUANZU_VAULT cannot be read"):
        Settings(kafka="a:1", redis="redis://a:1/0", vault="a:1", secret="the key of a test")


async def test_a_backup_holds_what_is_sealed_as_it_lies_and_restores_it_so(
    redis_aof: RedisServer, tmp_path: Path
) -> None:
    async def lying(settings: Settings) -> list[bytes | None]:
        return [record.value async for record in read_all(settings, "residents", opened=False)]

    with Embedded(tmp_path / "old") as old, Embedded(tmp_path / "new") as new:
        own = Settings(secret="the one key of all", vault=redis_aof.url)
        before, after = old.settings(own), new.settings(own)
        topics.create(before)
        topics.create(after)
        producer = make_producer(before)
        await producer.start()
        await producer.send_all([Record("residents", WHO.encode(), PERSON, 0)])
        await producer.stop()
        await backup.backup(before, tmp_path / "saved", NOW, lambda name, records: None)
        assert NAME.encode() not in (tmp_path / "saved" / "residents.parquet").read_bytes()
        await backup.restore(after, tmp_path / "saved", lambda name, records: None)
        assert await lying(after) == await lying(before)
        async with reading(after):
            (found,) = [record.value async for record in read_all(after, "residents")]
        assert orjson.loads(found or b"") == orjson.loads(PERSON)

"""A worker that has not got a new private key of intake yet waits for it; what was removed or never made, it refuses.
Workers and intake read the files of a folder, as in an installation.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.access.key_rings import (
    KeyPurpose,
    KeyRing,
    KeyRingError,
    key_id,
    read_rings,
    text_of_rings,
    with_accepted,
    with_in_force,
    without_key,
)
from domain.access.public_encryption import attestations, pair_id, public_key
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from streams.dead_letters.repaired import CannotSendError
from streams.dead_letters.unsealed import unsealed
from streams.messaging import topics
from streams.messaging.codec import Awaited, KeyAwaitedError, Unreadable, refuse_awaited
from streams.messaging.producer import Record
from streams.runtime import files
from streams.runtime.settings import Settings, SettingsError
from streams.security import key_files
from streams.security.intake_encryption import IntakeEncryption, intake_keys, nothing_noted
from streams.security.key_files import KEY_FILES, change_ring, listed_keys, load_keys, make_keys, note_lost, random_key
from streams.security.record_encryption import RecordEncryption
from tests.dispatched import NOW

OURS = Settings(kafka="k:1", redis="redis://r", secret=SecretStr("s" * 32))
SIGNALS = b'[{"id":"s1"}]'
Reads = Callable[[str], None]
WORKER, INTAKE = "keys-worker", "keys-intake"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_keys(tmp_path)
    return tmp_path


@pytest.fixture
def reads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Let this process read a file as the component of that name does."""
    return lambda name: monkeypatch.setenv("QUANZU_KEYS_FILE", str(folder / name))


async def written(reads: Reads) -> Record:
    """What intake writes with the keys that it has now."""
    reads(INTAKE)
    keys = intake_keys(OURS)
    (value,) = await IntakeEncryption(keys.public, keys.attested).encode([Record(topics.SIGNALS.name, b"3", SIGNALS)])
    return Record(topics.SIGNALS.name, b"3", value)


async def read(reads: Reads, record: Record) -> bytes | None:
    reads(WORKER)
    (value,) = await RecordEncryption(None, intake=intake_keys(OURS)).decode([record])
    return value


def rotated(folder: Path, new: bytes) -> str:
    """Put a new key in force, as `quanzu admin access keys rotate` does. Return the former key's id."""
    former = key_id(load_keys(folder)[KeyPurpose.INTAKE].current)
    change_ring(folder, KeyPurpose.INTAKE, partial(with_accepted, new=new))
    change_ring(folder, KeyPurpose.INTAKE, partial(with_in_force, named=key_id(new)))
    return former


@pytest.mark.parametrize("sm", [False, True])
async def test_a_worker_whose_file_is_older_awaits_the_new_key_and_opens_the_record_once_it_has_it(
    folder: Path, reads: Reads, sm: bool
) -> None:
    older = (folder / WORKER).read_text()
    rotated(folder, random_key(sm=sm))
    newer = (folder / WORKER).read_text()
    files.replace_secret(folder / WORKER, older)
    record = await written(reads)
    found = await read(reads, record)
    assert type(found) is Awaited
    pair = key_id(read_rings((folder / INTAKE).read_text())[KeyPurpose.INTAKE_PUBLIC].current)
    assert f"for the key pair {pair}, whose private key this process has not got yet" in found.told
    with pytest.raises(KeyAwaitedError, match="signals/4, offset 7: intake encrypted it for the key pair"):
        refuse_awaited("signals", 4, 7, found)
    files.replace_secret(folder / WORKER, newer)
    assert await read(reads, record) == SIGNALS


async def test_what_a_removed_key_encrypted_is_refused_at_once_although_another_key_attests_it(
    folder: Path, reads: Reads
) -> None:
    new, newest = random_key(), random_key()
    former = rotated(folder, new)
    record = await written(reads)
    rotated(folder, newest)
    assert await read(reads, record) == SIGNALS
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=key_id(new)))
    assert type(await read(reads, record)) is Unreadable
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=former))
    assert type(await read(reads, record)) is Unreadable
    removed = read_rings((folder / WORKER).read_text())[KeyPurpose.INTAKE_REMOVED]
    assert set(map(key_id, removed.keys)) >= {key_id(public_key(new))}
    assert len(removed.keys) == 2
    assert make_keys(folder) == [], "the notes of removed keys stay"


async def test_a_pair_that_was_never_made_is_refused_at_once_whatever_its_writer_claims(
    folder: Path, reads: Reads
) -> None:
    rotated(folder, random_key())
    reads(INTAKE)
    true = intake_keys(OURS)
    invented = KeyRing((random_key(), random_key()))
    for claimed in (true.attested, partial(attestations, invented), nothing_noted):
        claims = IntakeEncryption(lambda: KeyRing((public_key(invented.current),)), claimed)
        (value,) = await claims.encode([Record(topics.SIGNALS.name, b"3", SIGNALS)])
        assert type(await read(reads, Record(topics.SIGNALS.name, b"3", value))) is Unreadable


def test_each_file_has_the_notes_that_its_component_needs_and_intake_no_private_key(folder: Path) -> None:
    former = rotated(folder, random_key())
    change_ring(folder, KeyPurpose.INTAKE, partial(with_accepted, new=random_key()))
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=former))
    notes = {KeyPurpose.INTAKE_ATTESTED, KeyPurpose.INTAKE_REMOVED}
    found = {name: notes & read_rings((folder / name).read_text()).keys() for name in KEY_FILES}
    attested = {KeyPurpose.INTAKE_ATTESTED}
    assert found == {
        "keys-worker": notes,
        "keys-operator": notes,
        "keys-intake": attested,
        "keys-console": attested,
        "keys-exporter": set(),
    }
    private = load_keys(folder)[KeyPurpose.INTAKE].keys
    assert not [key for key in private if key.decode() in (folder / INTAKE).read_text()]


async def test_the_list_of_keys_names_the_pairs_as_records_and_logs_do(folder: Path, reads: Reads) -> None:
    former = read_rings((folder / INTAKE).read_text())[KeyPurpose.INTAKE_PUBLIC].current
    removed = rotated(folder, random_key())
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=removed))
    record = await written(reads)
    listed = listed_keys(folder)
    assert key_id(listed[KeyPurpose.INTAKE_PUBLIC].current) == pair_id(record.value or b"")
    assert listed[KeyPurpose.INTAKE_REMOVED].keys == (former,)
    assert KeyPurpose.INTAKE_ATTESTED not in listed


async def test_a_removal_that_was_interrupted_is_completed_with_its_note(
    folder: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = rotated(folder, random_key())
    replace = files.replace_secret

    def dies(file: Path, text: str) -> None:
        if file.name == key_files.ALL:
            raise OSError("killed here")
        replace(file, text)

    with monkeypatch.context() as patch:
        patch.setattr(key_files, "replace_secret", dies)
        with pytest.raises(OSError, match="killed here"):
            change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=former))
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=former))
    assert len(load_keys(folder)[KeyPurpose.INTAKE_REMOVED].keys) == 1
    reads(WORKER)
    assert len(intake_keys(OURS).private().keys) == 1, "a process takes the file"
    reads(INTAKE)
    assert len(intake_keys(OURS).attested()) == 1, "the removed key's attestation of the pair that is left"


async def test_a_dead_letter_whose_key_is_on_its_way_is_not_sent_and_says_so(folder: Path, reads: Reads) -> None:
    older = (folder / WORKER).read_text()
    rotated(folder, random_key())
    record = await written(reads)
    files.replace_secret(folder / WORKER, older)
    reads(WORKER)
    where = RecordPlace(topic=topics.SIGNALS.name, partition=0, offset=1)
    letter = DeadLetter.of("police", where, "refused", record.value or b"", NOW)
    found = (await unsealed(OURS, {letter.id: letter}))[letter.id]
    assert isinstance(found, CannotSendError)
    assert "has not got yet" in str(found)


async def test_a_file_that_lost_its_note_of_a_removed_key_is_taken_and_the_removal_stays_known(
    folder: Path, reads: Reads
) -> None:
    """An interrupted removal leaves `keys-operator` without the note, and the next rotation writes the worker's file by
    it.
    """
    new, newest = random_key(), random_key()
    rotated(folder, new)
    record = await written(reads)
    rotated(folder, newest)
    operator = (folder / key_files.ALL).read_text()
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=key_id(new)))
    assert type(await read(reads, record)) is Unreadable
    rings = read_rings(operator)
    rings[KeyPurpose.INTAKE] = KeyRing(
        (*without_key(rings[KeyPurpose.INTAKE], key_id(new)).keys, latest := random_key())
    )
    worker = {purpose: rings[purpose] for purpose in KEY_FILES[WORKER]}
    files.replace_secret(folder / WORKER, text_of_rings(worker))
    reads(WORKER)
    assert latest in intake_keys(OURS).private().keys, "the rotation is taken"
    assert type(await read(reads, record)) is Unreadable


async def test_what_a_lost_key_encrypted_is_refused_once_the_pair_is_noted_as_lost(folder: Path, reads: Reads) -> None:
    copies = {name: (folder / name).read_text() for name in KEY_FILES}
    rotated(folder, random_key())
    record = await written(reads)
    pair = pair_id(record.value or b"")
    with pytest.raises(SettingsError, match="it is not lost"):
        note_lost(folder, pair)
    for name, text in copies.items():
        files.replace_secret(folder / name, text)
    assert type(await read(reads, record)) is Awaited
    for wrong in ("", pair[:7], pair.upper() + "0", "zz" * 4):
        with pytest.raises(KeyRingError, match="eight hexadecimal digits"):
            note_lost(folder, wrong)
    assert note_lost(folder, pair).keys == note_lost(folder, pair).keys == (pair.encode(),)
    assert type(await read(reads, record)) is Unreadable
    assert make_keys(folder) == [], "the note stays"


async def test_a_removal_stays_noted_although_an_older_copy_of_all_keys_is_brought_back(
    folder: Path, reads: Reads
) -> None:
    copy, key = (folder / key_files.ALL).read_text(), random_key()
    former = rotated(folder, key)
    record = await written(reads)
    change_ring(folder, KeyPurpose.INTAKE, partial(with_in_force, named=former))
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=key_id(key)))
    files.replace_secret(folder / key_files.ALL, copy)
    assert make_keys(folder) == [key_files.ALL]
    change_ring(folder, KeyPurpose.INTAKE, partial(with_accepted, new=random_key()))
    assert load_keys(folder)[KeyPurpose.INTAKE_REMOVED].keys == (public_key(key),)
    assert type(await read(reads, record)) is Unreadable


async def test_a_worker_that_has_only_the_removed_key_awaits_the_one_that_replaced_it(
    folder: Path, reads: Reads
) -> None:
    """The urgent case: a key was betrayed, so it is removed at once, while a worker is down or has a copied file."""
    older, key = (folder / WORKER).read_text(), random_key()
    change_ring(folder, KeyPurpose.INTAKE, partial(without_key, named=rotated(folder, key)))
    assert make_keys(folder) == [], "the attestation stays"
    change_ring(folder, KeyPurpose.INTAKE, partial(with_accepted, new=random_key()))
    newer = (folder / WORKER).read_text()
    files.replace_secret(folder / WORKER, older)
    record = await written(reads)
    assert type(await read(reads, record)) is Awaited
    files.replace_secret(folder / WORKER, newer)
    assert await read(reads, record) == SIGNALS

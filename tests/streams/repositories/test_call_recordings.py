"""Recordings on their topic: in order, only with their key, and gone with the person's key."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette

from domain.access.ciphers import RecordCipher
from domain.carriers.recorded_sound import PART_SECONDS, new_recording_key, sealed_part, silent
from domain.identity.held import subject
from domain.identity.identifiers import new_resident_id
from schemas.casework.call_recordings import RecordingPart
from schemas.people.residents import Occupation, Resident, Sex
from streams.channels.operator_calls.phones import VOICE
from streams.channels.operator_calls.reports import report_routes
from streams.channels.outgoing import Outgoing
from streams.channels.settings import ChannelSettings
from streams.gateways.voice.media.g711 import A_LAW, FRAME
from streams.gateways.voice.operators.recorder import PART_FRAMES, CallRecorder, WantedRecording
from streams.gateways.voice.operators.recording_outbox import RecordingOutbox
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.topics import CALL_RECORDINGS, PRESERVED, home
from streams.operations.preservation import keyed_copies
from streams.operations.subject_access import records_about, records_about_each
from streams.repositories.call_recordings import CLOCKS_MS, CallRecordings, RecordingPlace
from streams.runtime.clock import Clock
from streams.runtime.serving import serving
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer, reading
from streams.security.rights import Component
from streams.security.vault import Vault
from streams.state.keys import key as key_of
from tests.dispatched import NOW, case_of, dispatch_for
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

SOMEBODY = new_resident_id(b"0123456789")
AT = RecordingPlace(f"{SOMEBODY}-1", SOMEBODY, "a" * 20, 1_772_000_000_000)
SOUND = b"spoken words"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[CallRecordings]:
    producer = make_producer(settings)
    await producer.start()
    try:
        async with reading(settings):
            yield CallRecordings(settings, producer)
    finally:
        await producer.stop()


def part(at: RecordingPlace, key: bytes, number: int, *, last: bool = False) -> RecordingPart:
    sealed = sealed_part(RecordCipher.AES, key, at.recording, number, SOUND + bytes([number]))
    return RecordingPart(id=at.recording, part=number, sound=base64.b64encode(sealed), last=last)


async def heard(recordings: CallRecordings, at: RecordingPlace) -> list[bytes]:
    return [each async for each in recordings.sound(at)]


async def test_parts_are_heard_in_order_once_and_only_those_of_the_recording(settings: Settings) -> None:
    topics.create(settings, [CALL_RECORDINGS])
    key, foreign = new_recording_key(), new_recording_key()
    other = replace(AT, recording="b" * 20)
    async with opened(settings) as recordings:
        assert await heard(recordings, AT) == []
        await recordings.put_key(AT, key)
        await recordings.put_key(other, foreign)
        late = AT.written_ms - CLOCKS_MS // 2  # intake's clock is behind the console's
        await recordings.put_part(AT, part(AT, key, 1), late)
        await recordings.put_part(other, part(other, foreign, 1), late)
        await recordings.put_part(AT, part(AT, key, 1), late)  # the answer was lost
        await recordings.put_part(AT, part(AT, foreign, 2), late)  # somebody else's
        await recordings.put_part(AT, part(AT, foreign, 9, last=True), late)  # hides nothing that follows
        await recordings.put_part(AT, part(AT, key, 3, last=True), late)
        await recordings.put_part(AT, part(AT, key, 4), late)  # after its end
        assert await heard(recordings, AT) == [SOUND + b"\x01", silent(PART_SECONDS), SOUND + b"\x03"]
        assert await heard(recordings, other) == [SOUND + b"\x01"]
        assert await heard(recordings, replace(AT, case=f"{SOMEBODY}-2")) == []
        keys = [record.key async for record in read_all(settings, CALL_RECORDINGS.name)]
    assert len(set(keys)) == 8, "compaction would remove a part"


async def test_an_order_to_keep_data_copies_a_recording_and_no_export_has_it(settings: Settings) -> None:
    await asyncio.to_thread(topics.create, settings)
    told = {"name": "某某", "birth_year": 1957, "sex": Sex.FEMALE, "occupation": Occupation.FARMER}
    person = new_resident_id(b"9876543210")
    asked = subject(Resident(id=person, division="222401003", **told), settings.id_number_keys())
    at, key = replace(AT, case=f"{person}-1", resident=person), new_recording_key()
    async with opened(settings) as recordings:
        await recordings.put_key(at, key)
        await recordings.put_part(at, part(at, key, 1, last=True), at.written_ms)
        copied = [
            topic.name
            async for topic, _, _ in records_about_each(settings, {person: [asked]}, leaving_out=(PRESERVED,))
        ]
        assert copied == [CALL_RECORDINGS.name] * 2
        assert CALL_RECORDINGS.name not in await records_about(settings, asked)
        found = records_about_each(settings, {person: [asked]}, leaving_out=(PRESERVED,))
        copies = [(name, copy.model_dump_json().encode()) async for name, copy in keyed_copies(found)]
        producer = make_producer(settings)
        await producer.start()
        await producer.send_all([Record(PRESERVED.name, name, copy) for name, copy in copies])
        await producer.stop()
        kept = [topic.name async for topic, _, _ in records_about_each(settings, {person: [asked]})]
        assert kept.count(PRESERVED.name) == 2, "the order keeps them"
        given = await records_about(settings, asked)
        assert PRESERVED.name not in given
        assert base64.b64encode(key).decode() not in str(given)


@pytest.fixture
def vaulted(tmp_path: Path) -> Iterator[Settings]:
    with (
        Kafka(tmp_path / "kafka") as kafka,
        RedisServer(tmp_path / "redis") as redis,
        RedisServer(tmp_path / "vault", synced="always") as vault,
    ):
        told = {"redis": redis.url, "vault": vault.url, "replication": 1, "secret": "the key of a test", "keys": KEYS}
        yield Settings.model_validate(told | {"kafka": kafka.address, "data": tmp_path})


@asynccontextmanager
async def intake(settings: Settings) -> AsyncIterator[RecordingOutbox]:
    """Intake's server, with what intake has in an installation with a vault, and a gateway's way to it."""
    keys = ",".join(f"{name}:the present secret of {name}" for name in ChannelSettings().signers())
    channels, clock = ChannelSettings(receipts_secret=SecretStr(keys)), Clock.starting(1, NOW)
    producer = make_producer(settings, clock.wall, component=Component.INTAKE)
    await producer.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(producer.stop)
        redis = await stack.enter_async_context(Redis.from_url(str(settings.redis), protocol=3))
        outgoing = Outgoing(settings, redis, producer, clock, channels)
        stack.push_async_callback(outgoing.client.aclose)
        partition = home(SOMEBODY, settings.partitions)
        case = case_of(dispatch_for(SOMEBODY))
        await redis.hset(key_of("cases", partition), SOMEBODY, case.model_dump_json())
        app = Starlette(routes=report_routes(outgoing, channels))
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        address = await stack.enter_async_context(serving(config, "127.0.0.1", 0, "test"))
        outbox = RecordingOutbox(f"{address}/receipts/call-recordings", channels.receipt_keys(settings)[VOICE])
        stack.push_async_callback(outbox.close)
        yield outbox


async def test_with_a_vault_a_whole_recording_goes_through_intake_and_is_heard(vaulted: Settings) -> None:
    await asyncio.to_thread(topics.create, vaulted)
    at = replace(AT, written_ms=round(time.time() * 1000))
    wanted = WantedRecording(at.recording, at.written_ms, at.case, RecordCipher.AES, new_recording_key())
    async with opened(vaulted) as recordings, intake(vaulted) as outbox:
        await recordings.put_key(at, wanted.key)
        recorder = CallRecorder(wanted, outbox.put, lambda: None)
        recorder.follow("operator", lambda: True)
        for _ in range(PART_FRAMES + 10):
            recorder.hear("operator", b"\x90" * FRAME, A_LAW)
            recorder.hear("resident", b"\xa0" * FRAME, A_LAW)
            recorder.tick()
        recorder.end()
        await outbox.settle(30)
        found = await heard(recordings, at)
        written = [each.value or b"" async for each in read_all(vaulted, CALL_RECORDINGS.name, opened=False)]
        vault = Vault(vaulted)
        await vault.destroy([SOMEBODY], NOW)
        await vault.aclose()
        assert await heard(recordings, at) == []
    assert [len(each) for each in found] == [2 * PART_FRAMES * FRAME, 2 * 10 * FRAME]
    assert b"\x90" * FRAME in found[0]
    assert b"\xa0" * FRAME in found[0]
    assert written[0].startswith(b'{"sealed":"')
    assert len(written) == 3
    assert not any(base64.b64encode(b"\x90" * 30) in each or base64.b64encode(wanted.key) in each for each in written)


async def test_neither_key_nor_sound_is_readable_on_the_topic_and_an_erasure_ends_both(vaulted: Settings) -> None:
    await asyncio.to_thread(topics.create, vaulted)
    key = new_recording_key()
    async with opened(vaulted) as recordings:
        await recordings.put_key(AT, key)
        await recordings.put_part(AT, part(AT, key, 1, last=True), AT.written_ms)
        assert await heard(recordings, AT) == [SOUND + b"\x01"]
    raw = [each.value or b"" async for each in read_all(vaulted, CALL_RECORDINGS.name, opened=False)]
    assert all(each.startswith(b'{"sealed":"') for each in raw)
    assert not any(base64.b64encode(key)[:30] in each or SOUND in each for each in raw)
    vault = Vault(vaulted)
    await vault.destroy([SOMEBODY], NOW)
    await vault.aclose()
    async with opened(vaulted) as recordings:
        assert await heard(recordings, AT) == []
        await recordings.put_key(AT, key)  # a console that was late
        await recordings.put_part(AT, part(AT, key, 1, last=True), AT.written_ms)
        assert await heard(recordings, AT) == []

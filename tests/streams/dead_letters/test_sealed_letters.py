"""Dead letters that are still encrypted: found for the person whom they concern, and told where they can never open."""

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from domain.access.key_rings import KeyPurpose, KeyRing
from domain.access.public_encryption import PublicSealer, attestations, public_key
from domain.identity.held import Subject, subject
from domain.identity.id_keys import IdKeys
from schemas.administration.dead_letters import KEPT_BYTES, DeadLetter, RecordPlace
from schemas.people.residents import Holding, Occupation, Resident, Sex
from schemas.risk.signals import BATCH_LIMIT, batch_adapter
from streams.dead_letters.unsealed import LetterSearch
from streams.intake.acceptor import examine, records_of
from streams.messaging import topics
from streams.messaging.codec import LOST, KeyAwaitedError, reason_of_letter
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import Read
from streams.operations.erasure import _records
from streams.operations.subject_access import parts, records_about_each
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.security.installation_keys import ring
from streams.security.intake_encryption import intake_keys

NOW = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
PHONE = "+8619900000001"
CONTENT = orjson.dumps([{"kind": "call", "callee": PHONE}])
LANE = topics.SIGNALS.name


def person() -> Subject:
    entry = Resident(
        id="r" + "a" * 16,
        name="甲",
        birth_year=1950,
        sex=Sex.MALE,
        occupation=Occupation.RETIRED,
        division="220104",
        phones=[Holding(value=PHONE)],
        accounts=[],
    )
    return subject(entry, IdKeys(b"the key of a test"))


def sealed(settings: Settings, content: bytes = CONTENT) -> bytes:
    return intake_keys(settings).sealer().seal(content, LANE.encode())


def letter(content: bytes, offset: int = 1) -> DeadLetter:
    where = RecordPlace(topic=LANE, partition=0, offset=offset)
    return DeadLetter.of("police", where, reason_of_letter(LANE, LOST, content), content, NOW)


def about(value: bytes | None) -> list[object]:
    return list(parts(topics.DEAD_LETTERS, Read(0, b"police", value, 0, 0), person()))


def test_an_encrypted_letter_is_the_person_s_once_its_key_is_there(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    search, value = LetterSearch(settings), letter(sealed(settings)).model_dump_json().encode()
    assert about(value) == [], "nobody finds a person in what is encrypted"
    found = about(search.searchable(value))
    assert [DeadLetter.model_validate(each).content for each in found] == [CONTENT]
    search.tell()
    assert (search.shut, caplog.text) == (0, "")


def test_what_no_key_opens_stays_as_it_is_and_is_counted(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    search = LetterSearch(settings)
    removed = PublicSealer(public_key(b"a key that was removed, long enough")).seal(CONTENT, LANE.encode())
    shut = letter(removed).model_dump_json().encode()
    plain = letter(CONTENT).model_dump_json().encode()
    assert [search.searchable(each) for each in (shut, plain, b"no letter", None)] == [shut, plain, b"no letter", None]
    with caplog.at_level(logging.WARNING):
        search.tell()
    assert (search.shut, "1 dead letters were not searched" in caplog.text) == (1, True)


def test_a_letter_whose_key_is_on_its_way_stops_the_search_because_an_erasure_cannot_be_repeated(
    settings: Settings,
) -> None:
    search, new = LetterSearch(settings), b"a key that this process has not got yet"
    here = ring(settings, KeyPurpose.INTAKE).current
    sealed_new = PublicSealer(public_key(new), attestations(KeyRing((here, new)))).seal(CONTENT, LANE.encode())
    with pytest.raises(KeyAwaitedError, match="has not got yet"):
        search.searchable(letter(sealed_new).model_dump_json().encode())
    assert search.shut == 0


async def test_requests_of_a_person_and_their_erasure_reach_encrypted_letters(settings: Settings) -> None:
    made = letter(sealed(settings), offset=datetime.now(UTC).microsecond)
    producer = make_producer(settings)
    await producer.start()
    try:
        record = Record(topics.DEAD_LETTERS.name, b"police", made.model_dump_json().encode(), 0)
        await producer.send_all([record])
    finally:
        await producer.stop()
    others = [each for each in topics.ALL if each is not topics.DEAD_LETTERS]
    found = [
        cast("Any", each)["is"]["id"] async for _, _, each in records_about_each(settings, {"": [person()]}, others)
    ]
    assert made.id in found
    owners, _ = await _records(cast("Any", SimpleNamespace(settings=settings)), [person()])
    assert f"{topics.DEAD_LETTERS.name}/{made.id}" in owners


class Kafka:
    """Takes what a producer would send."""

    def __init__(self) -> None:
        self.sent: list[DeadLetter] = []

    async def send_all(self, records: list[Record]) -> None:
        self.sent += [DeadLetter.model_validate_json(each.value or b"") for each in records]


async def test_a_letter_that_is_cut_and_encrypted_says_that_no_key_ever_opens_it(settings: Settings) -> None:
    kafka = Kafka()
    writer = DeadLetters(cast("Producer", kafka), Clock.parse(None))
    whole, long = sealed(settings, bytes(KEPT_BYTES - 200)), sealed(settings, bytes(KEPT_BYTES))
    for raw in (whole, long, bytes(KEPT_BYTES + 1)):
        await writer.record(LANE, 0, 1, raw, LOST, "police")
    fits, cut, plain = (each.why for each in kafka.sent)
    assert fits == plain == LOST
    assert cut == (
        f"{LOST}. It is cut, so no key ever opens this dead letter: only the first 600,000 of its {len(long):,} bytes "
        "are kept. While the topic signals has the record, it can be read there with its key; else ask for it again"
    )
    first, second, _ = kafka.sent
    assert [LetterSearch(settings).searchable(each.model_dump_json().encode()) for each in (first, second)][1] == (
        second.model_dump_json().encode()
    )


def test_what_intake_writes_fits_into_a_dead_letter_whole(settings: Settings) -> None:
    wordy = {"kind": "report", "source": "police", "at": "2026-03-01T11:12:00+08:00", "phone": "19900000001"}
    reports = [wordy | {"id": str(number), "note": "骗" * 2000} for number in range(BATCH_LIMIT)]
    records = records_of(examine(reports, NOW).signals, 1)
    assert sum(len(batch_adapter.validate_json(each.value or b"")) for each in records) == BATCH_LIMIT
    assert max(len(sealed(settings, each.value or b"")) for each in records) <= KEPT_BYTES
    assert max(len(each.value or b"") for each in records) > KEPT_BYTES / 3, "they were split no more than needed"

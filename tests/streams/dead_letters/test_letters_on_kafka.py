"""What was done with dead letters, on real brokers: only what can tell of the letters is read of the audit."""

import asyncio
from datetime import UTC, datetime, timedelta

from kafka import KafkaProducer

from domain.feeds.dead_letters import Act, State
from schemas.administration.audit import AuditEntry
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from streams.dead_letters.index import DeadLetterIndex
from streams.messaging import topics
from streams.runtime.settings import Settings
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka


async def test_what_the_audit_had_long_before_the_oldest_letter_is_not_read(kafka_cluster: Kafka) -> None:
    about = {"kafka": kafka_cluster.address, "redis": "redis://127.0.0.1", "secret": "the key of a test", "keys": KEYS}
    settings = Settings.model_validate(about)
    await asyncio.to_thread(topics.create, settings, [topics.AUDIT, topics.DEAD_LETTERS])
    letters = [_letter(number) for number in range(2)]
    now = datetime.now(UTC)
    producer = KafkaProducer(bootstrap_servers=settings.brokers)

    def write(topic: topics.Topic, value: str, at: datetime) -> None:
        producer.send(topic.name, value.encode(), timestamp_ms=int(at.timestamp() * 1000)).get(30)

    await asyncio.to_thread(write, topics.AUDIT, _dropped(letters[0], now), now - timedelta(days=40))
    for letter in letters:
        await asyncio.to_thread(write, topics.DEAD_LETTERS, letter.model_dump_json(), now)
    await asyncio.to_thread(write, topics.AUDIT, _dropped(letters[1], now), now)
    producer.close()
    index = DeadLetterIndex(settings)
    await index.refresh()
    assert [index.get(each.id).standing.state for each in letters] == [State.OPEN, State.DROPPED]


def _letter(number: int) -> DeadLetter:
    return DeadLetter.of(
        "bank", RecordPlace(topic="signals", partition=0, offset=number), "no amount", b"{", datetime.now(UTC)
    )


def _dropped(letter: DeadLetter, at: datetime) -> str:
    return AuditEntry(at=at, by="li", act=Act.DROPPED, on=letter.id, reason="a trial").model_dump_json()

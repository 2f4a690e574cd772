"""Messaging is given its codec: nothing of a person goes to Kafka unencrypted because somebody forgot it."""

import pytest

from streams.messaging.app import App, create_app
from streams.messaging.codec import CodecError, PlainCodec
from streams.messaging.consumers import ReusedConsumers
from streams.messaging.producer import Producer, Record
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer

WITH_VAULT = Settings(
    kafka="127.0.0.1:1", redis="redis://127.0.0.1:1/0", vault="redis://127.0.0.1:2/0", secret="the key of a test"
)
SEALED = Record("case-inputs", b"r" + b"a" * 16, b'{"kind":"alert","sealed":"AAAA"}')


def test_who_writes_or_reads_without_a_codec_is_refused_where_a_vault_is_set() -> None:
    with pytest.raises(CodecError, match="QUANZU_VAULT"):
        Producer(WITH_VAULT)
    with pytest.raises(CodecError, match="QUANZU_VAULT"):
        ReusedConsumers(WITH_VAULT)
    with pytest.raises(CodecError, match="QUANZU_VAULT"):
        create_app(WITH_VAULT, App)


async def test_a_sealed_record_is_not_handed_on_where_no_vault_is_set() -> None:
    with pytest.raises(CodecError, match="case-inputs"):
        await PlainCodec().decode([SEALED])
    assert await PlainCodec().decode([Record("signals", b"", SEALED.value)]) == [SEALED.value]


async def test_the_installations_producer_has_a_codec_and_a_chain() -> None:
    producer = make_producer(WITH_VAULT)
    assert producer.chain is not None

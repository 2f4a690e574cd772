"""Kafka with an installation's encryption: what writes and reads there is made here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from streams.messaging.producer import Producer
from streams.messaging.reader import ReusedConsumers, decodes
from streams.runtime.clock import Wall
from streams.runtime.settings import Settings
from streams.security.audit_chains import Chain, Heads
from streams.security.record_encryption import record_encryption


def make_producer(settings: Settings, wall: Wall | None = None, heads: Heads | None = None) -> Producer:
    """Return a producer, not started, that encrypts personal data and links its audit entries in a hash chain.

    `heads`: where the chain's last line is stored.
    """
    return Producer(settings, wall, partial(record_encryption, settings), Chain(settings.key, heads))


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[None]:
    """Let reads decrypt for as long as the context lasts, also where no installation is open."""
    if decodes(settings):
        yield
        return
    readers = ReusedConsumers(settings, partial(record_encryption, settings), most=0)
    readers.open()
    try:
        yield
    finally:
        await readers.close()


def make_readers(settings: Settings) -> ReusedConsumers:
    """Return consumers that decrypt, and are kept for further reads."""
    return ReusedConsumers(settings, partial(record_encryption, settings))

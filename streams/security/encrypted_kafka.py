"""Makes the producers and consumers of an installation, which encrypt and decrypt personal data."""

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

    `heads`: where the head of the chain is stored; None: nowhere.
    """
    return Producer(settings, wall, partial(record_encryption, settings), Chain(settings.key, heads))


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[None]:
    """Make reads in this process decrypt personal data while the context is open, also without an open installation."""
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
    """Return a pool of consumers that decrypt personal data and are reused for later reads."""
    return ReusedConsumers(settings, partial(record_encryption, settings))

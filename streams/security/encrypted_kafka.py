"""Makes the producers and consumers of an installation, which encrypt and decrypt personal data."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from domain.access.key_rings import KeyPurpose
from streams.messaging.codec import MakeCodec
from streams.messaging.consumers import ReusedConsumers, decodes
from streams.messaging.producer import Producer
from streams.runtime.clock import Wall
from streams.runtime.settings import Settings
from streams.security.audit_chains import Chain, Heads
from streams.security.installation_keys import ring
from streams.security.intake_encryption import IntakeEncryption, intake_keys
from streams.security.record_encryption import record_encryption
from streams.security.rights import Component


def make_producer(
    settings: Settings, wall: Wall | None = None, heads: Heads | None = None, component: Component = Component.OPERATOR
) -> Producer:
    """Return a producer, not started, that encrypts personal data and links its audit entries in a hash chain.

    `heads`: where the head of the chain is stored; None: nowhere. `component`: the kind of process that writes. A
    missing key or vault is reported when the producer starts or first writes, not here.
    """
    chain = Chain(partial(ring, settings, KeyPurpose.AUDIT), heads)
    return Producer(settings, wall, _codec(settings, component), chain)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[None]:
    """Context manager: during the block, reads in this process decrypt personal data, even without an open
    installation. Raises SettingsError if the embedded servers are not started yet.
    """
    if decodes(settings):
        yield
        return
    readers = ReusedConsumers(settings, partial(record_encryption, settings), most=0)
    readers.open()
    try:
        yield
    finally:
        await readers.close()


def make_readers(settings: Settings, component: Component = Component.OPERATOR) -> ReusedConsumers:
    """Return a pool of consumers that decrypt personal data and are reused for later reads. Those of intake leave it
    encrypted. `component`: the kind of process that reads.
    """
    return ReusedConsumers(settings, _codec(settings, component))


def _codec(settings: Settings, component: Component) -> MakeCodec:
    """Return a function that makes a component's codec. Intake has no key of the vault; in an installation without one,
    nothing is encrypted.
    """
    if component is Component.INTAKE and settings.vault is not None:
        keys = intake_keys(settings)
        return partial(IntakeEncryption, keys.public, keys.attested)
    return partial(record_encryption, settings)

"""Which vault is the installation's: told by the topic `vaults`, which outlives Redis and the vault itself.

The first vault that somebody starts with becomes the installation's. Another one stops whoever starts with it; an
operator who has lost the vault for good names a new one (`adopt`).
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial

from schemas.administration.audit import AuditEntry
from schemas.administration.vaults import VaultNamed
from streams.messaging.producer import Producer, Record
from streams.messaging.reader import known_vault
from streams.messaging.topics import VAULTS
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done
from streams.security import audit
from streams.security.audit_chains import Heads
from streams.security.record_encryption import another_vault
from streams.security.vault import Vault
from streams.state.case_store import connect

KEY = b"vault"


async def settle(settings: Settings, producer: Producer, now: datetime) -> None:
    """See to it that the installation knows its vault, if it has one. Waits for as long as the vault is away.

    Raises VaultError when the settings name another one.
    """
    if settings.vault is not None:
        async with aclosing(Vault(settings)) as vault:
            await until_done("vault", partial(_settle, settings, vault, producer, now))


async def check(settings: Settings) -> None:
    """Raises VaultError when the settings name another vault than the installation's, and what its Redis raises."""
    async with aclosing(Vault(settings)) as vault:
        known, found = await known_vault(settings), await vault.identity()
    if known not in (None, found):
        raise another_vault(found, known)


async def take_in(settings: Settings, copy: str, by: str, reason: str, now: datetime) -> int:
    """Take the keys of a copy into the vault, beside its own. Returns of how many owners something was taken.

    `copy`: a Redis that holds the copy. A vault that was emptied has its identity back with them. Raises VaultError
    when the copy is of another vault than the installation's, and when the vault is another one.
    """
    async with (
        aclosing(Vault(settings)) as vault,
        aclosing(Vault(settings.model_copy(update={"vault": copy}))) as old,
        _producer(settings) as producer,
    ):
        known, found = await known_vault(settings), await old.identity()
        if known is None or found != known:
            raise another_vault(found, known, f"{copy.rpartition('@')[2]} is no copy of the vault: ")
        if not await vault.become(known):
            raise another_vault(await vault.identity(), known)
        await audit.write(producer, [AuditEntry(at=now, by=by, act="vault-take-in", on=known, reason=reason)])
        return await vault.take_in(old)


async def adopt(settings: Settings, by: str, reason: str, now: datetime) -> str:
    """Make the vault that the settings name the installation's from here on. Returns its identity."""
    async with aclosing(Vault(settings)) as vault, _producer(settings) as producer:
        identity = await vault.identified()
        await audit.write(producer, [AuditEntry(at=now, by=by, act="vault-adopt", on=identity, reason=reason)])
        await _name(producer, identity, now)
    return identity


async def _settle(settings: Settings, vault: Vault, producer: Producer, now: datetime) -> None:
    known = await known_vault(settings)
    if known is None:
        await _name(producer, await vault.identified(), now)
    elif (found := await vault.identity()) != known:
        raise another_vault(found, known)


async def _name(producer: Producer, identity: str, now: datetime) -> None:
    named = VaultNamed(vault=identity, at=now)
    await producer.send_all([Record(VAULTS.name, KEY, named.model_dump_json().encode())])


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[Producer]:
    """A producer without a line: a line opens for nobody whose vault has lost its keys."""
    redis = connect(settings)
    producer = Producer(settings)
    producer.chain.heads = Heads(redis)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
        await redis.aclose()

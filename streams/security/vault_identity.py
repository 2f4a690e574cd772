"""Stores which vault belongs to the installation, on the topic `vaults`, which survives a loss of Redis or of the
vault.

The first vault with which a worker or an operator's command starts becomes the installation's. With another vault,
neither starts; an operator who has lost the vault forever names a new one (`adopt`).
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
from streams.security.encrypted_kafka import make_producer
from streams.security.record_encryption import another_vault
from streams.security.vault import Vault
from streams.state.case_store import connect

KEY = b"vault"


async def settle(settings: Settings, producer: Producer, now: datetime) -> None:
    """Make the settings' vault the installation's if the installation has none yet; waits while the vault or Kafka is
    unavailable.

    Does nothing if the settings name no vault. Raises VaultError if the installation has another vault, SettingsError
    if this process has no key for the purpose `vault`, AccessError if the vault or Kafka denies access, and SendError
    if Kafka refuses the record of the vault.
    """
    if settings.vault is not None:
        async with aclosing(Vault(settings)) as vault:
            await until_done("vault", partial(_settle, settings, vault, producer, now))


async def check(settings: Settings) -> None:
    """Check that the settings name the installation's vault, or that the installation has none yet. Raises VaultError
    if they name none or another one, RedisError if the vault is unavailable, and KafkaError if Kafka is.
    """
    async with aclosing(Vault(settings)) as vault:
        known, found = await known_vault(settings), await vault.identity()
    if known not in (None, found):
        raise another_vault(found, known)


async def take_in(settings: Settings, copy: str, by: str, reason: str, now: datetime) -> int:
    """Add the keys of a copy to the vault, with an audit entry. Return the number of owners to whom a key was added
    (see Vault.take_in).

    `copy`: the address of a Redis with the copy. `by`, `reason`: who does it and why, for the audit. An emptied vault
    gets its identity back. Raises VaultError if the copy is not of the installation's vault, the settings name another
    vault, or they name none. Raises SettingsError if this process lacks a key, and RedisError or KafkaError if a vault
    or Kafka is unavailable.
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
    """Make the settings' vault the installation's from now on, with an audit entry. Return the vault's identity.

    A vault without an identity gets a random one. `by`, `reason`: who does it and why, for the audit. Raises VaultError
    if the settings name no vault, SettingsError if this process lacks a key, and RedisError or KafkaError if the vault
    or Kafka is unavailable.
    """
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
    """Yield a started producer, made without opening the installation, which cannot open while its vault lacks keys."""
    redis = connect(settings)
    producer = make_producer(settings, heads=Heads(redis))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
        await redis.aclose()

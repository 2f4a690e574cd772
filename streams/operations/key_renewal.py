"""Encrypts stored secrets again under the key in force, so that a former key can be removed."""

from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar

from domain.access.key_rings import KeyPurpose, KeyRing, key_id
from schemas.people.staff import Account
from streams.installation import Installation
from streams.security import encryption
from streams.security.installation_keys import ring
from streams.security.vault import Vault
from streams.state.compacted_table import CompactedTable

Thing = TypeVar("Thing", bound=Any)


class Renewed(NamedTuple):
    """Numbers of secrets that are now encrypted under another key than before: `authenticators` of accounts,
    `webhooks`, `devices` that take push messages, `owners` of keys in the vault (0 without a vault).

    `waiting`: accounts that still have recovery codes under a former key. Hashes cannot be renewed: these accounts make
    new codes, or have used theirs up, before that key is removed.
    """

    authenticators: int
    webhooks: int
    devices: int
    owners: int
    waiting: int


async def renew_secrets(line: Installation) -> Renewed:
    """Encrypt every stored secret under its purpose's key in force, and return how many changed. Safe to repeat.

    Raises SettingsError if this process has no keys for second factors, delivery or the vault, UnreadableSecretError or
    VaultError if a secret is encrypted under a key that is not among them, and TimeoutError if Kafka or Redis does not
    answer within 8 s. Errors of Redis (also of the vault) pass through.
    """
    keys = ring(line.settings, KeyPurpose.SECOND_FACTOR)
    authenticators = 0
    for account in await line.staff.all():
        if account.totp and _renewed(account, keys) != account:
            await line.staff.change(account.login, lambda now, _: _renewed(now, keys))
            authenticators += 1
    push = line.outgoing.rosters.push
    return Renewed(
        authenticators,
        await _table(line.webhooks, line.webhooks.renewed),
        await _table(push, push.renewed),
        await _vault(line),
        sum(_waits(account, keys) for account in await line.staff.all()),
    )


async def _vault(line: Installation) -> int:
    if line.settings.vault is None:
        return 0
    async with aclosing(Vault(line.settings)) as vault:
        return await vault.rewrap()


def _renewed(account: Account, keys: KeyRing) -> Account:
    if account.totp is None:
        return account
    return account.model_copy(update={"totp": encryption.encrypted_anew(keys, encryption.AUTHENTICATORS, account.totp)})


def _waits(account: Account, keys: KeyRing) -> bool:
    return any(each.partition(":")[0] != key_id(keys.current) for each in account.recovery)


async def _table(table: CompactedTable[Thing], renewed: Any) -> int:  # noqa: ANN401 - Thing to Thing
    count = 0
    for each in await table.all():
        if renewed(each) != each:
            await table.change(each.id, lambda now: renewed(now))
            count += 1
    return count

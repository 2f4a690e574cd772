"""The vault: a separate Redis (QUANZU_VAULT) with an encryption key for each person and each record about a person.

The keys are neither in Kafka nor in its backups, so destroying a key here makes everything encrypted with it unreadable
everywhere. A lost vault makes the data of every person unreadable, so the vault must store each key durably
(appendfsync always), with a replica; its own backup copies must be overwritten after some days.

Each key is kept wrapped (encrypted) under the installation's key for the purpose `vault` (QUANZU_KEYS), so whoever has
only the vault's file, or a copy of it, can open nothing.

A vault has an identity, and the topic `vaults` names the vault that encrypts this installation's records. So a wrong
vault stops every worker, but lost keys of the right vault stop none: records under lost keys are skipped.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

from cryptography.exceptions import InvalidTag

from domain.access.ciphers import WRAPPED_BYTES, unwrap_key, wrap_key
from domain.access.key_rings import KeyPurpose, KeyRing, key_id
from streams.messaging.codec import CodecError
from streams.runtime.settings import Settings
from streams.security.installation_keys import ring
from streams.state.file_rewrite import rewrite
from streams.state.redis_client import client

KEY_BYTES = 32
# One script for a batch, because one command for each key would cost the client more than the encryption.
GET = """
local found = {}
for place, owner in ipairs(ARGV) do found[place] = redis.call('HGET', KEYS[place], owner) end
return found
"""
IDENTITY, IDENTITY_FIELD = "identity", "id"  # the hash that holds it, and its field
CHECK_FIELD = "wrapped"  # of the same hash: a value wrapped as the keys are, by which a process tests its own key
DESTROYED = b"destroyed "  # replaces a destroyed key; the time of its destruction follows
# Adds a copy's keys for each owner. A key destroyed in either vault stays destroyed. If both have a key, both are kept,
# because records may be encrypted under either.
TAKE_IN = f"""
local width = {WRAPPED_BYTES}
local taken = 0
for place, owner in ipairs(ARGV) do
  if place % 2 == 1 then
    local key, given = KEYS[(place + 1) / 2], ARGV[place + 1]
    local own = redis.call('HGET', key, owner)
    local kept = own or ''
    if string.sub(kept, 1, 10) ~= 'destroyed ' then
      if string.sub(given, 1, 10) == 'destroyed ' then
        kept = given
      else
        for at = 1, #given, width do
          local one, known = string.sub(given, at, at + width - 1), false
          for old = 1, #kept, width do known = known or string.sub(kept, old, old + width - 1) == one end
          if not known then kept = kept .. one end
        end
      end
    end
    if kept ~= own then
      redis.call('HSET', key, owner, kept)
      if string.sub(given, 1, 10) ~= 'destroyed ' then taken = taken + 1 end
    end
  end
end
return taken
"""
# Replaces the kept bytes of each owner if they are still those that were read: owner, read, new. Returns how many.
REPLACE = """
local replaced = 0
for place, key in ipairs(KEYS) do
  local owner, read, new = ARGV[place * 3 - 2], ARGV[place * 3 - 1], ARGV[place * 3]
  if redis.call('HGET', key, owner) == read then
    redis.call('HSET', key, owner, new)
    replaced = replaced + 1
  end
end
return replaced
"""
AT_ONCE = 500  # owners in one script
SPREAD = 1 << 20  # number of hashes: with tens of millions of keys, each is still small enough for Redis to pack


class VaultError(CodecError):
    """Encrypted data cannot be decrypted or written, because the vault is not the installation's or no vault is set."""


class Keys(NamedTuple):
    """Keys of a vault. `identity`: the vault's, None if it has none.

    `of`: owner -> its keys (32 bytes each), the key for encryption first; None if the owner's keys were destroyed,
    empty if it has none that opens. `shut`: the owners who have a key that does not open: it is damaged, or wrapped
    under a key that this process lacks.
    """

    identity: str | None
    of: dict[str, tuple[bytes, ...] | None]
    shut: frozenset[str]


class Vault:
    """The vault's keys by owner: a resident's id, or a topic and record id such as `calls/c…`."""

    def __init__(self, settings: Settings) -> None:
        """Prepare a client for the vault. Raises VaultError if the settings name no vault."""
        if settings.vault is None:
            raise VaultError("QUANZU_VAULT is not set: name the Redis that holds the keys of the people")
        self._redis: Any = client(settings.vault, settings.redis_login())
        self._ring = partial(ring, settings, KeyPurpose.VAULT)

    async def to_seal_under(self, found: Keys) -> dict[str, bytes | None]:
        """Return each owner's encryption key, None if it was destroyed. A key is created in the vault for an owner that
        has none.

        `found`: the result of `known`. Raises RedisError if the vault is unavailable, SettingsError if this process has
        no key for the purpose `vault`, and VaultError if an owner has keys and none of them opens.
        """
        keys = found.of
        if any(keys[owner] == () for owner in found.shut):
            raise _unopened()
        if missing := [owner for owner, each in keys.items() if each == ()]:
            async with self._redis.pipeline(transaction=False) as pipe:
                wrapping = self._ring().current
                for owner in missing:
                    made = wrap_key(wrapping, secrets.token_bytes(KEY_BYTES), owner.encode())
                    pipe.hsetnx(_place(owner), owner, made)  # of two writers, the first wins
                await pipe.execute()
            keys = keys | (await self.known(missing)).of
        return {owner: each[0] if each else None for owner, each in keys.items()}

    async def known(self, owners: Iterable[str]) -> Keys:
        """Return the keys of the given owners and the vault's identity, read with one command (see `Keys`). An owner
        may have several keys, or none (an empty tuple); None means that the keys were destroyed.

        Raises RedisError if the vault is unavailable, and SettingsError if an owner has a key, but this process has
        none for the purpose `vault`.
        """
        wanted = list(dict.fromkeys(owners))
        places, fields = [*map(_place, wanted), IDENTITY], [*wanted, IDENTITY_FIELD]
        # Read-only script: the console may read the identity but not write it.
        *found, identity = await self._redis.eval_ro(GET, len(places), *places, *fields)
        wrapping = self._ring() if any(found) else None
        keys = {owner: _unwrapped(wrapping, owner, kept) for owner, kept in zip(wanted, found, strict=True)}
        opened = {
            owner: None if each is None else tuple(key for key in each if key is not None)
            for owner, each in keys.items()
        }
        shut = frozenset(owner for owner, each in keys.items() if each and None in each)
        return Keys(identity.decode() if identity else None, opened, shut)

    async def check_wrapping(self) -> None:
        """Check that this process has the key under which this vault's keys are wrapped. Does nothing if it has, and in
        a vault that no worker has used yet.

        Raises VaultError if it does not have that key, SettingsError if it has no key for the purpose `vault` at all,
        and RedisError if the vault is unavailable.
        """
        kept: bytes | None = await self._redis.hget(IDENTITY, CHECK_FIELD)
        if kept is not None and _opened(self._ring(), IDENTITY, kept) is None:
            raise _unopened()

    async def needing(self, named: str) -> int:
        """Return how many owners have a key that none of this process's keys opens without the key `named` (its
        `key_id`) for the purpose `vault`: only that one opens it, or none does.

        Raises RedisError if the vault is unavailable, and SettingsError if this process has no key for the purpose.
        """
        left = KeyRing(tuple(key for key in self._ring().keys if key_id(key) != named))
        count = 0
        async for chunk in self._all():
            count += sum(None in (_unwrapped(left, owner, kept) or ()) for owner, kept in chunk)
        return count

    async def in_use(self, owners: Iterable[str]) -> dict[str, str]:
        """Return for each owner the name under which it has its key now, or gets it: the owner itself, or after keys
        were destroyed the first later generation of it without a destroyed key (`OWNER#2`, `OWNER#3`, …).

        Keys of earlier generations stay destroyed. Raises RedisError if the vault is unavailable, and SettingsError if
        an owner has a key, but this process has none for the purpose `vault`.
        """
        found: dict[str, str] = {}
        left, number = list(dict.fromkeys(owners)), 1
        while left:
            names = {owner: generation(owner, number) for owner in left}
            keys = (await self.known(names.values())).of
            found |= {owner: name for owner, name in names.items() if keys[name] is not None}
            left, number = [owner for owner in left if owner not in found], number + 1
        return found

    async def identity(self) -> str | None:
        """Return the vault's identity, or None if it has none. Raises RedisError if the vault is unavailable."""
        found: bytes | None = await self._redis.hget(IDENTITY, IDENTITY_FIELD)
        return found.decode() if found else None

    async def identified(self) -> str:
        """Return the vault's identity. A vault without one first gets a random identity (32 hexadecimal digits). Raises
        RedisError if the vault is unavailable, and SettingsError if this process has no key for the purpose `vault`.
        """
        made = secrets.token_hex(16)
        await self.become(made)
        return await self.identity() or made

    async def become(self, identity: str) -> bool:
        """Set the vault's identity if it has none. Returns True if the vault has this identity now, False if it has
        another one, which stays.

        Raises RedisError if the vault is unavailable, and SettingsError if this process has no key for the purpose
        `vault`.
        """
        await self._redis.hsetnx(IDENTITY, IDENTITY_FIELD, identity)
        await self._redis.hsetnx(IDENTITY, CHECK_FIELD, _check(self._ring()))
        return await self.identity() == identity

    async def take_in(self, copy: "Vault") -> int:
        """Add the keys of the vault `copy` to this vault's. Return the number of owners to whom a key was added.

        An owner whose keys were destroyed here gets none, even if an older copy still has them. Keys that were
        destroyed in `copy` are destroyed here too; their owners are not counted. A key that does not open is taken in
        as it is. Raises RedisError if one of the vaults is unavailable, and SettingsError if this process has no key
        for the purpose `vault`.
        """
        wrapping, taken = self._ring(), 0
        async for chunk in copy._all():
            given = [(owner, _rewrapped(wrapping, owner, kept)) for owner, kept in chunk]
            told = [part for each in given for part in each]
            taken += int(await self._redis.eval(TAKE_IN, len(given), *(_place(owner) for owner, _ in given), *told))
        return taken

    async def rewrap(self) -> int:
        """Wrap every key under the key in force for the purpose `vault`. Return the number of owners whose keys were
        wrapped anew, once their former wrapping is no longer on the vault's disk. A key that does not open stays as it
        is.

        Safe to repeat, also while others use the vault. Raises RedisError if the vault is unavailable, SettingsError if
        this process has no key for the purpose, and RewriteError if the vault cannot rewrite its file.
        """
        changed = 0
        while found := await self._rewrap_all():  # a pass may miss some if the vault fails over meanwhile
            changed += found
        await self._redis.hset(IDENTITY, CHECK_FIELD, _check(self._ring()))
        await self.rewritten()
        return changed

    async def destroy(self, owners: Iterable[str], at: datetime) -> None:
        """Destroy the owners' keys forever; return when they are no longer on the vault's disk.

        The time `at` is stored in place of the keys. Raises RedisError if the vault is unavailable, and RewriteError if
        it cannot rewrite its file: the keys are then destroyed in its memory only.
        """
        await self.mark_destroyed(owners, at)
        await self.rewritten()

    async def mark_destroyed(self, owners: Iterable[str], at: datetime) -> None:
        """Replace the owners' keys by the time `at`, in the order of `owners`; until `rewritten`, the vault's file
        still has them. Raises RedisError if the vault is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.hset(_place(owner), owner, DESTROYED + at.isoformat().encode())
            await pipe.execute()

    async def rewritten(self) -> None:
        """Have the vault rewrite its file, and return when destroyed keys are no longer on its disk.

        Raises RewriteError if it cannot, and RedisError if it is unavailable.
        """
        await rewrite(self._redis)

    async def aclose(self) -> None:
        """Close the connection to the vault."""
        await self._redis.aclose()

    async def _rewrap_all(self) -> int:
        wrapping, changed = self._ring(), 0
        async for chunk in self._all():
            new = [(owner, kept, _rewrapped(wrapping, owner, kept)) for owner, kept in chunk]
            if told := [each for each in new if each[1] != each[2]]:
                parts = [part for each in told for part in each]
                changed += int(await self._redis.eval(REPLACE, len(told), *(_place(each[0]) for each in told), *parts))
        return changed

    async def _all(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Yield all owners with the stored bytes of their keys, up to AT_ONCE at a time."""
        chunk: list[tuple[str, bytes]] = []
        async for place in self._redis.scan_iter(match="keys:*", count=1000):
            for owner, kept in (await self._redis.hgetall(place)).items():
                chunk.append((owner.decode(), kept))
                if len(chunk) == AT_ONCE:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk


def generation(owner: str, number: int) -> str:
    """Return the name of an owner's keys in this generation, from 1 on: the owner itself for 1, else `OWNER#number`."""
    return owner if number == 1 else f"{owner}#{number}"


def _place(owner: str) -> str:
    return f"keys:{crc32(owner.encode()) % SPREAD}"


def _rewrapped(wrapping: KeyRing, owner: str, kept: bytes) -> bytes:
    """Return the stored bytes of an owner's keys, each key that opens wrapped under the key in force."""
    if kept.startswith(DESTROYED):
        return kept
    new = []
    for part in _parts(kept):
        key = _opened(wrapping, owner, part)
        new.append(wrap_key(wrapping.current, key, owner.encode()) if key else part)
    return b"".join(dict.fromkeys(new))


def _unwrapped(wrapping: KeyRing | None, owner: str, kept: bytes | None) -> tuple[bytes | None, ...] | None:
    """Return an owner's keys from their stored bytes, None for a key that does not open: () if `kept` is None; None
    instead of all if the keys were destroyed.

    `wrapping` is None only if nothing is stored of any owner.
    """
    if kept is None or wrapping is None:
        return ()
    if kept.startswith(DESTROYED):
        return None
    return tuple(dict.fromkeys(_opened(wrapping, owner, part) for part in _parts(kept)))


def _parts(kept: bytes) -> list[bytes]:
    return [kept[at : at + WRAPPED_BYTES] for at in range(0, len(kept), WRAPPED_BYTES)]


def _opened(wrapping: KeyRing, owner: str, wrapped: bytes) -> bytes | None:
    for key in wrapping.keys:
        try:
            return unwrap_key(key, wrapped, owner.encode())
        except InvalidTag:
            continue
    return None


def _check(wrapping: KeyRing) -> bytes:
    """Return the value of CHECK_FIELD: 32 bytes that are no key of anybody."""
    return wrap_key(wrapping.current, bytes(KEY_BYTES), IDENTITY.encode())


def _unopened() -> VaultError:
    return VaultError(
        "the vault has a key that does not open: it was wrapped under a key that QUANZU_KEYS lacks (purpose vault), or "
        "is damaged. Bring that key back into the file of this component's keys, or take in a copy of the vault"
    )

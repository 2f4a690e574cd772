"""The vault: a separate Redis (QUANZU_VAULT) with an encryption key for each person and each record about a person.

The keys are neither in Kafka nor in its backups, so destroying a key here makes everything encrypted with it unreadable
everywhere. A lost vault makes the data of every person unreadable, so the vault must store each key durably
(appendfsync always), with a replica; its own backup copies must be overwritten after some days.

A vault has an identity, and the topic `vaults` names the vault that encrypts this installation's records. So a wrong
vault stops every worker, but lost keys of the right vault stop none: records under lost keys are skipped.
"""

import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from streams.messaging.codec import CodecError
from streams.runtime.settings import Settings
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
DESTROYED = b"destroyed "  # replaces a destroyed key; the time of its destruction follows
# Adds a copy's keys for each owner. A key destroyed in either vault stays destroyed. If both have a key, both are kept,
# because records may be encrypted under either.
TAKE_IN = """
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
        for at = 1, #given, 32 do
          local one, known = string.sub(given, at, at + 31), false
          for old = 1, #kept, 32 do known = known or string.sub(kept, old, old + 31) == one end
          if not known then kept = kept .. one end
        end
      end
    end
    if kept ~= own then
      redis.call('HSET', key, owner, kept)
      taken = taken + 1
    end
  end
end
return taken
"""
TAKEN_AT_ONCE = 500
SPREAD = 1 << 20  # number of hashes: with tens of millions of keys, each is still small enough for Redis to pack


class VaultError(CodecError):
    """Encrypted data cannot be decrypted or written, because the vault is not the installation's or no vault is set."""


class Keys(NamedTuple):
    """Keys of a vault. `identity`: the vault's, None if it has none.

    `of`: owner -> its keys, the key for encryption first; None if the owner's keys were destroyed, empty if it has
    none.
    """

    identity: str | None
    of: dict[str, tuple[bytes, ...] | None]


class Vault:
    """The vault's keys by owner: a resident's id, or a topic and record id such as `calls/c…`."""

    def __init__(self, settings: Settings) -> None:
        """Prepare a client for the vault. Raises VaultError if the settings name no vault."""
        if settings.vault is None:
            raise VaultError("QUANZU_VAULT is not set: name the Redis that holds the keys of the people")
        self._redis: Any = client(settings.vault, settings.redis_login())

    async def to_seal_under(self, found: Keys) -> dict[str, bytes | None]:
        """Return each owner's encryption key, None if it was destroyed. A key is created for an owner that has none.

        `found`: the result of `known`. Raises RedisError if the vault is unavailable.
        """
        keys = found.of
        if missing := [owner for owner, each in keys.items() if each == ()]:
            async with self._redis.pipeline(transaction=False) as pipe:
                for owner in missing:
                    pipe.hsetnx(_place(owner), owner, secrets.token_bytes(KEY_BYTES))  # of two writers, the first wins
                await pipe.execute()
            keys = keys | (await self.known(missing)).of
        return {owner: each[0] if each else None for owner, each in keys.items()}

    async def known(self, owners: Iterable[str]) -> Keys:
        """Return the keys of each owner and the vault's identity, read with one command. Raises RedisError if it is
        unavailable.
        """
        wanted = list(dict.fromkeys(owners))
        places, fields = [*map(_place, wanted), IDENTITY], [*wanted, IDENTITY_FIELD]
        # Read-only script: intake and the console may read the identity but not write it.
        *found, identity = await self._redis.eval_ro(GET, len(places), *places, *fields)
        keys = {owner: _parted(kept) for owner, kept in zip(wanted, found, strict=True)}
        return Keys(identity.decode() if identity else None, keys)

    async def identity(self) -> str | None:
        """Return the vault's identity, or None if it has none. Raises RedisError if the vault is unavailable."""
        found: bytes | None = await self._redis.hget(IDENTITY, IDENTITY_FIELD)
        return found.decode() if found else None

    async def identified(self) -> str:
        """Return the vault's identity. A vault without one first gets a random identity. Raises RedisError if it is
        unavailable.
        """
        made = secrets.token_hex(16)
        await self.become(made)
        return await self.identity() or made

    async def become(self, identity: str) -> bool:
        """Set the vault's identity if it has none. Return whether the vault has this identity now."""
        await self._redis.hsetnx(IDENTITY, IDENTITY_FIELD, identity)
        return await self.identity() == identity

    async def take_in(self, copy: "Vault") -> int:
        """Add the keys of the vault `copy` to this vault's. Return the number of owners for whom a key was added.

        An owner whose keys were destroyed here gets none, even if an older copy still has them.
        """
        taken, chunk = 0, list[tuple[str, bytes]]()
        async for each in copy._all():
            chunk.append(each)
            if len(chunk) == TAKEN_AT_ONCE:
                taken, chunk = taken + await self._take(chunk), []
        return taken + (await self._take(chunk) if chunk else 0)

    async def destroy(self, owners: Iterable[str], at: datetime) -> None:
        """Destroy the owners' keys forever; return when they are no longer on the vault's disk.

        The time `at` is stored in place of the keys. Raises RewriteError if the vault cannot rewrite its file.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.hset(_place(owner), owner, DESTROYED + at.isoformat().encode())
            await pipe.execute()
        await rewrite(self._redis)

    async def aclose(self) -> None:
        """Close the connection to the vault."""
        await self._redis.aclose()

    async def _all(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield each owner with the stored bytes of its keys."""
        async for place in self._redis.scan_iter(match="keys:*", count=1000):
            for owner, kept in (await self._redis.hgetall(place)).items():
                yield owner.decode(), kept

    async def _take(self, given: list[tuple[str, bytes]]) -> int:
        told = [part for each in given for part in each]
        return int(await self._redis.eval(TAKE_IN, len(given), *(_place(owner) for owner, _ in given), *told))


def _place(owner: str) -> str:
    return f"keys:{crc32(owner.encode()) % SPREAD}"


def _parted(kept: bytes | None) -> tuple[bytes, ...] | None:
    """Return an owner's keys from their concatenated bytes: () if `kept` is None, None if the keys were destroyed."""
    if kept is None:
        return ()
    if kept.startswith(DESTROYED):
        return None
    return tuple(kept[at : at + KEY_BYTES] for at in range(0, len(kept), KEY_BYTES))

"""The vault: a key for each person and each record that tells of one, in a Redis of its own (QUANZU_VAULT).

It is neither in Kafka nor in a backup of it, so a key that is destroyed here is destroyed everywhere, and what it has
sealed cannot be read any more. Who loses the vault loses every person: it must keep each key that it was given
(appendfsync always), with a replica, and a copy of its own that is overwritten after days.

A vault has an identity, and the topic `vaults` tells which one this installation's records were sealed by. So another
vault stops every worker, and keys that the right one has lost stop nobody: their records are passed over.
"""

import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from schemas.errors import UserError
from streams.runtime.settings import Settings
from streams.state.file_rewrite import rewrite
from streams.state.redis_client import client

KEY_BYTES = 32
# One command for a batch, each key in a hash of its own: as many commands cost the client more than sealing does.
GET = """
local found = {}
for place, owner in ipairs(ARGV) do found[place] = redis.call('HGET', KEYS[place], owner) end
return found
"""
IDENTITY, IDENTITY_FIELD = "identity", "id"  # the hash that holds it, and its field
DESTROYED = b"destroyed "  # in place of a key; when it was destroyed follows
# Of each owner the key that a copy has. A key that was destroyed in either stays destroyed. Where both have a key, both
# are kept: records were sealed under either.
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
SPREAD = 1 << 20  # hashes: with tens of millions of keys each is still one that Redis keeps packed


class VaultError(UserError, RuntimeError):
    """What is sealed cannot be opened: the vault is another than it was sealed by, or none is set."""


class Keys(NamedTuple):
    """What a vault has. `identity`: None when it has none.

    `of`: each owner's keys, the one to seal under first; None: they were destroyed; empty: there are none (any more).
    """

    identity: str | None
    of: dict[str, tuple[bytes, ...] | None]


class Vault:
    """The keys. An owner is a resident's id, or a topic and the name of a record: `calls/c…`."""

    def __init__(self, settings: Settings) -> None:
        """Raises VaultError when the settings name no vault."""
        if settings.vault is None:
            raise VaultError("QUANZU_VAULT is not set: name the Redis that holds the keys of the people")
        self._redis: Any = client(settings.vault, settings.redis_login())

    async def to_seal_under(self, found: Keys) -> dict[str, bytes | None]:
        """Return the key that each owner's records are sealed under, a new one for an owner that has none.

        `found`: what `known` returned. None: the owner's key was destroyed.
        """
        keys = found.of
        if missing := [owner for owner, each in keys.items() if each == ()]:
            async with self._redis.pipeline(transaction=False) as pipe:
                for owner in missing:
                    pipe.hsetnx(_place(owner), owner, secrets.token_bytes(KEY_BYTES))  # of two who make one, one wins
                await pipe.execute()
            keys = keys | (await self.known(missing)).of
        return {owner: each[0] if each else None for owner, each in keys.items()}

    async def known(self, owners: Iterable[str]) -> Keys:
        """Return each owner's keys, and the vault's identity: one command for all."""
        wanted = list(dict.fromkeys(owners))
        places, fields = [*map(_place, wanted), IDENTITY], [*wanted, IDENTITY_FIELD]
        # Read only: to intake and the console the identity is to be read, and no more.
        *found, identity = await self._redis.eval_ro(GET, len(places), *places, *fields)
        keys = {owner: _parted(kept) for owner, kept in zip(wanted, found, strict=True)}
        return Keys(identity.decode() if identity else None, keys)

    async def identity(self) -> str | None:
        """Return the vault's identity, or None when it has none."""
        found: bytes | None = await self._redis.hget(IDENTITY, IDENTITY_FIELD)
        return found.decode() if found else None

    async def identified(self) -> str:
        """Return the vault's identity; one that has none is given one, once and for all."""
        made = secrets.token_hex(16)
        await self.become(made)
        return await self.identity() or made

    async def become(self, identity: str) -> bool:
        """Take on an identity where there is none. Return whether the vault has it now."""
        await self._redis.hsetnx(IDENTITY, IDENTITY_FIELD, identity)
        return await self.identity() == identity

    async def take_in(self, copy: "Vault") -> int:
        """Take in the keys of a copy, beside those that are here. Returns of how many owners something was taken.

        Who was forgotten stays forgotten, also when the copy is older and still has the key.
        """
        taken, chunk = 0, list[tuple[str, bytes]]()
        async for each in copy._all():
            chunk.append(each)
            if len(chunk) == TAKEN_AT_ONCE:
                taken, chunk = taken + await self._take(chunk), []
        return taken + (await self._take(chunk) if chunk else 0)

    async def destroy(self, owners: Iterable[str], at: datetime) -> None:
        """Destroy keys for good; returns when they are on the vault's disk no more. That they were is kept."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.hset(_place(owner), owner, DESTROYED + at.isoformat().encode())
            await pipe.execute()
        await rewrite(self._redis)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _all(self) -> AsyncIterator[tuple[str, bytes]]:
        """Each owner, and what is kept of the owner's keys."""
        async for place in self._redis.scan_iter(match="keys:*", count=1000):
            for owner, kept in (await self._redis.hgetall(place)).items():
                yield owner.decode(), kept

    async def _take(self, given: list[tuple[str, bytes]]) -> int:
        told = [part for each in given for part in each]
        return int(await self._redis.eval(TAKE_IN, len(given), *(_place(owner) for owner, _ in given), *told))


def _place(owner: str) -> str:
    return f"keys:{crc32(owner.encode()) % SPREAD}"


def _parted(kept: bytes | None) -> tuple[bytes, ...] | None:
    """The keys of an owner, which stand one behind the other; None when they were destroyed."""
    if kept is None:
        return ()
    if kept.startswith(DESTROYED):
        return None
    return tuple(kept[at : at + KEY_BYTES] for at in range(0, len(kept), KEY_BYTES))

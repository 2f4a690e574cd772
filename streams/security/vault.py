"""The vault: a key for each person and each record that tells of one, in a Redis of its own (QUANZU_VAULT).

It is neither in Kafka nor in a backup of it, so a key that is destroyed here is destroyed everywhere, and what it has
sealed cannot be read any more. Who loses the vault loses every person: it must keep each key that it was given
(appendfsync always), with a replica, and a copy of its own that is overwritten after days.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any
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
SPREAD = 1 << 20  # hashes: with tens of millions of keys each is still one that Redis keeps packed


class VaultError(UserError, RuntimeError):
    """What is sealed cannot be opened: the vault is another than it was sealed by, or has lost keys; or none is set."""


class Vault:
    """The keys. An owner is a resident's id, or a topic and the name of a record: `calls/c…`."""

    def __init__(self, settings: Settings) -> None:
        """Raises VaultError when the settings name no vault."""
        if settings.vault is None:
            raise VaultError("QUANZU_VAULT is not set: name the Redis that holds the keys of the people")
        self._redis: Any = client(settings.vault, settings.redis_login())

    async def made(self, owners: Iterable[str]) -> dict[str, bytes | None]:
        """Each owner's key, a new one where there was none; None: it was destroyed."""
        found = await self._get(owners)
        if missing := [owner for owner, key in found.items() if key is None]:
            async with self._redis.pipeline(transaction=False) as pipe:
                for owner in missing:
                    pipe.hsetnx(_place(owner), owner, secrets.token_bytes(KEY_BYTES))  # of two who make one, one wins
                await pipe.execute()
            found |= await self._get(missing)
        return {owner: _whole(key) for owner, key in found.items()}

    async def known(self, owners: Iterable[str]) -> dict[str, bytes | None]:
        """Each owner's key; None: it was destroyed. Raises VaultError when the vault has never heard of one."""
        found = await self._get(owners)
        if unknown := [owner for owner, key in found.items() if key is None]:
            raise VaultError(
                f"the vault has no key for {unknown[0]}{f' and {len(unknown) - 1} more' if unknown[1:] else ''}, nor "
                "was it destroyed: QUANZU_VAULT names another vault than the records were sealed by, or it has lost "
                "keys. Name that one, or bring its copy back"
            )
        return {owner: _whole(key) for owner, key in found.items()}

    async def destroy(self, owners: Iterable[str], at: datetime) -> None:
        """Destroy keys for good; returns when they are on the vault's disk no more. That they were is kept."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.hset(_place(owner), owner, f"destroyed {at.isoformat()}")
            await pipe.execute()
        await rewrite(self._redis)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _get(self, owners: Iterable[str]) -> dict[str, bytes | None]:
        wanted = list(dict.fromkeys(owners))
        if not wanted:
            return {}
        keys = await self._redis.eval(GET, len(wanted), *map(_place, wanted), *wanted)
        return dict(zip(wanted, keys, strict=True))


def _place(owner: str) -> str:
    return f"keys:{crc32(owner.encode()) % SPREAD}"


def _whole(key: bytes | None) -> bytes | None:
    """The key; of one that was destroyed there are only words left, which are longer."""
    return key if key is not None and len(key) == KEY_BYTES else None

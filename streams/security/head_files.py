"""Writes the signed heads of the audit's chains as files into a folder on write-once storage."""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from redis.exceptions import RedisError

from domain.access.key_rings import KeyPurpose
from domain.access.signed_heads import signed
from schemas.administration.audit import Head
from streams.runtime.settings import Settings, SettingsError
from streams.runtime.tasks import wanted
from streams.security.audit_chains import Heads
from streams.security.installation_keys import ring

log = logging.getLogger(__name__)

EVERY_SECONDS = 600.0


async def signed_now(settings: Settings, heads: Heads, now: datetime) -> bytes:
    """Return the text with the present heads of all chains, signed (domain/access/signed_heads). Raises SettingsError
    if this process has no key for the purpose `audit-heads`. Errors of Redis pass through.
    """
    return _signed(settings, await heads.all(), now)


def _signed(settings: Settings, heads: list[Head], now: datetime) -> bytes:
    return signed(heads, settings.app_id, ring(settings, KeyPurpose.AUDIT_HEADS), now)


class HeadFiles:
    """Writes a file when a head has changed since the last one. A file is never changed or deleted, so the storage may
    refuse both.
    """

    def __init__(self, settings: Settings, heads: Heads, clock: Callable[[], datetime], folder: Path) -> None:
        """Raises SettingsError if `folder` is no folder that this process may write to. `clock`: returns the time."""
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(
                f"QUANZU_CONSOLE_AUDIT_HEADS = {folder}: it is no folder that this process may write to"
            )
        self._settings, self._heads, self._clock, self._folder = settings, heads, clock, folder
        self._kept: dict[str, int] = {}  # by chain: the number of its line in the last file

    async def run(self, seconds: float = EVERY_SECONDS) -> None:
        """Write until cancelled, at once and then every `seconds`. A failure is logged, and does not end it."""
        while wanted():
            try:
                await self.write()
            except (OSError, RedisError, SettingsError) as error:
                log.warning("the audit's heads were not written to %s: %s", self._folder, type(error).__name__)
            await asyncio.sleep(seconds)

    async def write(self) -> Path | None:
        """Write a file if a head has changed, and return it, else None. Raises OSError if it cannot be written, and
        SettingsError if this process has no key for the purpose `audit-heads`. Errors of Redis pass through.
        """
        heads, now = await self._heads.all(), self._clock()
        numbers = {head.chain: head.number for head in heads}
        if numbers == self._kept:
            return None
        name = f"audit-heads-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{token_hex(4)}.jsonl"  # no other console's
        made = await asyncio.to_thread(_write, self._folder / name, _signed(self._settings, heads, now))
        self._kept = numbers
        return made


def _write(path: Path, text: bytes) -> Path:
    """Write a new file to the disk. It gets its name at once and is never renamed: some write-once storage refuses
    that. So an interrupted one lacks its signature, and the next one has another name.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path

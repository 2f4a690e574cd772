"""Diagnosis of refused access to Redis: states the reason and the remedy."""

import asyncio
import ssl
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from streams.runtime.credentials import AccessError, authorities, denied
from streams.runtime.redis_address import Watched, watched
from streams.runtime.settings import Settings
from streams.runtime.tls import refusal

TLS = "Write QUANZU_REDIS as rediss://host:port/0 (or rediss+sentinel://...)"


async def admitted(settings: Settings, redis: "Redis") -> None:
    """Check that Redis grants access. Returns normally if it does, and also if it is unavailable, which is transient.

    Raises AccessError with the reason and the remedy if Redis refuses the login, denies this user a right, or TLS
    fails.
    """
    client: Any = redis
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        if (refused := denied(error)) is not None:
            raise refused from None
        if why := await asyncio.to_thread(_unspoken, settings):
            raise AccessError(why) from None


def _unspoken(settings: Settings) -> str | None:
    """Return why TLS fails with Redis or one of its Sentinels, or None."""
    url = str(settings.redis)
    context = _context(settings) if url.startswith("rediss") else None
    for host, port in _places(url):
        if why := refusal(host, port, context, "QUANZU_REDIS_CA", TLS):
            return f"Redis at {host}:{port}: {why}"
    return None


def _context(settings: Settings) -> ssl.SSLContext:
    return authorities("QUANZU_REDIS_CA", settings.redis_ca)


def _places(url: str) -> tuple[tuple[str, int], ...]:
    if watched(url):
        return Watched.parse(url).sentinels
    parts = urlsplit(url)
    return ((parts.hostname or "127.0.0.1", parts.port or 6379),)

"""A lease on what one worker does at a time, and goes on with while it lives."""

from typing import Any

from redis.asyncio import Redis


async def keep(redis: "Redis", name: str, token: str, milliseconds: int) -> bool:
    """Take the lease, or keep it; False when another has it."""
    client: Any = redis  # redis-py types a command's result as sync or async at once
    if await client.set(name, token, nx=True, px=milliseconds):
        return True
    if (await client.get(name) or b"").decode() != token:
        return False
    await client.pexpire(name, milliseconds)
    return True

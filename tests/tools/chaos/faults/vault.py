"""Faults of the vault: away for a while, by a death or a standstill; or without some of its keys."""

import asyncio
import signal
from random import Random
from typing import Any

from redis.asyncio import Redis

from tests.tools.chaos.faults.base import KILL_SECONDS, REAL, Fault
from tests.tools.chaos.stage import Stage, send


async def away(stage: Stage, chance: Random) -> None:
    """Killed and started again, or stopped and let go on: meanwhile nobody can seal or open anything."""
    vault = stage.servers.vault
    if vault is None:
        raise TypeError("this round has no vault")
    if chance.random() < 0.5:
        await asyncio.to_thread(vault.kill)
        await asyncio.sleep(chance.uniform(0.1, 2.0))
        await asyncio.to_thread(vault.start)
        return
    pid = vault.process.pid
    send(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(chance.uniform(0.5, 3.0))
    finally:
        send(pid, signal.SIGCONT)


async def lost_keys(stage: Stage, chance: Random) -> None:
    """Some residents' keys are gone for good: what was sealed under them is put aside, and new keys are made.

    A worker stands still till then, so that inputs and dispatches wait which do not open any more.
    """
    assert stage.servers.vault is not None
    client: Any = Redis.from_url(stage.servers.vault.url)
    async with client:
        chosen = await _some(client, chance)
        pid = chance.choice(stage.running.workers.pids)
        send(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(chance.uniform(0.5, 2.0))
            stage.keyless |= {owner.decode() for _, owner in chosen}
            await _piped(client, "hdel", chosen)
        finally:
            send(pid, signal.SIGCONT)


async def _some(client: Any, chance: Random) -> list[tuple[bytes, bytes]]:  # noqa: ANN401 - redis-py's is sync or async
    """Some residents, and where the key of each lies."""
    places = [place async for place in client.scan_iter(match="keys:*", count=1000)]
    owners = await _piped(client, "hkeys", [(place,) for place in places])
    residents = [
        (place, owner) for place, each in zip(places, owners, strict=True) for owner in each if b"/" not in owner
    ]
    return chance.sample(residents, len(residents) // SHARE_LOST)


async def _piped(client: Any, command: str, each: list[Any]) -> list[Any]:  # noqa: ANN401 - as above
    async with client.pipeline(transaction=False) as pipe:
        for arguments in each:
            pipe.execute_command(command, *arguments)
        return list(await pipe.execute())


SHARE_LOST = 4  # one of so many
FAULTS = (
    Fault("vault_away", "vault", away, KILL_SECONDS, outage=True, houses=REAL),
    Fault("vault_lost_keys", "vault", lost_keys, KILL_SECONDS, houses=REAL, early=True),
)

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
    """Some residents' keys are gone for good.

    It is drawn for no round. A worker that meets a record which does not open ends, as the runbook says, until the
    vault's copy is back: so everybody waits for these residents. And who writes about them meanwhile makes new keys,
    under which nothing opens that was sealed before.
    """
    vault = stage.servers.vault
    assert vault is not None
    client: Any = Redis.from_url(vault.url)
    async with client:
        places = [place async for place in client.scan_iter(match="keys:*")]
        owners = [(place, owner) for place in places for owner in await client.hkeys(place)]
        residents = [each for each in owners if b"/" not in each[1]]
        for place, owner in chance.sample(residents, len(residents) // SHARE_LOST):
            await client.hdel(place, owner)


SHARE_LOST = 4  # one of so many
FAULTS = (
    Fault("vault_away", "vault", away, KILL_SECONDS, outage=True, houses=REAL),
    Fault("vault_lost_keys", "vault", lost_keys, KILL_SECONDS, houses=REAL, drawn=False),
)

"""A fault of the vault: away for a while, by a death or a standstill. What it was given it still has."""

import asyncio
import signal
from random import Random

from tests.chaos.faults.base import KILL_SECONDS, REAL, Fault
from tests.chaos.stage import Stage, send


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


FAULTS = (Fault("vault_away", "vault", away, KILL_SECONDS, outage=True, houses=REAL),)

"""Faults of the machine: a clock that steps, and a disk that is full."""

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.tools.chaos.faults.base import KILL_SECONDS, Fault, Strike
from tests.tools.chaos.houses import House
from tests.tools.chaos.stage import Stage

MEGABYTE = bytes(1 << 20)


def _step(sign: int) -> Strike:
    async def strike(stage: Stage, chance: Random) -> None:
        """The clock of one worker steps by some seconds: minutes of the province. Its other clocks run on.

        A time server sets it right again: a worker that starts on such a machine waits until then.
        """
        assert stage.clock is not None
        try:
            stage.clock.set(sign * chance.uniform(1.0, 30.0))
            await asyncio.sleep(chance.uniform(3.0, 10.0))
        finally:
            stage.clock.set(0)

    return strike


async def disk_full(stage: Stage, chance: Random) -> None:
    """Not a byte more goes into the data folder, for some seconds."""
    filler = stage.servers.folder / "filler"
    try:
        _fill(filler)
        await asyncio.sleep(chance.uniform(1.0, 3.0))
    finally:
        filler.unlink()


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(MEGABYTE):
            pass


CLOCK = ("clock_steps_forward", "clock_steps_back")
FAULTS = (
    Fault("clock_steps_forward", "clock", _step(+1)),
    Fault("clock_steps_back", "clock", _step(-1)),
    Fault("disk_full", "disk", disk_full, KILL_SECONDS, outage=True, houses=frozenset({House.EMBEDDED})),
)

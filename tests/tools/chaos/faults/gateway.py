"""Faults of the SMS gateway and its carrier. A round that has one sends its text messages through them."""

import asyncio
from random import Random

from tests.tools.chaos.faults.base import KILL_SECONDS, REAL, Fault, Strike
from tests.tools.chaos.gateway import SmsGateway
from tests.tools.chaos.stage import Stage
from tests.tools.servers.process import Process

GROUP = "gateway"
AWAY = (0.0, 2.0)  # seconds until it is started again
SECONDS = (1.0, 5.0)  # how long the others last


def _gateway(stage: Stage) -> SmsGateway:
    if stage.gateway is None:
        raise TypeError("this round has no SMS gateway")
    return stage.gateway


async def gateway_killed(stage: Stage, chance: Random) -> None:
    """kill -9 of the gateway, also while messages are on their way; then it is started again."""
    await _killed(_gateway(stage).gateway, chance)
    await _gateway(stage).ready()


async def carrier_killed(stage: Stage, chance: Random) -> None:
    """The same of its carrier."""
    await _killed(_gateway(stage).carrier, chance)
    await _gateway(stage).ready()


async def _killed(process: Process, chance: Random) -> None:
    await asyncio.to_thread(process.kill)
    await asyncio.sleep(chance.uniform(*AWAY))
    await asyncio.to_thread(process.start)


def _cut(name: str) -> Strike:
    """A strike that cuts a connection of the gateway's, or passes nothing more on it, for some seconds."""

    async def strike(stage: Stage, chance: Random) -> None:
        proxy = getattr(_gateway(stage), name)
        await asyncio.to_thread(chance.choice([proxy.cut, proxy.stall]))
        try:
            await asyncio.sleep(chance.uniform(*SECONDS))
        finally:
            await asyncio.to_thread(proxy.heal)

    return strike


def _marked(name: str) -> Strike:
    """A strike that lets the carrier behave otherwise for some seconds (see Smsc.java)."""

    async def strike(stage: Stage, chance: Random) -> None:
        mark = _gateway(stage).mark(name)
        await asyncio.to_thread(mark.touch)
        try:
            await asyncio.sleep(chance.uniform(*SECONDS))
        finally:
            await asyncio.to_thread(mark.unlink, missing_ok=True)  # two such strokes may overlap

    return strike


FAULTS = (
    Fault("gateway_killed", GROUP, gateway_killed, KILL_SECONDS, houses=REAL),
    Fault("gateway_carrier_killed", GROUP, carrier_killed, KILL_SECONDS, houses=REAL),
    Fault("gateway_cut_off", GROUP, _cut("before_gateway"), KILL_SECONDS, houses=REAL),
    Fault("gateway_cut_from_carrier", GROUP, _cut("before_carrier"), KILL_SECONDS, houses=REAL),
    Fault("gateway_reports_nothing", GROUP, _cut("before_receipts"), KILL_SECONDS, houses=REAL),
    Fault("gateway_carrier_slow", GROUP, _marked("slow"), KILL_SECONDS, houses=REAL),
    Fault("gateway_carrier_throttles", GROUP, _marked("throttle"), KILL_SECONDS, houses=REAL),
    Fault("gateway_carrier_takes_then_fails", GROUP, _marked("fails"), KILL_SECONDS, houses=REAL),
)

"""Faults of the voice gateway and its trunk. A round that has one sends its automated calls through them."""

import asyncio
from random import Random

from tests.tools.chaos.faults.base import KILL_SECONDS, REAL, Fault, Strike
from tests.tools.chaos.stage import Stage
from tests.tools.chaos.voice.gateway import VoiceGateway

GROUP = "voice"
AWAY = (0.0, 2.0)  # seconds until it is started again
SECONDS = (1.0, 5.0)  # how long the others last


def _voice(stage: Stage) -> VoiceGateway:
    if stage.voice is None:
        raise TypeError("this round has no voice gateway")
    return stage.voice


async def voice_gateway_killed(stage: Stage, chance: Random) -> None:
    """kill -9 of the gateway, also in the middle of calls; then it is started again. sipp ends when its connection is
    reset: the trunk is started again at once.
    """
    voice = _voice(stage)
    await asyncio.to_thread(voice.gateway.kill)
    await asyncio.to_thread(voice.trunk.kill)
    await asyncio.to_thread(voice.trunk.start)
    await asyncio.sleep(chance.uniform(*AWAY))
    await asyncio.to_thread(voice.gateway.start)
    await voice.ready()


async def trunk_killed(stage: Stage, chance: Random) -> None:
    """The same of its trunk: calls in progress end without a word."""
    voice = _voice(stage)
    await asyncio.to_thread(voice.trunk.kill)
    await asyncio.sleep(chance.uniform(*AWAY))
    await asyncio.to_thread(voice.trunk.start)
    await voice.ready()


async def trunk_busy(stage: Stage, chance: Random) -> None:
    """The trunk is killed, and one that refuses every call as busy stands in for it for some seconds."""
    voice = _voice(stage)
    await asyncio.to_thread(voice.trunk.kill)
    try:
        await asyncio.to_thread(voice.busy_trunk.start)
        await asyncio.sleep(chance.uniform(*SECONDS))
    finally:
        await asyncio.to_thread(voice.busy_trunk.kill)
        await asyncio.to_thread(voice.trunk.start)
    await voice.ready()


def _cut(name: str) -> Strike:
    """A strike that cuts a connection of the gateway's, or passes nothing more on it, for some seconds. A trunk that
    has ended because of it is started again.
    """

    async def strike(stage: Stage, chance: Random) -> None:
        voice = _voice(stage)
        proxy = getattr(voice, name)
        await asyncio.to_thread(chance.choice([proxy.cut, proxy.stall]))
        try:
            await asyncio.sleep(chance.uniform(*SECONDS))
        finally:
            await asyncio.to_thread(proxy.heal)
            await asyncio.to_thread(voice.trunk.start)

    return strike


FAULTS = (
    Fault("voice_gateway_killed", GROUP, voice_gateway_killed, KILL_SECONDS, houses=REAL),
    Fault("voice_trunk_killed", GROUP, trunk_killed, KILL_SECONDS, houses=REAL),
    Fault("voice_trunk_busy", GROUP, trunk_busy, KILL_SECONDS, houses=REAL),
    Fault("voice_trunk_cut_off", GROUP, _cut("before_trunk"), KILL_SECONDS, houses=REAL),
    Fault("voice_gateway_cut_off", GROUP, _cut("before_gateway"), KILL_SECONDS, houses=REAL),
    Fault("voice_gateway_reports_nothing", GROUP, _cut("before_receipts"), KILL_SECONDS, houses=REAL),
)

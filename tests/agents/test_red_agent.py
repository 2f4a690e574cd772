"""Red goes past everything that waits for the same provider."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.dispatch import channel_of
from agents.sms import SmsProvider
from schemas.casework.events import Dispatch
from schemas.levels import Level
from streams.casework.journal import dispatch_record
from streams.messaging import topics
from streams.runtime.settings import Settings
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import dispatch_for

WORKER = Path(__file__).with_name("channel_worker.py")
WAITING = 70  # more than a channel has slots for, and than one of a red worker's batches


def start(rig: Rig) -> subprocess.Popen[bytes]:
    told = {"PYTHONPATH": str(WORKER.parents[2]), "QUANZU_CLOCK": str(rig.clock)}
    patient = {"QUANZU_PROVIDER_SECONDS": "60"}
    environment = {**os.environ, **rig.settings.environment(), **told, **patient}
    return subprocess.Popen([sys.executable, str(WORKER)], env=environment)


async def decided(rig: Rig, level: Level) -> Dispatch:
    return await rig.decided(dispatch_for((await rig.resident()).id, level=level), level=level)


def sent(rig: Rig, dispatch: Dispatch) -> bool:
    return any(contact.dispatch == dispatch.id for contact in rig.providers.carrier.book)


async def test_a_gateway_that_is_slow_with_blue_messages_does_not_hold_a_red_one(settings: Settings) -> None:
    async with rigged(settings, seconds=60) as rig:
        await rig.fault(rig.providers.carrier_url, "hang", seconds=60, times=rig.channels.channel_concurrency)
        outgoing = await rig.worker()
        channel = channel_of(SmsProvider(outgoing), outgoing)
        blue = [await decided(rig, Level.BLUE) for _ in range(WAITING)]
        waiting = asyncio.create_task(channel.carry(blue))
        await until(lambda: not rig.providers.carrier.faults)  # every slot has a message that hangs
        red = await decided(rig, Level.RED)
        async with asyncio.timeout(5):
            await channel.carry([red])
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert [contact.dispatch for contact in rig.providers.carrier.book] == [red.id]


@pytest.mark.parametrize("level", [Level.RED, Level.BLUE])
async def test_a_message_does_not_wait_for_an_earlier_one_that_hangs(settings: Settings, level: Level) -> None:
    topics.create(settings, [topics.DISPATCHES_RED, topics.DISPATCHES_SMS, topics.DEAD_LETTERS])
    async with rigged(settings, seconds=60) as rig:
        await rig.fault(rig.providers.carrier_url, "hang", seconds=60)
        first, second = await decided(rig, level), await decided(rig, level)
        process = start(rig)
        try:
            await rig.producer.send_all([dispatch_record(0, first)])
            await until(lambda: not rig.providers.carrier.faults, 30)
            await rig.producer.send_all([dispatch_record(0, second)])
            await until(lambda: sent(rig, second))
        finally:
            process.kill()
            process.wait(20)
        assert not sent(rig, first)


def test_red_dispatches_of_every_channel_go_to_one_topic_and_others_to_their_channels() -> None:
    red, blue = dispatch_for("r" + "a" * 16), dispatch_for("r" + "a" * 16, level=Level.BLUE)
    assert dispatch_record(0, red).topic == "dispatches.red"
    assert dispatch_record(0, blue).topic == "dispatches.sms"

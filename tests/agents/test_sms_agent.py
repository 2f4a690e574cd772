"""The agent whole: from the topic of dispatches to the carrier and back to the case's inputs, each once."""

import os
import subprocess
import sys
from pathlib import Path

from schemas.casework.events import Dispatch
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.runtime.settings import Settings
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import dispatch_for

WORKER = Path(__file__).with_name("channel_worker.py")


def start(rig: Rig) -> subprocess.Popen[bytes]:
    told = {"PYTHONPATH": str(WORKER.parents[2]), "QUANZU_CLOCK": str(rig.clock)}
    return subprocess.Popen([sys.executable, str(WORKER)], env={**os.environ, **rig.settings.environment(), **told})


def record(dispatch: Dispatch) -> Record:
    return Record(topics.DISPATCHES_SMS.name, dispatch.resident.encode(), dispatch.model_dump_json().encode())


async def test_an_agent_carries_each_dispatch_out_once_and_sets_aside_what_it_cannot_read(settings: Settings) -> None:
    topics.create(settings, [topics.DISPATCHES_SMS, topics.DISPATCHES_RED, topics.DEAD_LETTERS])
    async with rigged(settings) as rig:
        dispatches = [await rig.decided(dispatch_for((await rig.resident()).id)) for _ in range(5)]
        records = [record(dispatch) for dispatch in dispatches]
        unreadable = Record(topics.DISPATCHES_SMS.name, records[0].key, b"{}")
        await rig.producer.send_all([records[0], unreadable, *records])
        process = start(rig)
        try:
            await until(lambda: len(rig.providers.carrier.book) >= 5, 30)

            async def reported() -> bool:
                return all([await rig.results(each.resident) for each in dispatches])

            await until(reported)
        finally:
            process.terminate()
            process.wait(20)
        assert sorted(contact.dispatch for contact in rig.providers.carrier.book) == sorted(d.id for d in dispatches)
        assert [await rig.results(each.resident) for each in dispatches] == [["sent"]] * 5
        letters = [letter async for letter in read_all(rig.settings, topics.DEAD_LETTERS.name)]
        assert any(letter.key == topics.DISPATCHES_SMS.name.encode() for letter in letters)

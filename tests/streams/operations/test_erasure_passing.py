"""An erasure waits until screening and casework have passed what came before, and not without end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Record
from streams.messaging.topics import home
from streams.operations.erasure_passing import until_passed
from streams.state.case_store import CaseStore
from streams.state.keys import key
from streams.state.server_identity import current_run
from tests.streams.screening.screening_line import ANNA, BERT, BULK, Line, packed, running, sms

SOON, LONG = 0.5, 30.0


async def test_what_is_not_screened_or_not_decided_is_waited_for_but_not_without_end(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        await line.screen([sms(BERT)])
        assert await passed(line, LONG)
        raws = await line.write(packed(sms(BERT, "s2")))
        assert not await passed(line, SOON)
        await line.screening.lanes.screen(BULK, raws)
        where = home(ANNA, line.settings.partitions)
        await line.producer.send_all([Record(topics.CASE_INPUTS.name, b"", b"{}", where)])
        assert not await passed(line, SOON)
        last = (await end_offsets(line.settings, topics.CASE_INPUTS.name))[where] - 1
        stands = {"offset": last, "policy": "", "run": await current_run(line.redis)}
        await line.redis.hset(key("state", where), mapping=stands)  # as casework does
        assert await passed(line, LONG)


async def passed(line: Line, seconds: float) -> bool:
    installation: Any = SimpleNamespace(
        settings=line.settings, screening=line.screening.state, store=CaseStore(line.redis)
    )
    return await until_passed(installation, [ANNA], seconds)

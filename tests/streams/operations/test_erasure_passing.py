"""An erasure waits until screening and casework have passed what came before, and not without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Record
from streams.messaging.topics import home
from streams.operations.erasure_passing import until_passed
from streams.state.case_store import CaseStore
from streams.state.keys import key, milliseconds
from streams.state.server_identity import current_run
from tests.streams.screening.screening_line import ANNA, BERT, BULK, NOW, Line, packed, running, sms

SOON, LONG = 0.5, 30.0


async def test_what_is_not_screened_or_not_decided_is_waited_for_but_not_without_end(tmp_path: Path) -> None:
    async with running(tmp_path) as line, reassessing(line):
        await line.screen([sms(BERT)])
        assert await passed(line, LONG)
        raws = await line.write(packed(sms(BERT, "s2")))
        assert not await passed(line, SOON)
        await line.screening.lanes.screen(BULK, raws)
        where = home(ANNA, line.settings.partitions)
        await line.producer.send_all([Record(topics.CASE_INPUTS.name, b"", b"{}", where)])
        assert not await passed(line, SOON)
        last = (await end_offsets(line.settings, topics.CASE_INPUTS.name))[where] - 1
        stands: dict[str, str | int] = {"offset": last, "run": await current_run(line.redis)}
        await line.redis.hset(key("state", where), mapping=stands)  # as casework does
        assert await passed(line, LONG)


async def test_an_alert_of_a_danger_that_has_grown_without_a_signal_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that publishes it has looked whether the person is erased, and Kafka is slow."""
    async with running(tmp_path) as line:
        real, publishes, goes_on = line.screening.publish_alerts, asyncio.Event(), asyncio.Event()
        where = home(ANNA, line.settings.partitions)
        await line.redis.zadd(key("rescore", where), {ANNA: milliseconds(NOW)})

        async def slow(*given: Any) -> None:  # noqa: ANN401 - as publish_alerts takes them
            publishes.set()
            await goes_on.wait()
            await real(*given)

        monkeypatch.setattr(line.screening, "publish_alerts", slow)
        async with reassessing(line):
            await publishes.wait()
            await line.residents.erase([ANNA])
            await line.screening.state.evidence.erase(ANNA)
            assert not await passed(line, SOON)
            goes_on.set()
            assert await passed(line, LONG)
        assert not await line.redis.zcard(key("rescore", where))


@asynccontextmanager
async def reassessing(line: Line) -> AsyncIterator[None]:
    """A worker looks who is to be assessed again, as it does in each partition, one after the other."""

    async def looks() -> None:
        while True:
            for partition in range(line.settings.partitions):
                await line.screening.rescore(partition, line.screening.clock.now())
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(looks())
    yield
    looking.cancel()


async def passed(line: Line, seconds: float) -> bool:
    installation: Any = SimpleNamespace(
        settings=line.settings,
        screening=line.screening.state,
        store=CaseStore(line.redis),
        redis=line.redis,
        clock=line.screening.clock,
    )
    return await until_passed(installation, [ANNA], seconds)

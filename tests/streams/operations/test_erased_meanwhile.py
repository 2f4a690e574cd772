"""A person is erased while a worker that has found them stands still: it leaves nothing about them."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from schemas.people.residents import ResidentId
from streams.messaging.topics import home
from streams.screening.steps import QUICK_SECONDS
from streams.state.keys import key
from streams.state.shared_state import Shared
from tests.streams.screening.screening_line import ANNA, Line, call, running, sms


def erased_during(monkeypatch: pytest.MonkeyPatch, line: Line, step: str, owner: object) -> None:
    """Anna is erased while this step of the line's worker stands still, for longer than the erasure waits."""
    real, gone = getattr(owner, step), set[ResidentId]()

    async def slow(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - any step
        if not gone:
            gone.add(ANNA)
            await line.residents.erase([ANNA])
            await asyncio.sleep(2 * QUICK_SECONDS)
            await line.screening.state.evidence.erase(ANNA)  # the erasure ends
        return await real(*args, **more)

    async def forgotten(ids: Iterable[ResidentId]) -> list[ResidentId]:
        return [each for each in ids if each in gone]

    monkeypatch.setattr(line.residents, "forgotten", forgotten)
    monkeypatch.setattr(owner, step, slow)


@pytest.mark.parametrize("step", ["evidence", "alert", "last alert"])
async def test_a_worker_that_stood_still_leaves_nothing_about_a_person_who_was_erased_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        store, worker = line.screening.state.evidence, line.screening
        name, owner = {
            "evidence": ("add", store),
            "alert": ("publish_alerts", worker),
            "last alert": ("remember", store),
        }[step]
        erased_during(monkeypatch, line, name, owner)
        await line.screen([call(), sms()])
        where = home(ANNA, line.settings.partitions)
        assert await line.evidence() == {}
        assert not await line.redis.hexists(key("alerted", where), ANNA)
        assert await line.redis.zscore(key("rescore", where), ANNA) is None
        assert bool(await line.levels()) is (step == "last alert")  # then the alert was sent before


async def test_evidence_about_everybody_else_stays_although_the_worker_stood_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        real = line.screening.state.evidence.add

        async def slow(*args: Any) -> Any:  # noqa: ANN401 - as add
            await asyncio.sleep(2 * QUICK_SECONDS)
            return await real(*args)

        monkeypatch.setattr(line.screening.state.evidence, "add", slow)
        await line.screen([call(), sms()])
        assert await line.levels()
        assert await line.evidence()

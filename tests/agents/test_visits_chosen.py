"""Who goes is chosen among very many officers; the worker goes on with other things meanwhile."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from domain.visits.officers import Choice, choosing
from simulators.demo.run import in_background
from streams.repositories import rosters
from streams.runtime.settings import Settings
from tests.agents.test_visits_to_one_address import book, household, send, visit


async def test_after_some_officers_it_is_the_turn_of_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seen = [0], list[int]()

    async def other() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    def of_many(*about: Any) -> Iterator[Choice | None]:  # noqa: ANN401 - as it is asked
        *_, chosen = choosing(*about)
        for _ in range(2 * rosters.AT_ONCE):
            seen.append(turns[0])
            yield chosen

    monkeypatch.setattr(rosters, "choosing", of_many)
    async with household(settings, count=1) as (rig, (one,)), in_background(other()):
        await send(rig, visit(one))
        assert [action for action, _ in book(rig)] == ["visit"]
    first, second = seen[: rosters.AT_ONCE], seen[rosters.AT_ONCE :]
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] < second[0]

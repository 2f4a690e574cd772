"""Who goes is chosen among very many officers; the worker goes on with other things meanwhile."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from domain.policy.visits import VisitRules
from domain.visits.officers import Choice, choosing
from schemas.people.rosters import Officer, Role, Roster, Shift
from simulators.demo.run import in_background
from streams.messaging.producer import Producer, Record
from streams.repositories import rosters
from streams.runtime.settings import Settings
from tests.agents.test_visits_to_one_address import book, household, send, visit
from tests.dispatched import NOW

HOUR = timedelta(hours=1)


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


class _WaitingProducer:
    """Sends records of the rosters only once `goes_on` is set. `asked`: it was to send one."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def send_all(self, records: Sequence[Record]) -> None:
        self.asked.set()
        await self.goes_on.wait()
        await self._producer.send_all(records)

    async def send_corrected(self, records: Sequence[Record], _: object) -> None:
        await self.send_all(records)


async def test_two_workers_do_not_give_one_officer_more_visits_than_the_limit(settings: Settings) -> None:
    rules = VisitRules().model_copy(update={"most": 1, "ahead": 1})
    async with household(settings, count=3) as (rig, people):
        waiting = _WaitingProducer(rig.producer)
        slow = rosters.Rosters(rig.settings, rig.redis, cast("Producer", waiting))
        quick = rosters.Rosters(rig.settings, rig.redis, rig.producer)
        shift, names = [Shift(start=NOW - HOUR, end=NOW + 8 * HOUR)], {f"officer-{uuid4().hex}" for _ in range(2)}
        known = {"name": "某警官", "role": Role.OFFICER, "division": "220102001", "shifts": shift}
        await quick.put(Roster(station="s", officers=[Officer(id=name, **known) for name in names]))
        asked = [rosters.Asked(visit(each), each.language, rules) for each in people]
        first = asyncio.create_task(slow.assign(asked[0], NOW))
        await waiting.asked.wait()
        second = asyncio.create_task(quick.assign(asked[1], NOW))
        await asyncio.wait([second], timeout=0.5)  # it has to wait for the first, which is under way
        waiting.goes_on.set()
        given = [await first, await second]
        assert {each[0].officer for each in given if isinstance(each, tuple)} == names
        assert await quick.assign(asked[2], NOW) is None

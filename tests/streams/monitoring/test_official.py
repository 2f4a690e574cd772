"""The official form as Redis has it: the sums of all partitions, and the same after a rebuild."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.payments.books import fold_books
from domain.statistics.official import Row, form
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import BankState
from schemas.levels import Level
from streams.monitoring.official import official_form
from streams.runtime.settings import Settings
from streams.state.case_store import CaseStore
from streams.state.store_update import StoreUpdate
from tests.domain.builders import Line, event, payment

DATABASE, DAY = 9, date(2026, 3, 2)
PARTITIONS = range(2)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """An empty Redis of this file's own."""
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as client:
        await client.flushdb()
        yield client


def told(resident: str, amount: int) -> list[CaseEvent]:
    """The journal of a case whose money is stopped and then frozen."""
    line = Line()
    line.alert(Level.RED, payment())
    for state in (BankState.IN_FORCE, BankState.FROZEN):
        line.bank(state, amount=amount)
    cases = [decision.case for decision in line.decisions if decision.case is not None]
    found = {case.version: _as_of(case, resident) for case in cases}
    return [event(case, version) for version, case in sorted(found.items())]


def _as_of(case: Case, resident: str) -> Case:
    return case.model_copy(update={"resident": resident, "id": f"{resident}-1"})


async def commit(store: CaseStore, partition: int, events: list[CaseEvent]) -> None:
    """Store each version of a case, as casework does."""
    before = None
    for each in events:
        change = StoreUpdate()
        change.case(before, each.case)
        assert await store.commit(partition, None, None, change)
        before = each.case


async def test_the_form_adds_up_all_partitions_and_equals_the_journals_fold(redis: Any) -> None:  # noqa: ANN401
    store, journal = CaseStore(redis), []
    for partition, resident, amount in ((0, f"r{'b' * 16}", 700_000), (1, f"r{'c' * 16}", 200_000)):
        events = told(resident, amount)
        await commit(store, partition, events)
        journal += events
    found = await official_form(redis, PARTITIONS, DAY)
    assert found == form(DAY, fold_books(journal))
    frozen = next(each for each in found.rows if each.row is Row.FROZEN_BY_BANK)
    assert [each.now for each in frozen.figures] == [900_000] * 3
    assert next(each for each in found.rows if each.row is Row.STOPPED).standing == 0


async def test_an_installation_without_cases_has_a_form_of_zeros(redis: Any) -> None:  # noqa: ANN401
    found = await official_form(redis, PARTITIONS, DAY)
    assert {figure for each in found.rows for figure in each.figures} == {(0, 0)}

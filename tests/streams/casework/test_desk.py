"""The desk: one operator a case, the best case first."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.policy import Policy
from schemas.casework.acts import ClaimAct
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport, input_adapter
from schemas.levels import Level
from schemas.risk.signals import TransferState
from streams.casework.claims import LOOKED_AT, CaseClaims
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import CaseStore, connect
from streams.state.store_update import StoreUpdate
from tests.domain.builders import NOON, Line, payment


def waiting(letter: str, level: Level = Level.RED, amount: int = 1_000_000) -> Case:
    """A case whose operator call is on the desk."""
    line = Line()
    line.alert(level, payment(amount=amount, state=TransferState.PENDING))
    line.pass_to(timedelta(minutes=2))
    resident = "r" + letter * 16
    return line.here.model_copy(update={"resident": resident, "id": f"{resident}-1"})


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[CaseClaims]:
    topics.create(settings)
    redis = connect(settings)
    await redis.flushdb()
    producer = make_producer(settings)
    await producer.start()
    yield CaseClaims(settings, CaseStore(redis), producer, Policies(settings, redis, producer), Clock(1.0, 0.0, NOON))
    await producer.stop()
    await redis.aclose()


async def put(desk: CaseClaims, settings: Settings, *cases: Case) -> None:
    for case in cases:
        change = StoreUpdate()
        change.case(None, case)
        partition = topics.partition_of(case.resident.encode(), settings.partitions)
        assert await desk._store.commit(partition, None, None, change)


async def test_two_operators_never_get_the_same_case_and_the_best_comes_first(
    desk: CaseClaims, settings: Settings
) -> None:
    large, small = waiting("a", amount=9_000_000), waiting("b")
    await put(desk, settings, small, large)
    first, second, third = [await desk.next(name) for name in ("li", "wang", "zhao")]
    assert [case and case.id for case in (first, second, third)] == [large.id, small.id, None]


async def test_a_case_behind_more_than_are_looked_at_is_found_while_others_have_those(
    desk: CaseClaims, settings: Settings
) -> None:
    *others, last = [waiting(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
    single = settings.model_copy(update={"partitions": 1})
    desk._settings = single
    await put(desk, single, *others, last)
    assert [await desk.take(case.id, "somebody") for case in others] == [True] * 25
    assert len(others) > LOOKED_AT
    assert [case and case.id for case in (await desk.next("li"), await desk.next("wang"))] == [last.id, None]


async def test_a_later_case_is_found_if_others_claim_all_of_the_first_ones_meanwhile(
    desk: CaseClaims, settings: Settings
) -> None:
    *others, last = [waiting(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
    single = settings.model_copy(update={"partitions": 1})

    class SlowPolicies(Policies):
        async def live(self) -> Policy:
            for case in others:
                await desk.take(case.id, "somebody")
            return await super().live()

    desk._settings = single
    desk._policies = SlowPolicies(single, desk._redis, desk._producer)
    await put(desk, single, *others, last)
    assert [case and case.id for case in (await desk.next("li"), await desk.next("wang"))] == [last.id, None]


async def test_a_case_given_back_is_free_again_and_each_claim_is_an_input(desk: CaseClaims, settings: Settings) -> None:
    case = waiting("c")
    await put(desk, settings, case)
    assert await desk.next("li")
    await desk.release(case.id)
    assert await desk.next("wang")
    claims = [given async for given in _inputs(settings, case)]
    assert [(claim.by, claim.act) for claim in claims] == [
        ("li", ClaimAct(do="claim")),
        ("wang", ClaimAct(do="claim")),
    ]


async def _inputs(settings: Settings, case: Case) -> AsyncIterator[OperatorReport]:
    async for record in read_all(settings, topics.CASE_INPUTS.name):
        given = input_adapter.validate_json(record.value or b"")
        if isinstance(given, OperatorReport) and given.case == case.id:
            yield given


async def test_a_lease_is_kept_and_given_back_by_its_holder_alone(desk: CaseClaims, settings: Settings) -> None:
    case = waiting("d")
    await put(desk, settings, case)
    assert await desk.take(case.id, "li")
    assert not await desk.take(case.id, "li"), "taking anew is not keeping"
    assert await desk.keep(case.id, "li")
    assert not await desk.keep(case.id, "wang")
    await desk.release(case.id, "wang")
    assert await desk.leased([case.id]) == [True]
    await desk.release(case.id, "li")
    assert await desk.leased([case.id, "raaaaaaaaaaaaaaaa-9"]) == [False, False]


async def test_a_lease_that_is_not_kept_runs_out_and_one_that_is_kept_begins_anew(
    desk: CaseClaims, settings: Settings
) -> None:
    case = waiting("e")
    await put(desk, settings, case)
    desk.lease = timedelta(milliseconds=200)
    assert await desk.take(case.id, "li")
    desk.lease = timedelta(minutes=10)
    assert await desk.keep(case.id, "li")
    assert await desk._redis.pttl(desk._lease(case.id)) > 200
    desk.lease = timedelta(milliseconds=1)
    assert await desk.keep(case.id, "li")
    while await desk.leased([case.id]) == [True]:
        pass
    assert await desk.take(case.id, "wang")

"""The page of `quanzu doctor --now`: each trouble in words, the worst first, also when a server is away."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.casework import Rules, decide
from domain.policy import Policy
from schemas.casework.inputs import ContactResult, Hold
from schemas.codes.channels import ProviderSaid
from schemas.levels import Action, Level, Result
from schemas.risk import evidence
from schemas.risk.fan_outs import PayersRequest, RequestState
from schemas.risk.feeds import Silence
from streams.casework.auditor.heartbeat import Beats
from streams.casework.failover import PartitionOwners
from streams.intake.drain_gate import Drain
from streams.intake.feeds.book import FeedStore
from streams.messaging import case_inputs, topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer
from streams.monitoring.status.checks import _tried, status_page
from streams.monitoring.status.line import ProcessingChecks
from streams.monitoring.status.page import Page, Trouble, danger, missed
from streams.monitoring.status.watchers import WatcherChecks
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.security.vault import VaultError
from streams.state.case_store import CaseStore
from streams.state.keys import DRAINING, key
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.domain.builders import NOON, alert

DATABASE, PARTITION = 13, 0


@dataclass
class Ward:
    """An installation without a worker, its clock at noon."""

    settings: Settings
    redis: Any
    store: CaseStore
    producer: Producer
    policy: Policy

    async def red(self, result: Result | None = None) -> str:
        """A red case, whose first message had a result."""
        rules = Rules(self.policy)
        decision = decide(None, alert(Level.RED), rules, NOON)
        if result and (case := decision.case):
            out = decision.dispatches[0]
            told = ContactResult(
                id=f"{out.id}:{result}",
                at=NOON,
                resident=case.resident,
                case=case.id,
                dispatch=out.id,
                step=out.step,
                attempt=1,
                action=out.action,
                result=result,
            )
            decision = decide(case, told, rules, NOON)
        assert decision.case is not None
        change = StoreUpdate()
        change.case(None, decision.case)
        assert await self.store.commit(PARTITION, -1, None, change)
        return decision.case.id

    def line(self, after: timedelta = timedelta(0)) -> ProcessingChecks:
        return ProcessingChecks(self.settings, self.redis, Clock.starting(1, NOON + after))

    @property
    def watchers(self) -> WatcherChecks:
        return WatcherChecks(self.settings, self.redis, Clock.starting(1, NOON))


async def names(looked: AsyncIterator[Any]) -> list[str]:
    return [trouble.name async for trouble in looked]


async def words(looked: AsyncIterator[Any]) -> str:
    return "\n".join([trouble.what async for trouble in looked])


@pytest.fixture
async def ward(settings: Settings) -> AsyncIterator[Ward]:
    topics.create(settings)
    own = settings.model_copy(update={"redis": f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    producer = make_producer(own)
    await producer.start()
    async with Redis.from_url(str(own.redis), protocol=3) as redis:
        await redis.flushdb()
        store = CaseStore(redis)
        policy = await Policies(own, redis, producer).default()
        for partition in range(own.partitions):
            standing = StoreUpdate()
            standing.standing(PartitionRules(-1, policy.hash))
            assert await store.commit(partition, None, -1, standing)
        yield Ward(own, redis, store, producer, policy)
    await producer.stop()


def test_the_worst_comes_first_and_what_nobody_is_missed_by_ends_well() -> None:
    page = Page.of([danger("b", "a copy lags", "wait"), missed("a", "no worker runs", "start one")])
    assert [trouble.name for trouble in page.troubles] == ["a", "b"]
    assert page.missed
    assert page.answer == "Somebody may not be warned now, for 1 reason:"
    assert not Page.of([danger("b", "a copy lags", "wait")]).missed
    assert Page([]).answer == "Nobody is being missed."


async def test_partitions_without_a_worker_are_named_and_owned_ones_are_not(ward: Ward) -> None:
    assert "no worker runs" in await words(ward.line().workers())
    await PartitionOwners(ward.settings, ward.redis).heartbeat([0, 1, 2])
    assert "partitions 3 have no worker" in await words(ward.line().workers())
    await ward.redis.delete(key("state", 2))
    assert "not-in-store" in await names(ward.line().workers())


async def test_deadlines_that_passed_are_told_with_their_levels_and_how_old_they_are(ward: Ward) -> None:
    await ward.red(Result.SENT)
    assert await names(ward.line().people()) == []
    told = await words(ward.line(timedelta(minutes=11)).people())
    assert "deadlines are overdue (" in told
    assert "red), the oldest for 10 min" in told


async def test_a_red_case_that_no_carrier_took_is_named(ward: Ward) -> None:
    case = await ward.red(Result.FAILED)
    assert f"red cases past the clock of their first contact: 1 ({case})" in await words(ward.line().people())


async def test_a_hold_says_by_whom_until_when_and_whether_red_is_spared(ward: Ward) -> None:
    until = NOON + timedelta(hours=2)
    hold = Hold(id="h1", until=until, reason="a wrong template", by="supervisor-1", spare_red=True)
    change = StoreUpdate()
    change.standing(PartitionRules(-1, ward.policy.hash, (hold,)))
    assert await ward.store.commit(PARTITION, -1, None, change)
    told = await words(ward.line().people())
    assert "hold h1 by supervisor-1 (a wrong template) until" in told
    assert "of all outgoing contact, red spared; 0 steps are held back" in told


async def test_a_silent_feed_a_drain_and_a_missing_auditor_are_told(ward: Ward) -> None:
    silence = Silence(source="bank-a", since=NOON, expected=40, at=NOON, words="bank-a has sent nothing for 6 min")
    await FeedStore(ward.redis, "").raised(silence)
    assert "bank-a has sent nothing for 6 min" in await words(ward.watchers.feeds())
    await ward.redis.set(DRAINING, Drain(at=NOON, by="li", reason="servers are exchanged").model_dump_json())
    assert "closed since 2026" in (told := await words(ward.watchers.drain()))
    assert "by li: servers are exchanged" in told
    assert await names(ward.watchers.auditor()) == ["auditor-silent"]
    for partition in range(ward.settings.partitions):
        await Beats(ward.redis).write_heartbeat(partition, await Beats(ward.redis).now(), cases=1, seconds=1, open=0)
    assert await names(ward.watchers.auditor()) == []


async def test_a_stored_drain_that_is_invalid_is_told_without_its_text_and_hides_no_other_trouble(ward: Ward) -> None:
    await ward.redis.set(DRAINING, '{"at": "never", "by": "13900000001"}')
    page = await status_page(ward.settings)
    (told,) = [each for each in page.troubles if "Drain" in each.what]
    assert "the look at drain was cut short" in told.what
    assert "13900000001" not in told.what
    assert any(each.name != told.name for each in page.troubles)


async def test_payers_who_wait_for_a_decision_are_told(ward: Ward) -> None:
    entry = evidence.WatchEntry(
        subject="account:mule", standing=evidence.WatchStatus.CONFIRMED, at=NOON, uid="police:w"
    )
    asked = PayersRequest(id="p1", entry=entry, source="police", at=NOON - timedelta(hours=1), payments=1_200)
    await ward.redis.hset(topics.PAYERS_REQUESTS.name, "p1", asked.model_dump_json())
    assert "1 suspects wait for a decision: who made 1,200 earlier payments" in await words(ward.watchers.payers())
    answered = asked.model_copy(update={"state": RequestState.REFUSED})
    await ward.redis.hset(topics.PAYERS_REQUESTS.name, "p1", answered.model_dump_json())
    assert await names(ward.watchers.payers()) == []


async def test_an_auditor_whose_machine_has_another_time_is_told(ward: Ward) -> None:
    now = await Beats(ward.redis).now()
    for partition in range(ward.settings.partitions):
        await Beats(ward.redis).write_heartbeat(partition, now + 90, cases=1, seconds=1, open=0)
    assert "clocks differ from Redis's: +90.0 s" in await words(ward.watchers.auditor())


async def test_a_channel_whose_provider_fails_is_told_with_the_reason(ward: Ward) -> None:
    end = (await end_offsets(ward.settings, topics.CASE_INPUTS.name))[PARTITION]
    results = [_failed(number, end, Action.SMS, "the gateway answers 500") for number in range(400)]
    results += [_failed(number, end, Action.VISIT, "nobody on duty can go") for number in range(400, 500)]
    await ward.producer.send_all([case_inputs.record(each, PARTITION) for each in results])
    told = {trouble.what.partition(":")[0]: trouble async for trouble in ward.watchers.channels()}
    assert "contacts failed (the gateway answers 500)" in told["sms"].what
    assert "gateway there, and its address right" in told["sms"].do
    assert "contacts failed (nobody on duty can go)" in told["visit"].what
    assert "anybody on duty" in told["visit"].do


async def test_without_redis_and_kafka_the_page_says_so_and_nothing_else(ward: Ward) -> None:
    port = free_port()
    away = {"kafka": f"127.0.0.1:{port}", "redis": f"redis://127.0.0.1:{port}/0"}
    page = await status_page(ward.settings.model_copy(update=away))
    assert [trouble.name for trouble in page.troubles] == ["kafka-away", "redis-away"]


async def test_a_check_that_the_vault_refuses_is_told_with_what_to_do_and_what_it_found_before() -> None:
    async def letters() -> AsyncIterator[Trouble]:
        yield danger("before", "found before", "wait")
        raise VaultError("this vault is another installation's. Set QUANZU_VAULT to the right one")

    before, refused = await _tried(letters)
    assert (before.name, refused.name) == ("before", "not-seen")
    assert "letters was cut short (VaultError)" in refused.what
    assert "Set QUANZU_VAULT" in refused.do


async def test_a_check_that_reads_an_invalid_value_is_told_without_the_value() -> None:
    async def clocks() -> AsyncIterator[Trouble]:
        yield danger("before", "found before", "wait")
        float("secret")

    before, refused = await _tried(clocks)
    assert (before.name, refused.name) == ("before", "not-seen")
    assert "a stored value is invalid" in refused.what
    assert "secret" not in refused.what + refused.do


async def test_without_kafka_what_redis_tells_is_told(ward: Ward) -> None:
    page = await status_page(ward.settings.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"}))
    assert [trouble.name for trouble in page.troubles] == ["kafka-away", "no-worker", "auditor-silent"]
    assert page.as_json()["missed"] is True


def _failed(number: int, end: int, action: Action, why: str) -> ContactResult:
    resident = f"r{'a' * 16}"
    return ContactResult(
        id=f"test-now-{end}-{number}",
        at=datetime.fromisoformat("2026-03-01T00:00:00+00:00"),
        resident=resident,
        case=f"{resident}-1",
        dispatch=f"{resident}-1:red.{action}:1:{action}",
        step=f"red.{action}",
        attempt=1,
        action=action,
        result=Result.FAILED,
        why=ProviderSaid(why),
    )

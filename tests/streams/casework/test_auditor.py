"""The auditor on a real store: what is taken away by hand is found, put back behind the fence, and reported."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.casework import Rules, decide
from domain.casework.audit import Kind
from domain.identity.identifiers import new_resident_id
from domain.policy import Policy
from schemas.administration.audit import AuditEntry
from schemas.casework.cases import Case, StepState
from schemas.casework.inputs import input_adapter
from schemas.levels import Level
from streams.casework.auditor.auditor import Auditor
from streams.casework.auditor.heartbeat import Beats
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer
from streams.messaging.reader import read_all, read_range
from streams.repositories.policies import Policies
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import CaseStore
from streams.state.keys import key, milliseconds
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.domain.builders import NOON, alert

PARTITION, DATABASE, OFFSET = 0, 11, 7


@dataclass
class Desk:
    """An auditor, its store, and time that is moved by hand."""

    settings: Settings
    redis: Any
    store: CaseStore
    producer: Producer
    policy: Policy
    wall: list[float] = field(default_factory=lambda: [1000.0])
    began: dict[str, int] = field(default_factory=dict)

    def auditor(self, at: Clock | None = None) -> Auditor:
        policies = Policies(self.settings, self.redis, self.producer)
        clock = at or Clock.starting(1, NOON)
        return Auditor(self.settings, self.redis, self.store, self.producer, policies, clock, lambda: self.wall[0])

    async def walks(self, auditor: Auditor, seconds: int = 12) -> None:
        """Let so many seconds of the auditor's pass, a tenth at a time."""
        for _ in range(10 * seconds):
            await auditor.walk({PARTITION})
            self.wall[0] += 0.1

    async def keep(self, case: Case) -> None:
        change = StoreUpdate()
        change.case(None, case)
        assert await self.store.commit(PARTITION, OFFSET, None, change)

    async def told(self) -> list[AuditEntry]:
        """What was reported since the test began."""
        entries = [record async for record in read_all(self.settings, topics.AUDIT.name)]
        fresh = [record.value for record in entries if record.offset >= self.began["audit"]]
        return [AuditEntry.model_validate_json(value) for value in fresh if value]

    async def inputs(self) -> list[Any]:
        name = topics.CASE_INPUTS.name
        end = (await end_offsets(self.settings, name))[PARTITION]
        records = read_range(self.settings, name, PARTITION, self.began["inputs"], end - 1)
        return [input_adapter.validate_json(record.value or b"") async for record in records]


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        policy = await Policies(settings, redis, producer).default()
        store = CaseStore(redis)
        standing = StoreUpdate()
        standing.standing(PartitionRules(OFFSET, policy.hash))
        assert await store.commit(PARTITION, None, OFFSET, standing)
        made = Desk(settings, redis, store, producer, policy)
        made.began["audit"] = (await end_offsets(settings, topics.AUDIT.name))[0]
        made.began["inputs"] = (await end_offsets(settings, topics.CASE_INPUTS.name))[PARTITION]
        yield made
    await producer.stop()


def new_case(desk: Desk, number: int, level: Level = Level.RED) -> Case:
    given = alert(level).model_copy(update={"resident": new_resident_id(number.to_bytes(10))})
    found = decide(None, given, Rules(desk.policy), NOON).case
    assert found is not None
    return found


async def test_nothing_is_found_where_nothing_is_wrong(desk: Desk) -> None:
    for number in range(250):
        await desk.keep(new_case(desk, number, list(Level)[number % 4]))
    await desk.walks(desk.auditor())
    assert await desk.told() == []
    assert await desk.inputs() == []
    beat = (await Beats(desk.redis).read([PARTITION]))[0]
    assert beat.cases == 250
    assert beat.age is not None


async def test_a_deadline_taken_away_by_hand_is_put_back_and_reported_by_the_cases_id_alone(desk: Desk) -> None:
    case = new_case(desk, 1)
    await desk.keep(case)
    member = f"{case.id}|red.call"
    due = await desk.redis.zscore(key("deadlines", PARTITION), member)
    await desk.redis.zrem(key("deadlines", PARTITION), member)
    await desk.walks(desk.auditor())
    assert await desk.redis.zscore(key("deadlines", PARTITION), member) == due
    told = await desk.told()
    assert [(each.act, each.on, each.by) for each in told] == [("audit-deadline-missing", case.id, "auditor")]


async def test_a_deadline_of_no_case_is_taken_away(desk: Desk) -> None:
    gone = f"{new_resident_id(bytes(10))}-1|red.sms"
    await desk.redis.zadd(key("deadlines", PARTITION), {gone: milliseconds(NOON + timedelta(days=1))})
    await desk.walks(desk.auditor())
    assert await desk.redis.zscore(key("deadlines", PARTITION), gone) is None
    assert [each.act for each in await desk.told()] == ["audit-deadline-stray"]


async def test_a_red_case_to_which_nothing_would_happen_any_more_gets_an_officer(desk: Desk) -> None:
    case = new_case(desk, 2).model_copy(update={"steps": []})
    await desk.keep(case)
    await desk.walks(desk.auditor())
    given = await desk.inputs()
    assert {each.id for each in given} == {f"audit:{case.id}:{case.version}"}
    decision = decide(case, given[0], Rules(desk.policy), NOON)
    assert [dispatch.action.value for dispatch in decision.dispatches] == ["visit"]


async def test_a_deadline_that_nobody_acts_on_becomes_an_input_again_under_its_own_id(desk: Desk) -> None:
    case = new_case(desk, 3)
    await desk.keep(case)
    clock = Clock.starting(1, NOON + timedelta(minutes=3))
    await desk.walks(desk.auditor(clock), seconds=24)
    names = {each.id for each in await desk.inputs()}
    waiting = [step for step in case.steps if step.state in (StepState.PENDING, StepState.SENT) and step.due]
    late = [step for step in waiting if step.due and step.due < NOON + timedelta(minutes=2, seconds=45)]
    assert names == {f"d:{case.id}:{step.id}:{milliseconds(step.due)}" for step in late if step.due}
    kinds = {each.act for each in await desk.told()}
    assert kinds == {"audit-overdue", "audit-result-overdue"}


async def test_what_is_late_for_a_moment_only_is_not_reported(desk: Desk) -> None:
    await desk.keep(new_case(desk, 4))
    await desk.walks(desk.auditor(Clock.starting(1, NOON + timedelta(minutes=3))), seconds=1)
    assert await desk.told() == []


async def test_a_partition_that_moved_on_meanwhile_is_not_written_to(desk: Desk) -> None:
    case = new_case(desk, 5)
    await desk.keep(case)
    auditor = desk.auditor()
    await desk.redis.zrem(key("deadlines", PARTITION), f"{case.id}|red.call")
    look = await auditor._reader.read_case(PARTITION, case.resident)
    assert look is not None
    assert look.offset == OFFSET
    assert await desk.store.commit(PARTITION, OFFSET, OFFSET + 1, StoreUpdate())
    policy = await auditor._policy(desk.policy.hash)
    assert policy is not None
    findings = auditor._examined(look.case, look, policy)
    assert [each.kind for each in findings] == [Kind.DEADLINE_MISSING]
    assert not await auditor._mender.repair(PARTITION, OFFSET, look.case, findings, NOON)
    assert await desk.redis.zscore(key("deadlines", PARTITION), f"{case.id}|red.call") is None


async def test_a_partition_that_is_being_built_is_left_alone(desk: Desk) -> None:
    case = new_case(desk, 6)
    await desk.keep(case)
    await desk.redis.zrem(key("deadlines", PARTITION), f"{case.id}|red.call")
    await desk.redis.hset(key("state", PARTITION), "end", OFFSET + 5)
    await desk.walks(desk.auditor())
    assert await desk.told() == []


async def test_a_partition_whose_auditor_fell_silent_is_taken_over_by_another(desk: Desk) -> None:
    first, second = desk.auditor(), desk.auditor()
    await first.walk({PARTITION})
    await second.walk(set())
    assert PARTITION not in second._rounds
    await desk.redis.hset(key("audited", PARTITION), "at", 0)
    await desk.redis.delete(key("auditing", PARTITION))
    desk.wall[0] += 2
    await second.walk(set())
    assert PARTITION in second._rounds


async def test_an_auditor_audits_all_its_partitions_but_those_that_another_has_leased(desk: Desk) -> None:
    mine = {0, 1, 2, 3}
    await desk.redis.set(key("auditing", 2), "another worker", px=60_000)
    auditor = desk.auditor()
    await auditor.walk(mine)
    assert set(auditor._rounds) == {0, 1, 3}
    beats = await Beats(desk.redis).read(sorted(mine))
    assert [beat.partition for beat in beats if beat.age is not None] == [0, 1, 3]


async def test_the_heartbeats_of_other_workers_partitions_are_read_every_two_seconds_only(desk: Desk) -> None:
    auditor = desk.auditor()
    await auditor.walk({PARTITION})
    before = await _reads(desk.redis)
    for _ in range(4):
        await auditor.walk({PARTITION})
        desk.wall[0] += 0.5
    assert await _reads(desk.redis) == before
    await auditor.walk({PARTITION})
    assert await _reads(desk.redis) == before + desk.settings.partitions - 1


async def _reads(redis: "Redis") -> int:
    """How often heartbeats were read."""
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_hgetall", {"calls": 0})["calls"])

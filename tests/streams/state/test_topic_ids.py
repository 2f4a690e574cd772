"""A topic that was made anew is known by its id, however far it has grown since."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
import pytest_asyncio

from streams.casework import journal
from streams.casework.applied import AppliedInputs
from streams.casework.steps import CaseworkContext
from streams.casework.upkeep import Upkeep
from streams.channels.provider import Kind
from streams.messaging import topics
from streams.messaging.kafka_client import admin
from streams.messaging.record import Raw
from streams.runtime.settings import Settings
from streams.state import partition_state
from streams.state.case_store import CaseStore, connect
from streams.state.keys import TOPIC_IDS, key
from streams.state.partition_state import AheadError, TopicIds
from tests.streams.casework.outliving import entered, house, somebody
from tests.streams.screening.screening_line import BULK, call, packed, running, sms

REMADE = replace(topics.PLACES, name="remade")


def make_anew(settings: Settings, topic: topics.Topic) -> None:
    with admin(settings) as client:
        client.delete_topics([topic.name])
    topics.create(settings, [topic])


@pytest_asyncio.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    client: Any = connect(settings)
    await client.delete(TOPIC_IDS)
    yield client
    await client.delete(TOPIC_IDS)
    await client.aclose()


async def test_a_topic_that_was_made_anew_is_refused_until_it_is_taken_as_the_new_one(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
) -> None:
    topics.create(settings, [REMADE])
    ids = TopicIds(settings, redis)
    await ids.check(REMADE.name, [0])
    await ids.check(REMADE.name, [0])
    make_anew(settings, REMADE)
    with pytest.raises(AheadError, match=r"remade was made anew.*copy.*Then, in any case"):
        await ids.check(REMADE.name, [0])
    await ids.renew(REMADE.name, 0)
    await ids.check(REMADE.name, [0])


async def test_nothing_is_checked_of_a_broker_that_gives_no_ids(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none(_: Settings, names: Sequence[str]) -> dict[str, str]:
        return {}

    await redis.hset(TOPIC_IDS, f"{REMADE.name}/0", "another")
    monkeypatch.setattr(partition_state, "ids_by_topic", none)
    await TopicIds(settings, redis).check(REMADE.name, [0])


async def test_records_of_a_topic_that_was_made_anew_are_not_passed_over_though_it_has_outgrown_the_store(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as line:
        await line.screen([call()])
        make_anew(line.settings, topics.SIGNALS)
        values = [packed(sms(uid=f"s{number}")) for number in range(3)]
        await line.write(*values)
        with pytest.raises(AheadError, match="signals was made anew"):
            await line.screening.lanes.screen(BULK, [Raw(0, values[0])])
        with pytest.raises(AheadError, match="signals was made anew"):  # a worker that has just started
            await line.another().lanes.catch_up([BULK])


class Asked:
    """Kafka's answer to who asks for ids: of each topic the latest one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ids = ["the first"]
        monkeypatch.setattr(partition_state, "ids_by_topic", self.of)

    async def of(self, _: Settings, names: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(names, self.ids[-1])


def upkeep_of(settings: Settings, redis: Any) -> Upkeep:  # noqa: ANN401 - as redis-py has it
    policies = Mock(default=AsyncMock())
    store = CaseStore(redis)
    applied = AppliedInputs(settings, store)
    context = CaseworkContext(settings, store, Mock(), policies, Mock(), Mock(), applied, lease_seconds=1.0)
    return Upkeep(context, Mock(end=AsyncMock(return_value=9)), AsyncMock())


async def test_inputs_of_a_topic_that_was_made_anew_are_not_taken_for_applied_though_it_has_outgrown_the_store(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, upkeep = Asked(monkeypatch), upkeep_of(settings, redis)
    await upkeep.check_log_end(0, 5)  # an input came again
    asked.ids.append("the second")
    with pytest.raises(AheadError, match="case-inputs was made anew"):
        await upkeep.check_log_end(0, 5)
    with pytest.raises(AheadError, match="case-inputs was made anew"):  # a worker that has just started
        await upkeep.learn_applied([0])


async def test_a_rebuild_that_is_interrupted_leaves_the_other_partitions_refused(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, upkeep, marked = Asked(monkeypatch), upkeep_of(settings, redis), AsyncMock()
    for partition in (0, 1):
        await redis.hset(key("state", partition), "offset", 5)
        await upkeep.check_log_end(partition, 5)
    asked.ids.append("the second")
    monkeypatch.setattr(journal, "begin_anew", marked)
    await upkeep.begin_anew(0)  # and then the command is interrupted
    await upkeep.check_log_end(0, 5)
    assert not await redis.exists(key("state", 0))  # a worker would find it lost, not at an offset of the topic before
    with pytest.raises(AheadError, match="case-inputs was made anew"):
        await upkeep.check_log_end(1, 5)
    assert await redis.hget(key("state", 1), "offset") == b"5"
    await redis.delete(key("state", 1))


async def test_a_redis_that_forgets_the_id_while_it_is_compared_is_not_taken_for_one_with_another_id(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another primary takes over after the id was stored in the one before, which had not handed it on."""
    Asked(monkeypatch)
    stored = redis.hsetnx

    async def then_lost(*arguments: str) -> int:
        answer: int = await stored(*arguments)
        await redis.delete(TOPIC_IDS)
        return answer

    monkeypatch.setattr(redis, "hsetnx", then_lost)
    await TopicIds(settings, redis).check(REMADE.name, [0])


async def test_inputs_of_a_topic_that_was_made_anew_are_not_taken_for_applied_though_redis_was_lost_too(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, Kind.ASKABLE) as province:
        dead = await province.worker()
        here = [name for number in range(1, 60) if topics.home(name := somebody(number), 2) == 0]
        await dead.line.residents.put(entered(here[:4]))
        await dead.watch()
        await dead.alert(here[0])
        await dead.apply()
        make_anew(province.settings, topics.CASE_INPUTS)
        await dead.line.redis.flushall()
        worker = await province.worker()
        for name in here[1:4]:
            await worker.alert(name)
        for _ in range(2):
            with pytest.raises(AheadError, match="case-inputs was made anew"):
                await worker.watch()
        await worker.stages.casework.upkeep.begin_anew(0)
        await worker.watch()
        assert set(here[:4]) <= (await worker.cases()).keys()
        await worker.alert(here[4])
        await worker.line.redis.flushall()
        await worker.watch()  # the journal now names the new topic
        assert set(here[:5]) <= (await worker.cases()).keys()


async def test_signals_of_a_topic_that_was_made_anew_are_counted_though_redis_was_lost_too(tmp_path: Path) -> None:
    """Kafka deletes what the workers' group has committed together with the topic."""
    async with running(tmp_path) as line:
        await line.screen([call()])
        make_anew(line.settings, topics.SIGNALS)
        await line.redis.flushall()
        values = [packed(sms(uid=f"s{number}")) for number in range(3)]
        await line.write(*values)
        another = line.another()
        await another.lanes.catch_up([BULK])
        assert (await another.state.positions.position(BULK)).offset == 2

"""The epoch on a real Kafka: a worker that its quorum does not confirm has no Redis to act on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.consistency.epochs import SETTLE_SECONDS, VALID_SECONDS, Belief, Epoch
from schemas.casework.epochs import EpochNamed, epoch_adapter
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.case_store import connect
from streams.state.epoch import KafkaEpoch
from streams.state.epoch_log import KafkaLog
from streams.state.server_identity import current_run
from tests.channel_rig import until
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.process import wait_for
from tests.tools.servers.redis import RedisServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Rig:
    """Workers' epochs on one cluster; `proxied`: through the proxies that can be cut."""

    def __init__(self, kafka: Kafka, redis: RedisServer, stack: AsyncExitStack) -> None:
        self.kafka, self.redis, self._stack = kafka, redis, stack

    def settings(self, *, proxied: bool = False) -> Settings:
        address = self.kafka.proxied if proxied else self.kafka.address
        return Settings.model_validate({"kafka": address, "redis": self.redis.url, "secret": "the key of a test"})

    async def epoch(self, *, proxied: bool = False, redis: RedisServer | None = None) -> tuple[KafkaEpoch, Any]:
        settings = self.settings(proxied=proxied)
        client = connect(settings.model_copy(update={"redis": redis.url}) if redis else settings)
        self._stack.push_async_callback(client.aclose)
        made = KafkaEpoch(KafkaLog(settings), client, Clock.starting(1, NOW))
        await made.start()
        self._stack.push_async_callback(made.stop)
        return made, client

    async def named(self) -> list[EpochNamed]:
        """The epochs on the topic, those that came too late among them."""
        found = [epoch_adapter.validate_json(r.value or b"") async for r in read_all(self.settings(), "epochs")]
        return [each for each in found if isinstance(each, EpochNamed)]


@pytest.fixture
async def rig(kafka_cluster: Kafka, redis_aof: RedisServer) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = Rig(kafka_cluster, redis_aof, stack)
        await asyncio.to_thread(topics.create, made.settings(), [topics.EPOCHS])
        await asyncio.to_thread(wait_for, kafka_cluster.whole, "the topic's replicas")
        yield made


async def acts(epoch: KafkaEpoch, seconds: float = 20) -> str:
    await until(lambda: epoch.current() is not None, seconds)
    return epoch.current() or ""


@asynccontextmanager
async def cut(how: Callable[[], object], back: Callable[[], object]) -> AsyncIterator[None]:
    await asyncio.to_thread(how)
    try:
        yield
    finally:
        await asyncio.to_thread(back)


async def stops(epoch: KafkaEpoch) -> None:
    """It has to act no more after VALID_SECONDS, and may not begin again."""
    await asyncio.sleep(VALID_SECONDS)
    for _ in range(20):
        assert epoch.current() is None
        await asyncio.sleep(0.05)


async def test_a_first_epoch_names_the_redis_that_answers(rig: Rig) -> None:
    epoch, redis = await rig.epoch()
    assert await acts(epoch) == await current_run(redis)
    assert [each.epoch for each in await rig.named()] == [1]


async def test_a_worker_that_is_cut_off_from_kafka_acts_no_more_and_goes_on_once_it_is_not(rig: Rig) -> None:
    epoch, _ = await rig.epoch(proxied=True)
    before = await acts(epoch)
    for way in (rig.kafka.cut, rig.kafka.stall):
        async with cut(way, rig.kafka.heal):
            await stops(epoch)
        assert await acts(epoch, 5) == before


async def test_a_worker_whose_brokers_are_no_quorum_acts_no_more(rig: Rig) -> None:
    epoch, _ = await rig.epoch()
    before = await acts(epoch)
    leader = rig.kafka.leaders(topics.EPOCHS.name)[0]
    others = [node for node in rig.kafka.nodes if node != leader]

    def kill() -> None:
        for node in others:
            rig.kafka.kill(node)

    async with cut(kill, rig.kafka.mend):
        await stops(epoch)
    assert await acts(epoch, 20) == before


async def test_a_worker_that_starts_later_need_not_wait_for_an_epoch_that_others_act_under(rig: Rig) -> None:
    first, _ = await rig.epoch()
    before = await acts(first)
    await asyncio.sleep(1.2)  # a confirmation that says so
    later, _ = await rig.epoch()
    assert await acts(later, 1.0) == before


async def test_of_two_epochs_that_are_proposed_at_once_all_take_the_first(rig: Rig) -> None:
    logs = [KafkaLog(rig.settings()), KafkaLog(rig.settings())]
    runs = ("aa/11", "bb/22")
    for each in logs:
        await each.start()
    values = [EpochNamed(epoch=1, run=run, at=NOW).model_dump_json().encode() for run in runs]
    await asyncio.gather(*(each.append(value, names=1) for each, value in zip(logs, values, strict=True)))
    first = (await rig.named())[0].run
    for each in logs:
        heard: list[bytes] = []
        await each.read_to(await each.append(b"{}"), heard.append)
        belief = Belief()
        for value in heard[:2]:
            named = EpochNamed.model_validate_json(value)
            belief = belief.read(Epoch(named.epoch, named.run), 0)
        assert belief.epoch == Epoch(1, first)
        await each.stop()


async def test_compaction_keeps_the_first_of_two_epochs_of_one_number(rig: Rig) -> None:
    """Each lies under a key of its own: who starts later reads both, in their order."""
    log = KafkaLog(rig.settings())
    await log.start()
    for run in ("aa/11", "bb/22"):
        await log.append(EpochNamed(epoch=1, run=run, at=NOW).model_dump_json().encode(), names=1)
    await log.stop()
    keys = [record.key async for record in read_all(rig.settings(), topics.EPOCHS.name)]
    assert len(set(keys)) == len(keys) == 2


async def test_a_restarted_redis_is_acted_on_only_after_everybody_has_heard_of_it(rig: Rig) -> None:
    one, redis = await rig.epoch()
    other, _ = await rig.epoch()
    before = await acts(one)
    await asyncio.to_thread(rig.redis.kill)
    await asyncio.to_thread(rig.redis.start)
    loop = asyncio.get_running_loop()
    await until(lambda: one._belief.epoch.number == 2)
    since = one._belief.settled_at - SETTLE_SECONDS  # when it read the epoch: this test may hear of it later
    assert loop.time() - since < SETTLE_SECONDS
    assert one.current() is None
    after = await acts(one)
    assert loop.time() - since >= SETTLE_SECONDS
    assert after == await acts(other) == await current_run(redis) != before


async def test_a_topic_that_was_made_anew_begins_with_a_first_epoch(rig: Rig) -> None:
    epoch, redis = await rig.epoch()
    await acts(epoch)
    await asyncio.to_thread(rig.redis.kill)
    await asyncio.to_thread(rig.redis.start)
    await until(lambda: epoch._belief.epoch.number == 2)
    await asyncio.to_thread(rig.kafka.reset, [topics.EPOCHS.name])
    await asyncio.to_thread(topics.create, rig.settings(), [topics.EPOCHS])
    await until(lambda: epoch._belief.epoch.number == 1, 60)
    assert await acts(epoch, 60) == await current_run(redis)


async def test_whoever_never_followed_the_epoch_must_not_act(rig: Rig) -> None:
    client = connect(rig.settings())
    never = KafkaEpoch(KafkaLog(rig.settings()), client, Clock.starting(1, NOW))
    with pytest.raises(RuntimeError, match="await start"):
        never.current()
    await client.aclose()

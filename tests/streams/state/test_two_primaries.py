"""Two primaries live at once, and a worker reaches each: a resident is contacted once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from domain.consistency.epochs import SETTLE_SECONDS
from streams.casework.applied import AppliedInputs
from streams.channels.dispatch_log import Claimed, Held
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Kind
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.runtime import metrics
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings, SettingsError
from streams.security.rights import Component
from streams.state.case_store import CaseStore
from streams.state.epoch_log import KafkaLog
from streams.state.keys import STATE, key
from streams.state.leader import EXEMPT
from streams.state.primary import faults, server
from streams.state.store_update import StoreUpdate
from tests.channel_rig import until
from tests.dispatched import dispatch_for
from tests.streams.casework.outliving import House, Worker, somebody
from tests.tools.servers.proxy import Proxy
from tests.tools.servers.redis import SERVICE, RedisPair

SLOW_SECONDS = 10.0  # so long the provider may take, so that both workers are at it at once


class Named:
    """Names a run, whatever Redis answers."""

    replicated = False

    def __init__(self, run: str | None) -> None:
        self._run, self.refusals = run, 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def current(self) -> str | None:
        return self._run

    async def run(self) -> str:
        return self._run or ""

    async def names(self, run: str) -> bool:
        return run == self._run

    async def refused(self) -> None:
        self.refusals += 1


class CutLog(KafkaLog):
    """The log of a worker that Kafka can be cut off from."""

    cut = False

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        if self.cut:
            raise TimeoutError("cut off")
        return await super().append(value, names=names)


@pytest.fixture
async def split(tmp_path: Path, redis_pair: RedisPair) -> AsyncIterator[House]:
    """A province on a primary with Sentinels. Its provider can be asked."""
    with Embedded(tmp_path / "embedded") as embedded:
        found = embedded.settings(Settings(app_id="split", partitions=1))
        settings = found.model_copy(update={"redis": redis_pair.url})
        topics.create(settings)
        house = House(settings, redis_pair.primary, tmp_path, Kind.ASKABLE)
        yield house
        await house.close()


async def worker(house: House, *, fenced: bool) -> Worker:
    """A worker that stands, and whose channels carry out what it covers for."""
    made = await house.worker(KafkaLog(house.settings) if fenced else None)
    await until(lambda: made.line.leader.current() is not None)
    await made.watch()
    return made


async def warned_by_both(house: House, pair: RedisPair, *, fenced: bool) -> tuple[Worker, Worker]:
    """One worker stays on the primary that was replaced, another covers for it on the new one; both get an alert."""
    house.channels = house.channels.model_copy(update={"provider_seconds": SLOW_SECONDS})
    cut_off = await worker(house, fenced=fenced)
    await asyncio.to_thread(pair.isolate)
    covering = await worker(house, fenced=fenced)
    await covering.alert(somebody(1))
    provider = house.provider
    provider.open.clear()  # what the one has begun is still under way when the other looks

    async def send() -> None:
        with suppress(RedisError):  # without replicas the old primary refuses in the end to note what came of it
            await cut_off.apply()
            await cut_off.carry()

    async def cover() -> None:
        for _ in range(3):
            await covering.stages.failover.cover()
            await asyncio.gather(*covering.stages.dispatching.carrying)

    sending = asyncio.create_task(send())
    with suppress(TimeoutError):  # fenced, it may have to look for the new primary first
        await until(lambda: bool(provider.begun), SETTLE_SECONDS)
    taking_over = asyncio.create_task(cover())
    with suppress(TimeoutError):  # fenced, only one of them begins
        await until(lambda: taking_over.done() or 2 in provider.begun.values(), 2.0 if fenced else SLOW_SECONDS / 2)
    provider.open.set()
    await asyncio.wait_for(asyncio.gather(sending, taking_over), 20)
    return cut_off, covering


async def test_without_an_epoch_two_primaries_make_two_contacts(
    split: House, redis_pair: RedisPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None: ...

    async def assumed(*_: object) -> bool:
        return True

    # which would tell whoever covers that something is missing
    monkeypatch.setattr(AppliedInputs, "read_journals", nothing)
    monkeypatch.setattr(AppliedInputs, "is_current", assumed)
    await warned_by_both(split, redis_pair, fenced=False)
    assert set(split.provider.book.values()) == {2}


async def test_two_workers_on_two_live_primaries_make_one_contact(split: House, redis_pair: RedisPair) -> None:
    await warned_by_both(split, redis_pair, fenced=True)
    assert set(split.provider.book.values()) == {1}


async def test_a_worker_on_the_primary_that_was_replaced_finds_the_new_one(split: House, redis_pair: RedisPair) -> None:
    cut_off, covering = await warned_by_both(split, redis_pair, fenced=True)
    run = (await server(covering.line.redis)).run
    assert cut_off.line.leader.current() == covering.line.leader.current() == run
    assert (await server(cut_off.line.redis)).run == run


async def test_a_contact_under_way_on_the_old_primary_is_asked_for_on_the_new_one(
    split: House, redis_pair: RedisPair
) -> None:
    former = await worker(split, fenced=True)
    await asyncio.to_thread(redis_pair.isolate)
    await former.alert(somebody(1))
    await former.apply()
    split.provider.silent = True
    sending = asyncio.create_task(former.carry())
    await until(lambda: bool(split.provider.book))
    split.provider.silent = False
    later = await worker(split, fenced=True)
    split.rewind()
    await later.settle()
    await asyncio.wait_for(sending, 20)
    assert set(split.provider.book.values()) == {1}


async def test_the_scripts_refuse_a_redis_that_the_epoch_does_not_name(split: House) -> None:
    made = await worker(split, fenced=True)
    leader, dispatch = Named("another/run"), dispatch_for(somebody(1))
    store = CaseStore(made.line.redis, leader)
    stands = await store.offset(0)
    assert not await store.commit(0, stands, None, StoreUpdate().add("HSET", STATE, "mark", 1))
    assert leader.refusals == 1
    assert not await made.line.redis.hexists(key("state", 0), "mark")
    outgoing = Outgoing(split.settings, made.line.redis, made.line.producer, made.line.clock, split.channels, leader)
    assert await outgoing.book.claim(dispatch) is Held.LOST
    taken = await made.line.outgoing.book.claim(dispatch)
    assert isinstance(taken, Claimed)
    assert await outgoing.book.mark_sending(dispatch, taken.fence) is None
    assert not await outgoing.book.claim_is_valid(dispatch, taken.fence)
    assert await made.line.outgoing.book.claim_is_valid(dispatch, taken.fence)
    assert await made.line.outgoing.book.mark_sending(dispatch, taken.fence) is not None


async def test_a_worker_that_reaches_no_sentinel_sends_nothing_on_the_primary_that_was_replaced(
    split: House, redis_pair: RedisPair
) -> None:
    usual, ways = split.settings, [Proxy(sentinel.port) for sentinel in redis_pair.sentinels]
    members = ",".join(f"127.0.0.1:{way.port}" for way in ways)
    split.settings = usual.model_copy(update={"redis": f"redis+sentinel://{members}/{SERVICE}/0"})
    former = await worker(split, fenced=True)
    await asyncio.to_thread(redis_pair.isolate)
    for way in ways:
        way.cut()
    split.settings = usual
    later = await worker(split, fenced=True)
    await later.alert(somebody(1))
    sending = asyncio.create_task(former.apply())
    await later.stages.failover.cover()
    await asyncio.gather(*later.stages.dispatching.carrying)
    assert set(split.provider.book.values()) == {1}
    carrying = asyncio.create_task(former.carry())
    given_up, waiting = await asyncio.wait([sending, carrying], timeout=3)
    assert all(isinstance(each.exception(), RedisError) for each in given_up), "it found no primary, and did nothing"
    assert set(split.provider.book.values()) == {1}
    assert (await server(former.line.redis)).run != (await server(later.line.redis)).run
    for task in waiting:
        await ended(task)
    for way in ways:
        way.close()


async def test_a_worker_that_kafka_does_not_confirm_sends_nothing_until_it_does(split: House) -> None:
    epochs = CutLog(split.settings)
    made = await split.worker(epochs)
    await until(lambda: made.line.leader.current() is not None)
    await made.watch()
    await made.alert(somebody(1))
    await made.apply()
    epochs.cut = True
    await until(lambda: made.line.leader.current() is None)
    carrying = asyncio.create_task(made.carry())
    await asyncio.wait([carrying], timeout=2)
    assert not split.provider.begun
    epochs.cut = False
    await asyncio.wait_for(carrying, 10)
    assert set(split.provider.book.values()) == {1}


async def test_a_mark_that_no_replica_has_is_counted_and_the_contact_is_made(
    split: House, redis_pair: RedisPair
) -> None:
    made = await worker(split, fenced=True)
    await until(lambda: made.line.leader.replicated)
    alone = metrics.MARKS_ALONE._value
    for number, stalled in enumerate((False, True), 1):
        if stalled:
            await asyncio.to_thread(redis_pair.stall_replication)
        before = alone.get()
        await made.alert(somebody(number))
        await made.apply()
        await asyncio.wait_for(made.carry(), 20)
        assert (alone.get() > before) == stalled
    assert set(split.provider.book.values()) == {1}


async def test_a_worker_does_not_start_on_a_primary_that_goes_on_without_its_replicas(
    split: House, redis_pair: RedisPair
) -> None:
    line = Installation(split.settings, split.channels, component=Component.WORKER)
    await line.open()
    await line.close()
    redis_pair.replicas[0].kill()
    line = Installation(split.settings, split.channels, component=Component.WORKER)
    await line.open()  # with one replica away it must be able to start
    await line.close()
    with redis_pair.primary.client() as primary:
        primary.config_set("min-replicas-to-write", 0)
    line = Installation(split.settings, split.channels, component=Component.WORKER)
    with pytest.raises(SettingsError, match="Set `min-replicas-to-write 1`"):
        await line.open()
    await line.close()


@pytest.mark.parametrize(("known", "found"), [(None, []), (2, []), (3, []), (1, ["has 1 replicas"])])
def test_a_primary_with_fewer_than_two_replicas_is_unsafe(known: int | None, found: list[str]) -> None:
    wrong = list(faults({"min_slaves_good_slaves": 1}, known))
    assert len(wrong) == len(found)
    assert all(text in fault for text, fault in zip(found, wrong, strict=True))


async def test_embedded_servers_are_exempt_and_a_worker_says_so(split: House, caplog: pytest.LogCaptureFixture) -> None:
    made = await split.worker()
    assert made.line.leader is EXEMPT
    assert "no epoch is kept" in caplog.text
    await made.watch()
    await made.alert(somebody(1))
    await made.apply()
    await made.carry()
    assert set(split.provider.book.values()) == {1}
    assert await ends(split) == 0


async def ends(house: House) -> int:
    """How many entries the log of epochs has."""
    return (await end_offsets(house.settings, topics.EPOCHS.name))[0]


async def ended(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

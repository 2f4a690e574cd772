"""What a worker promises: nothing lost when it is killed, fails or skips, and no waiting in between."""

import asyncio
import statistics
import time
from collections.abc import Callable

import pytest

from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from tests.streams.messaging.workers import Worker, until

TAKE_OVER_SECONDS = 8.0  # session, join and a slow machine; 2.5 to 3.5 s measured
JOIN_SECONDS = 30.0


@pytest.fixture
def topic(new_topic: Callable[[], str]) -> str:
    return new_topic()


def send(settings: Settings, topic: str, *values: str, partition: int | None = None) -> None:
    async def sending() -> None:
        producer = make_producer(settings)
        await producer.start()
        await producer.send_all([Record(topic, value.encode(), value.encode(), partition) for value in values])
        await producer.stop()

    asyncio.run(sending())


def shared(one: list[int], two: list[int]) -> bool:
    return bool(one and two) and sorted(one + two) == [0, 1, 2, 3]


def numbers(start: int, end: int) -> list[str]:
    return [str(number) for number in range(start, end)]


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_is_killed(
    settings: Settings, topic: str, record_property: Callable[[str, object], None]
) -> None:
    with Worker(settings, topic) as one, Worker(settings, topic) as two:
        both = [one, two]
        until(lambda: shared(one.owned, two.owned), JOIN_SECONDS, both)
        send(settings, topic, *numbers(0, 400))
        until(lambda: {*one.values, *two.values} == {*numbers(0, 400)}, 5, both)
        assert one.values
        assert two.values
        one.kill()
        send(settings, topic, *numbers(400, 800))
        seconds = until(lambda: {*one.values, *two.values} == {*numbers(0, 800)}, TAKE_OVER_SECONDS, both)
        record_property("take_over_seconds", seconds)
        until(lambda: two.owned == [0, 1, 2, 3], 1, both)


def test_a_lone_record_reaches_the_agent_at_once(
    settings: Settings, topic: str, record_property: Callable[[str, object], None]
) -> None:
    async def send_one_by_one() -> list[float]:
        producer = make_producer(settings)
        await producer.start()
        sent = []
        for number in range(40):
            sent.append(time.time())
            await producer.send_all([Record(topic, str(number).encode(), str(number).encode())])
            await asyncio.sleep(0.02)
        await producer.stop()
        return sent

    with Worker(settings, topic) as worker:
        until(lambda: len(worker.owned) == 4, JOIN_SECONDS, [worker])
        sent = asyncio.run(send_one_by_one())
        until(lambda: len(worker.taken) == 40, 3, [worker])
        hops = [taken["at"] - sent[int(taken["value"])] for taken in worker.taken]
        record_property("hop_p50_seconds", statistics.median(hops))
        assert statistics.median(hops) < 0.05


def test_what_was_acked_stays_done_and_no_commit_passes_what_was_not(settings: Settings, topic: str) -> None:
    with Worker(settings, topic, "skip") as first:
        send(settings, topic, *numbers(0, 100), "bad", *numbers(100, 110), partition=0)
        until(lambda: len(first.taken) == 111, JOIN_SECONDS, [first])
        assert first.terminate() == 0
    with Worker(settings, topic) as second:
        until(lambda: "109" in second.values, JOIN_SECONDS, [second])
        assert second.values == ["bad", *numbers(100, 110)]


def test_a_body_that_fails_stops_the_worker_and_its_batch_comes_again(settings: Settings, topic: str) -> None:
    with Worker(settings, topic, "fail") as failing:
        send(settings, topic, *numbers(0, 10), "bad", *numbers(10, 20), partition=0)
        until(lambda: failing.process.poll() is not None, JOIN_SECONDS, [failing])
        assert failing.process.returncode != 0
    with Worker(settings, topic) as mended:
        until(lambda: {"bad", *numbers(10, 20)} <= {*mended.values}, JOIN_SECONDS, [mended])


def test_what_nobody_has_acked_comes_again_to_whoever_owns_its_partition_next(settings: Settings, topic: str) -> None:
    with Worker(settings, topic, "hold") as one:
        until(lambda: len(one.owned) == 4, JOIN_SECONDS, [one])
        send(settings, topic, *numbers(0, 40))
        until(lambda: {*one.values} == {*numbers(0, 40)}, 5, [one])
        seen = len(one.values)
        with Worker(settings, topic, "hold") as two:
            both = [one, two]
            until(lambda: shared(one.owned, two.owned), JOIN_SECONDS, both)
            until(lambda: {*one.values[seen:], *two.values} == {*numbers(0, 40)}, TAKE_OVER_SECONDS, both)
            one.kill()
            until(lambda: {*two.values} == {*numbers(0, 40)}, TAKE_OVER_SECONDS, both)


def test_a_worker_that_cannot_stop_ends_itself(settings: Settings, topic: str) -> None:
    with Worker(settings, topic, mode="stuck") as worker:
        until(lambda: worker.owned == [0, 1, 2, 3], JOIN_SECONDS, [worker])
        assert worker.terminate() == 1
        assert "has not stopped in 2 s" in worker.log


def test_a_worker_that_the_group_does_not_let_in_works_early_and_ends_itself(settings: Settings, topic: str) -> None:
    with Worker(settings, topic, mode="hang") as worker:
        until(lambda: worker.owned == [-1], JOIN_SECONDS, [worker])
        assert worker.process.wait(JOIN_SECONDS) == 1
        until(lambda: "has not let this worker in" in worker.log, 5, [worker])

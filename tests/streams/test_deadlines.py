"""What has fallen due is written once, and again only at longer and longer intervals."""

from datetime import timedelta

from redis.asyncio import Redis

from streams import topics
from streams.clock import Clock
from streams.deadlines import Deadlines, fallen_due
from streams.keys import key, milliseconds
from streams.producer import Producer
from streams.settings import Settings
from streams.store import CaseStore
from tests.dispatched import NOW, dispatch_for

DATABASE = 5


async def test_a_deadline_that_casework_has_not_come_to_is_not_written_again_and_again(settings: Settings) -> None:
    topics.create(settings, [topics.CASE_INPUTS])
    producer = Producer(settings)
    await producer.start()
    wall = 0.0
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        due = milliseconds(NOW - timedelta(seconds=1))
        await redis.zadd(key("deadlines", 0), {f"{dispatch_for('r' + 16 * 'a').case}|red.sms": due})
        deadlines = Deadlines(CaseStore(redis), producer, Clock.starting(1, NOW), lambda: wall)
        written = []
        for second in range(40):
            wall = float(second)
            if await deadlines.fire(0):
                written.append(second)
    await producer.stop()
    assert written == [0, 2, 6, 14, 30]


async def test_of_all_partitions_those_are_found_in_which_something_has_fallen_due(settings: Settings) -> None:
    now, later = milliseconds(NOW), milliseconds(NOW + timedelta(milliseconds=1))
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as redis:
        await redis.flushdb()
        for name, partition, at in (("deadlines", 1, now), ("rescore", 3, now), ("deadlines", 2, later)):
            await redis.zadd(key(name, partition), {"somebody": at})
        assert await fallen_due(redis, ("deadlines", "rescore"), range(5), NOW) == [1, 3]
        assert await fallen_due(redis, ("deadlines", "rescore"), [0, 2, 4], NOW) == []
        assert await fallen_due(redis, ("deadlines", "rescore"), [], NOW) == []

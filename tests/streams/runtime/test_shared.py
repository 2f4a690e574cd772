"""What all partitions share is of one installation, under one key."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.runtime.settings import Settings
from streams.state.keys import WHOLE_LOCK
from streams.state.leader import Exempt
from streams.state.shared_state import OtherInstallationError, Shared
from tests.channel_rig import until

DATABASE = 7


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """An empty Redis of this file's own."""
    async with Redis.from_url(f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}", protocol=3) as client:
        await client.flushdb()
        yield client


def under(settings: Settings, secret: str, app_id: str = "centre") -> Settings:
    return settings.model_copy(update={"app_id": app_id, "secret": Settings(secret=secret).secret})


async def test_a_worker_refuses_a_redis_of_another_installation_or_under_another_key(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
) -> None:
    own = under(settings, "the one key of all")
    await Shared(own, redis, [], lease_seconds=1).ensure()
    await Shared(own, redis, [], lease_seconds=1).ensure()
    with pytest.raises(OtherInstallationError, match="'centre', and QUANZU_APP_ID is 'another'"):
        await Shared(under(settings, "the one key of all", "another"), redis, [], lease_seconds=1).ensure()
    with pytest.raises(OtherInstallationError, match="under another QUANZU_SECRET"):
        await Shared(under(settings, "another key of all"), redis, [], lease_seconds=1).ensure()


class Second(Exempt):
    """The Redis leads from the second question on."""

    def __init__(self) -> None:
        self.asked = 0

    async def names(self, run: str) -> bool:
        self.asked += 1
        return self.asked > 1


async def test_a_new_redis_is_restored_only_once_it_leads(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Before, workers that use the Redis before it may still write to the topics that it is restored from."""
    leader, restored_at = Second(), list[int]()

    async def restore(_: object) -> None:
        restored_at.append(leader.asked)

    own = under(settings, "the one key of all")
    await Shared(own, redis, [restore], lease_seconds=1, leader=leader).ensure()
    assert restored_at == [2]
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [
        "the store is not whole: waiting until the epoch names this Redis"
    ]


async def test_a_store_that_went_back_while_it_was_restored_is_restored_again(
    settings: Settings,
    redis: Any,  # noqa: ANN401 - as redis-py has it
) -> None:
    """A machine's image has the lock that was taken before it, but lacks what was restored since."""
    restored_images: list[bytes] = []

    async def renewed(value: bytes) -> bool:
        return bool(await redis.get(WHOLE_LOCK) != value)

    async def restore(_: object) -> None:
        image = await redis.get(WHOLE_LOCK)
        await redis.set("restored", "1")
        if not restored_images:
            for _ in range(2):
                await until(partial(renewed, await redis.get(WHOLE_LOCK)))
            await redis.delete("restored")
            await redis.set(WHOLE_LOCK, image, px=5_000)
            restored_images.append(image)

    own = under(settings, "the one key of all")
    await Shared(own, redis, [restore], lease_seconds=1).ensure()
    assert await redis.get("restored") == b"1"

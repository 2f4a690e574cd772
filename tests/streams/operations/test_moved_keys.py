"""What a growth does with keys that live for minutes, on a real Redis."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.messaging.topics import home
from streams.operations.growth.moved_keys import MovedKeys
from streams.state.keys import key
from tests.tools.servers.redis import RedisServer

OLD, NEW = 2, 5
NONCE_SECONDS = 600


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Any]:
    with RedisServer(tmp_path / "redis") as server:
        async with aclosing(Redis.from_url(server.url)) as client:
            yield client


@pytest.mark.parametrize("partition", range(OLD))
async def test_a_receipt_within_ten_minutes_before_does_not_stop_the_growth_and_is_refused_everywhere_afterwards(
    redis: Any,  # noqa: ANN401 - redis-py types each result as sync or async
    partition: int,
) -> None:
    await redis.set(f"{key('receipt-nonce', partition)}:abc", 1, ex=NONCE_SECONDS)
    assert await MovedKeys(redis, OLD, NEW).move() == NEW - 1
    for each in range(NEW):
        assert 0 < await redis.ttl(f"{key('receipt-nonce', each)}:abc") <= NONCE_SECONDS


async def test_a_claim_that_expires_after_it_was_listed_does_not_stop_the_growth(
    redis: Any,  # noqa: ANN401 - as above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = next(f"raaaaaaaaaa{each}-1" for each in "abcdefgh" if home(f"raaaaaaaaaa{each}", NEW) != 0)
    listed = f"{key('claim', 0)}:{case}".encode()

    async def expired(**_: object) -> AsyncIterator[bytes]:
        for name in [] if asked else [listed]:
            yield name
        asked.append(True)

    asked: list[bool] = []
    monkeypatch.setattr(redis, "scan_iter", expired)
    assert await MovedKeys(redis, OLD, NEW).move() == 0

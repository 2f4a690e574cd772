"""What a growth does with keys that live for minutes, on a real Redis."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from redis.asyncio import Redis

from streams.messaging.topics import SIGNALS, home, partition_of
from streams.operations.growth.moved_keys import MovedKeys
from streams.screening.positions import Positions
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


async def test_a_dead_letter_that_was_sent_again_counts_once_after_the_growth_too(
    redis: Any,  # noqa: ANN401 - as above
) -> None:
    letters = [f"signals-1-{number}-0-abcdef" for number in range(20)]  # of some the hash names another partition
    own, tally = TopicPartition(SIGNALS.name, 1), Counter({"bank|raised": 20, "bank|dead_lettered": -20})
    before = Positions(redis, OLD)
    at = await before.position(own, begin=True)
    assert await before.count(own, at, 9, tally, dict.fromkeys(letters, 9))
    await MovedKeys(redis, OLD, NEW).move()
    after = Positions(redis, NEW)
    assert set(await after.sent_again(own, letters)) == set(letters)  # a refused record is sent to its own partition
    for letter in letters:  # and a file's row to that of the letter
        place = TopicPartition(SIGNALS.name, partition_of(letter.encode(), NEW))
        assert list(await after.sent_again(place, [letter])) == [letter]


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

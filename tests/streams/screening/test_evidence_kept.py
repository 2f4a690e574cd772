"""What Redis keeps of a resident's evidence is what domain/risk keeps of it, whatever comes in which order."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.risk import bounded, merged
from schemas.risk.evidence import Evidence, EvidenceKind
from streams.runtime.settings import Settings
from streams.screening.store import EvidenceStore
from tests.domain.builders import policy
from tests.streams.screening.screening_line import ANNA, NOW

RULES = policy().risk
FEW = RULES.model_copy(update={"bound": 3})
BATCHES, MOST = 15, 12  # members of a batch


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    async with Redis.from_url(str(settings.redis), protocol=3) as client:
        await client.flushall()
        yield client


def drawn(chance: Random) -> Evidence:
    """A call may be told again, longer; some is withdrawn; now and then something is of tomorrow."""
    kind = chance.choice([EvidenceKind.CALL_GOIP, EvidenceKind.NEW_PAYEE, EvidenceKind.APP_LOAN])
    number = chance.randrange(60)
    hours = number * 31 % 2400 if number else -30
    seconds = chance.choice([60, 1800, 5000]) if kind is EvidenceKind.CALL_GOIP else 0
    at = NOW - timedelta(hours=hours)
    lifted = NOW if chance.random() < 0.2 else None
    return Evidence(
        id=f"bank:u{number}~{kind}",
        kind=kind,
        at=at,
        partition=0,
        offset=number,
        seconds=seconds,
        watch_at=lifted,
        withdrawn=lifted is not None,
    )


@pytest.mark.parametrize("seed", range(10))
async def test_redis_keeps_what_the_rules_keep(settings: Settings, redis: Any, seed: int) -> None:  # noqa: ANN401
    chance, store, known = Random(seed), EvidenceStore(redis, settings.partitions), dict[str, Evidence]()
    for number in range(BATCHES):
        now = NOW + timedelta(hours=number)
        members = [drawn(chance) for _ in range(chance.randint(1, MOST))]
        before = await store.add({ANNA: members}, FEW, now)
        assert before[ANNA].evidence == known
        known = bounded(merged(known, members), FEW, now)
    assert {member.id: member for member in await store.of(ANNA)} == known
    assert 3 < len(known) <= 18

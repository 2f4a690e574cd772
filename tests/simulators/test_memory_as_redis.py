"""The watchlist and the payers in memory answer as those in Redis do, whatever is said in which order."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import pytest
from redis.asyncio import Redis

from schemas.risk.evidence import Callee, Payer, WatchEntry, WatchStatus
from schemas.risk.signals import TransferState
from simulators.world.memory import Suspects
from streams.runtime.settings import Settings
from streams.screening.store import EvidenceStore, Paid
from tests.domain.builders import policy
from tests.streams.screening.screening_line import ANNA, BERT, NOW

RULES = policy().risk.model_copy(update={"payers_without_asking": 0})  # so that entries wait too
CALLS = 12  # in a row; all within the time for which a payment is kept, since Redis forgets by a clock of its own
SEEDS = range(25)
HOUR = timedelta(hours=1)


class Told:
    """What a seed's sources say, call by call: some payments, and some entries of the watchlist."""

    def __init__(self, seed: int) -> None:
        self._chance, self._seed = Random(seed), seed

    def calls(self) -> Iterator[tuple[list[Paid], list[WatchEntry], datetime]]:
        now = NOW
        for _ in range(CALLS):
            now += self._chance.randint(0, 5) * HOUR
            paid = [self._paid(now) for _ in range(self._chance.randint(0, 6))]
            yield paid, [self._entry(now) for _ in range(self._chance.randint(0, 3))], now

    def _paid(self, now: datetime) -> Paid:
        """A payment, or a call. Often at one moment, now and then twice the same, sometimes of next week."""
        at = now + self._chance.randint(-130, 10) * HOUR
        number, state = self._chance.randint(0, 3), self._chance.choice(list(TransferState))
        who = self._chance.choice([ANNA, BERT])
        if self._chance.random() < 0.3:
            ongoing = self._chance.random() < 0.5
            return self._token(), Callee(who, f"c{number}", at, "signals", 0, number, 60 + number, ongoing)
        return self._token(), Payer(who, f"t{number}", at, "signals", 0, number, 100 + number, None, state)

    def _entry(self, now: datetime) -> WatchEntry:
        at = now + self._chance.randint(-40, 0) * HOUR
        kind = self._chance.choice(["account", "account", "phone"])
        said = self._chance.choice(list(WatchStatus))
        return WatchEntry(
            subject=f"{kind}:{self._token()}", standing=said, at=at, uid=f"w{self._chance.randint(0, 99)}"
        )

    def _token(self) -> str:
        return f"{self._seed}-{self._chance.randint(0, 1)}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_kept_in_memory_answers_as_redis_does(settings: Settings, seed: int) -> None:
    found = 0
    async with Redis.from_url(str(settings.redis), protocol=3) as redis:
        store, memory = EvidenceStore(redis, settings.partitions), Suspects()
        asked = [f"{kind}:{seed}-{number}" for kind in ("account", "phone") for number in (0, 1)]
        for paid, entries, now in Told(seed).calls():
            known, fanned = await memory.watch(paid, asked, entries, RULES, now)
            assert (known, fanned) == await store.watch(paid, asked, entries, RULES, now)
            found += sum(len(each.payers) for each in fanned)
    assert found > 0


async def test_almost_every_seed_has_an_entry_that_waits_for_a_person() -> None:
    waits = 0
    for seed in SEEDS:
        memory, asked = Suspects(), [f"{kind}:{seed}-{number}" for kind in ("account", "phone") for number in (0, 1)]
        calls = [await memory.watch(paid, asked, entries, RULES, now) for paid, entries, now in Told(seed).calls()]
        waits += any(each.entry.asked is not None for _, fanned in calls for each in fanned)
    assert waits >= len(SEEDS) - 2

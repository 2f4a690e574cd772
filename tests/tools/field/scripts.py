"""How long each script takes at its bound, on a real redis-server: `python -m tests.tools.field.scripts`.

The server's own slow log tells the time. Each runs several times and the quickest run counts: on a machine that others
use, the server waits for the processor too. It ends with 1 when a script takes longer than MOST_MS.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from aiokafka import TopicPartition
from redis.asyncio import Redis

from agents.screening import RESCORE_MOST
from domain.policy.risk import MOST_WITHOUT_ASKING
from schemas.risk.evidence import Evidence, EvidenceKind, Payer, WatchEntry, WatchStatus
from schemas.risk.fan_outs import FanOut
from schemas.risk.signals import TransferState
from streams.casework.recovery import COMMANDS
from streams.casework.steps import BATCH
from streams.channels.dispatch_log import DispatchLog
from streams.repositories.residents.register import ENTRIES, LOOKED_AT, OWNERS
from streams.repositories.residents.register import PIECE as CHANGES
from streams.runtime.settings import Settings
from streams.screening.payers import SLICE, packed
from streams.screening.positions import Positions
from streams.screening.store import ADDED, PIECE, RESIDENTS, EvidenceStore
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import CASES, STATE, key, milliseconds
from streams.state.leader import EXEMPT
from streams.state.scripts import script
from streams.state.store_update import StoreUpdate
from tests.domain.builders import at_the_desk, event, policy
from tests.tools.servers.redis import RedisServer

MOST_MS = 20.0
PAYERS = 400_000  # of a payment company's account within the policy's window
RUNS = 5
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
RULES = policy().risk
GREATEST = RULES.model_copy(update={"bound": 128})  # what a policy may set at most
LANE = TopicPartition("signals", 0)

Work = Callable[[], Awaitable[object]]


class Bounds:
    """Each script of streams/state/lua at its bound. `prepared` fills the server; `works` runs them."""

    def __init__(self, redis: "Redis", payers: int) -> None:
        self._redis: Any = redis
        self._payers = payers
        self._store, self._cases = EvidenceStore(redis, 1), CaseStore(redis)
        self._numbers = count(1)
        self._case = at_the_desk()

    async def prepared(self) -> None:
        """An account with very many payers, one with as many as are told apart, a resident with all that is kept."""
        await self._paid("hot", self._payers)
        await self._paid("apart", MOST_WITHOUT_ASKING)
        every = [_member(kind, number) for kind in EvidenceKind for number in range(GREATEST.bound)]
        await self._store.add({"r" + "f" * 16: every}, GREATEST, NOW)
        await self._store.remember({}, {f"r{number:016d}": NOW for number in range(RESCORE_MOST)})
        await self._redis.hset(key("state", 0), "offset", 0)

    def works(self) -> dict[str, tuple[str, Work]]:
        """By script: its bound in words, and what runs it."""
        dispatch = self._case.sent()[0]
        book = DispatchLog(Settings(partitions=1), self._redis, "token", 10, 60, EXEMPT)
        return {
            "payments": (f"{PIECE} payments to one account, {PIECE} fields", self._keep_payments),
            "watched": (f"{MOST_WITHOUT_ASKING} payments told apart", lambda: self._enter("apart")),
            "watch": (f"{SLICE} of {self._payers} payments", lambda: self._enter("hot")),
            "slice": (f"{SLICE} of {self._payers} payments", self._slice),
            "enter": ("one entry", lambda: self._store.enter([self._entry("back")], RULES)),
            "evidence": (f"{RESIDENTS} residents, {ADDED} members each", self._add_evidence),
            "evidence, full": (f"a resident with all that bound = {GREATEST.bound} keeps", self._add_to_full),
            "screened": ("500 dead letters sent again, 100 tallies", self._count),
            "stand": ("one lane, with a range that is owed", self._stand),
            "owed": ("500 dead letters sent again, 100 tallies", self._pay),
            "rescored": (f"{RESCORE_MOST} residents", self._rescored),
            "commit": (f"{BATCH} inputs", self._commit),
            "commit, rebuilt": (f"{COMMANDS} commands", self._rebuild),
            "owners": (f"{CHANGES} values, or {LOOKED_AT} owners", self._owners),
            "residents": (f"{CHANGES} entries", self._residents),
            "claim": ("one dispatch", lambda: book.claim(dispatch)),
            "mark": ("one dispatch", lambda: book.mark_sending(dispatch, "fence")),
            "release": ("one lease", lambda: self._redis.eval(script("release"), 1, "a-lease", "token")),
            "keep": ("one lease", lambda: locks.keep(self._redis, "a-lease", "token", 10_000)),
        }

    async def _paid(self, token: str, payers: int) -> None:
        for start in range(0, payers, 5_000):
            members = (_payer(number, NOW - timedelta(milliseconds=500 * number)) for number in range(start, payers))
            some = [payer for payer, _ in zip(members, range(5_000), strict=False)]
            scores = {packed(payer): milliseconds(payer.at) for payer in some}
            await self._redis.zadd(f"{key('payers', 0)}:{token}", scores)

    def _entry(self, token: str) -> WatchEntry:
        number = next(self._numbers)
        at = NOW + timedelta(seconds=number)
        return WatchEntry(subject=f"account:{token}", standing=WatchStatus.CONFIRMED, at=at, uid=f"w{number}")

    async def _enter(self, token: str) -> None:
        await self._store.watch([], [], [self._entry(token)], RULES, NOW)

    async def _slice(self) -> None:
        after = packed(_payer(self._payers // 2, NOW - timedelta(milliseconds=500 * (self._payers // 2))))
        given = FanOut(id="x", number=1, entry=self._entry("hot"), after=after, at=NOW, arrived=NOW)
        await self._store.payers_of.following(given)

    async def _keep_payments(self) -> None:
        """Payments that come when the oldest are just too old, so that each takes some with it."""
        later = NOW + timedelta(days=3, hours=next(self._numbers))
        paid = [("hot", _payer(next(self._numbers) + 10**6, later)) for _ in range(PIECE)]
        await self._store.watch(paid, [f"account:{number}" for number in range(PIECE)], [], RULES, later)

    async def _add_evidence(self) -> None:
        members = [_member(EvidenceKind.NEW_PAYEE, number) for number in range(ADDED)]
        await self._store.add({f"r{number:016d}": members for number in range(RESIDENTS)}, RULES, NOW)

    async def _add_to_full(self) -> None:
        member = _member(EvidenceKind.NEW_PAYEE, -next(self._numbers))
        await self._store.add({"r" + "f" * 16: [member]}, GREATEST, NOW)

    async def _count(self) -> None:
        at = next(self._numbers)
        tally = Counter({f"source{number}|raised": 1 for number in range(100)})
        letters = {f"letter{at}-{number}": at for number in range(500)}
        positions = Positions(self._redis, 1)
        await positions.count(LANE, await positions.position(LANE), at, tally, letters)

    async def _stand(self) -> None:
        positions, last = Positions(self._redis, 1), next(self._numbers) + 10**9
        here, life = await positions.position(LANE), await positions.life(LANE)
        await positions.set_position(LANE, here, life, last, range(last - 100, last + 1))

    async def _pay(self) -> None:
        at, positions = next(self._numbers), Positions(self._redis, 1)
        if (owed := await positions.owed(LANE)) is None:
            raise RuntimeError("nothing is owed: `stand` comes first")
        tally = Counter({f"source{number}|raised": 1 for number in range(100)})
        letters = {f"owed{at}-{number}": at for number in range(500)}
        await positions.count_owed(LANE, owed, owed.last, tally, letters)

    async def _rescored(self) -> None:
        await self._store.rescored(0, {f"r{number:016d}": 1 for number in range(RESCORE_MOST)}, {})

    async def _commit(self) -> None:
        """A batch of which each input changes a case of its own."""
        change, case = StoreUpdate(), self._case.here
        for number in range(BATCH):
            another = case.model_copy(update={"id": f"r{number:016d}-1", "resident": f"r{number:016d}"})
            told = event(another, number)
            change.case(None, another)
            change.counted(None, told)
            change.entry(told)
            change.applied(f"input{number}", NOW)
        await self._cases.commit(0, await self._cases.offset(0), next(self._numbers), change)

    async def _rebuild(self) -> None:
        text = self._case.here.model_dump_json()
        change = StoreUpdate()
        for number in range(COMMANDS):
            change.add("HSET", CASES, f"r{number:016d}", text)
        change.add("HSET", STATE, "end", 0)
        await self._cases.commit(0, await self._cases.offset(0), next(self._numbers), change)

    async def _owners(self) -> None:
        """Values that as many hold as make a script stop early."""
        long = orjson.dumps([[f"r{number:016d}"] for number in range(LOOKED_AT // 4)])
        await self._redis.hset("phones:{0}", mapping={f"value{number}": long for number in range(CHANGES)})
        changes = [(f"value{number}", f"r{number:016d}", f"r{number:016d}") for number in range(CHANGES)]
        await self._redis.eval(OWNERS, 1, "phones:{0}", orjson.dumps(changes), LOOKED_AT)

    async def _residents(self) -> None:
        seen, new = f"{next(self._numbers):0600d}", f"{next(self._numbers):0600d}"
        await self._redis.hset("residents:{0}", mapping={f"r{number:016d}": seen for number in range(CHANGES)})
        changes = [(f"r{number:016d}", seen, new) for number in range(CHANGES)]
        await self._redis.eval(ENTRIES, 1, "residents:{0}", orjson.dumps(changes))


def _payer(number: int, at: datetime) -> Payer:
    transfer = f"bank:2026030100{number:012d}"
    return Payer(f"r{number:016d}", transfer, at, "signals", 3, number, 1_000, None, TransferState.SETTLED)


def _member(kind: EvidenceKind, number: int) -> Evidence:
    return Evidence(
        id=f"bank:2026030100{number:012d}~{kind}",
        kind=kind,
        at=NOW - timedelta(seconds=number),
        partition=3,
        offset=abs(number),
        transfer=f"bank:2026030100{number:012d}",
        payee="a" * 32,
        state=TransferState.SETTLED,
        amount_fen=1_000,
    )


async def longest(redis: "Redis", work: Work, runs: int = RUNS) -> float:
    """The longest command of a work in milliseconds, in its quickest run."""
    client: Any = redis
    await client.execute_command("CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "1024")
    found: list[int] = []
    for _ in range(runs):
        await client.execute_command("SLOWLOG", "RESET")
        await work()
        found.append(max(each["duration"] for each in await client.slowlog_get(1024)))
    return min(found) / 1_000


@asynccontextmanager
async def bounds(folder: Path, payers: int = PAYERS) -> AsyncIterator[tuple[Bounds, "Redis"]]:
    """A server that is filled."""
    with RedisServer(folder) as server:
        redis = Redis.from_url(server.url)
        try:
            made = Bounds(redis, payers)
            await made.prepared()
            yield made, redis
        finally:
            await redis.aclose()


async def measured() -> bool:
    """Print what each takes; returns whether all keep within MOST_MS."""
    kept = True
    with TemporaryDirectory() as folder:
        async with bounds(Path(folder) / "redis") as (made, redis):
            used = await redis.memory_usage(f"{key('payers', 0)}:hot", samples=1_000)
            print(f"{PAYERS:,} payments to one account: {(used or 0) / 1e6:.0f} MB")
            for name, (bound, work) in made.works().items():
                took = await longest(redis, work)
                kept = kept and took <= MOST_MS
                print(f"{name:16} {took:6.2f} ms  {bound}{'' if took <= MOST_MS else '  TOO LONG'}")
    return kept


if __name__ == "__main__":
    sys.exit(not asyncio.run(measured()))

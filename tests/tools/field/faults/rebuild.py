"""`quanzu admin rebuild` after a wiped Redis: how long it takes, and whether the store is the one that was lost.

python -m tests.tools.field.faults.rebuild --cases 100000 --report rebuild.json   on an Apache Kafka and Debian's Redis
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from aiokafka import TopicPartition

from agents.casework import Casework
from agents.worker import Stages
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import HoldChange, ResidentInput
from schemas.risk.signals import Watch, WatchState
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Record
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import POLICIES, ROSTER, KeyName, key
from tests.tools.field import lives
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

ROUNDS = 4  # of what follows from what was decided before
AT_ONCE = 2000  # cases that are told of together
WATCHED = 1000  # entries of the watchlist
COMMAND = (sys.executable, "-m", "quanzu", "admin", "rebuild")
# Of the partitions what is derived from the journal, and what is shared. Not: leases and marks of dispatches, which may
# be lost, and screening's own, which the workers screen again.
KEPT: tuple[KeyName, ...] = (
    *("cases", "earlier", "applied", "deadlines", "queue", "held", "holds", "settled", "ledger", "counts", "awaited"),
    *("books", "recent", "outbox", "residents", "watch"),
)

Dump = dict[str, dict[bytes, bytes]]


async def told(line: Installation, partition: int, inputs: Sequence[ResidentInput | HoldChange]) -> list[CaseEvent]:
    """Write inputs, and apply them as casework does."""
    first = (await end_offsets(line.settings, topics.CASE_INPUTS.name))[partition]
    values = [each.model_dump_json().encode() for each in inputs]
    await line.producer.send_all([Record(topics.CASE_INPUTS.name, b"", value, partition) for value in values])
    raws = [Raw(first + number, value) for number, value in enumerate(values)]
    events: list[CaseEvent] = []
    for start in range(0, len(raws), 200):
        entries = await Casework(line.casework_context).apply(partition, raws[start : start + 200])
        events += [entry for entry in entries if isinstance(entry, CaseEvent)]
    return events


async def live(line: Installation, cases: int, rounds: int, seed: int) -> int:
    """Fill the journal with the lives of so many cases; returns how many inputs that were."""
    chance, start, count = Random(seed), datetime.now(UTC) - timedelta(days=1), 0
    for begun in range(0, cases, AT_ONCE):
        people = [lives.resident(chance) for _ in range(min(AT_ONCE, cases - begun))]
        await line.residents.put(people)
        for partition in range(line.settings.partitions):
            here = [person for person in people if home(person.id, line.settings.partitions) == partition]
            inputs: list[Any] = [lives.alert(person, start, chance) for person in here]
            if begun == 0:
                inputs.insert(len(inputs) // 2, lives.mute(start))
            for _ in range(rounds):
                count += len(inputs)
                inputs = list(lives.following(await told(line, partition, inputs), chance))
        print(f"{begun + len(people):,} cases", file=sys.stderr)
    return count


async def watchlist(line: Installation, count: int) -> None:
    """Confirm so many accounts as scammers', by way of screening."""
    now = datetime.now(UTC)
    signals = [
        Watch(
            kind="watchlist",
            source="police",
            id=f"w{number}",
            at=now,
            subject="account",
            value=f"99{number:014d}",
            state=WatchState.CONFIRMED,
        )
        for number in range(count)
    ]
    values = [
        b"[" + b",".join(each.model_dump_json().encode() for each in signals[at : at + 500]) + b"]"
        for at in range(0, count, 500)
    ]
    lane = topics.SIGNALS_URGENT.name
    await line.producer.send_all([Record(lane, b"", value, 0) for value in values])
    await Stages(line.worker).screening.lanes.screen(
        TopicPartition(lane, 0), [Raw(number, value) for number, value in enumerate(values)]
    )


async def dump(line: Installation) -> Dump:
    """The store, each value as a digest, by key and member."""
    found: Dump = {}
    for name in KEPT:
        for partition in range(line.settings.partitions):
            found[key(name, partition)] = await _dumped(line.redis, key(name, partition))
    for shared in (POLICIES, ROSTER):
        found[shared] = await _dumped(line.redis, shared)
    for partition in range(line.settings.partitions):
        stands = await line.redis.hmget(key("state", partition), "offset", "policy")
        found[key("state", partition)] = dict(zip((b"offset", b"policy"), stands, strict=True))
    return found


async def _dumped(redis: Any, name: str) -> dict[bytes, bytes]:  # noqa: ANN401 - as redis-py has it
    kind = (await redis.type(name)).decode()
    if kind == "hash":  # a number that has gone back to zero is as good as none
        found = {member: value async for member, value in redis.hscan_iter(name, count=1000)}
        return {member: _digest(value) for member, value in found.items() if value != b"0"}
    if kind == "zset":
        return {member: str(score).encode() async for member, score in redis.zscan_iter(name, count=1000)}
    if kind == "set":
        return {member: b"" async for member in redis.sscan_iter(name, count=1000)}
    return {}


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=12).digest()


def differences(before: Dump, after: Dump) -> dict[str, dict[str, int]]:
    """By key how many members are missing, are there in excess, or are others."""
    found = {}
    for name, members in before.items():
        other = after[name]
        counts = {
            "missing": len(members.keys() - other.keys()),
            "in excess": len(other.keys() - members.keys()),
            "others": sum(other[member] != value for member, value in members.items() if member in other),
        }
        if any(counts.values()):
            found[name] = counts
    return found


def rebuild(settings: Settings) -> dict[str, float]:
    """Run the command as an operator does; its time, its processor's time, and the most memory it had."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, **settings.environment()}
    run = subprocess.run(COMMAND, env=env, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"quanzu admin rebuild ended with {run.returncode}:\n{run.stdout}\n{run.stderr[-2000:]}")
    print(run.stdout, file=sys.stderr)
    took, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(took, 1), "cpu_seconds": round(cpu, 1), "peak_mb": round(used.ru_maxrss / 1024)}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Installation]:
    line = Installation(settings, ChannelSettings(), Clock())
    await line.open()
    try:
        yield line
    finally:
        await line.close()


async def compared(settings: Settings, server: RedisServer, cases: int, rounds: int, seed: int) -> dict[str, Any]:
    """Fill a province, wipe its Redis, rebuild it, and compare."""
    began = time.monotonic()
    async with opened(settings) as line:
        await Stages(line.worker).failover.watch(range(settings.partitions))
        await watchlist(line, min(WATCHED, cases))
        inputs = await live(line, cases, rounds, seed)
        await Stages(line.worker).failover.watch(range(settings.partitions))
        before = await dump(line)
        entries = sum((await end_offsets(settings, topics.CASE_EVENTS.name)).values())
    filled = time.monotonic() - began
    server.wipe()
    server.start()
    took = await asyncio.to_thread(rebuild, settings)
    async with opened(settings) as line:
        after = await dump(line)
    return {
        "cases": cases,
        "inputs": inputs,
        "journal_entries": entries,
        "members": {name: _members(before, name) for name in KEPT},
        "filled_seconds": round(filled, 1),
        "rebuild": took,
        "differences": differences(before, after),
    }


def _members(found: Dump, name: str) -> int:
    return sum(len(members) for key_, members in found.items() if key_.startswith(f"{name}:"))


def run(settings: Settings, server: RedisServer, cases: int, rounds: int = ROUNDS, seed: int = 7) -> dict[str, Any]:
    """The whole of it, on empty servers; the settings name them."""
    topics.create(settings)
    while wrong := topics.check(settings):  # each broker learns of a topic in its own time
        print(wrong[0], file=sys.stderr)
        time.sleep(0.5)
    return asyncio.run(compared(settings, server, cases, rounds, seed))


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args(arguments and list(arguments))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quanzu-rebuild-")))
        kafka, server = stack.enter_context(Kafka(folder)), stack.enter_context(RedisServer(folder / "redis"))
        settings = Settings(
            kafka=kafka.address, redis=server.url, replication=1, secret="field" * 8, keys=KEYS, data=folder / "data"
        )
        found = run(settings, server, given.cases, given.rounds, given.seed)
    text = json.dumps(found, indent=2)
    print(text)
    if given.report:
        given.report.write_text(text + "\n")


if __name__ == "__main__":
    main()

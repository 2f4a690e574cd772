"""`peers`: other engines and bare loops on Quanzu's work, beside Quanzu's own worker, on one Kafka and one Redis.

All read the same topic, one after the other, and again for each run. No figure counts before a program has alerted
exactly those whom the product's decisions alert, judged in memory signal by signal.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition

from schemas.people.residents import ResidentId
from schemas.risk.signals import batch_adapter
from simulators.backtest.side import Side
from simulators.world.memory import Register, finished
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from streams.screening.positions import Positions
from streams.screening.records import Item
from streams.screening.store import EvidenceStore
from streams.screening.subjects import Subjects
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import connect
from streams.state.keys import WHOLE
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.peers.programs import Program, runnable
from tests.tools.bench.peers.race import Race, race
from tests.tools.bench.peers.topic import Topic, made
from tests.tools.bench.peers.work import TOPIC, rules
from tests.tools.bench.servers import real

RECORDS, RECORDS_SHORT = 500, 150  # of 500 signals
PLACE = TopicPartition(TOPIC, 0)
OURS, BARE = "quanzu", "aiokafka_redis"
CHUNK = 1000
SCREENINGS = ("evidence", "alerted", "payers", "rescore", "screened", "screened-in", "stood", "owed", "tally", "again")
"""What screening keeps of what it has read. The register and the watchlist stay."""


def measure(given: Given) -> Found:
    """The section."""
    races: defaultdict[str, list[Race]] = defaultdict(list)
    programs = runnable()
    with real(given.folder, partitions=1) as settings:
        topic = made(given.count(RECORDS, RECORDS_SHORT), settings)
        topic.write(settings.data)
        expected = alerted(topic, settings)
        asyncio.run(_fill(settings, topic))
        for run in range(given.runs):
            for program in programs:
                own = settings.model_copy(update={"app_id": f"{settings.app_id}-{program.name}-{run}"})
                asyncio.run(_forget(own))
                found = race(program, own, topic, given.folder / f"{program.name}-{run}")
                check(program, found.alerted, expected)
                races[program.name].append(found)
                given.say(f"peers: {program.title} on {program.state}: {found.us(found.used.program):.1f} µs a signal")
    durable = [races[program.name] for program in programs if program.framework]
    return {
        **compared(races[OURS], durable, races[BARE]),
        **{name: _figures(runs) for name, runs in races.items()},
    }


def alerted(topic: Topic, settings: Settings) -> set[ResidentId]:
    """Whom the line's own sieve and judge alert, with what Redis holds in memory."""
    side = Side(rules(settings), Register(topic.people), Subjects(settings.key()))
    finished(side.suspects.enter(topic.watch, side.rules))
    for offset, value in enumerate(topic.records):
        items = [Item(offset, number, signal) for number, signal in enumerate(batch_adapter.validate_json(value))]
        finished(side.take(items))
    return {who for who, known in side.known.items() if known.alerted}


def check(program: Program, found: set[ResidentId], expected: set[ResidentId]) -> None:
    """Raises AssertionError when somebody else was alerted than should be."""
    if found != expected:
        raise AssertionError(
            f"{program.title} did other work: {len(expected - found)} of {len(expected)} were not alerted, "
            f"{len(found - expected)} should not have been"
        )


def compared(ours: Sequence[Race], durable: Sequence[Sequence[Race]], bare: Sequence[Race]) -> Found:
    """Quanzu's rate by a peer's, run by run. Of the durable ones the one that costs least in that run.

    Cost is CPU time of the program and of Redis together: what Quanzu lets Redis do, others do themselves.
    """
    best = list(zip(*durable, strict=True))
    return {
        "times_best_durable": _times([min(map(_us, runs)) for runs in best], map(_us, ours)),
        "times_best_durable_by_wall": _times([min(map(_wall, runs)) for runs in best], map(_wall, ours)),
        "of_bare_loop": _times(map(_us, bare), map(_us, ours)),
        "of_bare_loop_by_wall": _times(map(_wall, bare), map(_wall, ours)),
    }


def _times(theirs: Iterable[float], ours: Iterable[float]) -> Figure:
    return figure([one / other for one, other in zip(theirs, ours, strict=True)], "times")


def _us(run: Race) -> float:
    return run.us(run.used.program + run.used.redis)


def _wall(run: Race) -> float:
    return run.us(run.used.wall)


def _figures(runs: Sequence[Race]) -> Found:
    return {
        "signals_per_second": figure([run.signals / run.used.wall for run in runs], "signals/s of wall time"),
        "cpu_us_per_signal": figure([run.us(run.used.program) for run in runs], "µs of CPU"),
        "redis_us_per_signal": figure([run.us(run.used.redis) for run in runs], "µs of CPU"),
        "kafka_us_per_signal": figure([run.us(run.used.kafka) for run in runs], "µs of CPU"),
        "alerts": figure([len(run.alerts) for run in runs], "alerts"),
    }


async def _fill(settings: Settings, topic: Topic) -> None:
    """The register, the watchlist, and the records."""
    producer, redis = make_producer(settings), connect(settings)
    await producer.start()
    residents = Residents(settings, redis, producer)
    for start in range(0, len(topic.people), CHUNK):
        await residents.put(topic.people[start : start + CHUNK])
    await EvidenceStore(redis, settings.partitions).enter(topic.watch, rules(settings))
    for value in topic.records:
        await producer.send_all([Record(TOPIC, b"0", value, 0)])
    await producer.stop()
    await redis.aclose()


async def _forget(settings: Settings) -> None:
    """Empty the store of what was screened, let it stand before the first record, and belong to the new group."""
    redis: Any = connect(settings)
    await redis.set(WHOLE, settings.app_id, xx=True)
    names = [name async for name in redis.scan_iter(count=10_000) if name.split(b":")[0].decode() in SCREENINGS]
    for start in range(0, len(names), CHUNK):
        await redis.unlink(*names[start : start + CHUNK])
    positions = Positions(redis, settings.partitions)
    for lane in topics.LANES:
        place = TopicPartition(lane.name, 0)
        await positions.set_position(place, await positions.position(place), await positions.life(place), -1, range(0))
    await redis.aclose()

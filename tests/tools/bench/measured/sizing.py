"""`sizing`, for `quanzu admin size`: what records, signals, residents, payments and cases cost of each server.

Screening runs on records of several sizes, each by itself as they come while a worker keeps up, over few and many
partitions. A record's cost is taken apart into what it costs itself, what each partition costs in which its signals'
keys lie (a command to Redis for each kind of key), and what each signal costs: by least squares of the relative errors,
none below zero. Sending is with it: the broker's.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

import numpy
from aiokafka import TopicPartition
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from scipy.optimize import nnls

from domain.risk.sets import lasting
from domain.statistics.sizing import places
from simulators.scams.ordinary import OrdinaryLife
from simulators.world.memory import Register, Suspects, finished
from streams.installation import Installation
from streams.intake.acceptor import records_of
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.record import Raw
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.settings import Settings
from streams.screening.matching import Matcher
from streams.screening.records import add, quickly, read
from streams.screening.subjects import Subjects
from tests.tools.bench import cases, life
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.measured import casework, core, screening
from tests.tools.bench.servers import SECRET, real
from tests.tools.bench.usage import Usage, topic_bytes, usage
from tests.tools.bench.work import pace, working
from tests.tools.bench.worker import BY_RECORD
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import AT, Batch

PARTITIONS = (1, 4, 64)
SIZES = {10: 2_000, 100: 400, 500: 120}  # signals of a record, and how many records a run
LARGEST = max(SIZES)  # the last that is sent: it is what Redis has then
FEW = 4  # partitions where their number is of no account
OTHERS = 50_000  # residents whose weight is taken
CASES, ROUNDS = 2_000, 4
AGENTS = ("board", "deadlines")  # beside casework
PLACE_BYTES = 16  # of a key among all keys, which MEMORY USAGE leaves out
YARD = 60  # records
IDLE_SECONDS = 5.0
LIVED = 50_000  # signals of ordinary life in which evidence is counted
PARTS = {
    **dict.fromkeys(("worker_us", "redis_us", "to_redis_bytes", "from_redis_bytes"), ("record", "place", "signal")),
    **dict.fromkeys(("broker_us", "to_broker_bytes", "from_broker_bytes", "log_bytes"), ("record", "signal")),
}


@dataclass(frozen=True, slots=True)
class Point:
    """What one record of `size` signals costs over so many partitions, by the names of PARTS."""

    size: int
    partitions: int
    costs: Mapping[str, float]
    core_us: float  # what a signal of `core` took of a core then

    def row(self, parts: Sequence[str]) -> list[float]:
        """How many of each part such a record has."""
        counts = {"record": 1.0, "place": places(self.partitions, self.size), "signal": float(self.size)}
        return [counts[part] for part in parts]


def taken_apart(points: Sequence[Point], core_us: float) -> Iterator[tuple[str, float]]:
    """Each cost's parts, by name: `worker_us_per_signal`. CPU as of a core on which `core`'s signal takes `core_us`."""
    for name, parts in PARTS.items():
        paces = [core_us / point.core_us if name.endswith("_us") else 1.0 for point in points]
        costs = numpy.array([point.costs[name] * pace for point, pace in zip(points, paces, strict=True)])
        rows = numpy.array([point.row(parts) for point in points]) / costs[:, None]
        found, _ = nnls(rows, numpy.ones(len(points)))
        yield from zip((f"{name}_per_{part}" for part in parts), map(float, found), strict=True)


def measure(given: Given) -> Found:
    """The section."""
    runs = 1 if given.short else given.runs
    found: dict[str, Figure | Found] = {}
    points: list[list[Point]] = [[] for _ in range(runs)]
    for partitions in PARTITIONS:
        folder = given.folder / f"partitions-{partitions}"
        with real(folder, partitions) as settings:
            found |= asyncio.run(_on(settings, folder, points, given))
    core_us = figure([point.core_us for run in points for point in run], "µs of CPU")
    apart: defaultdict[str, list[float]] = defaultdict(list)
    for run in points:
        for name, value in taken_apart(run, core_us.median):
            apart[name].append(value)
    folder = given.folder / "cases"
    with real(folder, FEW) as settings:
        found |= asyncio.run(_cases(settings, folder, runs))
    found["core_us_per_signal"] = core_us
    return found | {name: figure(values, _unit(name)) for name, values in apart.items()}


def _unit(name: str) -> str:
    return "µs of CPU" if "_us_" in name else "bytes" if "bytes" in name else "inputs"


def pace_of_a_core() -> float:
    """µs that a signal of `core` takes just now: on a machine that others use too, a core is not always as fast."""
    spare_the_collector()
    return core.screened(Register(life.crowd()), core.policy(), YARD).us_per_signal


async def _on(settings: Settings, folder: Path, points: list[list[Point]], given: Given) -> Found:
    found: dict[str, Figure | Found] = {}
    if settings.partitions == FEW:
        async with opened(settings) as line:
            found |= await _residents(line, folder)
    async with screening.settled(settings, len(life.crowd())) as line:
        for run in points:
            for size, count in SIZES.items():
                run.append(await screened(line, life.records(count, size, settings.partitions), folder, size))
                given.say(f"{settings.partitions} partitions: {run[-1]}")
        if settings.partitions == FEW:
            found |= await _payments(line)
            found |= await _compressed(line, folder)
    return found


async def screened(line: Installation, batches: Sequence[Batch], folder: Path, size: int) -> Point:
    """Send the batches, let a worker screen them, and see what each record cost of whom."""
    before_it, logs = usage(line.settings, []), signal_bytes(folder)
    total, before = await screening.fill(line, batches), await screening.screened_so_far(line)
    filled, marks = usage(line.settings, []), list[Usage]()
    sent = filled.since(before_it)

    async def done() -> int:
        return await screening.screened_so_far(line) - before

    paces = [pace_of_a_core()]
    async with working(line.settings, "screening", BY_RECORD) as workers:
        measured = await pace(workers, done, total, mark=lambda: marks.append(usage(line.settings, workers.pids)))
        await asyncio.sleep(IDLE_SECONDS)
        idle = usage(line.settings, workers.pids).since(marks[1]).times(measured.seconds / IDLE_SECONDS)
    paces.append(pace_of_a_core())
    # What a worker does when nothing happens is reckoned by itself (idle.py): here it would count twice.
    used, records, written = marks[1].since(marks[0]).since(idle), measured.items / size, len(batches)
    return Point(
        size,
        line.settings.partitions,
        {
            "worker_us": used.worker / records * 1e6,
            "redis_us": used.redis / records * 1e6,
            "to_redis_bytes": used.to_redis / records,
            "from_redis_bytes": used.from_redis / records,
            "broker_us": (used.broker / records + sent.broker / written) * 1e6,
            "to_broker_bytes": sent.to_broker / written,
            "from_broker_bytes": marks[1].since(filled).from_broker / written,  # it reads ahead: from its beginning
            "log_bytes": (signal_bytes(folder) - logs) / written,
        },
        sum(paces) / len(paces),
    )


def signal_bytes(folder: Path) -> float:
    """What both lanes have on disk."""
    found = topic_bytes(folder)
    return float(sum(found.get(topic.name, 0) for topic in topics.LANES))


async def _residents(line: Installation, folder: Path) -> Found:
    """A resident's record on the topic."""
    before = topic_bytes(folder)[topics.RESIDENTS.name]
    await life.put_others(line.residents, 0, OTHERS)
    written = topic_bytes(folder)[topics.RESIDENTS.name] - before
    await line.residents.erase([entry.id async for batch in line.residents.all() for entry in batch])
    return {"log_bytes_per_resident": figure([written / OTHERS], "bytes")}


async def _compressed(line: Installation, folder: Path) -> Found:
    """A signal on a topic that the broker compresses, which signals' own are not."""
    name, batches = "compressed", life.records(SIZES[LARGEST], LARGEST, FEW)
    await asyncio.to_thread(_create_compressed, line.settings, name)
    values = [batch.stamped(number, datetime.now(UTC)).value for number, batch in enumerate(batches)]
    await line.producer.send_all([Record(name, b"", value, 0) for value in values])
    return {"zstd_bytes_per_signal": figure([topic_bytes(folder)[name] / LARGEST / len(batches)], "bytes")}


def _create_compressed(settings: Settings, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.brokers)
    admin.create_topics([NewTopic(name, 1, 1, topic_configs={"compression.type": "zstd"})])
    admin.close()


async def _payments(line: Installation) -> Found:
    """What a payment takes of Redis that is kept under its payee, and a resident's evidence; how many payments come.

    Ordinary life has sent them; as Redis says it of each key, and the key's place among all.
    """
    kept, weight = Counter[str](), Counter[str]()
    for name, length in {"payers": line.redis.zcard, "evidence": line.redis.hlen}.items():
        async for key in line.redis.scan_iter(match=f"{name}:*", count=1000):
            kept[name] += await length(key)
            weight[name] += int(await line.redis.memory_usage(key, samples=0) or 0) + PLACE_BYTES
    signals = SIZES[LARGEST] * LARGEST
    return {
        "bytes_per_payment": figure([weight["payers"] / kept["payers"]], "bytes of Redis"),
        "payments_per_signal": figure([kept["payers"] / signals], "payments"),
        "bytes_per_evidence": figure([weight["evidence"] / kept["evidence"]], "bytes of Redis"),
        **_evidence(),
    }


def _evidence() -> Found:
    """How much ordinary life shows (where it is not thinned for a load that goes on and on), and how long it lasts."""
    matcher, policy = Matcher(Register(life.crowd()), Suspects(), Subjects(SECRET.encode())), core.policy()
    signals = [due.signal for due in OrdinaryLife(life.SEED, life.crowd()).hour(AT, LIVED)]
    hours, now = list[int](), datetime.now(UTC)
    for number, record in enumerate(records_of(signals, FEW)):
        tp = TopicPartition(record.topic, record.partition)
        batch = read(tp, [], now)
        add(batch, tp, Raw(number, record.value or b""), now, quickly)
        matched = finished(matcher.match(tp, batch, policy.risk, now))
        about = [member for record in matched.records for finding in record.findings for _, member in finding.about]
        hours += [lasting(member.kind, policy.risk) for member in about]
    return {
        "evidence_per_signal": figure([len(hours) / len(signals)], "members of residents' sets"),
        "evidence_days": figure([mean(hours) / 24], "days"),
    }


async def _cases(settings: Settings, folder: Path, runs: int) -> Found:
    """What an input costs the worker that decides, and its traces on the topics and in Redis."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    async with opened(settings) as line:
        await casework.stand(line)
        for number in range(runs):
            told = cases.told(CASES, ROUNDS, datetime.now(UTC) - timedelta(days=1), core.policy(), life.SEED + number)
            logs, before = topic_bytes(folder), usage(settings, [])
            pace_ = await casework.decided(line, told.inputs, *AGENTS, warm_up=0.1)
            written, inputs = Counter(topic_bytes(folder)), len(told.inputs)
            written.subtract(logs)
            found["worker_us_per_input"].append(pace_.us_each)
            found["redis_bytes_per_case"].append(usage(settings, []).since(before).memory / CASES)
            found["log_bytes_per_input"].append(written[topics.CASE_INPUTS.name] / inputs)
            found["log_bytes_per_event"].append(written[topics.CASE_EVENTS.name] / inputs)
            found["log_bytes_of_dispatches_per_input"].append(
                sum(written[topic.name] for topic in topics.DISPATCHES) / inputs
            )
            found["inputs_per_case"].append(inputs / CASES)
    return {name: figure(values, _unit(name)) for name, values in found.items()}

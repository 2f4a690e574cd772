"""`screening`: the agent alone in a worker, on a topic that was filled before it started.

Everything is on: scoring with its reasons, tallies, evidence kept in Redis, alerts that Kafka has acknowledged. Each
run is a worker of its own, on records that it has not seen, about people of whom nothing is known. The figures without
another name are those on an Apache Kafka and Debian's Redis; `embedded` has those on Tansu and Valkey.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition

from agents.screening import Screening
from simulators.world.memory import Register
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.fetch_order import run_of
from streams.messaging.reader import read_all
from streams.messaging.record import Raw
from streams.monitoring.report import outcomes
from streams.runtime.settings import Settings
from streams.state.keys import lane_key
from tests.tools.bench import life, limits
from tests.tools.bench.figures import Found, Given, figure
from tests.tools.bench.measured import core
from tests.tools.bench.servers import embedded, real
from tests.tools.bench.work import Pace, beside, each, pace, until, working
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import Batch, Load

RESIDENTS, RESIDENTS_SHORT = 1_000_000, 100_000
RECORDS, RECORDS_SHORT = 400, 100  # of 500 signals, a run
SIZES = {1: 20_000, 10: 5_000, 100: 1_000}  # records of fewer signals, a run
PIECE = 10_000  # signals sent together
LIMIT_RECORDS = 100  # on which the limits are measured
OF_A_RUN = ("evidence:*", "alerted:*", "payers:*", "rescore:*")  # what is known of people
SCREENED = (*OF_A_RUN, "screened*", "tally:*", "again*", "accounts-by-token:*", "watch:*")  # all that screening changes


@asynccontextmanager
async def settled(settings: Settings, residents: int) -> AsyncIterator[Installation]:
    """A line with so many residents, whose cases stand and whose lanes were screened to their end."""
    async with opened(settings) as line:
        await line.residents.put(life.crowd())
        await life.put_others(line.residents, 0, residents - len(life.crowd()))
        async with working(settings, "screening", "casework", "deadlines"):  # whose watch brings all up
            await until(lambda: _screened(line), "screening to stand")
        yield line


async def screened(line: Installation, batches: Sequence[Batch], *more: str, times: int = 1, workers: int = 1) -> Pace:
    """Fill the topic with the batches, so many times, then let workers screen it; with the agents `more` beside."""
    before = await screened_so_far(line)
    total = await fill(line, batches, times)

    async def done() -> int:
        return await screened_so_far(line) - before

    async with working(line.settings, "screening", *more, count=workers) as at_work:
        return await pace(at_work, done, total)


async def fill(line: Installation, batches: Sequence[Batch], times: int = 1) -> int:
    """Put the batches on the topic, so many times; gives how many signals that are. Nothing is known of anybody."""
    await forget(line)
    load = Load(line.producer, line.clock, batches)
    load.number = await screened_so_far(line)  # so that no id comes twice
    total = times * sum(batch.sources.total() for batch in batches)
    while load.accepted.total() < total:
        await load.send(min(PIECE, total - load.accepted.total()))
    return load.accepted.total()


def measure(given: Given) -> Found:
    """The section: also what screening costs beside the decisions alone, measured in turn with it."""
    return {
        **asyncio.run(_on_real(given)),
        "embedded": asyncio.run(_on_embedded(given)),
    }


async def _on_real(given: Given) -> Found:
    records = given.count(RECORDS, RECORDS_SHORT)
    register, policy = Register(life.crowd()), core.policy()
    with real(given.folder / "real") as settings:
        async with settled(settings, given.count(RESIDENTS, RESIDENTS_SHORT)) as line:
            paces, overheads = [], []
            for _ in range(given.runs):
                alone = core.screened(register, policy, records).us_per_signal
                paces.append(await screened(line, life.records(records)))
                overheads.append(paces[-1].us_each - alone)
            forms = {} if given.short else await _other_forms(line, given)
            least = await _limits(line)
            return {
                **beside(each(paces, "signal"), "signal", least),
                "overhead_us_per_signal": figure(overheads, "µs of the process's CPU"),
                **forms,
                "limits": limits.figures(least, "signal"),
            }


async def _limits(line: Installation) -> limits.Limits:
    """Copying the records, reading them, and Redis' own work on them, µs a signal. They are screened here meanwhile."""
    lanes = [lane.name for lane in topics.LANES]
    since = await limits.ends(line.settings, *lanes)
    total = await fill(line, life.records(LIMIT_RECORDS))
    waiting = {place: list[Raw]() for place in since}
    for lane in lanes:
        behind = {lane: {number: since[lane, number] for number in range(line.settings.partitions)}}
        async for record in read_all(line.settings, lane, behind):
            waiting[lane, record.partition].append(Raw(record.offset, record.value or b""))

    flow = Screening(line.screening_context)

    async def screen() -> None:
        for (lane, number), raws in waiting.items():
            left = iter(raws)
            while batch := run_of(left):  # as the bulk lane's agent takes them when more always wait
                await flow.lanes.screen(TopicPartition(lane, number), batch)

    return {
        limits.COPY: limits.copied([raw.value for raws in waiting.values() for raw in raws], total),
        limits.READ: limits.fetched(line.settings, since, await limits.ends(line.settings, *lanes)) / total * 1e6,
        limits.REDIS: await limits.answered(line.settings, SCREENED, screen) / total * 1e6,
    }


async def _other_forms(line: Installation, given: Given) -> Found:
    """Smaller records, a few residents who have most of the signals, and a worker with casework beside screening."""
    runs, records, found = range(given.runs), given.count(RECORDS, RECORDS_SHORT), dict[str, Found]()
    for size, full in SIZES.items():
        some = life.records(given.count(full, full), size)
        found[f"batch_{size}"] = each([await screened(line, some) for _ in runs], "signal")
    found["batch_500"] = each([await screened(line, life.records(records)) for _ in runs], "signal")
    skewed = life.skewed(records)
    found["zipf"] = each([await screened(line, skewed) for _ in runs], "signal")
    found["with_casework"] = each([await screened(line, life.records(records), "casework") for _ in runs], "signal")
    return found


async def _on_embedded(given: Given) -> Found:
    with embedded(given.folder / "embedded") as settings:
        async with settled(settings, RESIDENTS_SHORT) as line:
            records = life.records(RECORDS_SHORT)
            return each([await screened(line, records) for _ in range(given.runs)], "signal")


async def screened_so_far(line: Installation) -> int:
    """Signals that were counted in the tallies."""
    return sum(outcomes(await line.screening.tallies()).values())


async def _screened(line: Installation) -> bool:
    """Whether each partition of both lanes was brought up."""
    lanes = [lane.name.removeprefix(topics.SIGNALS.name) for lane in topics.LANES]
    keys = [lane_key("screened-in", lane, partition) for lane in lanes for partition in range(line.settings.partitions)]
    return None not in await line.redis.mget(keys)


async def forget(line: Installation) -> None:
    """Let nothing be known of anybody, as when a run began."""
    for pattern in OF_A_RUN:
        async for name in line.redis.scan_iter(match=pattern, count=1000):
            await line.redis.unlink(name)

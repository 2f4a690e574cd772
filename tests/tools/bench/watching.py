"""What idle workers ask of Redis, by timer: CPU of a turn, and of all turns of a second.

python -m tests.tools.bench.watching                                     8 workers, 1,000 partitions
python -m tests.tools.bench.watching --workers 2 --partitions 64 --turns 50

One process has the stages of agents/worker.py, its share of the partitions, and what each timer of a worker does. It
takes turn by turn, while the other workers' heartbeats are fresh, and reads the CPU time of itself and of Redis
(Debian's, with its append-only file) before and after each. A median turn, times the turns of a second, times the
workers for Redis, is what an installation uses when nothing happens. CPU time depends less than wall-clock time on what
else the machine does. A timer pauses after each turn, so it takes a few turns a second less than is assumed here.

Left out are the epoch, health, clocks, and what is asked of Kafka, such as Faust's fetches that find nothing: see the
section `idle` for a whole worker.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import NamedTuple, cast

from aiokafka import TopicPartition

from agents import failover, feeds, screening
from agents.worker import Stages
from streams.casework import breaker
from streams.casework.auditor.auditor import PAUSE_SECONDS, WALK_SECONDS
from streams.casework.auditor.snapshots import Snapshots
from streams.casework.deadlines import POLL_SECONDS
from streams.casework.failover import HEARTBEAT_SECONDS, PartitionOwners
from streams.channels.settings import load as load_channels
from streams.dead_letters import index as dead_letters
from streams.installation import Installation
from streams.messaging import topics
from streams.runtime.settings import Settings
from streams.state.store_update import PartitionRules, StoreUpdate
from tests.tools.bench.servers import RECEIPTS_SECRET, embedded
from tests.tools.servers.redis import RedisServer

WORKERS, PARTITIONS, TURNS = 8, 1000, 50
DEADLINE_TURNS = 60  # 3 s, in which all is asked six times


class Timer(NamedTuple):
    """A worker's timer: what it does each `seconds`; `cycle`: after so many turns it begins again, if they differ."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]
    cycle: int = 0


class Turn(NamedTuple):
    """CPU seconds of a turn."""

    worker: float
    redis: float


class Clock:
    """A clock of monotonic seconds that goes on by a timer's pause with each of its turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def timers(stages: Stages, mine: Sequence[int], clock: Clock) -> list[Timer]:
    """The timers of a worker that owns the partitions `mine`."""
    owned = set(mine)
    lanes = [TopicPartition(lane.name, number) for lane in topics.LANES for number in mine]
    flow, due, lane_flow = stages.failover, stages.due_work, stages.screening

    async def fire() -> None:
        clock.now += POLL_SECONDS
        await due.poll(mine)

    async def audit() -> None:
        clock.now += PAUSE_SECONDS
        await stages.auditor.walk(owned)

    # The embedded broker answers in another way than Kafka, so what the auditor asks it is left out.
    stages.auditor._snapshots = cast("Snapshots", SimpleNamespace(unknown=_nothing))

    return [
        Timer("heartbeat", HEARTBEAT_SECONDS, lambda: flow.owners.heartbeat(mine)),
        Timer("cover", HEARTBEAT_SECONDS, flow.cover),
        Timer("deadlines", POLL_SECONDS, fire, DEADLINE_TURNS),
        Timer("watch", failover.WATCH_SECONDS, lambda: flow.watch(mine)),
        Timer("officers", failover.WATCH_SECONDS, lambda: flow.watch_officers(mine)),
        Timer("screening's watch", screening.WATCH_SECONDS, lambda: lane_flow.lanes.catch_up(lanes, 1)),
        Timer("screening again", screening.WATCH_SECONDS, lambda: lane_flow.rescreening.screen_owed(lanes)),
        Timer("breaker", breaker.LOOK_SECONDS, stages.breaker.check),
        Timer("dead letters", dead_letters.LOOK_SECONDS, lambda: stages.open_letters.show(ours=False)),
        Timer("feeds", feeds.LOOK_SECONDS, stages.feeds.refresh),
        Timer("auditor", PAUSE_SECONDS, audit, round(WALK_SECONDS / PAUSE_SECONDS)),
    ]


async def _nothing(_: int) -> list[object]:
    return []


async def fill(line: Installation) -> None:
    """Give each partition an empty store, and each lane a position, as after the first start."""
    policy = (await line.policies.default()).hash
    positions = line.screening.positions
    for number in range(line.settings.partitions):
        steps = line.store.steps(number, await line.store.begin_rebuild(number) or "")
        rules = StoreUpdate()
        rules.standing(PartitionRules(-1, policy))
        await steps.write([rules])
        await steps.finish(-1, 0)
        for lane in (TopicPartition(topic.name, number) for topic in topics.LANES):
            life = await positions.life(lane)
            await positions.set_position(lane, await positions.position(lane), life, -1, range(0))


async def measure(settings: Settings, workers: int, turns: int) -> None:
    """Measure and print the turns of each timer of a worker that has its share of the partitions, after some to warm
    up, and the sums, in cores.
    """
    line, clock = Installation(settings, load_channels()), Clock()
    await line.open()
    await fill(line)
    server = int((await line.redis.info("server"))["process_id"])
    shares = [range(number, settings.partitions, workers) for number in range(workers)]
    everyone = [(PartitionOwners(settings, line.redis), share) for share in shares]
    stages, found = Stages(line.worker, clock), list[Turn]()
    print(f"{'timer':18} {'turns/s':>8} {'worker':>12} {'Redis':>12} {'worker':>9} {'Redis':>9}")
    for timer in timers(stages, shares[0], clock):
        taken = []
        warm = turns // 10
        for _ in range(warm + (timer.cycle or turns)):
            if timer.name == "cover":
                for owners, share in everyone:
                    await owners.heartbeat(share)
            before = _cpu(server)
            await timer.work()
            after = _cpu(server)
            taken.append(Turn(after.worker - before.worker, after.redis - before.redis))
        found.append(show(timer, taken[warm:], workers))
    await line.close()
    worker, redis = sum(each.worker for each in found), sum(each.redis for each in found)
    print(f"worker_cores {worker:.4f}\nredis_cores {redis:.4f}  ({workers} workers)")


def _cpu(server: int) -> Turn:
    """CPU seconds of this process, and of all threads of Redis, so far."""
    threads = Path(f"/proc/{server}/task").glob("*/schedstat")
    return Turn(time.process_time(), sum(int(each.read_text().split()[0]) for each in threads) / 1e9)


def show(timer: Timer, taken: Sequence[Turn], workers: int) -> Turn:
    """Print a timer's turn, and return the cores that it takes of a worker, and of Redis for all workers."""
    # Turns are alike but for a rare one that does more, or was interrupted, which leaves the median as it is.
    of = mean if timer.cycle else median
    turn = Turn(of([each.worker for each in taken]), of([each.redis for each in taken]))
    cores = Turn(turn.worker / timer.seconds, turn.redis / timer.seconds * workers)
    micros = f"{turn.worker * 1e6:9.0f} us {turn.redis * 1e6:9.0f} us"
    print(f"{timer.name:18} {1 / timer.seconds:8.1f} {micros} {cores.worker:9.4f} {cores.redis:9.4f}", flush=True)
    return cores


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--turns", type=int, default=TURNS, help="of each timer")
    given = parser.parse_args()
    os.environ["QUANZU_RECEIPTS_SECRET"] = RECEIPTS_SECRET
    with (
        TemporaryDirectory() as folder,
        RedisServer(Path(folder) / "redis") as server,
        embedded(Path(folder), given.partitions) as broker,
    ):
        settings = broker.model_copy(update={"redis": server.url})
        asyncio.run(measure(settings, given.workers, given.turns))


if __name__ == "__main__":
    main()

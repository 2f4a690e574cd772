"""Run one schedule: until its faults have healed and all is quiet, or a bound; and give what is left to the laws."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from time import process_time

from tests.simulation.acts import Acts
from tests.simulation.laws.keyspace import plain
from tests.simulation.laws.observed import LogRecord, Observed, Store
from tests.simulation.schedule import Schedule
from tests.simulation.simulated import kafka, worker
from tests.simulation.simulated.office import TABLE
from tests.simulation.simulated.prepare import prepared
from tests.simulation.simulated.world import BEGAN, PARTITIONS, Prepared, World, kinds
from tests.simulation.story import story

QUIET_SECONDS = 3.5  # so long nothing may be left to do
LONGEST_SECONDS = 40.0  # after the last fault has healed; then it ends as soon as nothing is left to do
OVERTIME_SECONDS = 5.0  # beyond that: whoever has not done by then what there is to do is stuck
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Ran:
    """A run. `failures`: workers that ended by themselves. `handled`: how many handles the loop ran."""

    schedule: Schedule
    observed: Observed
    failures: list[str]
    story: Callable[[], str]
    handled: int
    counted: Counter[tuple[str, str]]  # messages by worker and agent or timer
    seconds: float  # of CPU


@lru_cache(maxsize=1)
def beginning() -> Prepared:
    """What all schedules of this process begin with."""
    return prepared()


def run(schedule: Schedule, count: tuple[float, float] | None = None) -> Ran:
    """Run a schedule. Within `worker.simulated()`. `count`: from when to when messages are counted."""
    start = process_time()
    begun = beginning()
    random = Random(schedule.seed)
    promises = kinds(schedule.promises)
    world = World(random, schedule.swaps, promises, begun, idempotent=schedule.idempotent, seed=schedule.seed)
    worker.run_in(world)
    worker.forget()
    try:
        with _no_collector():
            return _run(world, schedule, start, count)
    finally:
        world.network.over = True
        world.loop.end()
        worker.run_in(None)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let no garbage be collected meanwhile: when that happens depends on what ran before, and ends generators."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _run(world: World, schedule: Schedule, start: float, count: tuple[float, float] | None) -> Ran:
    world.begin, world.checkpoint = worker.start, worker.checkpoint
    for number in range(1, schedule.workers + 1):
        worker.start(f"w{number}")
    acts = Acts(world, schedule)
    acts.start()
    counted: Counter[tuple[str, str]] = Counter()
    if count:
        world.loop.outside(count[0], setattr, world.network, "counted", counted)
        world.loop.outside(count[1], setattr, world.network, "counted", None)
    _drive(world, acts)
    observed = _observed(world, schedule, acts)
    told = world.story
    return Ran(
        schedule,
        observed,
        world.failures + [str(error.get("message")) for error in world.loop.errors if error.get("exception")],
        lambda: story(told),
        world.loop.handled,
        counted,
        process_time() - start,
    )


def _drive(world: World, acts: Acts) -> None:
    """Let time pass until nothing has been left to do for a while; at last, until nothing is left to do."""
    loop, quiet, busy = world.loop, 0.0, True
    while quiet < QUIET_SECONDS and (not acts.over or loop.time() < _end(acts, busy=busy)):
        loop.drive(loop.time() + LOOK_SECONDS)
        world.look()
        busy = (
            not acts.over
            or not world.consumed()
            or not world.whole()
            or world.owing()
            or world.due_within(0.0)
            or world.unpublished()
        )
        quiet = 0.0 if busy else quiet + LOOK_SECONDS


def _end(acts: Acts, *, busy: bool) -> float:
    return acts.healed + LONGEST_SECONDS + busy * OVERTIME_SECONDS


def _observed(world: World, schedule: Schedule, acts: Acts) -> Observed:
    begun = beginning()
    keys = plain(world.redis())
    wrote = {told.what.place: told.who for told in world.story if isinstance(told.what, kafka.Record)}
    logs: dict[str, dict[int, list[LogRecord]]] = {}
    begins: dict[str, dict[int, int]] = {}
    for where, part in world.log.parts.items():
        begins.setdefault(where.topic, {})[where.partition] = part.begin
        logs.setdefault(where.topic, {})[where.partition] = [
            LogRecord(record.offset, record.at, record.key, record.value, wrote.get(record.place, ""))
            for record in part.records
        ]
    return Observed(
        partitions=PARTITIONS,
        policy=begun.policy.hash,
        policies={begun.policy.hash: begun.policy},
        residents={each.id: each for each in begun.residents},
        kinds=world.providers.promises,
        healed_at=BEGAN + acts.healed,
        ended_at=world.true(),
        accepted=world.accepted,
        logs=logs,
        stores={partition: Store.of(partition, keys) for partition in range(PARTITIONS)},
        contacts=world.providers.contacts,
        seed=schedule.seed,
        began_at=BEGAN + world.began,
        begins=begins,
        lost_at=world.lost_at,
        restored_at=world.restored_at,
        stalls=world.stalls,
        requests=world.providers.requests,
        troubles=world.troubles,
        told_there=world.providers.province.told,
        taken_there=world.providers.province.taken,
        denied_there=world.providers.province.denied,
        changes=acts.offices.changes,
        tables={TABLE: {name.decode(): value for name, value in keys.get(TABLE, {}).items()}},
    )

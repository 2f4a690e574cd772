"""`latency`: from a signal to the dispatch that it leads to, the whole line at work, at shares of what it can take.

An open loop: signals come at their planned times whether or not those before were dealt with, and time counts from the
plan, so that nothing hides while the line stands still (no coordinated omission). Among ordinary life a few signals
each second are of people to be warned at once: payments to a confirmed suspect, which take the urgent lane, and calls
by one from an ordinary number, which wait in the bulk lane. The end is when a consumer of `dispatches.red` has it.

The limit is that of this load, warnings among it, and is measured anew before each share, since their cases go on and
are work as well. A share of it is that share of the warnings too.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from hdrh.histogram import HdrHistogram
from rich.console import Console

from schemas.people.residents import Resident, ResidentId
from schemas.risk.signals import BATCH_LIMIT, Signal
from simulators.demo.run import Demo, Plan, in_background
from streams.intake.acceptor import Intake
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import follow
from streams.runtime.clock import Clock
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.settings import Settings
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.life import SEED
from tests.tools.bench.measured.screening import forget
from tests.tools.bench.servers import real
from tests.tools.bench.work import until_none
from tests.tools.field.load.load import Load, batches
from tests.tools.field.load.overload import CROWD, Watch, capacity
from tests.tools.field.stories import SIGNALS, Kind, Stories, cast

SHARES = {"tenth": 0.1, "half": 0.5, "four_fifths": 0.8}
SECONDS, SECONDS_SHORT = 60.0, 15.0  # of a run
LIMIT_SECONDS, LIMIT_SECONDS_SHORT = 60.0, 20.0
PROBES_A_SECOND = 4  # at the limit: three times a province's worst hour
PRIMED_SECONDS = 1.0  # a call is planned so long after the payment that it makes red
RECORDS = 200
HIGHEST_US = 600_000_000  # beyond the limit a backlog grows for all of a run, and is worked off after it
LANES = {"urgent": Kind.SUSPECT_PAYEE, "bulk": Kind.UNLISTED}


@dataclass(slots=True)
class Probes:
    """People who are to be warned at once: when each one's signal was planned, and when the dispatch was there."""

    stories: Stories  # of whose people each is about the next
    planned: dict[ResidentId, tuple[str, float]] = field(default_factory=dict)  # lane and time
    seen: dict[ResidentId, float] = field(default_factory=dict)

    async def send(self, rate: float, seconds: float) -> None:
        """Send `rate` a second at their times, by both lanes in turn; returns when each has its dispatch."""
        began, lanes = time.monotonic() + PRIMED_SECONDS, list(LANES)
        async with asyncio.TaskGroup() as group:
            for number in range(round(seconds * rate)):
                at, who = began + number / rate, next(self.stories.people)
                lane = lanes[number % len(lanes)]
                self.planned[who.id] = lane, at
                group.create_task(self._probe(who, lane, at))
        await until_none(self._left, "probes have no dispatch yet")

    async def listen(self, settings: Settings, since: Mapping[int, int]) -> None:
        """Take down when a resident's first dispatch is there, from these offsets on, until cancelled."""
        async for record in follow(settings, topics.DISPATCHES_RED.name, since):
            self.seen.setdefault((record.key or b"").decode(), time.monotonic())

    def histogram(self, *lanes: str) -> HdrHistogram:
        """The latencies of what took these lanes, in µs."""
        found = HdrHistogram(1, HIGHEST_US, 3)
        for who, (lane, at) in self.planned.items():
            if lane in lanes:
                found.record_value(min(HIGHEST_US, round((self.seen[who] - at) * 1e6)))
        return found

    async def _probe(self, who: Resident, lane: str, at: float) -> None:
        await asyncio.sleep(at - PRIMED_SECONDS - time.monotonic())
        *before, last = _in_order(lane, who, self.stories.clock)
        await self.stories.accept(before)
        await asyncio.sleep(at - time.monotonic())
        await self.stories.accept([last])

    async def _left(self) -> int:
        return len(self.planned.keys() - self.seen.keys())


def measure(given: Given) -> Found:
    """The section: on an Apache Kafka and Debian's Redis, with two workers, carriers, banks and operators."""
    with real(given.folder) as settings:
        return asyncio.run(_measured(settings, given))


async def _measured(settings: Settings, given: Given) -> Found:
    seconds = given.seconds(SECONDS, SECONDS_SHORT)
    limit_seconds = given.seconds(LIMIT_SECONDS, LIMIT_SECONDS_SHORT)
    shares = {"half": SHARES["half"]} if given.short else SHARES
    probes = round((len(shares) * limit_seconds + sum(shares.values()) * given.runs * seconds) * PROBES_A_SECOND)
    plan = Plan(timedelta(hours=1), 1, SEED, CROWD + 3 * probes)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(Demo(settings, plan, Console(quiet=True), lambda *_: "").running())
        people, line = running.province.people, running.line
        load = Load(
            line.producer, line.clock, batches(people[:CROWD], line.settings.partitions, BATCH_LIMIT, SEED, RECORDS)
        )
        stories = Stories(Intake(line.producer, line.settings), line.clock, iter(cast(people[CROWD:])))
        await stories.confirm()
        spare_the_collector()  # half a second in which nothing is sent and nothing heard would count as the line's
        watch = Watch(running, load, stories, given.say)
        limits, found = list[float](), dict[str, Figure | Found]()
        for name, share in shares.items():
            await forget(line)
            measured = capacity(watch, limit_seconds)
            limits.append(await _warned_beside(measured, Probes(stories), 1.0, limit_seconds, line.settings))
            ran = []
            for _ in range(given.runs):
                await forget(line)  # the same records come again and again: of each resident a year would pile up
                ran.append(Probes(stories))
                await _warned_beside(load.offer(share * limits[-1], seconds), ran[-1], share, seconds, line.settings)
            found |= _figures(name, ran)
        return {"limit_signals_per_second": figure(limits, "signals/s"), **found}


async def _warned_beside(
    work: Awaitable[float], probes: Probes, share: float, seconds: float, settings: Settings
) -> float:
    """What the work gives, with this share of the people to be warned beside it for so long."""
    since = await end_offsets(settings, topics.DISPATCHES_RED.name)  # before the first can be there
    async with in_background(probes.listen(settings, since)):
        given, _ = await asyncio.gather(work, probes.send(share * PROBES_A_SECOND, seconds))
    return given


def _figures(share: str, ran: Sequence[Probes]) -> dict[str, Figure]:
    """Of each run p50 and p99, by lane too; p99.9 of all runs together, since one has too few for it."""
    both = tuple(LANES)
    found = {f"p{which}_ms_at_{share}": _percentiles(ran, which, *both) for which in (50, 99)}
    found |= {f"{lane}_p99_ms_at_{share}": _percentiles(ran, 99, lane) for lane in both}
    whole = HdrHistogram(1, HIGHEST_US, 3)
    for run in ran:
        whole.add(run.histogram(*both))
    return {**found, f"p999_ms_at_{share}": figure([whole.get_value_at_percentile(99.9) / 1e3], "ms")}


def _percentiles(ran: Sequence[Probes], which: float, *lanes: str) -> Figure:
    return figure([run.histogram(*lanes).get_value_at_percentile(which) / 1e3 for run in ran], "ms")


def _in_order(lane: str, who: Resident, clock: Clock) -> list[Signal]:
    """A probe's signals, that which is timed last: of the bulk lane's the suspect's call."""
    signals = SIGNALS[LANES[lane]](who, clock.now())
    return signals[::-1] if lane == "bulk" else signals

"""Three times what the workers can take: is red still warned in its time, and does all else come out?

python -m tests.tools.field.load.overload --minutes 10 --times 3 --report overload.json

Measures first what the workers take when they are never more than a moment behind (a closed loop), then offers a
multiple of it whether or not they keep up (an open loop), with people to be warned among it; then lets the backlog
drain. Red is judged by the carrier's book against the design's clocks: the flash SMS at once, the robot call within
30 s. Nothing of it may be lost: conservation by source, and a case for everybody in a story.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from domain.statistics.report import Published, percentiles
from schemas.levels import Action
from simulators.demo.run import Demo, Plan, Running, in_background
from simulators.providers.base import Fault
from streams.intake.acceptor import Intake
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.monitoring.report import conserved, journal_events, outcomes
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import lane_key
from tests.tools.field.load.load import Load, batches
from tests.tools.field.stories import LOWER, RED, Kind, Stories, Told, cast, delays

AT_ONCE_SECONDS = 5.0  # design: flash SMS at once; with all that lies between on a machine that is full
CALL_SECONDS = 30.0  # design: robot call within 30 s
IN_FLIGHT_SECONDS = 1.0  # of work that the closed loop keeps waiting
STALLED_SECONDS = 120.0
SAY_EVERY = 10  # samples
CROWD = 40_000  # residents in whose ordinary life nothing happens: of fewer, each would live years in ten minutes
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be run. `rate`: signals a second the workers can take; measured when none is given."""

    minutes: float = 10
    times: float = 3
    rate: float | None = None
    measure_seconds: float = 60
    seed: int = 7
    workers: int = 2
    size: int = 500  # signals of a record
    red_a_second: float = 1
    lower_a_second: float = 10
    slow_gateway: float = 0  # seconds that the SMS gateway takes to answer

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def residents(self) -> int:
        """The crowd, and enough people for the stories: not everybody can be in one."""
        return CROWD + round(2.2 * self.seconds * (self.red_a_second + self.lower_a_second))


@dataclass(frozen=True, slots=True)
class Sample:
    """How it stood at a moment, in seconds from the beginning of the load. Signals wait; memory in MiB."""

    at: float
    waiting: int
    urgent_records: int  # of the urgent lane, that wait
    inputs: int  # of casework, that wait
    memory: tuple[int, ...]

    def __str__(self) -> str:
        return (
            f"{self.at:4.0f} s: {self.waiting:,} signals wait, of the urgent lane {self.urgent_records} records; "
            f"{self.inputs} inputs; {max(self.memory, default=0)} MiB"
        )


@dataclass(slots=True)
class Watch:
    """Looks each second how it stands, and says so now and then."""

    running: Running
    load: Load
    stories: Stories
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    @property
    def accepted(self) -> Counter[str]:
        return self.load.accepted + self.stories.accepted

    async def waiting(self) -> int:
        """Signals that were accepted and are not screened yet."""
        tallies = await self.running.line.screening.tallies()
        return self.accepted.total() - sum(outcomes(tallies).values())

    async def run(self) -> None:
        while True:
            self.samples.append(await self._sample())
            if len(self.samples) % SAY_EVERY == 0:
                self.say(str(self.samples[-1]))
            await asyncio.sleep(1.0)

    async def _sample(self) -> Sample:
        line = self.running.line
        ends = await end_offsets(line.settings, topics.CASE_INPUTS.name)
        stands = [await line.store.offset(partition) for partition in ends]
        inputs = sum(ends.values()) - sum(0 if offset is None else offset + 1 for offset in stands)
        ends = await end_offsets(line.settings, topics.SIGNALS_URGENT.name)
        screened = [int(await line.redis.get(lane_key("screened", "-urgent", partition)) or -1) for partition in ends]
        urgent = sum(ends.values()) - sum(offset + 1 for offset in screened)
        memory = tuple(resident_bytes(pid) // MIB for pid in self.running.workers.pids)
        return Sample(time.monotonic() - self.began, await self.waiting(), urgent, inputs, memory)

    async def drained(self) -> None:
        """Return when nothing waits any more. Raises TimeoutError when it no longer becomes less."""
        best, until = await self.waiting(), time.monotonic() + STALLED_SECONDS
        while (now := await self.waiting()) or self.samples[-1].inputs:
            if now < best:
                best, until = now, time.monotonic() + STALLED_SECONDS
            if time.monotonic() > until:
                raise TimeoutError(f"{now} signals and {self.samples[-1].inputs} inputs wait and wait")
            await asyncio.sleep(0.2)


def cpu_seconds(pids: Sequence[int]) -> float:
    """What the processes have used of the machine."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in stats) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """What a process has in memory; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (FileNotFoundError, ProcessLookupError):
        return 0


async def capacity(watch: Watch, seconds: float) -> float:
    """What the workers take: signals a second when a second's work always waits for them."""
    rate, began, before = 2_000.0, time.monotonic(), await _screened(watch)
    used = cpu_seconds(watch.running.workers.pids)
    while (elapsed := time.monotonic() - began) < seconds:
        room = round(rate * IN_FLIGHT_SECONDS) - await watch.waiting()
        if room > 0:
            await watch.load.send(room)
        done = await _screened(watch) - before
        if elapsed > 5:
            rate = max(rate, done / elapsed)
        await asyncio.sleep(0.05)
    done, elapsed = await _screened(watch) - before, time.monotonic() - began
    used = cpu_seconds(watch.running.workers.pids) - used
    watch.say(f"the workers take {done / elapsed:,.0f} signals a second, {used / done * 1e6:.1f} µs of CPU each")
    return done / elapsed


async def _screened(watch: Watch) -> int:
    return watch.accepted.total() - await watch.waiting()


async def run(wanted: Wanted, settings: Settings, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, load, drain; returns the figures."""
    plan = Plan(timedelta(minutes=wanted.minutes), 1, wanted.seed, wanted.residents, wanted.workers)
    async with AsyncExitStack() as stack:
        demo = Demo(settings, plan, Console(quiet=True), lambda *_: "")
        running = await stack.enter_async_context(demo.running())
        people = running.province.people
        made = batches(people[:CROWD], running.line.settings.partitions, wanted.size, wanted.seed)
        load = Load(running.line.producer, running.line.clock, made)
        intake = Intake(running.line.producer, running.line.settings)
        stories = Stories(intake, running.line.clock, iter(cast(people[CROWD:])))
        watch = Watch(running, load, stories, say)
        await stories.confirm()
        if wanted.slow_gateway:
            running.providers.carrier.faults["late_answer"] = Fault(times=10**9, seconds=wanted.slow_gateway)
        rate = wanted.rate or await capacity(watch, wanted.measure_seconds)
        return await _overloaded(wanted, watch, rate, say)


async def _overloaded(wanted: Wanted, watch: Watch, rate: float, say: Callable[[str], None]) -> dict[str, Any]:
    watch.began = time.monotonic()
    async with in_background(watch.run()):
        async with (
            in_background(watch.stories.keep_telling(RED, 1 / wanted.red_a_second)),
            in_background(watch.stories.keep_telling(LOWER, 1 / wanted.lower_a_second)),
        ):
            offered = await watch.load.offer(rate * wanted.times, wanted.seconds)
        loaded, waiting = time.monotonic() - watch.began, await watch.waiting()
        say(f"offered {offered:,.0f} a second for {loaded:.0f} s: {waiting:,} wait. Draining")
        await watch.drained()
        drained = time.monotonic() - watch.began - loaded
        await asyncio.sleep(CALL_SECONDS + AT_ONCE_SECONDS)  # the last story's robot call
    return {
        "can_take_a_second": round(rate),
        "offered_a_second": round(offered),
        "seconds": round(loaded, 1),
        "waiting_at_the_end": waiting,
        "seconds_to_drain": round(drained, 1),
        **await figures(watch),
    }


async def figures(watch: Watch) -> dict[str, Any]:
    """Who was warned how soon, what became of everything, and what it took."""
    line, told = watch.running.line, watch.stories.told
    entries = await journal_events(line.settings)
    raised = {entry.event.case.resident for entry in entries}
    red = [each for each in told if each.kind in RED]
    tallies = await line.screening.tallies()
    return {
        "red": _contacts(watch, red),
        "red_that_waits_for_the_bulk_lane": _contacts(watch, [each for each in told if each.kind is Kind.UNLISTED]),
        "lower": _opened(line.clock, entries, [each for each in told if each.kind in LOWER]),
        "without_a_case": sorted(each.kind for each in told if each.resident.id not in raised),
        "accepted": watch.accepted.total(),
        **outcomes(tallies),
        "conservation_holds": conserved(watch.accepted, tallies),
        "urgent_share": round(watch.load.lanes[topics.SIGNALS_URGENT.name] / watch.load.lanes.total(), 3),
        "most_waiting": max(sample.waiting for sample in watch.samples),
        "most_urgent_records_waiting": max(sample.urgent_records for sample in watch.samples),
        "most_inputs_waiting": max(sample.inputs for sample in watch.samples),
        "memory_mib": _memory(watch.samples),
        "samples": [vars_of(sample) for sample in watch.samples[:: max(1, len(watch.samples) // 60)]],
    }


def vars_of(sample: Sample) -> dict[str, Any]:
    """A sample as the report has it."""
    return {"at": round(sample.at), "waiting": sample.waiting, "inputs": sample.inputs, "memory": list(sample.memory)}


def _contacts(watch: Watch, told: Sequence[Told]) -> dict[str, Any]:
    book = watch.running.providers.carrier.book
    return {
        "people": len(told),
        "flash_sms_seconds": _seconds(delays(told, book, Action.FLASH_SMS)),
        "robot_call_seconds": _seconds(delays(told, book, Action.ROBOT_CALL)),
    }


def _seconds(found: Sequence[float | None]) -> dict[str, Any]:
    there = [each for each in found if each is not None]
    worst = round(max(there), 2) if there else None
    return {**percentiles(there, 50, 99), "max": worst, "never": len(found) - len(there)}


def _opened(clock: Clock, entries: Sequence[Published], told: Sequence[Told]) -> dict[str, Any]:
    """From a lower story's signal to its case in the journal."""
    opened: dict[str, float] = {}
    for entry in entries:
        resident = entry.event.case.resident
        opened[resident] = min(entry.published, opened.get(resident, entry.published))
    found = [(opened.get(each.resident.id), (each.at - clock.sim_start).total_seconds()) for each in told]
    since = [None if at is None else at - clock.wall_start - told_at for at, told_at in found]
    return {"people": len(told), "case_seconds": _seconds(since)}


def _memory(samples: Sequence[Sample]) -> dict[str, int]:
    """A worker's most, in the first, second and last third: bounded memory levels off."""
    third = max(1, len(samples) // 3)
    parts = {"first": samples[:third], "second": samples[third : 2 * third], "last": samples[2 * third :]}
    return {name: max((m for sample in part for m in sample.memory), default=0) for name, part in parts.items()}


def failures(found: dict[str, Any]) -> list[str]:
    """What was not as it has to be."""
    red = found["red"]
    sms, calls = red["flash_sms_seconds"], red["robot_call_seconds"]
    wrong = {
        "red was not sent its flash SMS at once": sms["never"] or sms["p99"] is None or sms["p99"] > AT_ONCE_SECONDS,
        "a robot call came late": calls["never"] or calls["p99"] is None or calls["p99"] > CALL_SECONDS,
        "somebody has no case": found["without_a_case"],
        "accepted signals did not all come out": not found["conservation_holds"],
    }
    return [what for what, is_so in wrong.items() if is_so]


def main() -> int:
    """Run, write the report, and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Wanted()
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--times", type=float, default=usual.times)
    parser.add_argument("--rate", type=float, help="signals a second the workers can take: measured when not given")
    parser.add_argument("--measure-seconds", type=float, default=usual.measure_seconds)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--workers", type=int, default=usual.workers)
    parser.add_argument("--size", type=int, default=usual.size, help="signals of a record")
    parser.add_argument("--slow-gateway", type=float, default=0, help="seconds the SMS gateway takes to answer")
    parser.add_argument("--report", type=Path)
    given = vars(parser.parse_args())
    report = given.pop("report")
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="quanzu-overload-") as folder:
        settings = Settings(data=Path(folder), http_port=0, metrics_port=0, log_level="WARNING", app_id="overload")
        found = asyncio.run(run(Wanted(**given), settings, lambda text: print(text, flush=True)))
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=2, ensure_ascii=False))
    if report:
        report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    wrong = failures(found)
    print("\n".join(wrong) or "red in its time, nothing dropped")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())

"""A round: a short province that is struck, drained, stopped, and whose books are read."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import IO
from unittest.mock import patch

from agents.casework import Casework
from schemas.channels.receipts import CallState
from schemas.levels import Result
from simulators.providers.base import Contact
from streams.channels.settings import ChannelSettings
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.runtime.tasks import until_done
from tests.tools.chaos import gateway_process
from tests.tools.chaos.faults.base import MissedError
from tests.tools.chaos.faults.machine import CLOCK
from tests.tools.chaos.faults.redis import REDIS_CLOCK
from tests.tools.chaos.houses import servers
from tests.tools.chaos.judging import stalls, store
from tests.tools.chaos.judging.all_laws import Broken, broken
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.seen import Seen
from tests.tools.chaos.plan import LENGTH, Plan, Stroke
from tests.tools.chaos.province import Quiet
from tests.tools.chaos.stage import Stage, Window
from tests.tools.chaos.voice import process as voice_process
from tests.tools.chaos.voice.calls import CallStory
from tests.tools.chaos.workers import WatchedWorkers
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.kafka import Kafka

DRAIN_SECONDS = 120.0
"""The drain ends once nothing has moved for so long. Sentinels whose machine stalled do nothing for 30 s (TILT)."""
OBSERVE_SECONDS = 15.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round came to."""

    plan: Plan
    books: Books
    broken: list[Broken]
    seconds: float


async def play(plan: Plan, kafka: Kafka | None, folder: Path) -> Outcome:
    """Play a round; `folder`, which is made, keeps its logs."""
    began = time.monotonic()
    await asyncio.to_thread(folder.mkdir, parents=True)
    with patch.dict(os.environ, environment(plan)), _logged(folder / "round.log"):
        async with _stage(plan, kafka, folder) as stage:
            end = stage.running.line.clock.now() + timedelta(seconds=LENGTH) * stage.running.line.clock.speed
            async with asyncio.TaskGroup() as group:
                group.create_task(stage.running.feeders.run(end))
                for stroke in plan.strokes:
                    group.create_task(_strike(stage, stroke))
            books = await settled(plan, stage, folder)
            found = broken(books)
            if isinstance(stage.running.workers, WatchedWorkers) and stage.running.workers.hung:
                found.append(Broken("", f"{stage.running.workers.hung} workers did not stop when told to"))
    return Outcome(plan, books, found, time.monotonic() - began)


def environment(plan: Plan) -> dict[str, str]:
    """What the processes of a round are told: what kind of carrier each channel has."""
    kinds = {f"QUANZU_{channel}_KIND": kind.value for channel, kind in plan.kinds.items()}
    return kinds | {
        "QUANZU_RECEIPTS_SECRET": ",".join(f"{name}:{name}{'chaos' * 8}" for name in ChannelSettings().signers())
    }


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """What this process logs goes to the round's folder."""
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


@asynccontextmanager
async def _stage(plan: Plan, kafka: Kafka | None, folder: Path) -> AsyncIterator[Stage]:
    """Everything started, and watched from before the first record."""
    struck = {stroke.kind for stroke in plan.strokes}
    clock = MachineClock(folder) if struck & {*CLOCK} else None
    redis_clock = _clock(folder / "redis-clock") if struck & {*REDIS_CLOCK} else None
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(
            servers(plan.house, kafka, folder, sealed=plan.sealed, clock=redis_clock)
        )
        await asyncio.to_thread(topics.create, there.settings)
        names = [topic.name for topic in topics.ALL]
        with (folder / "beside.log").open("wb") as log:
            stack.enter_context(
                beside(log, "tests.tools.chaos.judging.observer", there.brokers, folder / "seen.jsonl", *names)
            )
            stack.enter_context(beside(log, "tests.tools.chaos.judging.stalls", folder / "stalls"))
        quiet = Quiet(there.settings, plan, wrongs(plan), clock)
        running = await stack.enter_async_context(quiet.running())
        yield Stage(
            running,
            there,
            Seen(folder / "seen.jsonl", plan.sealed),
            clock,
            redis_clock=redis_clock,
            gateway=quiet.gateway,
            voice=quiet.voice,
        )


def wrongs(plan: Plan) -> list[str]:
    """What each worker of a round is started with."""
    of_faults = {wrong for stroke in plan.strokes for wrong in stroke.fault.wrongs}
    of_workers = plan.mutation and plan.mutation not in gateway_process.MUTATIONS | voice_process.MUTATIONS
    return sorted(of_faults) + ([plan.mutation] if plan.mutation and of_workers else [])


def _clock(folder: Path) -> MachineClock:
    folder.mkdir()
    return MachineClock(folder)


@contextmanager
def beside(log: IO[bytes], module: str, *arguments: str | Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the tests' own for as long as the context lasts, which yields it.

    Raises RuntimeError if it ended before: what it was to write down is missing, which nothing else would tell.
    """
    with subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            ended = process.poll()
            process.kill()
            if ended is not None:
                raise RuntimeError(f"{module} ended by itself with {ended} during the round")


async def _strike(stage: Stage, stroke: Stroke) -> None:
    await asyncio.sleep(stroke.at)
    fault, began, struck = stroke.fault, time.time(), True
    try:
        await fault.strike(stage, Random(stroke.seed))
    except MissedError:
        struck = False
    finally:
        stage.windows.append(Window(stroke.kind, began, time.time(), fault.tolerance, fault.outage, struck))


async def settled(plan: Plan, stage: Stage, folder: Path) -> Books:
    """Drain, stop, and read all books."""
    running, settings = stage.running, stage.running.line.settings
    due = await _drained(stage)
    while any(provider.held_up for provider in stage.providers):
        stage.seen.look()
        await asyncio.sleep(LOOK_SECONDS)
    doubts = await stage.gateway.settled() if stage.gateway else set()
    ended = time.time()
    await running.workers.stop()
    upkeep = Casework(running.line.casework_context).upkeep
    # What workers left in outboxes; a replica that is not back yet forbids writing.
    await until_done("outboxes at the end", lambda: upkeep.watch(range(settings.partitions)))
    calls = await stage.voice.settled() if stage.voice else []
    await _all_seen(stage)
    _without_receipts(stage.seen, calls)
    async with stage.servers.client() as redis:
        held = await store.read(redis, settings.partitions)
    return Books(
        seen=stage.seen,
        store=held,
        contacts=_contacts(stage),
        accepted=running.feeders.accepted,
        sent=running.feeders.sent,
        refused=running.feeders.refused,
        kinds=plan.promised,
        due=due,
        windows=stage.windows,
        stalls=stalls.read(folder / "stalls"),
        pace=stalls.pace(folder / "stalls"),
        clock=running.line.clock,
        ended=ended,
        poisoned=stage.poisoned,
        delayed=stage.delayed | _believed_lost(stage),
        held_up=_held_up(stage) | (stage.gateway.held_up() if stage.gateway else {}),
        gateway_doubts=doubts | {call.dispatch for call in calls if call.doubt},
        calls=calls,
        by_gateway=set(stage.gateway.orders) if stage.gateway else set(),
        keyless=stage.keyless,
        dropped=stage.seen.dropped(stage.dropped),
    )


async def _drained(stage: Stage) -> set[str]:
    """Wait until all that was under way has come to its end; returns the dispatches that there were by then.

    What never comes to its end breaks a law afterwards, which says more than a time-out here would.
    """
    moved, left = time.monotonic(), -1
    wanted: set[str] | None = None
    inputs: dict[int, int] = {}
    while time.monotonic() < moved + DRAIN_SECONDS:
        stage.seen.look()
        screened, stands = await _standing(stage)
        if wanted is None and _all_screened(stage, screened):
            wanted = _decided(stage)
            inputs = {
                p: offset for (topic, p), offset in stage.seen.reached.items() if topic == topics.CASE_INPUTS.name
            }
        waiting = -screened if wanted is None else len(wanted - stage.seen.reports.keys() - stage.seen.aside.keys())
        if wanted is not None and not waiting and all(stands[p] >= offset for p, offset in inputs.items()):
            break
        if waiting != left:
            moved, left = time.monotonic(), waiting
        await asyncio.sleep(LOOK_SECONDS)
    return _decided(stage) if wanted is None else wanted


def _all_screened(stage: Stage, screened: int) -> bool:
    """Whether each accepted signal is on the topic, and each there has an outcome that is still counted."""
    there, dropped = stage.seen.signals.total(), stage.seen.dropped(stage.dropped)
    counted = there - dropped.total() + dropped["unknown"]
    return screened >= counted and there >= stage.running.feeders.accepted.total()


def _contacts(stage: Stage) -> list[Contact]:
    """What all providers carried out; of the gateways, what their carriers had on the wire."""
    found = [contact for provider in stage.providers for contact in provider.book]
    found += stage.gateway.contacts() if stage.gateway else []
    return found + (stage.voice.contacts() if stage.voice else [])


def _without_receipts(seen: Seen, calls: Sequence[CallStory]) -> None:
    """Take out of the channels' reports the receipts of the voice gateway for calls that failed: they look the same."""
    for call in calls:
        if CallState.FAILED.value in call.told:
            seen.reports.get(call.dispatch, set()).discard(Result.FAILED)


def _held_up(stage: Stage) -> dict[str, float]:
    """By dispatch, the wall seconds for which its provider held the request up before it acted."""
    return {name: seconds for provider in stage.providers for name, seconds in provider.delayed.items()}


def _believed_lost(stage: Stage) -> set[str]:
    """The dispatches that a provider may have got after who sent them, or another, was told that it has not.

    It is believed half a lease after the request.
    """
    believed = stage.running.line.outgoing.channels.lease_seconds / 2
    return {name for name, seconds in _held_up(stage).items() if seconds >= believed}


def _decided(stage: Stage) -> set[str]:
    return {each.id for event in stage.seen.events for each in event.what.dispatches}


async def _standing(stage: Stage) -> tuple[int, list[int]]:
    """How many signals have come out, and at which input each partition stands."""
    partitions = stage.running.line.settings.partitions
    async with stage.servers.client() as redis:
        outcomes = await store.screened(redis, partitions)
        return outcomes.total() - outcomes["unknown"], await store.offsets(redis, partitions)


async def _all_seen(stage: Stage) -> None:
    """Wait until the observer has all there is. Raises TimeoutError when it never gets it."""
    settings = stage.running.line.settings.model_copy(update={"kafka": stage.servers.brokers})
    ends = {
        (topic.name, p): end
        for topic in topics.ALL
        for p, end in (await end_offsets(settings, topic.name)).items()
        if end
    }
    async with asyncio.timeout(OBSERVE_SECONDS):
        while any(stage.seen.reached.get(place, -1) < end - 1 for place, end in ends.items()):
            stage.seen.look()
            await asyncio.sleep(LOOK_SECONDS)

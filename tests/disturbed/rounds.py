"""A round: a short demo that is disturbed, drained, stopped, and whose books are read."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from schemas.levels import Result
from simulators.demo import Demo, Plan, Running
from simulators.providers.base import Fault
from simulators.workers import WORKER
from streams import topics
from streams.channels.book import REPORTED
from streams.channels.provider import Kind
from streams.embedded import Embedded
from streams.reader import end_offsets
from streams.settings import Settings
from tests.disturbed import books as reading
from tests.disturbed.books import Books
from tests.disturbed.laws import broken, contacted_once, reported

LENGTH = timedelta(seconds=16)  # wall time
FIRST, SECOND = (3.0, 6.0), (2.5, 5.5)  # wall seconds from the beginning, and from the first disturbance
ANSWERS_LATE = 0.8  # wall seconds by which the carrier's next answers are late, so that a dispatch is under way
MIDST_SECONDS = 4.0  # how long a batch under way is waited for
DRAIN_SECONDS = 60.0
LOOK_SECONDS = 0.1
WORD = {result.value for result in REPORTED}


@dataclass(frozen=True, slots=True)
class Row:
    """A round in figures."""

    kind: str
    number: int
    provider: str
    accepted: int
    unanswered: int
    cases: int
    dispatches: int
    contacts: int
    twice: int
    lost: int
    in_doubt: int
    restarts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """What is run. `number` from 0 decides the province, the moments, and what providers promise."""

    kind: str
    number: int
    provider: Kind
    folder: Path
    worker: tuple[str, ...] = WORKER

    @property
    def chance(self) -> Random:
        return Random(f"{self.kind}:{self.number}")


Disturb = Callable[[Running, Embedded, Random], Coroutine[Any, Any, None]]


async def run(this: Round, disturb: Disturb, monkeypatch: pytest.MonkeyPatch) -> tuple[Row, list[str]]:
    """Run it; returns its figures and what breaks a law."""
    began = time.monotonic()
    for name in ("SMS", "VOICE", "BANK", "STATION"):
        monkeypatch.setenv(f"QUANZU_{name}_KIND", this.provider.value)
    async with _running(this) as (running, embedded):
        end = running.line.clock.now() + LENGTH * running.line.clock.speed
        async with asyncio.TaskGroup() as group:
            group.create_task(running.feeders.run(end))
            group.create_task(disturb(running, embedded, this.chance))
        settled = await drained(running)
        await running.workers.stop()
        for partition in range(running.line.settings.partitions):
            await running.line.casework.watch(partition)  # what a worker left in the outbox, as its successor would
        books = await reading.read(running)
        row = _row(this, running, books, settled, time.monotonic() - began)
    return row, broken(books, settled)


@asynccontextmanager
async def _running(this: Round) -> AsyncIterator[tuple[Running, Embedded]]:
    async with Embedded(this.folder) as embedded:
        settings = embedded.settings(Settings(http_port=0))
        plan = Plan(LENGTH, seed=this.number + 1, worker=this.worker)
        async with Demo(settings, plan, Console(quiet=True), lambda view, title: Text()).running() as running:
            yield running, embedded


async def drained(running: Running) -> set[str]:
    """Wait until all that was under way has come to its end; returns the dispatches that there were by then.

    What never comes to its end breaks a law afterwards, which says more than a time-out here would.
    """
    settings = running.line.settings
    until = time.monotonic() + DRAIN_SECONDS
    seen: set[str] = set()
    while time.monotonic() < until:
        ends = await end_offsets(settings, topics.CASE_INPUTS.name)
        seen = seen or ({each.id for each in await reading.dispatches(settings)} if await _screened(running) else set())
        told = {
            each.dispatch
            for each in await reading.inputs(settings)
            if each.kind == "contact_result" and each.result in WORD
        }
        if seen and seen <= told and await _applied(running, ends):
            break
        await asyncio.sleep(LOOK_SECONDS)
    return seen


async def _screened(running: Running) -> bool:
    on_topic = await reading.signals(running.line.settings)
    screened = await running.line.screening.tallies()
    return sum(on_topic.values()) == sum(sum(outcomes.values()) for outcomes in screened.values())


async def _applied(running: Running, ends: dict[int, int]) -> bool:
    offsets = [await running.line.store.offset(partition) for partition in ends]
    return all(offset is not None and offset >= end - 1 for offset, end in zip(offsets, ends.values(), strict=True))


async def in_the_midst(running: Running, chance: Random, after: tuple[float, float]) -> int:
    """Let some time pass, then wait until a worker is just carrying a dispatch out; returns its process."""
    await asyncio.sleep(chance.uniform(*after))
    running.providers.carrier.faults["late_answer"] = Fault(times=3, seconds=ANSWERS_LATE)
    until = time.monotonic() + MIDST_SECONDS
    redis: Any = running.line.redis
    while time.monotonic() < until:
        async for name in redis.scan_iter(match="lease:*", count=1000):
            pid = int((await redis.get(name) or b"0").partition(b"-")[0])
            if pid in running.workers.pids and await redis.exists(name.replace(b"lease:", b"dispatch:", 1)):
                return pid
        await asyncio.sleep(0.005)
    return chance.choice(running.workers.pids)


def end(running: Running, pid: int, which: signal.Signals) -> None:
    """Send a worker a signal, if it still runs."""
    with suppress(ProcessLookupError):
        os.kill(pid, which)


def _row(this: Round, running: Running, books: Books, settled: set[str], seconds: float) -> Row:
    return Row(
        kind=this.kind,
        number=this.number,
        provider=this.provider.value,
        accepted=sum(books.accepted.values()),
        unanswered=sum(running.feeders.unanswered.values()),
        cases=len({event.case.id for event in books.events}),
        dispatches=len({dispatch.id for dispatch in books.dispatches}),
        contacts=len(books.contacts),
        twice=len(list(contacted_once(books))),
        lost=sum("lost" in each for each in reported(books, settled)),
        in_doubt=sum(Result.IN_DOUBT.value in results for results in books.reports.values()),
        restarts=running.workers.restarts,
        seconds=round(seconds, 1),
    )


def fields(row: Row) -> list[str]:
    """A row for a table."""
    return [str(value) for value in asdict(row).values()]

"""`console`: a queue of 10,000 open cases on 200 screens: what an update costs the console, how late they are told.

The console is a process of its own (`quanzu console serve`), the screens are another (tests/tools/bench/listeners.py),
and a worker decides on what operators do. They take cases and give them back, at planned times whether or not the last
update was told (an open loop). A screen is late from the plan until it shows the update, or the one that overtook it,
so the whole way is in it: written, decided on, in the journal, rendered, told. `console_…` counts from when the journal
has it.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import httpx
import orjson
from hdrh.histogram import HdrHistogram

from console.web.auth.sessions import COOKIE, Sessions
from console.web.kit.settings import ConsoleSettings
from schemas.casework.cases import Case
from schemas.people.staff import Account, StaffRole
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from tests.console.harness.open_cases import fill, taken
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.measured import casework
from tests.tools.bench.servers import real
from tests.tools.bench.work import until, working
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.overload import cpu_seconds
from tests.tools.servers.process import Process

CASES, CASES_SHORT = 10_000, 1_000
SCREENS, SCREENS_SHORT = 200, 20
TURNS, TURNS_SHORT = 10, 2  # of a run
HELD = 30  # cases that are taken one after the other, then given back: a turn
UPDATES_A_SECOND = 10
HIGHEST_US = 60_000_000
Listeners: TypeAlias = asyncio.subprocess.Process
LONGEST_SECONDS = 300.0  # after the last update: longer than any machine that does something else beside takes


@dataclass(frozen=True, slots=True)
class Update:
    """Somebody takes a case, or gives it back: planned so many seconds after the beginning."""

    case: Case
    by: str
    take: bool
    after: float

    @property
    def name(self) -> str:
        """As the listeners name it."""
        return f"{self.case.id}|{self.by if self.take else ''}"


@dataclass(frozen=True, slots=True)
class Ran:
    """A run: how late each screen was told of each update, in µs, and what the console used."""

    late: HdrHistogram
    late_of_journal: HdrHistogram
    cpu: float
    updates: int

    @property
    def ms_per_update(self) -> float:
        return self.cpu / self.updates * 1e3


def measure(given: Given) -> Found:
    """The section."""
    with real(given.folder) as settings:
        return asyncio.run(_measured(settings, given))


async def _measured(settings: Settings, given: Given) -> Found:
    screens, turns = given.count(SCREENS, SCREENS_SHORT), given.count(TURNS, TURNS_SHORT)
    alone, crowded = list[Ran](), list[Ran]()
    async with opened(settings) as line:
        await casework.stand(line)
        cases = await fill(line, datetime.now(UTC), given.count(CASES, CASES_SHORT))
        tokens = await _sessions(line, screens)
        async with working(settings, "casework"), _console(settings, tokens[0], len(cases)) as console:
            for number in range(given.runs):
                for some, ran in ((tokens[:1], alone), (tokens, crowded)):
                    planned = list(plan(cases, turns, f"run-{number}-{len(some)}"))
                    ran.append(await _run(line, console, some, planned))
    return {
        "updates_per_second": figure([UPDATES_A_SECOND], f"updates/s, on {len(cases):,} cases and {screens} screens"),
        "cpu_ms_per_update": figure([ran.ms_per_update for ran in crowded], "ms of the console's CPU"),
        "cpu_ms_per_update_of_one_screen": figure([ran.ms_per_update for ran in alone], "ms of the console's CPU"),
        "cpu_us_per_screen": figure(
            [
                (many.ms_per_update - one.ms_per_update) / (screens - 1) * 1e3
                for one, many in zip(alone, crowded, strict=True)
            ],
            "µs of the console's CPU for each further screen, an update",
        ),
        **_late("delay", [ran.late for ran in crowded]),
        **_late("console", [ran.late_of_journal for ran in crowded]),
        **_late("delay_of_one_screen", [ran.late for ran in alone]),
    }


def plan(cases: Sequence[Case], turns: int, who: str) -> Iterator[Update]:
    """In each turn some cases are taken one after the other, then given back in this order: none stays somebody's."""
    for number in range(2 * HELD * turns):
        turn, place = divmod(number, 2 * HELD)
        case = cases[(turn * HELD + place % HELD) % len(cases)]
        yield Update(case, f"{who}-{turn}", place < HELD, number / UPDATES_A_SECOND)


async def _run(line: Installation, console: Process, tokens: Sequence[str], planned: Sequence[Update]) -> Ran:
    """Let the screens listen, write the updates at their times, and see when each was told of each."""
    journal = await end_offsets(line.settings, topics.CASE_EVENTS.name)
    async with _screens(console, tokens, [update.name for update in planned if not update.take]) as screens:
        used, began = cpu_seconds([console.pid]), time.time()
        async with asyncio.TaskGroup() as group:
            for update in planned:
                group.create_task(_write(line, update, began))
        seen = orjson.loads(await _said(screens))
        used = cpu_seconds([console.pid]) - used
    written = {
        f"{each.event.case.id}|{each.event.case.claimed_by or ''}": each.published
        for each in await casework.published(line.settings, journal)
    }
    late = histogram(seen, {update.name: began + update.after for update in planned})
    return Ran(late, histogram(seen, written), used, len(planned))


def histogram(screens: Sequence[Mapping[str, float]], since: Mapping[str, float]) -> HdrHistogram:
    """How late each screen showed each change, or that the case was given back since, in µs.

    Raises RuntimeError when a screen showed neither.
    """
    found = HdrHistogram(1, HIGHEST_US, 3)
    for name, began in since.items():
        after = f"{name.partition('|')[0]}|"
        for seen in screens:
            if after not in seen:
                raise RuntimeError(f"a screen was not told of {name}, nor that it was given back")
            found.record_value(min(HIGHEST_US, max(1, round((seen.get(name, seen[after]) - began) * 1e6))))
    return found


async def _write(line: Installation, update: Update, began: float) -> None:
    await asyncio.sleep(began + update.after - time.time())
    now, partitions = line.clock.now(), line.settings.partitions
    await line.producer.send_all([taken(update.case, update.by, update.take, now, partitions)])


async def _sessions(line: Installation, count: int) -> list[str]:
    """The tokens of so many operators who are signed in."""
    sessions = Sessions(line.redis, line.staff, ConsoleSettings(), line.clock.wall)
    found = []
    for number in range(count):
        about = {"name": f"测试{number}", "role": StaffRole.OPERATOR, "area": "2201"}
        account = Account.model_validate(
            {"login": f"screen-{number}", **about, "changed_at": line.clock.now(), "changed_by": "bench"}
        )
        await line.staff.put(account)
        found.append(await sessions.begin(account))
    return found


@asynccontextmanager
async def _console(settings: Settings, token: str, cases: int) -> AsyncIterator[Process]:
    """`quanzu console serve`, once it knows so many cases."""
    port = free_port()
    named = settings.environment() | {"QUANZU_CONSOLE_PORT": str(port), "QUANZU_CONSOLE_RATE_ADDRESS": "1000000/minute"}
    command = ["env", *(f"{name}={value}" for name, value in named.items()), sys.executable, "-m", "quanzu"]
    settings.data.mkdir(parents=True, exist_ok=True)
    console = Process("the console", [*command, "console", "serve"], settings.data / "console.log", port)
    console.start()
    try:
        console.ready()
        headers = {"cookie": f"{COOKIE}={token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:

            async def knows() -> bool:
                return bool((await client.get("/queue/rows?count=1")).json()["total"] == cases)

            await until(knows, f"the console to know {cases} cases")
        yield console
    finally:
        console.stop()


@asynccontextmanager
async def _screens(
    console: Process, tokens: Sequence[str], last: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The listeners, once all listen."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.tools.bench.listeners",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**28,
    )
    given = {"address": f"http://127.0.0.1:{console.port}", "tokens": tokens, "last": last}
    try:
        assert process.stdin is not None
        process.stdin.write(orjson.dumps(given))
        process.stdin.write_eof()
        if (said := await _said(process)) != b"ready\n":
            raise RuntimeError(f"the listeners do not listen: {said!r}")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _said(process: Listeners) -> bytes:
    """The next line. Raises TimeoutError."""
    assert process.stdout is not None
    async with asyncio.timeout(LONGEST_SECONDS):
        return await process.stdout.readline()


def _late(name: str, runs: Sequence[HdrHistogram]) -> dict[str, Figure]:
    return {
        f"{name}_p{which}_ms": figure([run.get_value_at_percentile(which) / 1e3 for run in runs], "ms")
        for which in (50, 99)
    }

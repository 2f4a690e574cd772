"""Runs a demo: a province on its own servers, worker processes, simulated people, and a final report."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from domain.visits.place_file import read_places
from simulators import providers
from simulators.demo.lines import Lines
from simulators.demo.neighbouring import Neighbourhood, with_neighbour
from simulators.demo.pacing import Pacer
from simulators.demo.scenes import Scenes
from simulators.demo.workers import WORKER, Workers
from simulators.population.numbers import BANKS
from simulators.population.stations import DAYS, GUEST, left_to_guest, rosters
from simulators.providers.neighbour import NeighbourProvince
from simulators.scams.ordinary import APPWATCH, CARRIERS
from simulators.world.answers import Answers
from simulators.world.feeds import Feeders
from simulators.world.operators import Operators
from simulators.world.province import START, Province
from simulators.world.telephone import Telephone
from simulators.world.traces import POLICE
from streams.casework.claims import CaseClaims
from streams.channels import receipts
from streams.channels.provinces import receiving
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.intake import objections
from streams.intake import server as intake_http
from streams.intake.settings import IntakeSettings, embedded_key, make_key
from streams.intake.settings import load as load_intake
from streams.messaging import topics
from streams.monitoring.exporter.exporter import exporting
from streams.monitoring.overview import Overview, overview
from streams.monitoring.report import outcomes, report
from streams.runtime.clock import Clock
from streams.runtime.pace import PaceFile
from streams.runtime.server_discovery import announce, servers
from streams.runtime.settings import POLICY, Settings
from streams.runtime.tasks import until_done, wanted

PLACES = POLICY.parents[1] / "places" / "example.csv"  # invented, like the province's people
READY_SECONDS = 180.0  # on a busy machine a minute is too little
AHEAD_SECONDS = 8.0  # from the start of the servers to the province's first signal
DRAIN_SECONDS = 30.0
LOOK_SECONDS = 0.5
PACE = "pace"  # the file in the data folder
SOURCES = (*CARRIERS, *BANKS, APPWATCH, POLICE)
OPERATORS = 12

Draw = Callable[[Overview, str], RenderableType]
Beside = Callable[[Installation, Telephone, str], AbstractAsyncContextManager[tuple[str, list[str]]]]
"""Serves people's views beside the demo, one of them for the named officer. Yields the views' address, and lines that
say how to log in.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a demo. `length`: wall-clock time; `speed`: simulated seconds per wall-clock second; `seed`: of
    the random province.

    `residents`, `workers`: their numbers; `worker`: the arguments of the Python interpreter that start each worker;
    `kill_worker`: whether to kill a worker half-way; `ahead`: wall-clock seconds from the start of the servers to the
    province's first signal; `metrics_port`: serves the province's metrics, the following ports each worker's; 0: none;
    `operators`: number of simulated operators; 0: the desk and an officer's telephone are left to the user; `paced`:
    time stops while processing is late; `scenes`: residents ask the public check of the console, and a simulated
    neighbouring province takes cases over.
    """

    length: timedelta
    speed: float = 60
    seed: int = 7
    residents: int = 3000
    workers: int = 2
    kill_worker: bool = False
    worker: tuple[str, ...] = WORKER
    ahead: float = AHEAD_SECONDS
    metrics_port: int = 0
    operators: int = OPERATORS
    paced: bool = False
    scenes: bool = False


@dataclass(slots=True)
class Running:
    """A running demo, for tests that disturb or inspect it. `line`: its open installation; `province`: the simulated
    people and the truth; `providers`: the simulated gateways; `workers`: the worker processes; `feeders`: send the
    province's signals; `address`: the base URL of its intake; `scenes`: of this demo; `neighbour`: the simulated
    province beside this one, None without one.
    """

    line: Installation
    province: Province
    providers: providers.Providers
    workers: Workers
    feeders: Feeders
    address: str
    scenes: Scenes
    neighbour: NeighbourProvince | None


class Demo:
    """Runs a plan once. `draw`: makes the board from an overview and a title; `console`: serves the web console; None:
    no console.
    """

    def __init__(self, settings: Settings, plan: Plan, out: Console, draw: Draw, console: Beside | None = None) -> None:
        self._settings, self._plan, self._out, self._draw, self._console = settings, plan, out, draw, console
        self._lines = Lines(out)

    async def run(self) -> dict[str, Any]:
        """Start everything, run the plan until its end or the first Ctrl-C, wait up to 30 s until all signals are
        processed, stop everything, and return the report, ready for JSON.

        Besides the system's own figures, the report has `contacts_twice`, `worker_restarts`, `stood_still_seconds`
        (wall-clock), `public_checks`, `handed_over`, `province` (a fingerprint of what happened) and `truth`. Raises
        TimeoutError if the workers are not ready within 180 s, and FeedError if intake refuses a batch for good. Errors
        of the servers pass through.
        """
        async with in_background(self._lines.run()), self.running() as running:
            end = running.line.clock.now() + self._plan.length * self._plan.speed
            pacer = Pacer(running.line, running.feeders)
            async with (
                in_background(pacer.run()),
                in_background(self._show(running)),
                in_background(self._disturb(running)),
            ):
                with _ending_sooner(running.feeders, self._out):
                    await running.feeders.run(end)
                await drained(running)
            self._lines.wait_for("the report")
            self._out.print()  # without a terminal, the board ends without a newline
            return await self._report(running)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Start everything, and yield the running demo when the clock reaches the province's first moment. Stop
        everything when the context ends.

        Raises TimeoutError if the workers have not built all partitions within 180 s. Errors of the servers and of the
        background tasks pass through.
        """
        plan = self._plan
        clock = Clock(plan.speed, time.time() + plan.ahead, START, pace=self._pace())
        async with AsyncExitStack() as stack:
            line, beyond = await self._line(stack, clock)
            province = self.province(line.settings.key())
            address, keys = await self._intake(stack, line)
            settings = line.settings.model_copy(update={"receipts_url": f"{address}/receipts"})
            found = await self._providers(stack, line, province, settings)
            await self._settle(line, province)
            self._lines.wait_for("the workers")
            workers = self.workers(found.settings(settings))
            workers.environment = beyond.environment
            await stack.enter_async_context(workers)
            await self.ready(line)
            desk = CaseClaims(line.settings, line.store, line.producer, line.policies, clock)
            console = await self._people(stack, line, Telephone(province.contacts, desk, clock))
            if plan.metrics_port:
                self._out.print(
                    await stack.enter_async_context(exporting(line.exporter, plan.metrics_port)), highlight=False
                )
            await clock.sleep_until(START)
            names = [f"operator-{number}" for number in range(1, plan.operators + 1)]
            await stack.enter_async_context(
                in_background(Operators(desk, province.contacts, province, clock).run(names))
            )
            scenes, hands_over = Scenes(province, line, desk, self._say), bool(beyond.neighbour and plan.operators)
            await stack.enter_async_context(in_background(scenes.run(console, hands_over=hands_over)))
            feeders = Feeders(province, address, keys, clock)
            yield Running(line, province, found, workers, feeders, address, scenes, beyond.neighbour)

    def _pace(self) -> PaceFile | None:
        if not self._plan.paced:
            return None
        data = self._settings.data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        return PaceFile.begun(data / PACE)

    def province(self, secret: bytes) -> Province:
        """Return a new province with the plan's seed and number of residents. `secret`: the key for the hashes of their
        ID numbers.
        """
        return Province(self._plan.seed, self._plan.residents, secret=secret)

    def workers(self, settings: Settings) -> Workers:
        """Return the plan's worker processes, not yet started: they start when the returned object is entered as a
        context manager, and stop when it is left.
        """
        first = self._plan.metrics_port
        return Workers(settings, self._plan.workers, self._plan.worker, metrics_port=first and first + 1)

    async def ready(self, line: Installation) -> None:
        """Wait until a worker has built or restored every partition's store in Redis. Raises TimeoutError, which names
        the log files, after 180 s. Errors of Redis pass through.
        """
        await ready(line)

    async def _line(self, stack: AsyncExitStack, clock: Clock) -> tuple[Installation, Neighbourhood]:
        base = self._settings.model_copy(update={"clock": str(clock), "metrics_port": 0})
        settings = await stack.enter_async_context(servers(base))
        await asyncio.to_thread(topics.create, settings)
        beyond = Neighbourhood(settings, load_channels())
        if self._plan.scenes:
            beyond = await with_neighbour(stack, settings, beyond.channels, clock)
        line = Installation(beyond.settings, beyond.channels)
        await line.open()
        stack.push_async_callback(line.close)
        return line, beyond

    async def _intake(self, stack: AsyncExitStack, line: Installation) -> tuple[str, Callable[[str], str]]:
        """Start intake. Returns its address, and a function from source to API key."""
        keys, intake = feed_keys(line.settings)
        routes = [
            *receipts.routes(line.outgoing, line.outgoing.channels),
            *receiving.routes(line.outgoing, line.outgoing.channels),
            *objections.routes(line.settings, intake, line.outgoing),
        ]
        running = intake_http.running(line.settings, intake, line.clock, routes)
        address = await stack.enter_async_context(running)
        announce(line.settings)
        return address, keys

    async def _providers(
        self, stack: AsyncExitStack, line: Installation, province: Province, settings: Settings
    ) -> providers.Providers:
        answers = Answers(province.contacts, None if self._plan.operators else GUEST)
        running = providers.running(
            settings,
            line.outgoing.channels,
            line.clock,
            answer=answers.telephone,
            decide=answers.bank,
            visit=answers.visit,
        )
        return await stack.enter_async_context(running)

    async def _people(self, stack: AsyncExitStack, line: Installation, telephone: Telephone) -> str | None:
        """Serve the console and print how to log in. Returns its address if the plan has scenes; None if not, or
        without a console.
        """
        if self._console is None:
            return None
        address, lines = await stack.enter_async_context(self._console(line, telephone, GUEST))
        for words in lines:
            self._say(words)
        return address if self._plan.scenes else None

    def _say(self, words: str) -> None:
        self._out.print(words, markup=False, highlight=False, soft_wrap=True)

    async def _settle(self, line: Installation, province: Province) -> None:
        await line.residents.put(province.people)
        ahead = (self._plan.length * self._plan.speed).days  # so that somebody is on duty until the end
        found = rosters(self._plan.seed, START, DAYS + ahead)
        for roster in found if self._plan.operators else left_to_guest(found):
            await line.outgoing.rosters.put(roster)
        places, _ = read_places(PLACES.read_text("utf-8"))
        await line.places.replace(places)

    async def _disturb(self, running: Running) -> None:
        if self._plan.kill_worker:
            await asyncio.sleep(self._plan.length.total_seconds() / 2)
            running.workers.signal(0, signal.SIGKILL)

    async def _show(self, running: Running) -> None:
        look = partial(until_done, "board", partial(_view, running.line))
        self._lines.show(look)
        title = f"seed {self._plan.seed}  ×{self._plan.speed:g}  intake {running.address}"
        # Elsewhere only the last board is printed.
        with Live(console=self._out, auto_refresh=False, transient=False) as live:
            while wanted():
                live.update(self._draw(await look(), title), refresh=True)
                await asyncio.sleep(LOOK_SECONDS)

    async def _report(self, running: Running) -> dict[str, Any]:
        line = running.line
        found = await report(line.settings, line.clock, running.feeders.accepted, await line.screening.tallies())
        truth = running.province.truth.summary(line.clock.now())
        return {
            **found,
            "contacts_twice": contacts_twice(running.providers),
            "worker_restarts": running.workers.restarts,
            "stood_still_seconds": round(line.clock.stood_still(), 1),
            "public_checks": dict(running.scenes.checks),
            "handed_over": len(running.neighbour.acknowledged) if running.neighbour else 0,
            "province": running.province.fingerprint(),
            "truth": {name: value for name, value in truth.items() if name != "stories"},
        }


async def _view(line: Installation) -> Overview:
    return await overview(line.settings, line.store, line.clock, outcomes(await line.screening.tallies()))


@contextmanager
def _ending_sooner(feeders: Feeders, out: Console) -> Iterator[None]:
    """Make the first Ctrl-C end only the province's events, so that the demo finishes and reports. A second Ctrl-C ends
    everything at once.
    """
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

    def end() -> None:
        feeders.ended = True
        restore()
        out.print("Ctrl-C: nothing more happens; what is under way is waited for. Once more ends at once.")

    def restore() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)

    loop.add_signal_handler(signal.SIGINT, end)
    try:
        yield
    finally:
        restore()


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Context manager: run `work` in the background while the block runs, and cancel it at the end. If `work` failed
    before, its exception is raised when the block ends, not earlier.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ready(line: Installation) -> None:
    """Wait until a worker has built or restored every partition's store in Redis. Raises TimeoutError, which names the
    log files, after 180 s. Errors of Redis pass through.
    """
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        offsets = [await line.store.offset(partition) for partition in range(line.settings.partitions)]
        if None not in offsets:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(
        f"no worker was ready within {READY_SECONDS:g} s; see worker-*/worker.log in {line.settings.data}"
    )


def feed_keys(settings: Settings) -> tuple[Callable[[str], str], IntakeSettings]:
    """Return (a function from a source's name to its API key, the settings of intake that accept these keys).

    On embedded servers, all sources share one key. Otherwise each known source gets a new random key, and the function
    raises KeyError for any other source.
    """
    if settings.embedded:
        key = embedded_key(settings)
        return lambda source: key, load_intake()
    made = {source: make_key(source) for source in SOURCES}
    entries = ",".join(entry for _, entry in made.values())
    return lambda source: made[source][0], load_intake().model_copy(update={"api_keys": entries})


async def drained(running: Running) -> None:
    """Wait until screening has counted every signal that intake accepted, at most 30 s, and then one more second
    (wall-clock). Return in both cases: the report shows what is missing. Errors of Redis pass through.
    """
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until:
        tallies = await running.line.screening.tallies()
        if sum(outcomes(tallies).values()) >= sum(running.feeders.accepted.values()):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)


def contacts_twice(found: providers.Providers) -> int:
    """Return how many times the carrier, the bank and the station carried out a dispatch that they had already carried
    out before, according to their logs; 0 if every dispatch was carried out at most once.
    """
    books = [*found.carrier.book, *found.bank.book, *found.station.book]
    return sum(times - 1 for times in Counter(contact.dispatch for contact in books).values())

"""A whole installation: servers, a real worker, intake and receipts over HTTP, providers; and a clock moved by hand.

Time stands still for it between two events: the clock jumps to the next one only when nothing is under way any more.
So a test's days take seconds, and nothing comes late because a machine is slow.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import input_adapter
from simulators import providers
from simulators.providers import Providers
from streams.casework.claims import CaseClaims
from streams.channels import receipts
from streams.channels.operator_calls.reports import report_routes
from streams.channels.provinces import receiving as handovers
from streams.channels.settings import load as load_channels
from streams.dead_letters import api as letters_api
from streams.installation import Installation
from streams.intake import objections, reported_frauds
from streams.intake import server as intake_http
from streams.intake.settings import embedded_key
from streams.intake.settings import load as load_intake
from streams.messaging import topics
from streams.messaging.consumers import consumer_for_read
from streams.messaging.offsets import partition_ends, partitions_of
from streams.messaging.reader import read_range
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.acls import rules
from streams.security.rights import PREFIX, Component
from streams.state.keys import key
from tests.documents.answers import described
from tests.end_to_end.harness.behaviour import Behaviour
from tests.end_to_end.harness.hand_clock import HandClock
from tests.end_to_end.harness.under_way import carried_out, look
from tests.end_to_end.harness.worker import Worker
from tests.tools.servers.process import nap

START = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)  # 11:12 in Jilin, a Monday
PARTITIONS = 2  # enough to tell one from another; each has readers, who cost a core all the while
SETTLE_SECONDS = 150.0  # on the wall's clock; mostly a tenth of one, but among many others a worker starts slowly
SHORTER = httpx.Limits(keepalive_expiry=2)
"""Shorter than a server keeps an idle connection, five seconds: of equals the client may write as it is closed."""
TICK = timedelta(milliseconds=1)  # what falls due is stored in whole milliseconds
TOGETHER = timedelta(seconds=1)  # what falls due within that of each other happens in one step


@dataclass
class House:
    """What all tests of the line share; each has residents of its own in it."""

    settings: Settings
    clock: HandClock
    line: Installation
    providers: Providers
    behaviour: Behaviour
    intake: httpx.AsyncClient
    worker: Worker
    numbers: "count[int]" = field(default_factory=lambda: count(1))  # of telephones and accounts
    passed_on: dict[int, int] = field(default_factory=dict)  # partition -> the next record of outside-inputs
    servers: Embedded | None = None  # if they are this house's own

    @property
    def desk(self) -> CaseClaims:
        return CaseClaims(self.settings, self.line.store, self.line.producer, self.line.policies, self.clock)

    async def until(self, moment: datetime, residents: Iterable[str], people: Callable[[], Awaitable[bool]]) -> None:
        """Let time pass, from event to event; `people`: do what they must after each, and return True if they did.

        The clock goes on while they do it: what falls due meanwhile may give them more to do.

        Raises TimeoutError when something never comes to its end.
        """
        known = list(residents)
        await self._all_done(known, people)
        while (following := await self._next(moment)) is not None:
            self.clock.move_to(following + TICK)
            await self._all_done(known, people)
        self.clock.move_to(moment)
        await self.settle(known)

    async def _all_done(self, residents: list[str], people: Callable[[], Awaitable[bool]]) -> None:
        await self.settle(residents)
        while await people():
            await self.settle(residents)

    async def settle(self, residents: Iterable[str]) -> None:
        """Return when nothing is under way: all is screened, decided, sent, answered and told."""
        known = list(residents)
        await until(lambda: self._settled(known), SETTLE_SECONDS, lambda: self.worker.log)

    async def case(self, resident: str) -> Case | None:
        """A resident's latest case."""
        partition = topics.partition_of(resident.encode(), self.settings.partitions)
        raw = await self.line.redis.hget(key("cases", partition), resident)
        return Case.model_validate_json(raw, extra=ANY_VERSION) if raw else None

    async def _settled(self, residents: list[str]) -> bool:
        """Whatever is under way ends in an input of a case: so all were applied, and while looking none came.

        What costs least to see comes first: mostly something is under way.
        """
        seen = await look(self.line.redis, self.settings.partitions, residents)
        if seen.owes or any(due <= self.clock.now() for due in seen.clocks) or not self._told():
            return False
        if not await carried_out(self.line.redis, self.settings.partitions, seen.cases):
            return False
        ends = await self._ends()
        done = (
            seen.applied == _last(ends[topics.CASE_INPUTS.name])
            and all(seen.screened[lane.name] == _last(ends[lane.name]) for lane in topics.LANES)
            and await self._passed_on(ends[topics.OUTSIDE_INPUTS.name])
            and self._told()
        )
        return done and await self._ends() == ends

    async def _ends(self) -> dict[str, dict[int, int]]:
        """The offset that the next record of each partition will get, by topic: of those that lead to inputs of cases,
        always the same, so that the consumer knows them.
        """
        wanted = (topics.CASE_INPUTS, topics.OUTSIDE_INPUTS, *topics.LANES)
        found: dict[str, dict[int, int]] = {}
        async with consumer_for_read(self.settings) as consumer:
            wheres = [where for topic in wanted for where in await partitions_of(consumer, topic.name)]
            for where, end in (await partition_ends(self.settings, consumer, wheres)).items():
                found.setdefault(where.topic, {})[where.partition] = end
        return found

    async def _passed_on(self, ends: Mapping[int, int]) -> bool:
        """Whether casework has applied, or refused, what parties outside have reported; `ends`: of outside-inputs."""
        for partition, end in ends.items():
            began = self.passed_on.get(partition, 0)
            async for record in read_range(self.settings, topics.OUTSIDE_INPUTS.name, partition, began, end - 1):
                with suppress(ValidationError):
                    given = input_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
                    if await self.line.redis.zscore(key("applied", partition), given.id) is None:
                        return False
                self.passed_on[partition] = record.offset + 1
        return True

    async def _next(self, until: datetime) -> datetime | None:
        """When next something falls due, with what follows it within a second; None: nothing does until then."""
        clocks = (await look(self.line.redis, self.settings.partitions)).clocks
        due = [each for each in (*clocks, *self.clock.sleepers) if each <= until]
        return max((each for each in due if each - min(due) <= TOGETHER), default=None)

    def _told(self) -> bool:
        """Whether each provider has told what it had to tell until now."""
        each = (self.providers.carrier, self.providers.bank, self.providers.station)
        under_way = sum(len(provider._running) for provider in each)
        return under_way == len(self.clock.sleepers) and all(due > self.clock.now() for due in self.clock.sleepers)


def _last(ends: Mapping[int, int]) -> dict[int, int]:
    """The offset of each partition's last record, by its end."""
    return {partition: end - 1 for partition, end in ends.items()}


async def until(true: Callable[[], Awaitable[bool]], seconds: float, told: Callable[[], str] = lambda: "") -> None:
    """Wait until it is true. Raises TimeoutError with what is told when it never is."""
    began = time.monotonic()
    while not await true():
        if (waited := time.monotonic() - began) > seconds:
            raise TimeoutError(f"not within {seconds:g} s\n{told()}")
        await asyncio.sleep(nap(waited))


async def _ready(line: Installation, worker: Worker) -> None:
    """Return when the worker has built all partitions. Raises TimeoutError with its log when it does not."""

    async def built() -> bool:
        assert worker.running, worker.log
        return None not in [await line.store.offset(p) for p in range(line.settings.partitions)]

    await until(built, SETTLE_SECONDS, lambda: worker.log)


async def admitted(line: Installation, component: Component) -> Settings:
    """The line's settings as a component comes to Redis: as a user that may do what it must, and no more."""
    password = secrets.token_hex(16)
    await line.redis.execute_command("ACL", "SETUSER", f"{PREFIX}{component}", "reset", *rules(component, password))
    where = str(line.settings.redis).removeprefix("redis://")
    return line.settings.model_copy(update={"redis": f"redis://{PREFIX}{component}:{password}@{where}"})


@asynccontextmanager
async def opened(settings: Settings, clock: Clock, component: Component) -> AsyncIterator[Installation]:
    """A line of its own for a component."""
    line = Installation(settings, load_channels(), clock, component)
    await line.open()
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def house(data: Path) -> AsyncIterator[House]:
    """Everything started, and stopped at the end."""
    wanted = Settings(http_port=0, metrics_port=0, partitions=PARTITIONS)
    async with Embedded(data) as embedded, on_servers(embedded.settings(wanted)) as made:
        made.servers = embedded
        yield made


@asynccontextmanager
async def on_servers(settings: Settings) -> AsyncIterator[House]:
    """The same on servers that are there and empty. What is not embedded has its intake's keys in the environment."""
    clock_file = settings.data / "clock"
    clock = HandClock.shared(clock_file, Clock(1.0, time.time(), START))
    settings = settings.model_copy(update={"clock": str(clock)})
    async with AsyncExitStack() as stack:
        topics.create(settings)
        channels = load_channels()
        line = Installation(settings, channels, clock)
        await line.open()
        stack.push_async_callback(line.close)
        takes_in = await stack.enter_async_context(
            opened(await admitted(line, Component.INTAKE), clock, Component.INTAKE)
        )
        await takes_in.consumers.close()  # the tests read in this process as `line` does, which has the keys
        intake = load_intake()
        routes = [
            *receipts.routes(takes_in.outgoing, channels),
            *report_routes(takes_in.outgoing, channels),
            *handovers.routes(takes_in.outgoing, channels),
            *objections.routes(takes_in.settings, intake, takes_in.outgoing),
            *reported_frauds.routes(takes_in.settings, intake, takes_in.outgoing),
            *letters_api.routes(takes_in.settings, intake, takes_in.producer, clock),
        ]
        address = await stack.enter_async_context(intake_http.running(takes_in.settings, intake, clock, routes))
        settings = settings.model_copy(update={"receipts_url": f"{address}/receipts"})
        does = Behaviour()
        found = await stack.enter_async_context(
            providers.running(settings, channels, clock, answer=does.answer, decide=does.decide, visit=does.visit)
        )
        settings = found.settings(settings)
        headers = {"Authorization": f"Bearer {embedded_key(settings)}"}
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=address, headers=headers, timeout=10, limits=SHORTER, event_hooks={"response": [described]}
            )
        )
        own = (await admitted(line, Component.WORKER)).redis
        worker = Worker(settings.model_copy(update={"redis": own}), clock_file)
        stack.callback(worker.kill)
        worker.start()
        await _ready(line, worker)
        yield House(settings, clock, line, found, does, client, worker)

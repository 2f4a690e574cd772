"""A whole installation: servers, a real worker, intake and receipts over HTTP, providers; and a clock moved by hand.

Time stands still for it between two events: the clock jumps to the next one only when nothing is under way any more.
So a test's days take seconds, and nothing comes late because a machine is slow.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from pydantic import ValidationError

from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, StepState
from schemas.casework.inputs import input_adapter
from simulators import providers
from simulators.providers import Providers
from streams.casework.claims import CaseClaims
from streams.channels import receipts
from streams.channels.dispatch_log import Progress, known
from streams.channels.operator_calls.reports import report_routes
from streams.channels.provinces import receiving as handovers
from streams.channels.settings import load as load_channels
from streams.installation import Installation
from streams.intake import objections
from streams.intake import server as intake_http
from streams.intake.settings import embedded_key
from streams.intake.settings import load as load_intake
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import read_range
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security.acls import rules
from streams.security.rights import PREFIX, Component
from streams.state.keys import key, lane_key, moment
from tests.documents.answers import described
from tests.end_to_end.harness.behaviour import Behaviour
from tests.end_to_end.harness.hand_clock import HandClock
from tests.end_to_end.harness.worker import Worker
from tests.tools.servers.process import nap

START = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)  # 11:12 in Jilin, a Monday
SETTLE_SECONDS = 150.0  # on the wall's clock; mostly a tenth of one, but among many others a worker starts slowly
SHORTER = httpx.Limits(keepalive_expiry=2)
"""Shorter than a server keeps an idle connection, five seconds: of equals the client may write as it is closed."""
TICK = timedelta(milliseconds=1)  # what falls due is stored in whole milliseconds


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

    async def until(self, moment: datetime, residents: Iterable[str], people: Callable[[], Awaitable[None]]) -> None:
        """Let time pass, from event to event; `people`: do what they must after each.

        Raises TimeoutError when something never comes to its end.
        """
        known = list(residents)
        await self.settle(known)
        await people()
        while (following := await self._next()) is not None and following <= moment:
            self.clock.move_to(following + TICK)
            await self.settle(known)
            await people()
        self.clock.move_to(moment)
        await self.settle(known)

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
        """Whatever is under way ends in an input of a case: so all were applied, and while looking none came."""
        before = await end_offsets(self.settings, topics.CASE_INPUTS.name)
        partitions = range(self.settings.partitions)
        applied = {p: await self.line.store.offset(p) for p in partitions}
        done = (
            applied == {p: end - 1 for p, end in before.items()}
            and await self._screened(topics.SIGNALS)
            and await self._screened(topics.SIGNALS_URGENT)
            and await self._passed_on()
            and not await self._overdue()
            and await self._carried_out(residents)
            and self._told()
        )
        return done and await end_offsets(self.settings, topics.CASE_INPUTS.name) == before

    async def _screened(self, lane: topics.Topic) -> bool:
        """Whether a lane was screened to its end, and owes nothing."""
        ends, ending = await end_offsets(self.settings, lane.name), lane.name.removeprefix(topics.SIGNALS.name)
        screened = {p: int(await self.line.redis.get(lane_key("screened", ending, p)) or -1) for p in ends}
        if any([await self.line.redis.exists(lane_key("owed", ending, p)) for p in ends]):
            return False
        return screened == {p: end - 1 for p, end in ends.items()}

    async def _passed_on(self) -> bool:
        """Whether casework has applied, or refused, what parties outside have reported."""
        for partition, end in (await end_offsets(self.settings, topics.OUTSIDE_INPUTS.name)).items():
            began = self.passed_on.get(partition, 0)
            async for record in read_range(self.settings, topics.OUTSIDE_INPUTS.name, partition, began, end - 1):
                with suppress(ValidationError):
                    given = input_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
                    if await self.line.redis.zscore(key("applied", partition), given.id) is None:
                        return False
                self.passed_on[partition] = record.offset + 1
        return True

    async def _overdue(self) -> bool:
        now = self.clock.now()
        for partition in range(self.settings.partitions):
            if await self.line.store.outbox(partition):
                return True
        return any(due <= now for due in await self._clocks())

    async def _clocks(self) -> list[datetime]:
        """The first deadline, and the first moment to score again, of each partition."""
        found = []
        for partition in range(self.settings.partitions):
            for name in ("deadlines", "rescore"):
                first = await self.line.redis.zrange(key(name, partition), 0, 0, withscores=True)
                found += [moment(score) for _, score in first]
        return found

    async def _next(self) -> datetime | None:
        return min([*await self._clocks(), *self.clock.sleepers], default=None)

    async def _carried_out(self, residents: list[str]) -> bool:
        """Whether every dispatch that is out was carried out and reported."""
        for resident in residents:
            case = await self.case(resident)
            for step in case.steps if case else ():
                name = f"{case.id}:{step.id}:{step.attempt}:{step.action.channel.value}" if case else ""
                if step.state is StepState.SENT and not await self._done(resident, name):
                    return False
        return True

    async def _done(self, resident: str, dispatch: str) -> bool:
        partition = topics.partition_of(resident.encode(), self.settings.partitions)
        raw = await self.line.redis.get(f"{key('dispatch', partition)}:{dispatch}")
        entry = known(raw)
        return entry is not None and entry.state is Progress.DONE

    def _told(self) -> bool:
        """Whether each provider has told what it had to tell until now."""
        each = (self.providers.carrier, self.providers.bank, self.providers.station)
        under_way = sum(len(provider._running) for provider in each)
        return under_way == len(self.clock.sleepers) and all(due > self.clock.now() for due in self.clock.sleepers)


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
    async with Embedded(data) as embedded, on_servers(embedded.settings(Settings(http_port=0, metrics_port=0))) as made:
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

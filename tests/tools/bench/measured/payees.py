"""`payees`: questions of a bank before it pays (`POST /v1/payees/check`): how soon, how many, at what cost.

At 500 a second the requests leave at planned times (an open loop), so a late answer delays none of the others and
waiting counts. Then as many as eight connections get answered, singly and by a hundred (a closed loop). The list has
100,000 entries; of the accounts that are asked about half are on it. CPU is of the process of intake.

At last the 500 a second once more, asked by a process of their own, while two workers have as many signals as they can
screen and the whole line is at work on the same machine.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

from hdrh.histogram import HdrHistogram
from rich.console import Console

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import MOST_SUBJECTS, PayeeKind
from schemas.risk.signals import BATCH_LIMIT
from simulators.demo.run import Demo, Plan
from streams.installation import Installation
from streams.intake.acceptor import Intake
from streams.intake.settings import make_key
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from streams.screening.payers import Payers
from streams.screening.subjects import Subjects
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.life import SEED
from tests.tools.bench.measured.intake import running
from tests.tools.bench.servers import real
from tests.tools.bench.work import Pace, each
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import Load, batches
from tests.tools.field.load.overload import CROWD, Watch, capacity, cpu_seconds
from tests.tools.field.stories import Stories

LISTED, LISTED_SHORT = 100_000, 1_000
RATE = 500  # requests a second
SECONDS, SECONDS_SHORT = 20.0, 3.0
CONNECTIONS, LANES = 8, 64  # of the closed and the open loop
REQUESTS = {"single": 8_000, "batch": 200}  # of a run of the closed loop
HIGHEST_US = 10_000_000
AT_ONCE = 1_000  # entries that are put on the list together
MORE_SECONDS = 10.0  # for which the workers get signals, beside those in which a bank asks
BANK = "bank"


class Asking:
    """The server and a bank's requests to it."""

    def __init__(self, port: int, pid: int, key: str, listed: int) -> None:
        self.port, self.pid = port, pid
        self._key, self._listed = key, listed

    def requests(self, count: int, size: int) -> Iterator[bytes]:
        """Yield requests about `size` accounts each, every other of them on the list."""
        for number in range(count):
            some = [account(7 * (number * size + place) % (2 * self._listed)) for place in range(size)]
            body = json.dumps([{"subject": "account", "value": value} for value in some]).encode()
            head = f"POST /v1/payees/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n"
            yield f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def account(number: int) -> str:
    """Return an invented account; those below the number of entries are on the list."""
    return f"6200{number:012d}"


def measure(given: Given) -> Found:
    """The section."""
    for name in ("alone", "loaded"):
        (given.folder / name).mkdir()
    with real(given.folder / "alone") as settings:
        found = asyncio.run(_measured(settings, given))
    with real(given.folder / "loaded") as settings:
        return {**found, "beside_full_load": asyncio.run(_beside_load(settings, given))}


async def _measured(settings: Settings, given: Given) -> Found:
    async with opened(settings) as line, _served(line, given.count(LISTED, LISTED_SHORT)) as asking:
        seconds = given.seconds(SECONDS, SECONDS_SHORT)
        paced = [await _paced(asking, seconds) for _ in range(given.runs)]
        paces = {form: [await _most(asking, form, given.size) for _ in range(given.runs)] for form in REQUESTS}
    return {
        f"at_{RATE}_a_second": _latencies(paced),
        "single": each(paces["single"], "check"),
        "batch": each(paces["batch"], "check"),
    }


async def _beside_load(settings: Settings, given: Given) -> Found:
    """The same rate while the workers always have a second's work waiting."""
    seconds, plan = given.seconds(SECONDS, SECONDS_SHORT), Plan(timedelta(hours=1), 1, SEED, CROWD)
    async with AsyncExitStack() as stack:
        running_line = await stack.enter_async_context(
            Demo(settings, plan, Console(quiet=True), lambda *_: "").running()
        )
        line = running_line.line
        asking = await stack.enter_async_context(_served(line, given.count(LISTED, LISTED_SHORT)))
        made = batches(running_line.province.people, line.settings.partitions, BATCH_LIMIT, SEED)
        stories = Stories(Intake(line.producer, line.settings), line.clock, iter(()))
        watch = Watch(running_line, Load(line.producer, line.clock, made), stories, given.say)
        asker = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        ran, signals = list[Paced](), list[float]()
        for _ in range(given.runs):
            asked = asyncio.get_running_loop().run_in_executor(asker, _ask_paced, asking, seconds)
            signals.append(await capacity(watch, seconds + MORE_SECONDS))
            ran.append(await asked)
    return {**_latencies(ran), "signals_per_second": figure(signals, "signals/s that the workers take meanwhile")}


def _ask_paced(asking: Asking, seconds: float) -> "Paced":
    return asyncio.run(_paced(asking, seconds))


@asynccontextmanager
async def _served(line: Installation, listed: int) -> AsyncIterator[Asking]:
    """`quanzu intake serve` beside a store with so many suspects."""
    await _fill(line, listed)
    key, entry = make_key(BANK)
    port = free_port()
    own = line.settings.model_copy(update={"http_port": port}).environment()
    limits = {"QUANZU_API_KEYS": entry, "QUANZU_PAYEE_CHECKS": BANK, "QUANZU_PAYEE_CHECK_RATE": "100000000/second"}
    async with running(["quanzu", "intake", "serve"], {**own, **limits}, port) as pid:
        yield Asking(port, pid, key, listed)


async def _fill(line: Installation, listed: int) -> None:
    payers, subjects = Payers(line.redis, line.settings.partitions), Subjects(line.settings.key())
    at = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
    for start in range(0, listed, AT_ONCE):
        some = [subjects.listed(PayeeKind.ACCOUNT, account(number))[0] for number in range(start, start + AT_ONCE)]
        await payers.put_back(
            [WatchEntry(subject=each, standing=WatchStatus.CONFIRMED, at=at, uid="police:w1") for each in some]
        )


@dataclass(slots=True)
class Paced:
    """A run at planned times: latencies from the plan in µs, CPU of a check in µs, and requests answered with 503."""

    latencies: list[int] = field(default_factory=list)
    cpu: float = 0.0
    refused: int = 0


async def _paced(asking: Asking, seconds: float) -> Paced:
    """Ask at planned times."""
    requests, found = list(asking.requests(round(RATE * seconds), 1)), Paced()
    used, began = cpu_seconds([asking.pid]), time.monotonic() + 0.5
    async with asyncio.TaskGroup() as group:
        for lane in range(LANES):
            planned = [(began + number / RATE, requests[number]) for number in range(lane, len(requests), LANES)]
            group.create_task(_lane(asking.port, planned, found))
    found.cpu = (cpu_seconds([asking.pid]) - used) / len(requests) * 1e6
    return found


async def _lane(port: int, planned: Sequence[tuple[float, bytes]], found: Paced) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for at, request in planned:
        await asyncio.sleep(at - time.monotonic())
        found.refused += not await _ask(reader, writer, request)
        found.latencies.append(min(HIGHEST_US, round((time.monotonic() - at) * 1e6)))
    writer.close()


async def _most(asking: Asking, form: str, size: float) -> Pace:
    """Ask as fast as the connections get their answers."""
    members = MOST_SUBJECTS if form == "batch" else 1
    requests = list(asking.requests(max(CONNECTIONS, round(REQUESTS[form] * size)), members))
    began, used, left = time.monotonic(), cpu_seconds([asking.pid]), iter(requests)
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(asking.port, left))
    used = cpu_seconds([asking.pid]) - used
    return Pace(len(requests) * members, time.monotonic() - began, used)


async def _connection(port: int, requests: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        if not await _ask(reader, writer, request):
            raise RuntimeError("a check was answered with 503")
    writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Send a request, read its answer, and return whether it is 200. Raises RuntimeError for others than 503."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
    body = await reader.readexactly(length)
    if not head.startswith(("http/1.1 200", "http/1.1 503")):
        raise RuntimeError(f"not answered: {head.splitlines()[0]} {body[:300]!r}")
    return head.startswith("http/1.1 200")


def _latencies(ran: Sequence[Paced]) -> dict[str, Figure]:
    shares = {
        f"p{share}_ms": figure([_percentile(run.latencies, share) / 1e3 for run in ran], "ms") for share in (50, 99)
    }
    return {
        **shares,
        "cpu_us_per_check": figure([run.cpu for run in ran], "µs of the process's CPU"),
        "refused": figure([run.refused for run in ran], "requests answered with 503"),
    }


def _percentile(latencies: Sequence[int], share: float) -> float:
    found = HdrHistogram(1, HIGHEST_US, 3)
    for each_us in latencies:
        found.record_value(each_us)
    return float(found.get_value_at_percentile(share))

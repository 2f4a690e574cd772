"""`intake`: signals a second over HTTP, for NDJSON of 500 and for single posts, beside bare handlers.

A few connections that stay open, each with one request under way at a time: a closed loop. The servers are asked
in turn within each run. What a server's process used of its processor is the better figure: the client is on the same
machine.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import orjson

from schemas.risk.signals import batch_adapter
from simulators.scams.ordinary import OrdinaryLife
from streams.intake.acceptor import records_of
from streams.intake.settings import make_key
from streams.runtime.embedded import die_with_parent, free_port
from streams.runtime.settings import Settings
from tests.tools.bench import life, limits
from tests.tools.bench.bare import NDJSON
from tests.tools.bench.figures import Figure, Found, Given, figure
from tests.tools.bench.servers import real
from tests.tools.bench.work import Pace, beside, each, until
from tests.tools.field.faults.rebuild import opened
from tests.tools.field.load.load import AT
from tests.tools.field.load.overload import cpu_seconds

LINES = 500  # of a request
REQUESTS = {"ndjson_500": 200, "single": 4_000}  # of a run
CONNECTIONS = 8
BARE = ("fastapi", "starlette")
FEED = "feed"  # all signals are its own: a key is for one source


@dataclass(frozen=True, slots=True)
class Server:
    """A process that takes signals in, and the bodies that it is sent."""

    port: int
    pid: int
    headers: Mapping[str, str]
    paths: Mapping[str, str]

    def request(self, form: str, body: bytes) -> bytes:
        """A whole request."""
        kind = NDJSON if form == "ndjson_500" else "application/json"
        head = {"host": "127.0.0.1", "content-type": kind, "content-length": str(len(body)), **self.headers}
        lines = [f"POST {self.paths[form]} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


def measure(given: Given) -> Found:
    """The section."""
    with real(given.folder) as settings:
        return asyncio.run(_measured(settings, given.runs, given.size))


async def _measured(settings: Settings, runs: int, size: float) -> Found:
    found: dict[str, Figure | Found] = {}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(settings))  # intake waits until a store is whole that it may not fill
        servers = {"quanzu": await stack.enter_async_context(_quanzu(settings))}
        for name in BARE:
            servers[name] = await stack.enter_async_context(_bare(name))
        for form, requests in REQUESTS.items():
            bodies = list(_bodies(form, max(CONNECTIONS, round(requests * size))))
            least = _least(settings, bodies, form)
            paces: dict[str, list[Pace]] = {name: [] for name in servers}
            for _ in range(runs):
                for name, server in servers.items():
                    paces[name].append(await _sent(server, [server.request(form, body) for body in bodies], form))
            found[form] = {
                **{name: each(paces[name], "signal") for name in BARE},  # which write nothing
                "quanzu": beside(each(paces["quanzu"], "signal"), "signal", least),
                **{f"cpu_times_{name}": _times(paces["quanzu"], paces[name]) for name in BARE},
                "limits": limits.figures(least, "signal"),
            }
    return found


def _times(ours: Sequence[Pace], bare: Sequence[Pace]) -> Figure:
    """How many times what a bare handler uses we use, run by run."""
    return figure([mine.us_each / other.us_each for mine, other in zip(ours, bare, strict=True)], "times")


def _least(settings: Settings, bodies: Sequence[bytes], form: str) -> limits.Limits:
    """Copying the bodies, and writing what intake makes of them, µs a signal."""
    signals = [batch_adapter.validate_python([orjson.loads(line) for line in body.splitlines()]) for body in bodies]
    records = [record for each in signals for record in records_of(each, settings.partitions)]
    total = _size(form) * len(bodies)
    written = limits.produced(settings, [record.value or b"" for record in records]) / total * 1e6
    return {limits.COPY: limits.copied(bodies, total), limits.WRITTEN: written}


def _size(form: str) -> int:
    """Signals of a request."""
    return LINES if form == "ndjson_500" else 1


def _bodies(form: str, count: int) -> Iterator[bytes]:
    """Each request's own signals."""
    size = _size(form)
    signals = (due.signal for due in OrdinaryLife(life.SEED, life.crowd()).hour(AT, size * count))
    for _ in range(count):
        some = [{**next(signals).model_dump(mode="json", exclude={"arrived"}), "source": FEED} for _ in range(size)]
        yield b"\n".join(orjson.dumps(signal) for signal in some)


async def _sent(server: Server, requests: Sequence[bytes], form: str) -> Pace:
    """Send them all, and look what the server used."""
    began, used, left = time.monotonic(), cpu_seconds([server.pid]), iter(requests)
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_connection(server.port, left))
    used = cpu_seconds([server.pid]) - used
    return Pace(len(requests) * _size(form), time.monotonic() - began, used)


async def _connection(port: int, requests: Iterator[bytes]) -> None:
    """Send what is left, one request after the other. Raises RuntimeError when one is not accepted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        body = await reader.readexactly(length)
        if not head.startswith("http/1.1 202"):
            raise RuntimeError(f"not accepted: {head.splitlines()[0]} {body[:300]!r}")
    writer.close()


@asynccontextmanager
async def _quanzu(settings: Settings) -> AsyncIterator[Server]:
    """`quanzu intake serve`, with the feed's key and a rate that it does not reach."""
    key, entry = make_key(FEED)
    port = free_port()
    own = settings.model_copy(update={"http_port": port}).environment()
    environment = {**own, "QUANZU_API_KEYS": entry, "QUANZU_RATE": "100000000/second"}
    async with running(["quanzu", "intake", "serve"], environment, port) as pid:
        yield Server(port, pid, {"authorization": f"Bearer {key}"}, dict.fromkeys(REQUESTS, "/signals"))


@asynccontextmanager
async def _bare(name: str) -> AsyncIterator[Server]:
    port = free_port()
    async with running(["tests.tools.bench.bare", name, str(port)], {}, port) as pid:
        yield Server(port, pid, {}, {"ndjson_500": "/lines", "single": "/signals"})


@asynccontextmanager
async def running(module: Sequence[str], environment: Mapping[str, str], port: int) -> AsyncIterator[int]:
    """The number of a process that listens; it is ended with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *module,
        env={**os.environ, **environment},
        stdout=DEVNULL,
        preexec_fn=die_with_parent,
    )
    try:
        await until(partial(_listens, port), f"{' '.join(module)} to listen")
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True

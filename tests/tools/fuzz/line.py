"""A real line: an embedded broker and Redis, a worker and an intake, each a process of its own, and what they keep."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis

from schemas.administration.dead_letters import letter_adapter
from streams.channels.settings import ChannelSettings
from streams.intake.settings import embedded_key
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Producer
from streams.messaging.reader import read_all
from streams.runtime.embedded import Embedded, free_port
from streams.runtime.settings import Settings
from streams.screening.positions import Positions
from streams.security.encrypted_kafka import make_producer
from streams.state.case_store import CaseStore
from tests.tools.fuzz.examples import ROOT
from tests.tools.fuzz.mutations import MARKERS

READY_SECONDS = 60.0
DRAIN_SECONDS = 900.0
WORKER = ("quanzu", "worker")  # modules, and their arguments
INTAKE = ("tests.tools.fuzz.intake",)
LOOK_SECONDS = 0.5


@dataclass
class Line:
    """The line as the run sees it. `outcomes`: how many signals must come out of screening, by what went in."""

    settings: Settings
    worker: subprocess.Popen[bytes]
    intake: subprocess.Popen[bytes]
    address: str
    metrics_port: int
    producer: Producer
    redis: "Redis"
    logs: list[Path]
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def host_and_port(self) -> tuple[str, int]:
        parts = urlsplit(self.address)
        return str(parts.hostname), int(parts.port or 0)

    @property
    def bearer(self) -> str:
        return f"Bearer {embedded_key(self.settings)}"

    @property
    def receipts_keys(self) -> dict[str, bytes]:
        return {name: keys[0] for name, keys in ChannelSettings().receipt_keys(self.settings).items()}

    async def tallied(self) -> int:
        """How many outcomes screening has counted."""
        found = await Positions(self.redis, self.settings.partitions).tallies()
        return sum(sum(counts.values()) for counts in found.values())

    async def drained(self) -> str:
        """Wait until all that went in has come out; what is wrong if it does not, else nothing."""
        wanted, until = self.outcomes.total(), time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until:
            if trouble := self.trouble():
                return trouble
            tallied = await self.tallied()
            if tallied > wanted:
                return f"conservation: {tallied} outcomes of {wanted} signals"
            if tallied == wanted and await self.applied():
                return ""
            await asyncio.sleep(LOOK_SECONDS)
        found = await self.tallied()
        return f"not drained: {found} outcomes of {wanted} signals; inputs applied: {await self.applied()}"

    async def applied(self) -> bool:
        ends = await end_offsets(self.settings, topics.CASE_INPUTS.name)
        store = CaseStore(self.redis)
        return all([await store.offset(partition) == end - 1 for partition, end in ends.items()])

    def trouble(self) -> str:
        """Whether a process has ended, which it must not."""
        ended = {"worker": self.worker.poll(), "intake": self.intake.poll()}
        return "; ".join(f"the {name} ended with {code}" for name, code in ended.items() if code is not None)

    def peaks_mb(self) -> dict[str, float]:
        """The most memory each process ever had."""
        return {name: _peak_mb(process.pid) for name, process in (("worker", self.worker), ("intake", self.intake))}

    async def leaks(self) -> list[str]:
        """Where something of a person stands that must not: logs and metrics; and tracebacks in the logs."""
        texts = {log.name: log.read_text(errors="replace") for log in self.logs}
        async with httpx.AsyncClient(trust_env=False) as client:
            texts["metrics"] = (await client.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        found = [f"{name}: {marker} is in it" for name, text in texts.items() for marker in MARKERS if marker in text]
        return found + [f"{name}: {_after(text)}" for name, text in texts.items() if "Traceback" in text]

    async def letters(self) -> dict[str, int]:
        """How many dead letters there are, by the topic of what they hold."""
        name = topics.DEAD_LETTERS.name
        found = [letter_adapter.validate_json(each.value or b"") async for each in read_all(self.settings, name)]
        ids = {letter.id: str(getattr(letter.where, "topic", "file")) for letter in found}
        return dict(Counter(ids.values()))

    async def lose_redis(self) -> None:
        """Empty Redis: all of it must come back from the topics, with all that is strange on them."""
        await self.redis.flushall()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Line]:
    """A line in this folder, for as long as the context lasts."""
    async with Embedded(folder) as servers:
        port = free_port()
        settings = servers.settings(Settings()).model_copy(update={"http_port": 0, "metrics_port": port})
        topics.create(settings)
        producer, redis = make_producer(settings), Redis.from_url(str(settings.redis), protocol=3)
        await producer.start()
        processes: list[subprocess.Popen[bytes]] = []
        try:
            with (folder / "worker.log").open("wb") as worker_log, (folder / "intake.log").open("wb") as intake_log:
                processes.append(_started(settings, WORKER, worker_log, worker_log))
                processes.append(_started(settings, INTAKE, intake_log, subprocess.PIPE))
                address = await asyncio.to_thread(_address, processes[1])
                logs = [folder / "worker.log", folder / "intake.log"]
                line = Line(settings, processes[0], processes[1], address, port, producer, redis, logs)
                await _ready(line)
                yield line
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                _ended(process)
            await producer.stop()
            await redis.aclose()


def _started(
    settings: Settings, command: tuple[str, ...], log: IO[bytes], out: "IO[bytes] | int"
) -> subprocess.Popen[bytes]:
    environment = {**_ENVIRONMENT, **settings.environment()}
    called = [sys.executable, "-m", *command]
    return subprocess.Popen(called, env=environment, cwd=ROOT, stdout=out, stderr=log)


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "QUANZU_RATE": "1000000/second", "COLUMNS": "200"}


def _address(intake: subprocess.Popen[bytes]) -> str:
    assert intake.stdout is not None
    while text := intake.stdout.readline().decode().strip():
        if text.startswith("http://"):
            return text
    raise RuntimeError("intake ended before it served")


async def _ready(line: Line) -> None:
    until = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(trust_env=False) as client:
        while (await client.get(f"{line.address}/readyz")).status_code != 200 or not await line.applied():
            if time.monotonic() > until:
                raise TimeoutError(f"the line was not ready; see {line.logs}")
            await asyncio.sleep(LOOK_SECONDS)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _after(text: str) -> str:
    return json.dumps(text[text.index("Traceback") :][:1500])

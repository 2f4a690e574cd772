"""One program on the filled topic: what its alerts say, when they came, and what it used meanwhile.

Each record has somebody in danger, so the alerts tell how far a program has come, whatever it commits when. It is
measured from the alert of the record WARM_UP to the last one's: not its start, not its end.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaConsumer, TopicPartition
from redis import Redis

from schemas.casework.inputs import Alert
from schemas.people.residents import ResidentId
from schemas.risk.signals import BATCH_LIMIT
from streams.runtime.settings import Settings
from tests.tools.bench.peers.programs import ROOT, Program, started
from tests.tools.bench.peers.topic import Topic

ALERTS = TopicPartition("case-inputs", 0)
WARM_UP = 0.2  # of the records: what is made once is made then
STALLED_SECONDS = 90.0
TOLD = 2_000  # characters of the log of a program that does not come to its end
REST_SECONDS = 1.0  # after the last: alerts that should not come would come now
POLL_MS = 5


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds: of wall time, and of CPU time of the program, of Redis and of Kafka's broker."""

    wall: float
    program: float
    redis: float
    kafka: float

    def since(self, before: "Used") -> "Used":
        return Used(*(getattr(self, name) - getattr(before, name) for name in self.__slots__))


@dataclass(slots=True)
class Race:
    """A run of one program. `signals`: those that were measured."""

    alerts: list[Alert] = field(default_factory=list)
    used: Used = Used(0, 0, 0, 0)
    signals: int = 0

    @property
    def alerted(self) -> set[ResidentId]:
        return {alert.resident for alert in self.alerts}

    def us(self, seconds: float) -> float:
        """µs a signal."""
        return seconds / self.signals * 1e6


def race(program: Program, settings: Settings, topic: Topic, folder: Path) -> Race:
    """Run it from the topic's first record to its last, in the settings' consumer group, which is new.

    Raises TimeoutError when its alerts do not all come.
    """
    run, waited = Race(), {resident.id for resident in topic.endangered}
    measured = round((1 - WARM_UP) * len(waited))  # records, at most
    start: Used | None = None
    with _alerts(settings) as consumer, _running(program, settings, folder) as process:
        until = time.monotonic() + STALLED_SECONDS
        while waited:
            some = _polled(consumer)
            run.alerts += some
            waited -= {alert.resident for alert in some}
            if some:
                until = time.monotonic() + STALLED_SECONDS
            if start is None and len(waited) <= measured:
                start, run.signals = _used(process, settings), len(waited) * BATCH_LIMIT
            if process.poll() is not None or time.monotonic() > until:
                ended = "it has ended" if process.poll() is not None else f"none came for {STALLED_SECONDS:g} s"
                log = folder.with_name(f"{folder.name}.log").read_text(encoding="utf-8", errors="replace")
                raise TimeoutError(f"{program.name}: {len(waited)} alerts have not come, {ended}:\n{log[-TOLD:]}")
        run.used = _used(process, settings).since(start or Used(0, 0, 0, 0))
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until:
            run.alerts += _polled(consumer)
    return run


@contextmanager
def _alerts(settings: Settings) -> "Iterator[KafkaConsumer]":
    """Reads alerts from here on."""
    consumer = KafkaConsumer(bootstrap_servers=settings.brokers)
    try:
        consumer.assign([ALERTS])
        consumer.seek_to_end(ALERTS)
        consumer.position(ALERTS)  # else the end is looked up when the first have come
        yield consumer
    finally:
        consumer.close()


def _polled(consumer: "KafkaConsumer") -> list[Alert]:
    records: Sequence[Any] = consumer.poll(timeout_ms=POLL_MS).get(ALERTS, [])
    return [Alert.model_validate_json(record.value) for record in records]


@contextmanager
def _running(program: Program, settings: Settings, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The program; killed at the end, for it has nothing more to tell."""
    process = started(program, os.environ | settings.environment() | {"PYTHONPATH": str(ROOT)}, folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _used(process: "subprocess.Popen[bytes]", settings: Settings) -> Used:
    """All so far: of the program and its children; what Redis says of itself; the broker's, a child of this process."""
    program = psutil.Process(process.pid)
    with Redis.from_url(settings.redis or "") as redis:
        cpu: Any = redis.info("cpu")
    brokers = [each for each in psutil.Process().children(recursive=True) if each.name() == "java"]
    return Used(
        time.monotonic(),
        sum(map(_cpu, [program, *program.children(recursive=True)])),
        cpu["used_cpu_user"] + cpu["used_cpu_sys"],
        sum(map(_cpu, brokers)),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

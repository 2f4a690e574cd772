"""What no program could do for less: copying the bytes, Redis' own work on the commands, Kafka's bytes read or written.

In CPU time, as the figures that they stand beside: of this process alone, or of Redis, which tells its own. A look-up's
time, which is wall time, stands beside that of the same command on a bare socket.

* copying: the same values, each once more in memory.
* Redis: the very commands that the product sends, taken down and sent again from the same state, without a client's
  work: packed already, a hundred at a time, answers read by hiredis and thrown away. What counts is what Redis used.
* Kafka: a consumer of librdkafka's that reads the same records, or a producer that writes them, and nothing more.
"""

import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import hiredis
from confluent_kafka import Consumer, Producer, TopicPartition
from redis.asyncio.connection import AbstractConnection

from streams.messaging.offsets import end_offsets
from streams.messaging.topics import SIGNALS
from streams.runtime.settings import Settings
from streams.state.case_store import connect
from tests.tools.bench.figures import Figure, figure

COPIES = 20  # of all values: one alone takes too little to be measured
REPLAYS = 3
AT_ONCE = 100  # commands sent before their answers are read
READ_BYTES = 65_536
INTRODUCTIONS = {b"AUTH", b"CLIENT", b"HELLO", b"SELECT"}
FETCHED = 500  # records asked of librdkafka at once
STALLED_SECONDS = 30.0

_QUIET = {"enable.auto.commit": False, "auto.offset.reset": "error"}
COPY, REDIS, READ, WRITTEN = "memory_copy", "redis_commands", "kafka_read", "kafka_write"
ROUND_TRIP = "bare_round_trip"

Places = Mapping[tuple[str, int], int]
"""Offsets, by topic and partition."""

Limits = Mapping[str, float]
"""µs an item, by what takes them."""


def copied(values: Sequence[bytes], items: int) -> float:
    """µs an item that it takes to copy the values, of which each holds some items."""
    began = time.process_time()
    for _ in range(COPIES):
        for value in values:
            bytearray(value)
    return (time.process_time() - began) / COPIES / items * 1e6


async def ends(settings: Settings, *names: str) -> Places:
    """Where the topics end now."""
    return {(name, number): end for name in names for number, end in (await end_offsets(settings, name)).items()}


def fetched(settings: Settings, since: Places, until: Places) -> float:
    """CPU seconds that it takes to read what lies between these offsets.

    Raises TimeoutError when it does not come.
    """
    consumer = Consumer({"bootstrap.servers": ",".join(settings.brokers), "group.id": "limit", **_QUIET})
    began, left = time.process_time(), sum(until[place] - first for place, first in since.items())
    try:
        consumer.assign([TopicPartition(topic, number, first) for (topic, number), first in since.items()])
        deadline = time.monotonic() + STALLED_SECONDS
        while left > 0:
            left -= len([each for each in consumer.consume(FETCHED, timeout=1.0) if each.error() is None])
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} records did not come in {STALLED_SECONDS:g} s")
        return time.process_time() - began
    finally:
        consumer.close()


def produced(settings: Settings, values: Sequence[bytes]) -> float:
    """CPU seconds that it takes to write the values and to have them acknowledged. Raises TimeoutError.

    They lie on `signals` then: nobody may screen there any more.
    """
    about = {"bootstrap.servers": ",".join(settings.brokers), "acks": "all", "enable.idempotence": True, "linger.ms": 0}
    producer = Producer(about)
    began = time.process_time()
    for number, value in enumerate(values):
        producer.produce(SIGNALS.name, value, partition=number % settings.partitions)
        producer.poll(0)
    if left := producer.flush(STALLED_SECONDS):
        raise TimeoutError(f"{left} records were not acknowledged in {STALLED_SECONDS:g} s")
    return time.process_time() - began


def figures(limits: Limits, what: str) -> dict[str, Figure]:
    """The limits as figures of their own: `redis_commands_us_per_signal` of `signal`."""
    return {f"{name}_us_per_{what}": figure([us], "µs of CPU") for name, us in limits.items()}


async def round_trips(settings: Settings, work: Callable[[], Awaitable[object]]) -> list[float]:
    """Seconds from each of the work's commands to its answer, on a bare socket. The work changes nothing."""
    with _taken_down() as sent:
        await work()
    found = []
    with _linked(settings.redis or "") as (link, answers):
        for some in filter(None, map(_own, sent)):
            began = time.perf_counter()
            link.sendall(b"".join(some))
            for _ in some:
                _answer(link, answers)
            found.append(time.perf_counter() - began)
    return found


async def answered(settings: Settings, keys: Sequence[str], work: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds that Redis needs for the commands of the work, which is done once and stays done.

    `keys`: patterns of all that the work changes. Raises RuntimeError when a command that was sent again is refused.
    """
    async with connect(settings) as redis:
        kept = {name: await redis.dump(name) or b"" for name in await _names(redis, keys)}
        with _taken_down() as sent:
            await work()
        commands, used = b"".join(sent), []
        for _ in range(REPLAYS):
            await _restore(redis, keys, kept)
            used.append(_replayed(settings.redis or "", commands))
    return min(used)


@contextmanager
def _taken_down() -> Iterator[list[bytes]]:
    """All that is sent to Redis from now on."""
    sent: list[bytes] = []
    send = AbstractConnection.send_packed_command

    async def noting(connection: Any, command: Any, check_health: bool = True) -> None:  # noqa: ANN401 - redis-py's own
        sent.append(command if isinstance(command, bytes) else b"".join(command))
        await send(connection, command, check_health)

    with patch.object(AbstractConnection, "send_packed_command", noting):
        yield sent


async def _restore(redis: Any, keys: Sequence[str], kept: Mapping[bytes, bytes]) -> None:  # noqa: ANN401 - see streams/state/case_store
    for name in await _names(redis, keys):
        await redis.unlink(name)
    for name, value in kept.items():
        await redis.restore(name, 0, value)


async def _names(redis: Any, keys: Sequence[str]) -> list[bytes]:  # noqa: ANN401 - as above
    return [name for pattern in keys for name in [each async for each in redis.scan_iter(pattern, count=10_000)]]


def _replayed(url: str, commands: bytes) -> float:
    """What Redis used for them, as it tells itself."""
    with _linked(url) as (link, answers):
        before = _used(link, answers)
        for some in pieces(commands):
            link.sendall(b"".join(some))
            refused = [each for each in (_answer(link, answers) for _ in some) if isinstance(each, hiredis.ReplyError)]
            if refused:
                raise RuntimeError(f"Redis refuses a command that was sent again: {refused[0]}")
        return _used(link, answers) - before


@contextmanager
def _linked(url: str) -> Iterator[tuple[socket.socket, hiredis.Reader]]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield link, hiredis.Reader()


def pieces(commands: bytes) -> Iterator[list[bytes]]:
    """The commands again one by one, so many together."""
    left = iter(_own(commands))
    while some := list(islice(left, AT_ONCE)):
        yield some


def _own(commands: bytes) -> list[bytes]:
    """The commands one by one, without those by which a client introduces itself on a new connection."""
    reader = hiredis.Reader()
    reader.feed(commands)
    words = iter(reader.gets, False)
    return [hiredis.pack_command(tuple(command)) for command in words if command[0].upper() not in INTRODUCTIONS]


def _answer(link: socket.socket, answers: hiredis.Reader) -> object:
    while (answer := answers.gets()) is False:
        answers.feed(link.recv(READ_BYTES))
    return answer


def _used(link: socket.socket, answers: hiredis.Reader) -> float:
    link.sendall(b"INFO cpu\r\n")
    told: Any = _answer(link, answers)
    found = dict(line.split(":", 1) for line in told.decode().splitlines() if ":" in line)
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])

"""The Faust app of a worker, and how an agent takes records from it without losing one.

Faust commits acked events, and acks in a `finally` even if the body raised or was cancelled. So an agent takes its
events with `records`, which never acks, and acks as its last line:

    @app.agent(app.topic("case-inputs"))
    async def casework(stream: StreamT[bytes]) -> None:
        async for batch in records(stream, max_=200):
            await decide_and_publish(batch)   # retries transient errors; sends permanent failures to the dead letters
            ack_all(batch)

Rules: an agent never acks an event before everything that follows from it is safe, and never lets out an exception that
it could retry or refuse. An exception that gets out stops the worker (nothing is acked, and the next owner reads the
batch again), because an agent restarted in place would continue after the records that it failed. An agent never has
`concurrency`.
"""

import asyncio
import contextlib
import logging
import math
import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import faust
import mode
from aiokafka.errors import KafkaError
from faust.types import TP, EventT, StreamT, TransportT
from mode import CrashingSupervisor
from mode.utils.queues import ThrowableQueue

from schemas.errors import UserError
from streams.messaging.codec import MakeCodec, plain_codec
from streams.messaging.fetch_order import FetchOrder
from streams.messaging.kafka_client import aio_client, credentials
from streams.messaging.transport import Consumer, Transport
from streams.runtime.credentials import denied
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done

log = logging.getLogger(__name__)

LINGER_SECONDS = 0.003
JOIN_SECONDS = 60.0  # ten times the longest rebalance
STOP_SECONDS = 30.0  # ten of them for contacts in progress
LOOK_SECONDS = 1.0
BUFFERED = 1000  # records between the consumer and an agent: some batches, not a worker's memory
COMMIT_SECONDS = 0.5
# aiokafka keeps asking the leader it knows for a partition's first offset until its metadata expire: after a leader was
# moved, a partition without a commit stood still for the default five minutes.
METADATA_MS = 2_000

FAUSTS = str(Path(mode.__file__).parent)  # the source folder of the logger of all Faust services, ours included

# Tansu answers a join only after the rebalance timeout; Kafka's minimum session timeout is 6 s.
EMBEDDED_TIMES: dict[str, Any] = {
    "broker_session_timeout": 2.0,
    "broker_heartbeat_interval": 0.4,
    "broker_rebalance_timeout": 1.0,
    "broker_request_timeout": 10.0,  # Tansu sometimes leaves a join unanswered; it is then repeated
}
KAFKA_TIMES: dict[str, Any] = {
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 1.5,
    "broker_rebalance_timeout": 6.0,
}


class Acked(Protocol):
    """A Faust event, which can be acked."""

    def ack(self) -> bool:
        """Mark the event as done. Returns True if it was the last of its message (Faust's rule; Quanzu ignores it)."""


class Buffer(ThrowableQueue[Any]):
    """The queue of events for an agent.

    Adding an event never blocks, as it would block the one loop that serves all agents.

    Once it has more events than its size, the partitions that feed it are no longer fetched. The excess is at most what
    one fetch brings: a megabyte for each partition.
    """

    def full(self) -> bool:
        """Return False, so that a writer is never blocked."""
        return False


class App(faust.App):
    """A Faust app with Quanzu's transport.

    It stops in bounded time, and ends its process if it cannot join the consumer group.

    `early`: functions that run from the start, even before the consumer group has admitted this worker. `join_seconds`:
    how long a join may stay unanswered before the process ends itself; `stop_seconds`: how long a stop may take before
    it does.
    """

    join_seconds = JOIN_SECONDS
    stop_seconds = STOP_SECONDS

    def __init__(
        self,
        name: str,
        *,
        installation: Settings,
        make_codec: MakeCodec,
        **options: Any,  # noqa: ANN401 - as Faust has them
    ) -> None:
        super().__init__(name, **options)
        self.installation, self.make_codec = installation, make_codec
        self.early: list[Callable[[], Awaitable[None]]] = []
        self._joined = asyncio.Event()

    async def on_start(self) -> None:
        """Start the Faust app, then, in the background, the watch over the join to the consumer group and each function
        of `early`.
        """
        await super().on_start()
        for task in (self._watch_join, *self.early):
            self.add_future(task())

    async def stop(self) -> None:
        """Stop in order. If that takes longer than `stop_seconds` (30 s), end the process at once with status 1.

        The worker's supervisor then starts another process. A killed worker loses nothing.
        """
        words = "the worker has not stopped in %.0f s: it ends itself, to be started again"
        late = threading.Timer(self.stop_seconds, _end, [words, self.stop_seconds])
        late.daemon = True
        late.start()
        try:
            await super().stop()
        finally:
            late.cancel()

    def takes_part(self) -> bool:
        """Return True if this worker is in the consumer group, no rebalance is in progress, and it is not stopping."""
        return self._joined.is_set() and not self.rebalancing and not self.should_stop

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._joined.set()  # even if it is assigned no partition
        await super()._on_partitions_assigned(assigned, generation_id)

    async def _watch_join(self) -> None:
        """End the process if joining the consumer group takes longer than `join_seconds` although Kafka answers; the
        new process joins again.

        The process ends at once instead of stopping in order, because an orderly stop would wait for what hangs. A
        killed worker loses nothing.
        """
        waited = 0.0
        while waited < self.join_seconds or not await self._kafka_answers():
            await asyncio.sleep(LOOK_SECONDS)
            waited = 0.0 if self._joined.is_set() and not self.rebalancing else waited + LOOK_SECONDS
        _end(
            "the consumer group %s has not let this worker in for %.0f s, though Kafka answers: it ends itself, to be "
            "started again. If that goes on, see which members hold the group up: kafka-consumer-groups.sh "
            "--describe --members --group %s",
            self.conf.id,
            self.join_seconds,
            self.conf.id,
        )

    async def _kafka_answers(self) -> bool:
        client = aio_client(self.installation)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await client.bootstrap()
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await client.close()
        return True

    def FlowControlQueue(  # noqa: N802 - Faust's name for it
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> Buffer:
        """Return a new Buffer for an agent. `maxsize`: its size in events; None or 0: 1,000."""
        return Buffer(maxsize=maxsize or BUFFERED, flow_control=self.flow_control, clear_on_resume=clear_on_resume)

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)


def _end(words: str, *about: object) -> None:
    """Log a critical message and end the process at once."""
    log.critical(words, *about)
    logging.shutdown()
    os._exit(1)


Made = TypeVar("Made", bound=App)


def create_app(
    settings: Settings, kind: Callable[..., Made], make_codec: MakeCodec | None = None, **parts: object
) -> Made:
    """Return a new object of the class `kind`, the worker's Faust app. Connects to nothing.

    Keys and values are bytes; the app creates no topics, has no tables and no web server. `make_codec`: required if a
    vault is set. `parts`: further arguments for `kind`. Raises SettingsError if the embedded servers are not started
    yet, CodecError if a vault is set and no codec given, and ValueError if the CA file for Kafka is unusable.
    """
    return kind(
        settings.app_id,
        installation=settings,
        make_codec=make_codec or plain_codec(settings),
        **parts,
        env={},  # else BROKER_URL, APP_VERSION and 80 more environment variables would override these options
        broker=[f"kafka://{broker}" for broker in settings.brokers],
        broker_credentials=credentials(settings),
        **(EMBEDDED_TIMES if settings.embedded else KAFKA_TIMES),
        broker_commit_interval=COMMIT_SECONDS,
        consumer_group_instance_id=None if settings.embedded else settings.instance,  # Tansu takes 8 s to rejoin it
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MS,
        ConsumerScheduler=FetchOrder,
        agent_supervisor=CrashingSupervisor,
        stream_buffer_maxsize=BUFFERED,
        stream_wait_empty=False,  # a rebalance does not wait for a batch: the next owner reads it again
        key_serializer="raw",
        value_serializer="raw",
        producer_acks=-1,
        store="memory://",
        datadir=str(settings.data / "faust"),
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


def run(app: faust.App, settings: Settings) -> None:
    """Run the worker until a signal or an error stops it. Blocks, and always ends with an exception: SystemExit with
    the status 0 after an orderly stop, the UserError that stopped the worker, AccessError if a server denied access,
    and SystemExit with another status after any other error.

    Creates the data folder (OSError if that fails). Adds a filter to the handlers of the process's root logger, which
    drops Faust's messages about the UserError or AccessError that is raised; the logging configuration else stays as it
    is.
    """
    settings.data.mkdir(parents=True, exist_ok=True)  # Faust creates only its own folder in it
    worker = faust.Worker(
        app,
        loglevel=logging.getLevelName(settings.log_level.upper()),
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
        daemon=True,
    )
    worker.spinner = None  # it would write to standard output, terminal or not
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Untold())
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        reason = ended.__context__
        if (told := reason if isinstance(reason, UserError) else denied(reason)) is not None:
            raise told from None  # the caller reports it in words
        raise


class _Untold(logging.Filter):
    """A log filter that drops Faust's messages about an error which the caller reports in words.

    Faust would log a traceback at each of its levels, and more while it stops.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stopping = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record."""
        if not record.pathname.startswith(FAUSTS) or record.levelno < logging.ERROR:
            return True
        error = record.exc_info[1] if record.exc_info else None
        self._stopping |= isinstance(error, UserError) or denied(error) is not None
        return not self._stopping


async def records(
    stream: StreamT[bytes], max_: int, within: float = LINGER_SECONDS, most_bytes: int | None = None
) -> AsyncIterator[list[EventT[bytes]]]:
    """Yield batches of 1 to `max_` events, in the order of the stream, until the stream ends. Does not ack them.

    After the first event of a batch has arrived, waits at most `within` seconds for more; under load, a batch fills
    while the previous one is processed. A batch also ends with the event at which its values reach `most_bytes` bytes
    (None: no such limit). Events of partitions that this worker no longer owns are left out. An error of the stream is
    raised.
    """
    buffer = _Buffer(max_, most_bytes)
    filling = asyncio.ensure_future(buffer.fill(cast("faust.Stream[bytes]", stream).noack().events()))
    try:
        while await buffer.some.wait() and not filling.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(buffer.full.wait(), within)
            if batch := [event for event in buffer.take() if _still_ours(event)]:
                yield batch
        await filling
    finally:
        filling.cancel()


class _Buffer:
    """Events taken from a stream in advance: at most one batch."""

    def __init__(self, max_: int, most_bytes: int | None) -> None:
        self._max, self._most_bytes = max_, most_bytes or math.inf
        self._events: list[EventT[bytes]] = []
        self._bytes = 0
        self._room = asyncio.Event()
        self.some = asyncio.Event()
        self.full = asyncio.Event()

    async def fill(self, events: AsyncIterable[EventT[bytes]]) -> None:
        """Take events from the stream, pausing while a batch is full."""
        try:
            async for event in events:
                self._events.append(event)
                self._bytes += len(event.message.value or b"")
                self.some.set()
                if len(self._events) >= self._max or self._bytes >= self._most_bytes:
                    self._room.clear()
                    self.full.set()
                    await self._room.wait()
        finally:
            self.some.set()  # wakes the reader, which then sees that the stream has ended

    def take(self) -> list[EventT[bytes]]:
        """Remove and return the buffered events, which makes room for the next batch."""
        taken, self._events, self._bytes = self._events, [], 0
        self.some.clear()
        self.full.clear()
        self._room.set()
        return taken


def _still_ours(event: EventT[bytes]) -> bool:
    """Return whether the event arrived after the last rebalance; an older one is delivered again to the partition's
    owner.
    """
    app = event.app
    return app.flow_control.is_active() and event.message.generation_id == app.consumer_generation_id


def ack(event: Acked) -> None:
    """Mark the event as done. Its offset is committed once all earlier events of its partition are acked too."""
    event.ack()


def ack_all(events: Iterable[Acked]) -> None:
    """Mark all events as done, so that their offsets are committed."""
    for event in events:
        event.ack()


def lags(app: faust.App) -> dict[str, int]:
    """Return the number of records, by topic, in this worker's partitions that it has not committed yet, as of the
    latest fetch; empty while the worker is not in the group, or a rebalance or stop is in progress.
    """
    if not app.started or app.rebalancing or app.should_stop:
        return {}
    try:
        return cast("Consumer", app.consumer).lags()
    except faust.exceptions.ConsumerNotStarted:
        return {}


def owned(app: faust.App, topic: str) -> set[int]:
    """Return the numbers of the partitions of `topic` that this worker owns; empty while the worker is not in the
    group, or a rebalance or stop is in progress.
    """
    if not app.started or app.rebalancing or app.should_stop:
        return set()
    try:
        return {tp.partition for tp in app.consumer.assignment() if tp.topic == topic}
    except faust.exceptions.ConsumerNotStarted:
        return set()


def every(app: App, seconds: float, name: str, work: Callable[[], Awaitable[object]], *, early: bool = False) -> None:
    """Add a background task to the worker: run `work` again and again until the worker stops, with `seconds` of
    wall-clock time between the end of a run and the next.

    A run that raises a transient error (KafkaError, RedisError, OSError, TimeoutError) is retried until it succeeds;
    any other error, and a denied access, stops the worker. `name` identifies the task in logs and metrics. `early`:
    start even before the consumer group has admitted the worker.
    """

    async def timer() -> None:
        while not app.should_stop:
            await until_done(name, work)
            await asyncio.sleep(seconds)

    if early:
        app.early.append(timer)
    else:
        app.task(timer)

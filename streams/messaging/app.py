"""The Faust app of a worker, and how an agent takes records from it without losing one.

Faust commits what was acked, and acks in a `finally`: also when the body raised or was cancelled. So an agent takes
its records with `records`, which never acks, and acks as its last line:

    @app.agent(app.topic("case-inputs"))
    async def casework(stream: StreamT[bytes]) -> None:
        async for batch in records(stream, max_=200):
            await decide_and_publish(batch)   # transient: tried again in there; permanent: to the dead letters
            ack_all(batch)

What must hold: an agent never acks an event before all that follows from it is safe, and never lets an exception out
for what it could retry or refuse. One that does get out stops the worker (nothing acked, the next owner reads the
batch again), for an agent restarted in place would go on behind the records it failed. An agent has no `concurrency`.
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
from streams.messaging.fetch_order import FetchOrder
from streams.messaging.kafka_client import aio_client, credentials
from streams.messaging.transport import Consumer, Transport
from streams.runtime.credentials import denied
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done

log = logging.getLogger(__name__)

LINGER_SECONDS = 0.003
JOIN_SECONDS = 60.0  # ten times the longest rebalance
STOP_SECONDS = 30.0  # contacts under way are given ten of them
LOOK_SECONDS = 1.0
BUFFERED = 1000  # records between the consumer and an agent: some batches, not a worker's memory
COMMIT_SECONDS = 0.5
# aiokafka asks where a partition begins of the leader it knows, again and again, and looks for another one only when
# its metadata are too old: after a leader was moved, a partition without a commit stood still for their five minutes.
METADATA_MS = 2_000

FAUSTS = str(Path(mode.__file__).parent)  # whose logger all of Faust's services use, ours among them

# Tansu answers a join only when the rebalance timeout is over; Kafka's least session timeout is 6 s.
EMBEDDED_TIMES: dict[str, Any] = {
    "broker_session_timeout": 2.0,
    "broker_heartbeat_interval": 0.4,
    "broker_rebalance_timeout": 1.0,
    "broker_request_timeout": 10.0,  # now and then Tansu leaves a join unanswered: then it is asked again
}
KAFKA_TIMES: dict[str, Any] = {
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 1.5,
    "broker_rebalance_timeout": 6.0,
}


class Acked(Protocol):
    """What can be acked: a Faust event."""

    def ack(self) -> bool: ...


class Buffer(ThrowableQueue[Any]):
    """What waits for an agent. Never full: then its partitions are no longer fetched, and the others go on.

    Faust's own would hold the one loop that serves all agents until there is room in it again. How far it goes beyond
    its size is bounded by what one fetch brings, a megabyte for each partition.
    """

    def full(self) -> bool:
        return False


class App(faust.App):
    """A Faust app on Quanzu's own transport.

    `early`: what runs from the start on, whether the consumer group has let this worker in or not.
    """

    installation: Settings
    join_seconds = JOIN_SECONDS
    stop_seconds = STOP_SECONDS

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Faust has them
        super().__init__(*args, **options)
        self.early: list[Callable[[], Awaitable[None]]] = []
        self._joined = asyncio.Event()

    async def on_start(self) -> None:
        await super().on_start()
        for task in (self._watch_join, *self.early):
            self.add_future(task())

    async def stop(self) -> None:
        """Stop in order; the process ends all the same when something is waited for in vain: whoever runs it starts
        another, and a killed worker loses nothing.
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
        """Whether the consumer group has let this worker in, no rebalance runs, and it is not about to end."""
        return self._joined.is_set() and not self.rebalancing and not self.should_stop

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._joined.set()  # also when no partition is left for it
        await super()._on_partitions_assigned(assigned, generation_id)

    async def _watch_join(self) -> None:
        """End the process when the group leaves its join unanswered although Kafka answers: a new one joins anew.

        At once and not in order: what hangs is waited for by all that would be stopped, and a killed worker loses
        nothing.
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
        return Buffer(maxsize=maxsize or BUFFERED, flow_control=self.flow_control, clear_on_resume=clear_on_resume)

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)


def _end(words: str, *about: object) -> None:
    """End the process at once."""
    log.critical(words, *about)
    logging.shutdown()
    os._exit(1)


Made = TypeVar("Made", bound=App)


def create_app(settings: Settings, kind: type[Made]) -> Made:
    """The worker's app: keys and values are bytes, topics are not created, no table, no web server.

    Raises SettingsError when the embedded servers were not started yet.
    """
    made = kind(
        settings.app_id,
        env={},  # else Faust lets BROKER_URL, APP_VERSION and 80 more of the environment's override what stands here
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
        stream_wait_empty=False,  # a rebalance does not wait for a batch: who owns it next takes it again
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
    made.installation = settings
    return made


def run(app: faust.App, settings: Settings) -> None:
    """Run the worker until it is told to stop; logging stays as the process has configured it.

    Raises the UserError that stopped it, if one did.
    """
    settings.data.mkdir(parents=True, exist_ok=True)  # Faust makes its own folder in it, and no more
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
            raise told from None  # told in words by whoever runs the worker
        raise


class _Untold(logging.Filter):
    """Leaves out what Faust says of an error that is told in words: a traceback at each of its levels, and more as it
    stops for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stopping = False

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.pathname.startswith(FAUSTS) or record.levelno < logging.ERROR:
            return True
        error = record.exc_info[1] if record.exc_info else None
        self._stopping |= isinstance(error, UserError) or denied(error) is not None
        return not self._stopping


async def records(
    stream: StreamT[bytes], max_: int, within: float = LINGER_SECONDS, most_bytes: int | None = None
) -> AsyncIterator[list[EventT[bytes]]]:
    """Batches of at most `max_` events, none of them acked by this.

    A batch is what is there: after its first event, others are waited for `within` seconds at most. Under load it
    fills by itself while the one before is worked on. The event whose value makes it `most_bytes` or more is its last.
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
    """What was taken from a stream ahead of the agent: one batch at most."""

    def __init__(self, max_: int, most_bytes: int | None) -> None:
        self._max, self._most_bytes = max_, most_bytes or math.inf
        self._events: list[EventT[bytes]] = []
        self._bytes = 0
        self._room = asyncio.Event()
        self.some = asyncio.Event()
        self.full = asyncio.Event()

    async def fill(self, events: AsyncIterable[EventT[bytes]]) -> None:
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
            self.some.set()  # so that whoever waits sees the end

    def take(self) -> list[EventT[bytes]]:
        taken, self._events, self._bytes = self._events, [], 0
        self.some.clear()
        self.full.clear()
        self._room.set()
        return taken


def _still_ours(event: EventT[bytes]) -> bool:
    """Not from before a rebalance: such an event comes again, to whoever owns its partition now."""
    app = event.app
    return app.flow_control.is_active() and event.message.generation_id == app.consumer_generation_id


def ack(event: Acked) -> None:
    """Mark the event as done. Committed once all of its partition before it is acked too."""
    event.ack()


def ack_all(events: Iterable[Acked]) -> None:
    for event in events:
        event.ack()


def lags(app: faust.App) -> dict[str, int]:
    """By topic: records that wait for this worker; nothing before it has joined and while a rebalance runs."""
    if not app.started or app.rebalancing or app.should_stop:
        return {}
    try:
        return cast("Consumer", app.consumer).lags()
    except faust.exceptions.ConsumerNotStarted:
        return {}


def owned(app: faust.App, topic: str) -> set[int]:
    """The partitions of `topic` that this worker owns now: none before it has joined and while a rebalance runs."""
    if not app.started or app.rebalancing or app.should_stop:
        return set()
    try:
        return {tp.partition for tp in app.consumer.assignment() if tp.topic == topic}
    except faust.exceptions.ConsumerNotStarted:
        return set()


def every(app: App, seconds: float, name: str, work: Callable[[], Awaitable[object]], *, early: bool = False) -> None:
    """Let a worker do something again and again, with a pause of `seconds` (wall time), until it stops.

    `early`: not only once the consumer group has let the worker in.
    """

    async def timer() -> None:
        while not app.should_stop:
            await until_done(name, work)
            await asyncio.sleep(seconds)

    if early:
        app.early.append(timer)
    else:
        app.task(timer)

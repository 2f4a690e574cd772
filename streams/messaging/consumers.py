"""Consumers without a group, which move no committed offsets, and the codec of what they read.

A process that reads often keeps some of them open (`ReusedConsumers`): a new one costs a connection and a round trip or
two.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiokafka import AIOKafkaConsumer

from streams.messaging.codec import Codec, MakeCodec, may_be_encrypted, plain_codec
from streams.messaging.kafka_client import access
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop

FETCH_WAIT_MS = 50
# Tansu answers a fetch only after half of its wait, even if a record arrives meanwhile. So a short wait makes each hop
# faster, and a broker and its clients with nothing to do busier: a fetch costs a follower of one topic and Tansu 2 ms
# of a core together, a worker and Tansu 4 ms.
EMBEDDED_FETCH_WAIT_MS = 120
# Who reads up to the present end fetches no longer than that takes. At an empty partition, and behind a fetch that is
# still under way, each read waits for half of it.
EMBEDDED_READ_WAIT_MS = 20
MOST_KEPT = 4  # idle consumers kept for the next reads
_kept: dict[tuple[int, tuple[str, ...]], list["ReusedConsumers"]] = {}  # the one opened last comes last


class ReusedConsumers:
    """Idle consumers kept after successful reads, for the next reads in this event loop from the same brokers.

    These reads decode records with `make_codec`, which is required if a vault is set. `most`: how many consumers are
    kept.

    Raises CodecError if a vault is set and no `make_codec` is given.
    """

    def __init__(self, settings: Settings, make_codec: MakeCodec | None = None, most: int = MOST_KEPT) -> None:
        self._brokers, self._most = tuple(settings.brokers), most
        self.make_codec = make_codec or plain_codec(settings)
        self._idle: list[AIOKafkaConsumer] = []

    def open(self) -> None:
        """From now on, reads in this event loop from the same brokers reuse this object's consumers."""
        _kept.setdefault(_place(self._brokers), []).append(self)

    async def close(self) -> None:
        """Stop the idle consumers. Later reads no longer use this object."""
        kept = _kept.get(place := _place(self._brokers), [])
        if self in kept:
            kept.remove(self)
        if not kept:
            _kept.pop(place, None)
        while self._idle:
            await stop(self._idle.pop())

    def take(self) -> AIOKafkaConsumer | None:
        """Return an idle consumer, which the caller now owns, or None if there is none."""
        return self._idle.pop() if self._idle else None

    def give(self, consumer: AIOKafkaConsumer) -> bool:
        """Keep a consumer for later reads. Returns True if it is kept; False if enough are kept already, and the caller
        must stop it.
        """
        if len(self._idle) >= self._most:
            return False
        consumer.unsubscribe()
        self._idle.append(consumer)
        return True


@asynccontextmanager
async def consumer_for_read(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Context manager: yield a connected consumer for one read. It is kept for the next read if the block succeeded and
    a ReusedConsumers is open, else stopped.

    Raises KafkaError if Kafka is unavailable, SettingsError if the embedded servers are not started yet, and ValueError
    if the CA file is unusable.
    """
    kept = _kept_of(settings)
    idle = kept.take() if kept is not None else None
    consumer, ended = idle or _made(settings), False
    try:
        if idle is None:
            await consumer.start()  # a caller that is cancelled meanwhile leaves no connection open
        yield consumer
        ended = True
    finally:
        if not (ended and kept is not None and kept.give(consumer)):
            await stop(consumer)  # even if this task is cancelled repeatedly


@asynccontextmanager
async def started_consumer(
    settings: Settings, embedded_wait_ms: int = EMBEDDED_READ_WAIT_MS, **options: str
) -> AsyncIterator[AIOKafkaConsumer]:
    """Context manager: yield a new, connected consumer, and stop it afterwards. `embedded_wait_ms`: how long a fetch
    without records waits at the embedded broker; `options`: further arguments for AIOKafkaConsumer.

    Raises KafkaError if Kafka is unavailable, SettingsError if the embedded servers are not started yet, and ValueError
    if the CA file is unusable.
    """
    consumer = _made(settings, embedded_wait_ms, **options)
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop(consumer)


def _made(settings: Settings, embedded_wait_ms: int = EMBEDDED_READ_WAIT_MS, **options: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **access(settings),
        client_id=f"{settings.app_id}-reader",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=embedded_wait_ms if settings.embedded else FETCH_WAIT_MS,
        **options,
    )


@asynccontextmanager
async def decoding(settings: Settings, topic: str, opened: bool = True) -> AsyncIterator[Codec | None]:
    """Context manager: yield the codec for one read of `topic`, and close it afterwards. Yield None if nothing has to
    be decoded: the topic is never encrypted, or `opened` is False (values stay encrypted).

    Raises CodecError if the topic may be encrypted and a vault is set, but no open ReusedConsumers supplies its codec.
    """
    if not opened or not may_be_encrypted(topic):
        yield None
        return
    kept = _kept_of(settings)
    async with aclosing(kept.make_codec() if kept else plain_codec(settings)()) as codec:
        yield codec


def decodes(settings: Settings) -> bool:
    """Return True if a ReusedConsumers is open for this event loop and these brokers; reads then use its codec. Without
    one, reading a topic that may be encrypted raises CodecError if a vault is set.

    Raises RuntimeError without a running event loop, and SettingsError if the embedded servers are not started yet.
    """
    return _kept_of(settings) is not None


def _kept_of(settings: Settings) -> ReusedConsumers | None:
    kept = _kept.get(_place(tuple(settings.brokers)))
    return kept[-1] if kept else None


def _place(brokers: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return id(asyncio.get_running_loop()), brokers

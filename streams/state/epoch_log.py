"""The log of epochs: a topic with one partition, written with acks from all replicas."""

from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.messaging.consumers import FETCH_WAIT_MS
from streams.messaging.kafka_client import access
from streams.messaging.topics import EPOCHS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop

WHERE = TopicPartition(EPOCHS.name, 0)
CONFIRMATION = b"confirmation"  # one key for all workers: only the latest confirmation is needed after compaction
REQUEST_MS = 1_500  # a confirmation that takes longer is useless
RETRY_MS = 50
METADATA_MS = 2_000  # the time until a new partition leader is looked up
IDLE_FETCH_MS = 500  # the longest wait of a fetch without records


class AnewError(ConnectionError):
    """The topic was created anew, or lost records. The next read starts at its beginning."""


class EpochLog(Protocol):
    """An ordered log of epoch entries. Implemented by KafkaLog on Kafka, and by other classes in simulations."""

    async def start(self) -> None:
        """Open the log."""

    async def stop(self) -> None:
        """Close the log."""

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        """Write an entry, and return its offset once all in-sync replicas have stored it.

        `names`: the number of the epoch that the entry names; None: the entry is a confirmation. Raises KafkaError if
        the log does not store the entry.
        """

    async def read_to(self, offset: int, hear: Callable[[bytes], None]) -> None:
        """Call `hear` with each unread entry, in order, up to this offset or further. Waits until that offset is
        written.

        An entry counts as read once `hear` was called, even if the read then raises or is cancelled. Raises AnewError
        if the log no longer continues where it was last read; the next call starts at its beginning. Raises KafkaError
        if the log does not answer.
        """


class KafkaLog:
    """The topic of epochs on Kafka.

    Each epoch has its own record key, even if two have the same number: otherwise compaction would keep the later of
    the two, and a worker that starts later would believe in another epoch than those that read both.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect to Kafka, and seek to the topic's beginning.

        Raises KafkaError if Kafka is unavailable; all connections are then closed again. Raises SettingsError if the
        embedded servers are not started yet, and ValueError if the CA file is unusable.
        """
        producer = AIOKafkaProducer(
            **access(self._settings),
            client_id=f"{self._settings.app_id}-epochs",
            acks="all",
            enable_idempotence=not self._settings.embedded,  # Tansu refuses a producer id
            request_timeout_ms=REQUEST_MS,
            retry_backoff_ms=RETRY_MS,
            metadata_max_age_ms=METADATA_MS,
        )
        consumer = AIOKafkaConsumer(
            **access(self._settings),
            client_id=f"{self._settings.app_id}-epochs",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=FETCH_WAIT_MS if self._settings.embedded else IDLE_FETCH_MS,
            request_timeout_ms=REQUEST_MS,
            retry_backoff_ms=RETRY_MS,
            metadata_max_age_ms=METADATA_MS,
        )
        self._producer, self._consumer = producer, consumer
        try:
            await producer.start()
            await consumer.start()
            consumer.assign([WHERE])
            await self._rewind()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the connections."""
        producer, consumer, self._producer, self._consumer = self._producer, self._consumer, None, None
        if consumer is not None:
            await stop(consumer)
        if producer is not None:
            await producer.stop()

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        """Write an entry, and return its offset once all in-sync replicas have stored it.

        `names`: the number of the epoch that the entry names; None: the entry is a confirmation. Raises KafkaError if
        Kafka does not store it, and RuntimeError before `start`.
        """
        if self._producer is None:
            raise RuntimeError("the log of epochs is not open: await start() first")
        key = CONFIRMATION if names is None else f"epoch/{names}/{uuid4().hex}".encode()
        written = await self._producer.send_and_wait(WHERE.topic, value, key=key, partition=WHERE.partition)
        return int(written.offset)

    async def read_to(self, offset: int, hear: Callable[[bytes], None]) -> None:
        """Call `hear` with each unread entry, in order, up to this offset or further. Waits until that offset is
        written.

        Raises AnewError if the log does not continue where the last read ended (the next call starts at its beginning),
        KafkaError if Kafka does not answer, and RuntimeError before `start`.
        """
        if self._consumer is None:
            raise RuntimeError("the log of epochs is not open: await start() first")
        try:
            while await self._consumer.position(WHERE) <= offset:
                fetched = await self._consumer.getmany(WHERE, timeout_ms=IDLE_FETCH_MS)
                for record in fetched.get(WHERE, ()):
                    hear(record.value or b"")
        except OffsetOutOfRangeError as error:
            await self._rewind()
            raise AnewError(f"the topic {WHERE.topic} was made anew") from error

    async def _rewind(self) -> None:
        if self._consumer is not None:
            self._consumer.seek(WHERE, (await self._consumer.beginning_offsets([WHERE]))[WHERE])

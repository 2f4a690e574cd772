"""The log of epochs: a topic of one partition, written with all its replicas and read to a record of one's own."""

from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from streams.messaging.kafka_client import access
from streams.messaging.reader import FETCH_WAIT_MS
from streams.messaging.topics import EPOCHS
from streams.runtime.settings import Settings
from streams.runtime.tasks import stop

WHERE = TopicPartition(EPOCHS.name, 0)
CONFIRMATION = b"confirmation"  # one key for all workers: compaction leaves the latest, which is all that is wanted
REQUEST_MS = 1_500  # a confirmation that takes longer is worth nothing
RETRY_MS = 50
METADATA_MS = 2_000  # so soon a new leader is looked for
IDLE_FETCH_MS = 500  # an answer to a fetch comes as soon as there is something


class AnewError(ConnectionError):
    """The topic was made anew, or lost records: it is read from its beginning again."""


class EpochLog(Protocol):
    """What an Epoch writes to and reads. Only the Kafka of an installation is one; a simulation has another."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        """Write an entry, and return its offset once all replicas in sync have it. `names`: the epoch's number."""

    async def read_to(self, offset: int, hear: Callable[[bytes], None]) -> None:
        """Call `hear` with each entry that was not read yet, in order, up to this offset and perhaps further.

        What was heard counts as read, also when this raises or is cancelled afterwards. Raises AnewError when the log
        does not go on where it was read last; the next call begins at its beginning.
        """


class KafkaLog:
    """The topic on Kafka.

    Each epoch has a key of its own, also when two have one number: compaction would else keep the later of the two,
    and a worker that starts later would believe in another epoch than those that read both.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
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
        producer, consumer, self._producer, self._consumer = self._producer, self._consumer, None, None
        if consumer is not None:
            await stop(consumer)
        if producer is not None:
            await producer.stop()

    async def append(self, value: bytes, *, names: int | None = None) -> int:
        if self._producer is None:
            raise RuntimeError("the log of epochs is not open: await start() first")
        key = CONFIRMATION if names is None else f"epoch/{names}/{uuid4().hex}".encode()
        written = await self._producer.send_and_wait(WHERE.topic, value, key=key, partition=WHERE.partition)
        return int(written.offset)

    async def read_to(self, offset: int, hear: Callable[[bytes], None]) -> None:
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

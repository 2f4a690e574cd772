"""Writing to Kafka: `send_all` returns when Kafka has acknowledged all records, or raises if it never will."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError

from streams.messaging.codec import Codec, MakeCodec, PlainCodec, plain_codec
from streams.messaging.kafka_client import access
from streams.messaging.kafka_settings import RECORD_BYTES
from streams.runtime import tracing
from streams.runtime.clock import Wall
from streams.runtime.credentials import AccessError, denied
from streams.runtime.settings import Settings
from streams.runtime.tasks import TRANSIENT, cancelled, until_done, without_values

log = logging.getLogger(__name__)

MAX_BYTES = RECORD_BYTES  # below the topics' max.message.bytes
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0
AGAIN_SECONDS = 1.0  # longer than a writer takes from the topic's acknowledgement until Redis has its record
FOLLOW_UP_SECONDS = 20.0  # two waits of 8 s for a lock, and the writing


class SendError(RuntimeError):
    """Kafka refuses a record permanently, for example because it is too large. A retry would not help."""


class MayNotError(SendError, AccessError):
    """Kafka denies this user the permission to write to the topic."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record to write.

    `partition` None: the key decides it (see topics.partition_of). `value` None: a tombstone, which deletes the key
    from a compacted topic. `trace` None: the current span, if any. `timestamp`: ms since 1970; None: the time of
    sending.
    """

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None = None
    trace: tracing.Trace | None = None
    timestamp: int | None = None


Correct = Callable[[Sequence[Record]], AbstractAsyncContextManager[Sequence[Record]]]
"""Called with the records that Kafka got last: yields those that it must get after them, none if they are right as they
are. Its block lasts until Kafka has these."""


@asynccontextmanager
async def nothing_newer(_: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
    """A Correct for records that nothing replaces."""
    yield []


class Producer:
    """The connection through which a process writes to Kafka. Encrypts personal data before sending.

    The constructor raises CodecError if a vault is set and no `make_codec` is given.
    """

    def __init__(
        self,
        settings: Settings,
        wall: Wall | None = None,
        make_codec: MakeCodec | None = None,
        chain: object = None,
    ) -> None:
        """`wall`: the workers' time, for timestamps: a machine's own clock may be wrong, and Kafka refuses records from
        the future.

        `make_codec`: makes the codec that encrypts; required if a vault is set. `chain`: the hash chain of the audit
        entries that this process writes (streams/security/audit). streams/security/encrypted_kafka.py makes a producer
        with both.
        """
        self._settings = settings
        self._wall = wall or Wall()
        self._kafka: AIOKafkaProducer | None = None
        self._make_codec = make_codec or plain_codec(settings)
        self._codec: Codec = PlainCodec()
        self._following_up = set[asyncio.Task[None]]()
        self.chain = chain

    async def start(self) -> None:
        """Connect to Kafka and prepare the encryption.

        Raises KafkaError if Kafka is unavailable, SettingsError if the embedded servers are not started yet, and
        ValueError if the CA file is unusable.
        """
        producer = AIOKafkaProducer(
            **access(self._settings),
            client_id=self._settings.app_id,
            acks="all",
            enable_idempotence=not self._settings.embedded,  # Tansu refuses a producer id
            linger_ms=0,
            max_request_size=MAX_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._kafka, self._codec = producer, self._make_codec()

    async def stop(self) -> None:
        """Close the connections to Kafka and of the codec.

        Waits until Kafka has or refuses the records that were handed over, also those whose senders were cancelled,
        and for the work of `follow_up` at most 20 s more; then cancels it.
        """
        try:
            await self._followed_up()
        finally:
            producer, self._kafka = self._kafka, None
            await self._codec.aclose()
            if producer is not None:
                await producer.stop()

    def follow_up(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in a task of its own, for a sender that was cancelled. Its errors are its own to tell."""
        task = asyncio.create_task(work)
        self._following_up.add(task)
        task.add_done_callback(self._following_up.discard)

    async def send_all(self, records: Sequence[Record]) -> int:
        """Write the records, each partition's in this order, and return when Kafka has acknowledged all of them.

        Returns the last record's offset on its partition, or -1 if it is unknown or there is no record. Transient
        errors (a broker or the vault unavailable, a new leader) are retried without limit; cancel to give up. A retried
        record may be written twice: readers drop duplicates.

        Raises SendError for a record that Kafka will never take (MayNotError: this user may not write to the topic);
        records around it may have been written. Raises CodecError if a record cannot be encrypted with this vault,
        SettingsError if this process lacks a key for that, AccessError if the vault denies access, and RuntimeError
        before `start`.
        """
        encoded = await self._encoded(records)
        left, last = await self._attempt(encoded)
        wait = FIRST_WAIT_SECONDS
        while left:
            log.warning("%d records not written yet; trying again in %.2f s", len(left), wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            tried = left
            left, offset = await self._attempt(tried)
            if tried[-1] is encoded[-1]:  # else the last record was written before, and its offset is known
                last = offset
        return last

    async def send_corrected(self, records: Sequence[Record], correct: Correct) -> None:
        """Write the records as `send_all` does, with its exceptions, for a caller that may be cancelled, and others
        write to the same keys.

        A caller that is cancelled cannot withdraw its records: Kafka may get them later, after those of another writer.
        So a task then waits for that, and writes what `correct` yields, until it yields nothing. It logs an error that
        does not pass, because nobody waits for it.
        """
        sending = asyncio.create_task(self.send_all(records))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            self.follow_up(self._corrected(sending, records, correct))
            raise

    def correct_later(self, records: Sequence[Record], correct: Correct) -> None:
        """Let a task do what that of `send_corrected` does, for a caller that is cancelled or fails once Kafka has the
        records, before they count anywhere else. `records`: at least one.
        """
        self.follow_up(self._corrected(None, records, correct))

    async def _corrected(self, sending: "asyncio.Future[int] | None", sent: Sequence[Record], correct: Correct) -> None:
        topic = sent[0].topic if sent else ""
        try:
            while True:
                try:
                    if sending is not None:
                        await sending
                    async with correct(sent) as records:
                        if not records:
                            return
                        sending, sent = asyncio.create_task(self.send_all(records)), records
                        await asyncio.shield(sending)
                except TRANSIENT as error:
                    log.warning("%s: a late record is not corrected yet: %s", topic, without_values(error))
                # A writer without the lock may be between the topic and Redis: so it is compared once more.
                await asyncio.sleep(AGAIN_SECONDS)
        except Exception as error:
            text = without_values(error)  # a traceback of its own would repeat values
            log.error("%s: a late record was not corrected: %s", topic, text)  # noqa: TRY400

    async def _followed_up(self) -> None:
        """Wait for the work of `follow_up` as `stop` says."""
        if self._kafka is None or not (left := set(self._following_up)):
            return
        await self._kafka.flush()  # aiokafka's stop writes them in any case, and nothing could follow it
        await asyncio.wait(left, timeout=FOLLOW_UP_SECONDS)
        await cancelled(left)

    async def _encoded(self, records: Sequence[Record]) -> list[Record]:
        values = await until_done("vault", partial(self._codec.encode, records))
        return [
            record if value is record.value else replace(record, value=value)
            for record, value in zip(records, values, strict=True)
        ]

    async def _attempt(self, records: list[Record]) -> tuple[list[Record], int]:
        """Try each record once.

        Return those to retry (the failed ones, and those after them in their order), and the last offset.
        """
        sent = await self._begin_all(records)
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        failed: set[tuple[str, int | bytes]] = set()
        left = []
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                if (refused := denied(outcome)) is not None:
                    raise MayNotError(f"{record.topic}: {refused}") from outcome
                if not _transient(outcome):
                    raise SendError(_refusal(record, outcome)) from outcome
                failed.add(_order(record))
            if _order(record) in failed:
                left.append(record)
        return left, getattr(outcomes[-1], "offset", -1) if outcomes else -1

    async def _begin_all(self, records: Sequence[Record]) -> list[asyncio.Future[object]]:
        """Hand the records to the client.

        After one that fails at once, records of the same order are held back: they would overtake it.
        """
        sent: list[asyncio.Future[object]] = []
        stuck: dict[tuple[str, int | bytes], asyncio.Future[object]] = {}
        for record in records:
            begun = stuck.get(_order(record)) or await self._begin(record)
            if begun.done() and begun.exception() is not None:
                stuck[_order(record)] = begun
            sent.append(begun)
        return sent

    async def _begin(self, record: Record) -> asyncio.Future[object]:
        if self._kafka is None:
            raise RuntimeError("the producer is not started: await start() first")
        try:
            sent: asyncio.Future[object] = await self._kafka.send(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                timestamp_ms=round(self._wall.time() * 1000) if record.timestamp is None else record.timestamp,
                headers=tracing.headers(record.trace),
            )
        except KafkaError as error:
            sent = asyncio.get_running_loop().create_future()
            sent.set_exception(error)
        return sent


def _order(record: Record) -> tuple[str, int | bytes]:
    """Return the key within which records stay in order: the partition, or the record key, which is always in one
    partition.
    """
    return record.topic, record.key if record.partition is None else record.partition


def _transient(error: BaseException) -> bool:
    return isinstance(error, KafkaError) and bool(error.retriable)


def _refusal(record: Record, error: BaseException) -> str:
    size = len(record.value or b"")
    if isinstance(error, MessageSizeTooLargeError | RecordTooLargeError):
        return f"a record of {size:,} bytes for {record.topic}: Kafka takes {MAX_BYTES:,} at most. Send less in one"
    return f"a record of {size:,} bytes for {record.topic} was refused: {error!r}"

"""Faust's Kafka transport with two corrections: how long a fetch waits, and which offsets a commit may pass."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from streams.messaging.codec import Codec
from streams.runtime.tasks import cancelled, stop, until_done

# A broker answers as soon as there is a record, so a long wait delays no record, while a short one costs an idle worker
# CPU: each answer lists all partitions. But a partition whose buffer has room again must wait for the fetch in
# progress, with 0.4 of a buffer left until then. Tansu answers after half of the wait in any case.
FETCH_WAIT_MS, FETCH_WAIT_MS_EMBEDDED = 100, 30
FULL_WAIT_SECONDS = 0.05


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches records; a fetch without records waits at the broker for 100 ms (embedded: 30 ms)."""

    async def on_thread_stop(self) -> None:
        """Stop as Faust's thread does, but with our `stop`, which cannot hang."""
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop(self._consumer)

    # The main thread waits for this thread to end and does nothing else, so an endless wait here would hang both.

    async def _default_stop_futures(self) -> None:
        await cancelled(self._futures)
        self._futures.clear()

    async def _gather_remaining_tasks(self) -> None:
        await cancelled(asyncio.all_tasks() - {asyncio.current_task()})

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust fixes 1500 ms in its source; the fetcher reads this attribute when the consumer starts.
        embedded = cast("Any", self.app).installation.embedded
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS_EMBEDDED if embedded else FETCH_WAIT_MS
        return consumer


class Consumer(driver.Consumer):
    """Faust's consumer with commits that never pass an unacked event.

    Faust's own commits pass an unacked event at the head (faust #606), count the record behind a gap in the offsets as
    acked, and take an ack from before a rebalance for one after it. This consumer remembers the delivered offsets in
    order, and commits as far as all of them are acked.
    """

    def on_init(self) -> None:
        """Make the codec that decrypts fetched records."""
        self._delivered: defaultdict[TP, deque[int]] = defaultdict(deque)
        self._codec: Codec = cast("Any", self.app).make_codec()
        super().on_init()

    async def on_stop(self) -> None:
        """Stop the consumer, then close the codec's connections."""
        await super().on_stop()
        await self._codec.aclose()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield the fetched records.

        While a full buffer waits to be refilled, it checks every 50 ms (Faust: every second).
        """
        found: AsyncIterator[tuple[TP, Message]] = super().getmany(
            FULL_WAIT_SECONDS if self._buffered_partitions else timeout
        )
        return found

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 - as Faust has it
        """Return the fetched records, decrypted; a value whose key the vault has lost becomes an Unreadable.

        If a rebalance happens meanwhile, no records are returned: they are delivered to their new owner.
        """
        records, active = await super()._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        decoded = await self._decoded(records) if records else records
        return (decoded if generation == self.app.consumer_generation_id else {}), active

    async def _decoded(self, records: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        each = list(chain.from_iterable(records.values()))
        values = iter(await until_done("vault", partial(self._codec.decode, each)))
        return {
            tp: [
                record if (value := next(values)) is record.value else replace(record, value=value) for record in found
            ]
            for tp, found in records.items()
        }

    def _to_message(self, tp: TP, record: ConsumerRecord[bytes, bytes]) -> ConsumerMessage:
        delivered = self._delivered[tp]
        if not delivered or record.offset > delivered[-1]:
            delivered.append(record.offset)
        return super()._to_message(tp, record)

    def ack(self, message: Message) -> bool:
        """Mark a message as done.

        Returns True if that is new; False if it was done already, or was delivered before the last rebalance: its new
        owner reads it again.
        """
        if message.generation_id != self.app.consumer_generation_id:
            return False  # delivered before a rebalance: the partition's current owner reads it again
        return bool(super().ack(message))

    def _new_offset(self, tp: TP) -> int | None:
        delivered, acked = self._delivered[tp], self._acked_index[tp]
        self._acked[tp].clear()  # Faust's list of the same offsets; only the index is needed
        last = None
        while delivered and delivered[0] in acked:
            last = delivered.popleft()
            acked.discard(last)
        return None if last is None else last + 1

    async def perform_seek(self) -> None:
        """Seek to the committed offsets; uncommitted records are delivered again."""
        self._delivered.clear()  # uncommitted records are delivered again
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to the group's committed offsets, and to the beginning of partitions without a commit. Returns the
        committed offsets.

        aiokafka leaves the latter where they are: records fetched after their assignment and dropped during the
        rebalance would never be delivered.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        if fresh := [tp for tp, offset in committed.items() if not offset]:
            await self._thread.seek_to_beginning(*fresh)
        return committed

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Log agents that stand still, as Faust does, but not for a partition that was just assigned.

        There aiokafka asserts that it knows the position, and Faust would end the worker over a log message.
        """
        with suppress(AssertionError):
            super().verify_event_path(now, tp)

    def lags(self) -> dict[str, int]:
        """Return by topic the number of records of this worker's partitions that are not committed, as of the latest
        fetch.
        """
        found: Counter[str] = Counter()
        ends = self.app.monitor.tp_end_offsets
        for tp in self.assignment():
            found[tp.topic] += max(0, (ends.get(tp) or 0) - (self._committed_offset[tp] or 0))
        return dict(found)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the delivered offsets of revoked partitions."""
        for tp in revoked:
            self._delivered.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """The transport that `app.App` uses."""

    Consumer = Consumer

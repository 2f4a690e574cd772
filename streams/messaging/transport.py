"""Faust's Kafka transport with two things put right: how long a fetch waits, and what a commit may pass."""

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

from streams.messaging.reader import known_vault
from streams.runtime.tasks import cancelled, stop, until_done
from streams.security.record_encryption import RecordEncryption, made_for

# A broker answers as soon as there is something, so a long wait costs a record no time, and a short one an idle worker
# its processor: each answer names all partitions. But a partition whose buffer has room again waits for the fetch under
# way, and has 0.4 of a buffer left till then. Tansu answers after half of the wait, whatever came.
FETCH_WAIT_MS, FETCH_WAIT_MS_EMBEDDED = 100, 30
FULL_WAIT_SECONDS = 0.05


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches; a fetch that finds nothing waits at the broker for `FETCH_WAIT_MS`."""

    async def on_thread_stop(self) -> None:
        """As Faust's own, but for how the consumer is stopped."""
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await stop(self._consumer)

    # The main thread waits for this one's end and does nothing else: what is waited for here without end, hangs both.

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
    """Faust's consumer, with commits that never pass an event that is not acked.

    Faust's own commit over one unacked event at the head (faust #606), count the record behind a gap in the offsets
    as acked, and take an ack of before a rebalance for one of after it. Here what was delivered is remembered in
    order, and committed as far as it is acked.
    """

    def on_init(self) -> None:
        self._delivered: defaultdict[TP, deque[int]] = defaultdict(deque)
        installation = cast("Any", self.app).installation
        self._seals: RecordEncryption = made_for(installation, partial(known_vault, installation))
        super().on_init()

    async def on_stop(self) -> None:
        await super().on_stop()
        await self._seals.aclose()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """What was fetched; looked for often while a full buffer waits to be filled again (a second is Faust's own)."""
        found: AsyncIterator[tuple[TP, Message]] = super().getmany(
            FULL_WAIT_SECONDS if self._buffered_partitions else timeout
        )
        return found

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 - as Faust has it
        """What was fetched, opened; Unreadable, as it lies, is a value whose key the vault has lost.

        What a rebalance overtakes meanwhile is left out: its owner is given it again.
        """
        records, active = await super()._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        opened = await self._opened(records) if records else records
        return (opened if generation == self.app.consumer_generation_id else {}), active

    async def _opened(self, records: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        each = list(chain.from_iterable(records.values()))
        values = iter(await until_done("vault", partial(self._seals.opened, each)))
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
        if message.generation_id != self.app.consumer_generation_id:
            return False  # it came before a rebalance: whoever owns the partition now reads it again
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
        self._delivered.clear()  # what was not committed is delivered again
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to where the group stands, also in partitions where nothing was committed yet.

        aiokafka leaves those where they are: what was fetched after they were assigned, and thrown away while the
        flow was suspended for the rebalance, would never come again.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        if fresh := [tp for tp, offset in committed.items() if not offset]:
            await self._thread.seek_to_beginning(*fresh)
        return committed

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's word in the log of agents that stand still; none of a partition that was just assigned.

        aiokafka asserts that it knows its place there, and until it does Faust would end the worker for that word.
        """
        with suppress(AssertionError):
            super().verify_event_path(now, tp)

    def lags(self) -> dict[str, int]:
        """By topic: records of this worker's partitions that are not done, as of the latest that came."""
        found: Counter[str] = Counter()
        ends = self.app.monitor.tp_end_offsets
        for tp in self.assignment():
            found[tp.topic] += max(0, (ends.get(tp) or 0) - (self._committed_offset[tp] or 0))
        return dict(found)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        for tp in revoked:
            self._delivered.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """The transport that `app.App` uses."""

    Consumer = Consumer

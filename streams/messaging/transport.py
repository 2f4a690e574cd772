"""Faust's Kafka transport with two corrections: how long a fetch waits, and up to which offset a commit goes. It also
decrypts what it fetches, and holds a partition back while a record's key is on its way to this process.
"""

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

from streams.messaging.codec import Awaited, Codec
from streams.messaging.consumers import EMBEDDED_FETCH_WAIT_MS
from streams.messaging.held_partitions import HeldPartitions
from streams.runtime.tasks import cancelled, stop, until_done

# A broker answers as soon as there is a record, so a long wait delays no record, while a short one costs an idle worker
# CPU: each answer lists all partitions. But a partition whose buffer has room again must wait for the fetch in
# progress, with 0.4 of a buffer left until then.
FETCH_WAIT_MS = 100
FULL_WAIT_SECONDS = 0.05


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches records; a fetch without records waits at the broker for 100 ms (embedded: 120 ms)."""

    async def on_thread_stop(self) -> None:
        """Stop the thread as Faust does, and its consumer with streams.runtime.tasks.stop, which cannot hang."""
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
        consumer._fetch_max_wait_ms = EMBEDDED_FETCH_WAIT_MS if embedded else FETCH_WAIT_MS
        return consumer


class Consumer(driver.Consumer):
    """Faust's consumer, with commits that never go past an unacked event.

    Faust's own commits go past an unacked event at the head (faust #606), count the record behind a gap in the offsets
    as acked, and apply an ack from before a rebalance to a record after it. This consumer remembers the delivered
    offsets in order, and commits as far as all of them are acked.
    """

    def on_init(self) -> None:
        """Prepare the record of delivered offsets, and make the codec that decrypts fetched records. Raises CodecError
        if the codec cannot be made.
        """
        self._delivered: defaultdict[TP, deque[int]] = defaultdict(deque)
        self._codec: Codec = cast("Any", self.app).make_codec()
        self._held = HeldPartitions()
        self._to_agents, self.callback = self.callback, self._deliver
        super().on_init()

    async def on_stop(self) -> None:
        """Stop the consumer, then close the codec's connections."""
        await super().on_stop()
        await self._codec.aclose()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _deliver(self, message: Message) -> None:
        """Pass a message on to the agents. If its partition was revoked meanwhile, so that no agent takes it, drop it:
        the new owner reads it. Faust would end the worker with a KeyError.
        """
        try:
            await self._to_agents(message)
        except KeyError:
            if message.tp in self.assignment():
                raise

    def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield the fetched records, decrypted, each with its partition. `timeout`: the longest wait for records, in
        seconds.

        While a full buffer waits to be refilled, checks for room every 50 ms (Faust: every second).
        """
        found: AsyncIterator[tuple[TP, Message]] = super().getmany(
            FULL_WAIT_SECONDS if self._buffered_partitions else timeout
        )
        return found

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 - as Faust has it
        """Return the fetched records, decrypted; a value whose key the vault has lost becomes an Unreadable. Of a
        partition with a record whose key is on its way, only the records before it; the others once it is there.

        If a rebalance happens meanwhile, no records are returned: they are delivered to their new owner.
        """
        records, active = await super()._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        due = self._held.due(active)
        read = {**(records or {}), **due}
        if not read:
            return records, active
        decoded = {**await self._decoded(records or {}), **await self._decoded_again(due)}
        return (self._held.deliverable(read, decoded) if generation == self.app.consumer_generation_id else {}), active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ANN401, ASYNC109 - as Faust has it
        """Fetch records, but none of a partition that is held."""
        wanted = active_partitions
        if held := self._held.partitions:
            wanted = (self.assignment() if active_partitions is None else active_partitions) - held
            if not wanted:  # aiokafka would take no partition for all of them
                await self.sleep(timeout)
                return {}
        return await super()._getmany(active_partitions=wanted, timeout=timeout)

    async def _decoded(self, records: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        if not (each := list(chain.from_iterable(records.values()))):
            return {tp: [] for tp in records}
        values = iter(await until_done("vault", partial(self._codec.decode, each)))
        return {
            tp: [
                record if (value := next(values)) is record.value else replace(record, value=value) for record in found
            ]
            for tp, found in records.items()
        }

    async def _decoded_again(self, kept: Mapping[TP, list[Any]]) -> dict[TP, list[Any]]:
        """Return the kept records of held partitions, decrypted; only the first one of a partition that must wait
        further. What stands behind it is not tried, and not counted as unreadable, each second.
        """
        firsts = await self._decoded({tp: records[:1] for tp, records in kept.items()})
        opened = [tp for tp, (first,) in firsts.items() if not isinstance(first.value, Awaited)]
        others = await self._decoded({tp: kept[tp][1:] for tp in opened})
        return {tp: [*first, *others.get(tp, ())] for tp, first in firsts.items()}

    def _to_message(self, tp: TP, record: ConsumerRecord[bytes, bytes]) -> ConsumerMessage:
        delivered = self._delivered[tp]
        if not delivered or record.offset > delivered[-1]:
            delivered.append(record.offset)
        return super()._to_message(tp, record)

    def ack(self, message: Message) -> bool:
        """Mark a message as done. Returns True if this changed its state.

        Returns False if it was done already, or was delivered before the last rebalance: the partition's new owner
        reads it again.
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
        """Seek to the committed offsets. Records that are not committed are delivered again."""
        self._delivered.clear()  # uncommitted records are delivered again
        self._held.release_all()
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the group's committed offsets, and to the beginning of partitions without a committed offset.

        Returns the committed offset by partition; None or 0 for one without.

        aiokafka would not move on partitions without one: records fetched after their assignment and dropped during the
        rebalance would never be delivered.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        if fresh := [tp for tp, offset in committed.items() if not offset]:
            await self._thread.seek_to_beginning(*fresh)
        return committed

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Log agents that make no progress, as Faust does, except on a partition that was just assigned.

        There, aiokafka would raise an AssertionError because it does not know the position yet, and Faust would end the
        worker.
        """
        with suppress(AssertionError):
            super().verify_event_path(now, tp)

    def lags(self) -> dict[str, int]:
        """Return the number of records, by topic, in this worker's partitions that are not committed, as of the latest
        fetch. A partition whose end is not known yet counts as 0.
        """
        found: Counter[str] = Counter()
        ends = self.app.monitor.tp_end_offsets
        for tp in self.assignment():
            found[tp.topic] += max(0, (ends.get(tp) or 0) - (self._committed_offset[tp] or 0))
        return dict(found)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the delivered offsets and the held records of revoked partitions, then do as Faust does."""
        for tp in revoked:
            self._delivered.pop(tp, None)
        self._held.release(revoked)
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """The Kafka transport that `app.App` uses. It makes this module's consumers."""

    Consumer = Consumer

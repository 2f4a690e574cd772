"""The lanes of signals: their partitions' positions, and the work that precedes the screening of the next batch.

If the store is lost or older (see server_identity.py), the evidence is read from its topic (evidence_log.py). Screening
then continues at once with new records, while records counted before are screened again in the background (owed.py).
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from streams.messaging import topics
from streams.messaging.codec import KeyAwaitedError
from streams.messaging.offsets import acknowledged_offsets, beginning_offsets, committed_offset, end_offsets
from streams.messaging.reader import ReadError, read_kept, read_range
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.logs import warn_once_a_minute
from streams.runtime.settings import Settings
from streams.screening.positions import Position
from streams.screening.state import ScreeningState
from streams.state.partition_state import AheadError, TopicIds
from streams.state.shared_state import Shared

log = logging.getLogger(__name__)

BATCH = 20  # records screened at once, each with up to 500 signals
CASES_WAIT_SECONDS = 60.0
NAP_SECONDS = 0.2

Process = Callable[[TopicPartition, Sequence[Raw], Position, RiskRules, Pause], Awaitable[bool]]
"""Screens one batch (agents/screening.py). Returns False if it was not counted, because the position had changed."""


class Lanes:
    """Screens the partitions of both lanes that this worker owns or covers.

    `shared`: restores the Redis data that all partitions share. `process`: screens one batch. `cases_wait_seconds`: the
    longest wait until casework has restored its partitions.
    """

    def __init__(
        self,
        settings: Settings,
        state: ScreeningState,
        shared: Shared,
        process: Process,
        cases_wait_seconds: float = CASES_WAIT_SECONDS,
    ) -> None:
        self._settings, self._state, self._shared = settings, state, shared
        self._topic_ids = TopicIds(settings, state.redis)
        self._positions, self._process, self._cases_wait_seconds = state.positions, process, cases_wait_seconds
        # Excludes batch and watch from each other.
        self._locks: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._reached: dict[TopicPartition, int] = {}  # the highest offset known here to be counted, by whomever
        self._known: set[TopicPartition] = set()  # the lanes that this worker has owned since it learned that
        self._generation = 0  # of the consumer group, at the last catch_up

    async def screen(self, lane: TopicPartition, records: Sequence[Raw], pause: Pause | None = None) -> None:
        """Screen records of a lane's partition, in order; first also those before them that are not counted yet.
        Returns once Kafka has acknowledged their alerts and they are counted.

        `pause` is awaited between records, so that red need not wait for a whole batch of ordinary signals; None: lets
        other tasks run every 1 ms. If Redis or Kafka is unavailable, or the key of an earlier record is on its way to
        this process, RedisError, KafkaError or KeyAwaitedError pass through: call it again. Raises AheadError if the
        stored position is beyond the end of the topic, or the topic was made anew, and UnknownPolicyError if the policy
        in force is stored nowhere. Other errors of the screening of a batch, such as SendError, pass through.
        """
        async with self._locks[lane]:
            await self._learn([lane])
            while not await self._advance(lane, records, pause or in_pieces()):
                pass

    async def catch_up(self, lanes: Iterable[TopicPartition], generation: int = 0) -> None:
        """Restore the positions and data of these partitions in a Redis that lost them or is older, without waiting for
        a new record.

        `generation`: of the consumer group, in which this worker owns them. If it is another than at the last call, a
        lane may have had another owner in between, who has acknowledged more: maybe what was counted only in a Redis
        that is no longer the primary. Waits until the shared data and, for a limited time, casework are restored.
        Raises the same errors as `screen`.
        """
        mine = list(lanes)
        if generation != self._generation:
            self._known.clear()
            self._generation = generation
        self._known.intersection_update(mine)
        await self._learn(mine)
        for lane in await self._positions.not_current(mine, self._reached):
            async with self._locks[lane]:
                position = await self._positions.position(lane, begin=True)
                if position.offset is not None and position.offset < self._reached.get(lane, -1):
                    await self._shared.check_again()  # Redis lost commits although it reports the same run
                    await self._bring_up(lane, position)
                elif not position.current:
                    await self._bring_up(lane, position)

    async def cover(self, partition: int) -> None:
        """Screen one batch (at most 20 records) of the waiting records of each lane in a partition, for a silent owner.

        Skips a lane whose position is lost or of an older Redis, or whose next batch has a record whose key is on its
        way to this process: the rest of the owner's work must not wait for it. RedisError and KafkaError pass through
        if Redis or Kafka is unavailable. Raises AheadError if the stored position is beyond the end of the topic, and
        UnknownPolicyError if the policy in force is stored nowhere. Other errors of the screening of a batch, such as
        SendError, pass through.
        """
        for lane in topics.LANES:
            try:
                await self._cover(TopicPartition(lane.name, partition))
            except KeyAwaitedError as error:
                warn_once_a_minute(log, str(error))

    async def _cover(self, lane: TopicPartition) -> None:
        async with self._locks[lane]:
            position, (begin, end) = await self._positions.position(lane), await self._bounds(lane)
            if position.offset is None or not position.current or position.offset >= end - 1:
                return
            first = max(begin, position.offset + 1)
            waiting = await read_kept(
                self._settings, lane.topic, lane.partition, first, min(end - 1, first + BATCH - 1)
            )
            # Only once: each batch that begins here makes the owner's current batch uncountable.
            if records := [Raw(record.offset, record.value or b"") for record in waiting]:
                await self._advance(lane, records, in_pieces())
            else:  # the topic has deleted the first ones
                begin, _ = await self._bounds(lane)
                await self._again(lane, await self._positions.position(lane, begin=True), begin - 1)

    async def _advance(self, lane: TopicPartition, records: Sequence[Raw], pause: Pause) -> bool:
        """Screen the records, or first the ones missing before them. Returns False if the position must be read
        again.
        """
        position = await self._positions.position(lane, begin=True)
        screened, last, first = position.offset, records[-1].offset, records[0].offset
        if screened is not None and screened >= last:
            await self._refuse_ahead(lane, screened)
            # These are acknowledged next, and who counted them may be another worker. If the store is lost meanwhile,
            # a new one may be set to what the group had acknowledged before: catch_up must notice that.
            self._reached[lane] = max(last, self._reached.get(lane, -1))
            return True
        if screened is None or not position.current:
            await self._bring_up(lane, position)
            return False
        if screened < self._reached.get(lane, -1):
            await self._shared.check_again()  # Redis lost commits although it reports the same run
            await self._bring_up(lane, position)
            self._reached[lane] = -1
            return False
        if screened < first - 1:
            await self._again(lane, position, first - 1)
            return False
        fresh = [raw for raw in records if raw.offset > screened]
        return await self._screen(lane, fresh, position, await self._state.rules(position.policy), pause)

    async def _screen(
        self, lane: TopicPartition, records: Sequence[Raw], position: Position, rules: RiskRules, pause: Pause
    ) -> bool:
        counted = await self._process(lane, records, position, rules, pause)
        if counted:
            self._reached[lane] = records[-1].offset
        return counted

    async def _learn(self, lanes: Sequence[TopicPartition]) -> None:
        """Learn which records of newly owned lanes were acknowledged, and thus counted. Raises AheadError if a lane's
        topic was made anew.
        """
        new = [lane for lane in lanes if lane not in self._known]
        for topic in {lane.topic for lane in new}:
            partitions = [lane.partition for lane in new if lane.topic == topic]
            await self._topic_ids.check(topic, partitions)
            for partition, offset in (await acknowledged_offsets(self._settings, topic, partitions)).items():
                lane = TopicPartition(topic, partition)
                self._reached[lane] = max(offset, self._reached.get(lane, -1))
        self._known.update(new)

    async def _bring_up(self, lane: TopicPartition, position: Position) -> None:
        """Set a partition's position in this Redis to just before the first record that the consumer group has not
        acknowledged.

        Acknowledged records were counted and their results written: they are owed a second screening. If the group has
        no valid acknowledged offset, everything after the store's position is screened as if it were new.
        """
        life = await self._positions.life(lane)
        await self._shared.ensure()
        await self._cases()
        (begin, end), acked = await self._bounds(lane), await committed_offset(self._settings, lane)
        stands = begin - 1 if position.offset is None else position.offset
        proven = acked is not None and acked <= end  # else the topic was recreated
        last = max(stands, acked - 1) if acked is not None and proven else stands
        stood = await self._positions.set_position(lane, position, life, last, range(max(begin, stands + 1), last + 1))
        if stood and not proven:
            await self._again(lane, stood, end - 1)

    async def _again(self, lane: TopicPartition, position: Position, last: int) -> None:
        """Screen the lane's records from the position up to offset `last` (included), as far as the topic still has
        them.

        Returns early if another worker did it, or if the topic has just deleted some of these records. Raises ReadError
        if they cannot be read for another reason.
        """
        begin, _ = await self._bounds(lane)
        first = begin if position.offset is None else max(begin, position.offset + 1)
        if first <= last:
            log.warning("%s/%d: screening %d to %d again", lane.topic, lane.partition, first, last)
        try:
            await self._screen_range(lane, position, first, last)
        except ReadError:
            if (await self._bounds(lane))[0] <= first:
                raise

    async def _screen_range(self, lane: TopicPartition, position: Position, first: int, last: int) -> None:
        """Screen the records at offsets `first` to `last` (both included) in batches.

        Returns early if another worker did it. Records that the topic no longer has count as screened.

        Raises ReadError if the topic has just deleted the record at `first`.
        """
        chunk: list[Raw] = []
        async for record in read_range(self._settings, lane.topic, lane.partition, first, last):
            chunk.append(Raw(record.offset, record.value or b""))
            if len(chunk) == BATCH or record.offset == last:
                if not await self._screen(lane, chunk, position, await self._state.rules_of(lane), in_pieces()):
                    return
                position, chunk = replace(position, offset=chunk[-1].offset), []
        if position.offset is not None and position.offset < last:  # the last ones are no longer on the topic
            await self._positions.count(lane, position, last, Counter())

    async def _cases(self) -> None:
        """Return when casework has restored the cases, or after at most `cases_wait_seconds`.

        Before that, the times at which cases were settled may be missing, and evidence of closed cases would count
        again.
        """
        waited = 0.0
        while waited < self._cases_wait_seconds and not await self._state.evidence.casework_is_ready():
            await asyncio.sleep(NAP_SECONDS)
            waited += NAP_SECONDS

    async def _bounds(self, lane: TopicPartition) -> tuple[int, int]:
        begin = await beginning_offsets(self._settings, lane.topic, [lane.partition])
        end = await end_offsets(self._settings, lane.topic)
        return begin[lane.partition], end[lane.partition]

    async def _refuse_ahead(self, lane: TopicPartition, screened: int) -> None:
        """Raise AheadError if the topic ends at or before offset `screened`, or was made anew and has grown beyond it.
        Asked each time: its first records look as if they were screened.
        """
        await self._topic_ids.check(lane.topic, [lane.partition])
        end = (await end_offsets(self._settings, lane.topic, [lane.partition]))[lane.partition]
        if screened >= end:
            raise AheadError(
                f"{lane.topic}/{lane.partition} was screened up to {screened}, but the topic ends at {end - 1}: it was "
                "made anew or lost records. Restore it, or empty Redis and start over with `quanzu admin rebuild`"
            )

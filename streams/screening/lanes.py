"""The lanes of signals: their partitions' positions, and what must happen before the next batch can be screened.

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
from streams.messaging.reader import (
    ReadError,
    acknowledged_offsets,
    beginning_offsets,
    committed_offset,
    end_offsets,
    read_kept,
    read_range,
)
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import Settings
from streams.screening.positions import Position
from streams.screening.state import ScreeningState
from streams.state.case_store import AheadError
from streams.state.shared_state import Shared

log = logging.getLogger(__name__)

BATCH = 20  # records screened at once, each with up to 500 signals
CASES_WAIT_SECONDS = 60.0
NAP_SECONDS = 0.2

Process = Callable[[TopicPartition, Sequence[Raw], Position, RiskRules, Pause], Awaitable[bool]]
"""Screens one batch (agents/screening.py). Returns False if it was not counted, because the position had changed."""


class Lanes:
    """The partitions of the lanes that this worker owns or covers.

    `shared`: the part of the store shared by all partitions. `process`: screens one batch. `cases_wait_seconds`: the
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
        self._positions, self._process, self._cases_wait_seconds = state.positions, process, cases_wait_seconds
        # Excludes batch and watch from each other.
        self._locks: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._whole_log: dict[TopicPartition, int] = {}  # the offset that was found to be on the topic
        self._reached: dict[TopicPartition, int] = {}  # the highest offset known here to be counted
        self._known: set[TopicPartition] = set()  # the lanes that this worker has owned since it learned that

    async def screen(self, lane: TopicPartition, records: Sequence[Raw], pause: Pause | None = None) -> None:
        """Screen records in order. Returns once Kafka has their alerts and they are counted.

        `pause` is awaited between records, so that red need not wait for a whole batch of ordinary signals. Transient
        errors (Kafka or Redis unavailable) propagate: call it again. Raises AheadError if the store is beyond the end
        of the topic, and UnknownPolicyError if the policy in force is stored nowhere.
        """
        async with self._locks[lane]:
            await self._learn([lane])
            while not await self._advance(lane, records, pause or in_pieces()):
                pass

    async def catch_up(self, lanes: Iterable[TopicPartition]) -> None:
        """Bring lanes' partitions up in a store that was lost or is older, without waiting for a record."""
        mine = list(lanes)
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
        """Screen one batch (at most 20 records) of each lane's waiting records in a partition, for a silent owner.

        Does nothing on a lane whose store is lost or older. Transient errors (Kafka or Redis unavailable) propagate.
        Raises AheadError if the store is beyond the end of the topic, and UnknownPolicyError if the policy in force is
        stored nowhere.
        """
        for lane in topics.LANES:
            await self._cover(TopicPartition(lane.name, partition))

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
        """Learn which records of newly owned lanes were acknowledged, and thus counted."""
        new = [lane for lane in lanes if lane not in self._known]
        for topic in {lane.topic for lane in new}:
            partitions = [lane.partition for lane in new if lane.topic == topic]
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
        stood = await self._positions.stand(lane, position, life, last, range(max(begin, stands + 1), last + 1))
        if stood and not proven:
            await self._again(lane, stood, end - 1)

    async def _again(self, lane: TopicPartition, position: Position, last: int) -> None:
        """Screen from the topic up to `last`, as far as it still has the records. Stops if another worker did it, or if
        the topic has just deleted some of them.
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
        """Screen these records in batches. Those that the topic no longer has count as screened. Raises ReadError if
        the topic has just deleted the first one.
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
        """Wait for casework: without `settled`, evidence of closed cases would count again."""
        waited = 0.0
        while waited < self._cases_wait_seconds and not await self._state.evidence.casework_is_ready():
            await asyncio.sleep(NAP_SECONDS)
            waited += NAP_SECONDS

    async def _bounds(self, lane: TopicPartition) -> tuple[int, int]:
        begin = await beginning_offsets(self._settings, lane.topic)
        end = await end_offsets(self._settings, lane.topic)
        return begin[lane.partition], end[lane.partition]

    async def _refuse_ahead(self, lane: TopicPartition, screened: int) -> None:
        if self._whole_log.get(lane) == screened:
            return
        _, end = await self._bounds(lane)
        self._whole_log[lane] = screened
        if screened >= end:
            raise AheadError(
                f"{lane.topic}/{lane.partition} was screened up to {screened}, but the topic ends at {end - 1}: it was "
                "made anew or lost records. Restore it, or empty Redis and start over with `quanzu admin rebuild`"
            )

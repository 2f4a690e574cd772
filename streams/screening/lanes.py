"""The lanes of signals: where each partition of one stands, and what comes before its next batch may be screened.

If the store is lost or older (see server_identity.py), the evidence is read from its topic (evidence_log.py), and
screening goes on at once with the records that come now; what was counted before is screened again beside them
(owed.py).
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
    acknowledged_offsets,
    beginning_offsets,
    committed_offset,
    end_offsets,
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

BATCH = 20  # records of up to 500 signals screened at once
CASES_WAIT_SECONDS = 60.0
NAP_SECONDS = 0.2

Process = Callable[[TopicPartition, Sequence[Raw], Position, RiskRules, Pause], Awaitable[bool]]
"""Screens one batch (agents/screening.py). False: it was not counted, for the partition stands elsewhere."""


class Lanes:
    """The partitions of the lanes that this worker owns, or covers.

    `shared`: the part of the store that all partitions share. `cases_wait_seconds`: how long casework is waited for.
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
        self._locks: dict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)  # a batch and the watch do not mix
        self._whole_log: dict[TopicPartition, int] = {}  # the offset that was seen to lie on the log
        self._reached: dict[TopicPartition, int] = {}  # the highest record known here to be counted
        self._known: set[TopicPartition] = set()  # the lanes of the last look

    async def screen(self, lane: TopicPartition, records: Sequence[Raw], pause: Pause | None = None) -> None:
        """Screen records, in order. Returns when their alerts are with Kafka and they are counted.

        `pause` is awaited between records: red must not wait for a whole batch of ordinary signals. Raises what passes
        by itself (Kafka or Redis away): call it again. Raises AheadError when the store belongs to another log.
        """
        async with self._locks[lane]:
            while not await self._advance(lane, records, pause or in_pieces()):
                pass

    async def catch_up(self, lanes: Iterable[TopicPartition]) -> None:
        """Have lanes' partitions stand in a store that was lost, or is older, without waiting for a record."""
        mine = list(lanes)
        await self._learn(mine)
        for lane in await self._positions.not_current(mine, self._reached):
            async with self._locks[lane]:
                position = await self._positions.position(lane)
                if position.offset is not None and position.offset < self._reached.get(lane, -1):
                    await self._shared.doubt()  # Redis went back, though it says that it is the same process
                    await self._bring_up(lane, position)
                elif not position.current:
                    await self._bring_up(lane, position)

    async def cover(self, partition: int) -> None:
        """Screen what waits on the lanes, for an owner who is silent: a batch of each."""
        for lane in topics.LANES:
            await self._cover(TopicPartition(lane.name, partition))

    async def _cover(self, lane: TopicPartition) -> None:
        async with self._locks[lane]:
            position, (_, end) = await self._positions.position(lane), await self._bounds(lane)
            if position.offset is None or not position.current or position.offset >= end - 1:
                return
            last = min(end - 1, position.offset + BATCH)
            waiting = read_range(self._settings, lane.topic, lane.partition, position.offset + 1, last)
            records = [Raw(record.offset, record.value or b"") async for record in waiting]
            while not await self._advance(lane, records, in_pieces()):
                pass

    async def _advance(self, lane: TopicPartition, records: Sequence[Raw], pause: Pause) -> bool:
        """Screen the records, or first what is missing before them; False when that has to be looked at again."""
        position = await self._positions.position(lane)
        screened, last, first = position.offset, records[-1].offset, records[0].offset
        if screened is not None and screened >= last:
            await self._refuse_ahead(lane, screened)
            return True
        if screened is None or not position.current:
            await self._bring_up(lane, position)
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
        """Learn of lanes that are new here which records were acked: they had been counted."""
        new = [lane for lane in lanes if lane not in self._known]
        for topic in {lane.topic for lane in new}:
            partitions = [lane.partition for lane in new if lane.topic == topic]
            for partition, offset in (await acknowledged_offsets(self._settings, topic, partitions)).items():
                lane = TopicPartition(topic, partition)
                self._reached[lane] = max(offset, self._reached.get(lane, -1))
        self._known = set(lanes)

    async def _bring_up(self, lane: TopicPartition, position: Position) -> None:
        """Have a partition stand in this Redis before the first record that the consumer group has not acked.

        What was acked was counted, and all that followed from it was written: it is owed. Where the group is not known
        to have acked anything, all that is behind where the store stands is screened as if it came now.
        """
        life = await self._positions.life(lane)
        await self._shared.ensure()
        await self._cases()
        (begin, end), acked = await self._bounds(lane), await committed_offset(self._settings, lane)
        stands = begin - 1 if position.offset is None else position.offset
        proven = acked is not None and acked <= end  # else the topic was made anew
        last = max(stands, acked - 1) if acked is not None and proven else stands
        stood = await self._positions.stand(lane, position, life, last, range(max(begin, stands + 1), last + 1))
        if stood and not proven:
            await self._again(lane, stood, end - 1)

    async def _again(self, lane: TopicPartition, position: Position, last: int) -> None:
        """Screen up to `last` from the topic, as far as it still has it; stops when another worker did it."""
        begin, _ = await self._bounds(lane)
        first = begin if position.offset is None else max(begin, position.offset + 1)
        if first <= last:
            log.warning("%s/%d: screening %d to %d again", lane.topic, lane.partition, first, last)
        chunk: list[Raw] = []
        async for record in read_range(self._settings, lane.topic, lane.partition, first, last):
            chunk.append(Raw(record.offset, record.value or b""))
            if len(chunk) == BATCH or record.offset == last:
                if not await self._screen(lane, chunk, position, await self._state.rules_of(lane), in_pieces()):
                    return
                position, chunk = replace(position, offset=chunk[-1].offset), []
        if position.offset is not None and position.offset < last:  # what came last is no longer kept
            await self._positions.count(lane, position, last, Counter())

    async def _cases(self) -> None:
        """Wait for casework: without `settled`, evidence of closed cases would count in full again."""
        waited = 0.0
        while waited < self._cases_wait_seconds and not await self._state.evidence.cases_stand():
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

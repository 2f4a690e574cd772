"""What a lost store owes: the signals that were counted before are screened again, beside those that come now.

All that follows from them was told and written before they were counted, and the store is filled with it from its
topics. What is missing is the tally, the payers of each account and the dead letters sent again: these are put back.
The newest come first: money that moved an hour ago may still be stopped.

One thing may be news: a payment to somebody who was put on the watchlist before the payment was back among the payers.
That evidence is added, and its resident is put on the list of those to be scored again.

A signal counts as what it was. An entry that came later on its lane does not make it raised: the entry was. Between two
lanes no order is kept: of a payment on one and the entry of its payee on the other, whichever was screened second was
raised, and that is written nowhere. Counted again, both may be. The sum over the outcomes is the same all the same.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from aiokafka import TopicPartition

from streams.messaging.reader import ReadError, beginning_offsets, read_range
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import Settings
from streams.screening.positions import Owed, Positions

log = logging.getLogger(__name__)

SPAN = 200  # records read at once: they are in memory
BATCH = 20  # records counted at once, as screening does

Rescreen = Callable[[TopicPartition, Owed, int, Sequence[Raw], Pause], Awaitable[bool]]
"""Screens a batch again and counts it from an offset on (agents/screening.py). False: something else is owed by now."""


class Rescreening:
    """Screens again what partitions owe. It holds up nobody: it needs no lock, for its count has a fence of its own."""

    def __init__(self, settings: Settings, positions: Positions, rescreen: Rescreen) -> None:
        self._settings, self._positions, self._rescreen = settings, positions, rescreen

    async def screen_owed(self, lanes: Iterable[TopicPartition], pause: Callable[[], Pause] = in_pieces) -> bool:
        """Screen again some of what a lost store owes, the first lanes' before the others'; False when nothing is owed.

        `pause`: makes what is awaited between the records of a lane.
        """
        for lane in lanes:
            if await self._step(lane, pause()):
                return True
        return False

    async def _step(self, lane: TopicPartition, pause: Pause) -> bool:
        """Screen the newest of what a partition owes again; False when it owes nothing."""
        owed = await self._positions.owed(lane)
        if owed is None:
            return False
        begin = (await beginning_offsets(self._settings, lane.topic))[lane.partition]
        if owed.last < begin:  # no longer kept
            await self._positions.pay(lane, owed, owed.first, Counter())
            return True
        if owed.last == owed.until:
            log.warning("%s/%d: screening %d to %d again, beside what comes now", *lane, owed.first, owed.last)
        await self._pay(lane, owed, max(owed.first, begin), pause)
        return True

    async def _pay(self, lane: TopicPartition, owed: Owed, kept: int, pause: Pause) -> None:
        """Screen the newest records again, batch by batch from the last; stops when another was first.

        `kept`: the first that is still on the topic.
        """
        read_from = max(kept, owed.last - SPAN + 1)
        raws = await self._read(lane, read_from, owed.last)
        while raws:
            batch, raws = raws[-BATCH:], raws[:-BATCH]
            first = batch[0].offset if batch[0].offset > kept else owed.first
            if not await self._rescreen(lane, owed, first, batch, pause):
                return
            owed = replace(owed, last=first - 1)

    async def _read(self, lane: TopicPartition, first: int, last: int) -> list[Raw]:
        """Records from their topic; none when the first of them was dropped just now."""
        try:
            span = read_range(self._settings, lane.topic, lane.partition, first, last)
            return [Raw(record.offset, record.value or b"") async for record in span]
        except ReadError:
            if (await beginning_offsets(self._settings, lane.topic))[lane.partition] > first:
                return []
            raise

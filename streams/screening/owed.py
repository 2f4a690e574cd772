"""Screens signals again that were counted in a store that was lost, in the background beside new signals.

Their alerts and evidence were published before they were counted, and the store is restored from those topics. Only the
counts, the payers of each account and the resent dead letters are missing, and are restored here. The newest signals
come first: money that moved an hour ago may still be stopped.

One kind of result may be new: a payment to a person who was put on the watchlist before the payment was restored. This
evidence is added, and its resident is scheduled for re-evaluation.

A signal keeps its outcome: if the watchlist entry came later on its lane, the entry raised the alert and not the
signal. Lanes have no common order: of a payment on one lane and an entry about its payee on the other, the one that was
screened second raised the alert, and this order is stored nowhere. Counted again, both may count as raised. The sum
over all outcomes is right nevertheless.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from aiokafka import TopicPartition

from streams.messaging.offsets import beginning_offsets
from streams.messaging.reader import read_kept
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import Settings
from streams.screening.positions import Owed, Positions

log = logging.getLogger(__name__)

SPAN = 200  # records read at once, into memory
BATCH = 20  # records counted at once, as screening does

Rescreen = Callable[[TopicPartition, Owed, int, Sequence[Raw], Pause], Awaitable[bool]]
"""Screens a batch again and counts it from an offset on (agents/screening.py). False: the owed range has changed."""


class Rescreening:
    """Screens owed records again. It needs no lock: Redis adds their counts only if no other process has counted them
    since.
    """

    def __init__(self, settings: Settings, positions: Positions, rescreen: Rescreen) -> None:
        self._settings, self._positions, self._rescreen = settings, positions, rescreen

    async def screen_owed(self, lanes: Iterable[TopicPartition], pause: Callable[[], Pause] = in_pieces) -> bool:
        """Take the first of `lanes` that owes records (they were counted in a store that was lost), and screen up to
        200 of them again, the newest first. Returns True if a lane owed records, even if they are no longer on the
        topic or another worker was faster; False if none did.

        This restores counts, payers and resent dead letters in Redis. It publishes no alerts: they and the evidence
        were published before. Evidence that is new, because a payee came onto the watchlist meanwhile, is added, and
        the payer scheduled for re-evaluation.

        `pause`: makes the pause that is awaited between the records of a lane. Raises RedisError or KafkaError if Redis
        or Kafka is unavailable; the errors of `rescreen` pass through.
        """
        for lane in await self._positions.owing(list(lanes)):  # one round trip: nearly always none owes
            if await self._step(lane, pause()):
                return True
        return False

    async def _step(self, lane: TopicPartition, pause: Pause) -> bool:
        """Screen the newest owed records of a lane again. Returns False if it has none."""
        owed = await self._positions.owed(lane)
        if owed is None:
            return False
        begin = (await beginning_offsets(self._settings, lane.topic, [lane.partition]))[lane.partition]
        if owed.last < begin:  # no longer on the topic
            await self._positions.count_owed(lane, owed, owed.first, Counter())
            return True
        if owed.last == owed.until:
            log.warning("%s/%d: screening %d to %d again, beside what comes now", *lane, owed.first, owed.last)
        await self._pay(lane, owed, max(owed.first, begin), pause)
        return True

    async def _pay(self, lane: TopicPartition, owed: Owed, kept: int, pause: Pause) -> None:
        """Screen the newest owed records again, in batches from the last. Stops if another worker was faster.

        `kept`: the first offset that is still on the topic.
        """
        read_from = max(kept, owed.last - SPAN + 1)
        kept_still = await read_kept(self._settings, lane.topic, lane.partition, read_from, owed.last)
        raws = [Raw(record.offset, record.value or b"") for record in kept_still]
        while raws:
            batch, raws = raws[-BATCH:], raws[:-BATCH]
            first = batch[0].offset if batch[0].offset > kept else owed.first
            if not await self._rescreen(lane, owed, first, batch, pause):
                return
            owed = replace(owed, last=first - 1)

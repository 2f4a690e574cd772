"""A worker that screens one record after the other, and writes down in which order and what it knew of settled cases.

What came first decides what is told of it, and a worker takes several partitions at once: an order that is written down
is the only one that can be known. Everything else is the worker's own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from aiokafka import TopicPartition
from pydantic import BaseModel, Field

from agents.screening import RESCORE_MOST, Screening
from agents.worker import Stages, work
from domain.policy.risk import RiskRules
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Evidence, PriorLoss
from streams.channels.settings import load as load_channels
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause, in_pieces
from streams.runtime.settings import load
from streams.screening.positions import Position
from streams.screening.steps import LoadedEvidence, ScreeningContext

NOTES = "screened.jsonl"  # in the worker's data folder


class Note(BaseModel):
    """A record that was screened, or residents who were looked at again (`due`: when, in milliseconds)."""

    now: datetime
    lane: str = ""
    partition: int = 0
    offset: int = -1
    due: dict[ResidentId, int] = Field(default_factory=dict)
    settled: dict[ResidentId, datetime] = Field(default_factory=dict)  # since when, as screening knew it
    lost: dict[ResidentId, PriorLoss] = Field(default_factory=dict)  # the losses that shielded them then
    told_of: set[ResidentId] = Field(default_factory=set)  # of these, of whom it had told something since
    broken: set[ResidentId] = Field(default_factory=set)  # it is screened again: what was told of them is not known


class Noting(Screening):
    """One at a time, and written down once it is told."""

    _note: Note
    _about: set[ResidentId]  # of whom the record tells something

    def __init__(self, context: ScreeningContext) -> None:
        super().__init__(context)
        self._notes, self._one = context.settings.data / NOTES, asyncio.Lock()

    async def rescore(self, partition: int, now: datetime) -> int:
        async with self._one:
            moment = self.clock.now()  # for both looks: whoever falls due between them would not be written down
            due, self._note = await self.state.evidence.due(partition, moment, RESCORE_MOST), Note(now=moment)
            self._about, looked_at = set(), 0
            try:
                looked_at = await super().rescore(partition, moment)
            finally:
                self._done(bool(looked_at), due=due)
            return looked_at

    async def process(
        self,
        lane: TopicPartition,
        records: Sequence[Raw],
        expected: Position,
        rules: RiskRules,
        pause: Pause,  # for the urgent lane, which waits here until a record is done: not taken
    ) -> bool:
        for raw in records:
            async with self._one:
                if not await self._record(lane, raw, expected, rules):
                    return False
            expected = replace(expected, offset=raw.offset)
        return True

    async def _record(self, lane: TopicPartition, raw: Raw, expected: Position, rules: RiskRules) -> bool:
        self._about = set()
        counted = False
        try:
            counted = await super().process(lane, [raw], expected, rules, in_pieces())
        finally:
            self._done(counted, lane=lane.topic, partition=lane.partition, offset=raw.offset)
        return counted

    async def load_evidence(
        self, found: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> LoadedEvidence:
        loaded = await super().load_evidence(found, rules, now)
        known = loaded.evaluator.known
        settled = {resident: each.settled for resident, each in known.items() if each.settled}
        self._about = set(known)
        told_of = {resident for resident in settled if known[resident].alerted}
        lost = {resident: each.lost for resident, each in known.items() if each.lost}
        self._note = Note(now=now, settled=settled, lost=lost, told_of=told_of)
        return loaded

    def _done(self, whole: bool, **what: object) -> None:
        if whole:
            self._write(**what)
        elif self._about:
            self._write(broken=self._about)

    def _write(self, **more: object) -> None:
        with self._notes.open("a") as file:
            file.write(self._note.model_copy(update=more).model_dump_json() + "\n")


if __name__ == "__main__":
    work(load(), load_channels(), make_stages=partial(Stages, screening_flow=Noting))

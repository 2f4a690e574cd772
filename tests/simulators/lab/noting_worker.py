"""A worker that screens one record after the other, and writes down in which order and what it knew of settled cases.

What came first decides what is told of it, and a worker takes several partitions at once: an order that is written down
is the only one that can be known. Everything else is the worker's own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from aiokafka import TopicPartition
from pydantic import BaseModel, Field

from agents.worker import work
from domain.policy.risk import RiskRules
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence
from streams import installation
from streams.channels.settings import load as load_channels
from streams.messaging.record import Raw
from streams.runtime.cooperative import Pause
from streams.runtime.settings import load
from streams.screening.evaluation import RiskEvaluator
from streams.screening.lanes import RESCORE_MOST, Screening
from streams.screening.positions import Position

NOTES = "screened.jsonl"  # in the worker's data folder


class Note(BaseModel):
    """A record that was screened, or residents who were looked at again (`due`: when, in milliseconds)."""

    now: datetime
    lane: str = ""
    partition: int = 0
    offset: int = -1
    due: dict[ResidentId, int] = Field(default_factory=dict)
    settled: dict[ResidentId, datetime] = Field(default_factory=dict)  # since when, as screening knew it
    told_of: set[ResidentId] = Field(default_factory=set)  # of these, of whom it had told something since
    broken: set[ResidentId] = Field(default_factory=set)  # it is screened again: what was told of them is not known


class Noting(Screening):
    """One at a time, and written down once it is told."""

    notes: Path
    _one = asyncio.Lock()
    _note: Note
    _about: set[ResidentId]  # of whom the record tells something

    async def rescore(self, partition: int, now: datetime) -> int:
        async with self._one:
            moment = self._clock.now()  # for both looks: whoever falls due between them would not be written down
            due, self._note = await self._store.due(partition, moment, RESCORE_MOST), Note(now=moment)
            self._about, looked_at = set(), 0
            try:
                looked_at = await super().rescore(partition, moment)
            finally:
                self._done(bool(looked_at), due=due)
            return looked_at

    async def _batch(
        self,
        tp: TopicPartition,
        raws: Sequence[Raw],
        expected: Position,
        rules: RiskRules,
        turn: Pause | None = None,  # for the urgent lane, which waits here until a record is done: not taken
    ) -> bool:
        for raw in raws:
            async with self._one:
                if not await self._record(tp, raw, expected, rules):
                    return False
            expected = replace(expected, offset=raw.offset)
        return True

    async def _record(self, tp: TopicPartition, raw: Raw, expected: Position, rules: RiskRules) -> bool:
        self._about = set()
        counted = False
        try:
            counted = await super()._batch(tp, [raw], expected, rules)
        finally:
            self._done(counted, lane=tp.topic, partition=tp.partition, offset=raw.offset)
        return counted

    async def _judge(
        self,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        entries: Mapping[ResidentId, Resident],
        rules: RiskRules,
        now: datetime,
    ) -> RiskEvaluator:
        judge = await super()._judge(evidence, entries, rules, now)
        settled = {resident: known.settled for resident, known in judge.known.items() if known.settled}
        self._about = set(judge.known)
        told_of = {resident for resident in settled if judge.known[resident].alerted}
        self._note = Note(now=now, settled=settled, told_of=told_of)
        return judge

    def _done(self, whole: bool, **what: object) -> None:
        if whole:
            self._write(**what)
        elif self._about:
            self._write(broken=self._about)

    def _write(self, **more: object) -> None:
        with self.notes.open("a") as file:
            file.write(self._note.model_copy(update=more).model_dump_json() + "\n")


if __name__ == "__main__":
    settings = load()
    Noting.notes = settings.data / NOTES
    installation.Screening = Noting  # type: ignore[attr-defined]  # the line makes it, and is all else that a worker has
    work(settings, load_channels())

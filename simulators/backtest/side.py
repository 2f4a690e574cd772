"""One policy applied to recorded signals, with the live system's matcher and evaluator and in-memory state.

Memory grows with the residents who have evidence (each at most `bound` items), not with the signals. As in the live
system, each signal is evaluated at the moment when it became known, and residents are re-evaluated during ongoing
calls.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import IntEnum

from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from domain.risk.backtest import Courses
from schemas.base import EARLIEST
from schemas.people.residents import Resident, ResidentId
from schemas.risk.signals import Report, Signal, Watch
from simulators.world.memory import Suspects
from streams.repositories.residents.register import Residents
from streams.screening.evaluation import RecordMatches, RiskEvaluator
from streams.screening.matching import MatchedBatch, Matcher
from streams.screening.records import Item, ReadBatch
from streams.screening.store import Known
from streams.screening.subjects import Subjects

BATCH = 500
_LANE = TopicPartition("signals", 0)

Looked = Callable[[datetime, ResidentId], None]
"""Called after each evaluation of a resident with new evidence."""


class _Mark(IntEnum):
    """Scheduled events that are not signals. At the same moment they happen in this order."""

    SETTLED = 0
    RESCORE = 1


def batches(signals: Iterable[Signal]) -> Iterator[list[Item]]:
    """Yield the signals in their order, in batches of 1 to 500. Each signal gets its number, counted from 0 over all
    batches, as offset.

    A signal that may change the watchlist (Watch or Report) ends its batch, so that later payers do not count as
    earlier ones.
    """
    batch: list[Item] = []
    for number, signal in enumerate(signals):
        batch.append(Item(number, 0, signal))
        if len(batch) == BATCH or isinstance(signal, Watch | Report):
            yield batch
            batch = []
    if batch:
        yield batch


class Side:
    """One policy applied to signals, and its results. `courses`: the cases that the policy opens.

    `settled`: (time, resident) of each settled case. `looked`: called after each signal, for each resident whom it
    concerns. `known`: evidence by resident id. `entries`: residents of the register by id. `suspects`: the watchlist as
    far as known. `refused`: number of signals left out because a suspect's number in them is invalid.
    """

    def __init__(
        self,
        rules: RiskRules,
        residents: Residents,
        subjects: Subjects,
        settled: Iterable[tuple[datetime, ResidentId]] = (),
        looked: Looked | None = None,
    ) -> None:
        self.rules, self.courses, self.suspects, self.refused = rules, Courses(), Suspects(), 0
        self.known: dict[ResidentId, Known] = {}
        self.entries: dict[ResidentId, Resident] = {}
        self._residents, self._looked = residents, looked
        self._matcher = Matcher(residents, self.suspects, subjects)
        self._evaluator = RiskEvaluator(self.known, self.entries, rules, EARLIEST)
        self._marks: list[tuple[datetime, _Mark, ResidentId]] = [(at, _Mark.SETTLED, who) for at, who in settled]
        heapq.heapify(self._marks)
        self._rescore: dict[ResidentId, datetime] = {}

    async def take(self, items: Sequence[Item]) -> None:
        """Process one or more signals ordered by arrival: find the residents whom they concern, add the evidence, and
        add the alerts to `courses`. Signals with a suspect's invalid number only raise `refused`.

        Before a signal that concerns a resident, time advances to its arrival (see `pass_to`). Raises IndexError if
        `items` is empty. Errors of the register's lookups (RedisError) pass through.
        """
        batch = ReadBatch([(item.offset, [item]) for item in items], [], Counter(), {})
        matched = await self._matcher.match(_LANE, batch, self.rules, items[-1].arrived)
        self.refused += len(batch.letters)
        await self._meet(matched)
        for record in matched.records:
            if record.findings[0].about:
                self._record(record)

    def pass_to(self, moment: datetime) -> None:
        """Advance this side's time to `moment` (inclusive): in order of time, settle the cases of `settled` and
        evaluate residents with ongoing calls again. New alerts are added to `courses`.
        """
        while self._marks and self._marks[0][0] <= moment:
            at, what, resident = heapq.heappop(self._marks)
            if what is _Mark.SETTLED:
                self._settle(resident, at)
            elif self._rescore.get(resident) == at:
                del self._rescore[resident]
                self._evaluator.assess(resident, at, at, ("rescore", at))
                self._hear()

    async def _meet(self, matched: MatchedBatch) -> None:
        """Load the register's entries of residents who have evidence for the first time."""
        about = {who for record in matched.records for finding in record.findings for who, _ in finding.about}
        new = about - self.entries.keys()
        found = await self._residents.standing(new) if new else {}
        for resident, entry in found.items():
            self.entries[resident] = self.entries[entry.id] = entry
            self.known.setdefault(entry.id, Known())

    def _record(self, record: RecordMatches) -> None:
        self.pass_to(record.at)
        self._evaluator.evaluate(_LANE, record)
        self._hear()
        if self._looked:
            for resident in {self.entries[who].id for who, _ in record.findings[0].about if who in self.entries}:
                self._looked(record.at, resident)

    def _settle(self, resident: ResidentId, at: datetime) -> None:
        known = self.known.setdefault(resident, Known())
        known.settled = at
        if known.alerted and known.alerted.at <= at:
            known.alerted = None  # of a settled case
        self.courses.settle(resident)

    def _hear(self) -> None:
        """Collect the evaluator's alerts, and schedule the re-evaluations that it asks for."""
        result = self._evaluator.take_result()
        for alert in result.alerts:
            self.courses.add(alert)
        for resident, at in result.rescore.items():
            self._rescore[resident] = at
            heapq.heappush(self._marks, (at, _Mark.RESCORE, resident))

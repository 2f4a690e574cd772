"""The work with the register, the watchlist and all state in Redis: Quanzu's scripts and keys, a lean loop around them.

For each batch three round trips and more where there is evidence: residents, payments and suspects, evidence, what was
told, and the count, which Kafka's commit stands beside. What Quanzu asks of Redis besides, where it stands and whether
it still is the same Redis, is its protocol and not the work.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from aiokafka import TopicPartition

from schemas.casework.inputs import Alert
from schemas.people.residents import ResidentId
from schemas.risk.evidence import ScreeningOutcome
from streams.repositories.residents.register import Residents
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.settings import Settings
from streams.screening.positions import Position, Positions
from streams.screening.records import quickly
from streams.screening.store import EvidenceStore
from streams.screening.subjects import Subjects
from streams.state.case_store import connect
from tests.tools.bench.peers.work import (
    TOPIC,
    Item,
    asked,
    evidence,
    found,
    judged,
    newest,
    payments,
    rules,
)

PLACE = TopicPartition(TOPIC, 0)

Send = Callable[[Sequence[Alert]], Awaitable[object]]
"""Sends alerts, and returns when Kafka has them."""


class RedisWork:
    """The work of one partition."""

    def __init__(self, settings: Settings, send: Send) -> None:
        redis = connect(settings)
        self._residents, self._store = Residents(settings, redis), EvidenceStore(redis, settings.partitions)
        self._positions = Positions(redis, settings.partitions)
        self._subjects, self._rules, self._send = Subjects(settings.key()), rules(settings), send
        self._stands: Position | None = None
        spare_the_collector()

    async def screen(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Screen records, offset and value. Returns when their alerts are with Kafka, and remembered."""
        batches = [(offset, quickly(value)) for offset, value in records]
        questions = [asked(self._subjects, signals) for _, signals in batches]
        answers = iter(await self._residents.find([each.question for one in questions for each in one]))
        items = [
            found(self._subjects, offset, signals, one, islice(answers, len(one)))
            for (offset, signals), one in zip(batches, questions, strict=True)
        ]
        every = [item for record in items for item in record]
        suspects = [party.suspect for item in every for party in item.who if party.suspect]
        watch, _ = await self._store.watch(list(payments(every)), suspects, [], self._rules, datetime.now(UTC))
        about = [evidence(record, watch, self._rules) for record in items]
        wanted = {who: [each for one in about for each in one.get(who, [])] for one in about for who in one}
        entries = await self._residents.get(wanted) if wanted else {}
        known = await self._store.add(wanted, self._rules, datetime.now(UTC))
        alerts, alerted = [], {}
        for (offset, signals), record in zip(batches, about, strict=True):
            for who, members in record.items():
                if alert := judged(known[who], members, entries[who], self._rules, newest(signals), offset):
                    alerts.append(alert)
                    alerted[who] = known[who].alerted
        await self._send(alerts)
        await self._store.remember({who: told for who, told in alerted.items() if told}, {})
        tally = Counter(f"{item.signal.source}|{_outcome(item, alerted)}" for item in every)
        stands = self._stands or await self._positions.position(PLACE)
        await self._positions.count(PLACE, stands, records[-1][0], tally)
        self._stands = replace(stands, offset=records[-1][0])


def _outcome(item: Item, alerted: Container[ResidentId]) -> ScreeningOutcome:
    if not item.who:
        return ScreeningOutcome.UNMATCHED
    return ScreeningOutcome.RAISED if item.who[0].resident in alerted else ScreeningOutcome.BELOW_THRESHOLD

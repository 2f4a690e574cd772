"""Screening without servers: matches and evaluates signals one by one, as streams/screening does with batches."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import count

from aiokafka import TopicPartition

from domain.policy.risk import RiskRules
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import PriorLoss
from schemas.risk.signals import Signal
from simulators.world.memory import Register, Suspects, finished
from streams.messaging.topics import SIGNALS
from streams.screening.evaluation import RiskEvaluator
from streams.screening.matching import MatchedBatch, Matcher
from streams.screening.records import Item, ReadBatch
from streams.screening.store import Known
from streams.screening.subjects import Subjects
from streams.state.keys import milliseconds

_LANE = TopicPartition(SIGNALS.name, 0)


class Screening:
    """Screens signals one by one, with the evidence about residents in memory.

    `accounts`: account number by token, of all accounts that signals have named so far. `rescore`: by resident id, the
    time at which to evaluate the resident again without a signal. The caller must remove entries from `rescore`.
    """

    def __init__(self, people: Sequence[Resident], rules: RiskRules, secret: bytes) -> None:
        self._rules, self._secret = rules, secret
        self._entries = {resident.id: resident for resident in people}
        self._known: dict[ResidentId, Known] = {}
        self._matcher = Matcher(Register(people), Suspects(), _subjects(secret))
        self._offsets = count()
        self.accounts: dict[str, str] = {}
        self.rescore: dict[ResidentId, datetime] = {}

    def screen(self, signal: Signal, now: datetime) -> list[Alert]:
        """Screen a signal that arrives at `now`, and return the alerts that it causes; often none. Stores its evidence,
        accounts and times of re-evaluation in this object.
        """
        arrived = signal.model_copy(update={"arrived": now})
        return self.record(_LANE, next(self._offsets), [arrived], now)

    def record(self, tp: TopicPartition, offset: int, signals: Iterable[Signal], now: datetime) -> list[Alert]:
        """Screen a record of signals that arrives at `now`, and return the alerts that it causes, in the order of the
        signals; often none. Stores the signals' evidence, accounts and times of re-evaluation in this object.

        `tp`, `offset`: the record's partition and offset, from which the ids of the alerts are made.
        """
        items = [Item(offset, number, signal) for number, signal in enumerate(signals)]
        batch = ReadBatch([(offset, items)], [], Counter(), {})
        matched = finished(self._matcher.match(tp, batch, self._rules, now))
        self.accounts |= matched.accounts
        about = list(_about(matched))
        return self._evaluated(tp, matched, about, now) if about else []

    def again(self, resident: ResidentId, now: datetime, due: datetime | None = None) -> list[Alert]:
        """Evaluate a resident again because their call still goes on, and return the alerts; often none. An unknown
        resident causes none.

        `due`: the scheduled time, if it differs from `now`; the alerts' ids are made from it. A next time may be added
        to `rescore`.
        """
        self._forget([resident])
        evaluator = RiskEvaluator(self._known, self._entries, self._rules, now, secret=self._secret)
        if standing := evaluator.canonical_id(resident):
            evaluator.assess(standing, now, now, ("rescore", milliseconds(due or now)))
        return self._told(evaluator)

    def settled(self, resident: ResidentId, at: datetime) -> None:
        """Record that a resident's case was settled at `at`: evidence from before counts only with the share that the
        policy leaves it, and earlier alerts are forgotten.
        """
        known = self._known.setdefault(resident, Known())
        known.settled, known.alerted = at, None

    def lost(self, resident: ResidentId, loss: PriorLoss) -> None:
        """Record a resident's latest loss. If the loss began a shield ([shield] of the policy), evidence like that of
        the loss reaches a level sooner for a time, because recovery scams target earlier victims.
        """
        self._known.setdefault(resident, Known()).lost = loss

    def _evaluated(
        self, tp: TopicPartition, matched: MatchedBatch, about: Iterable[ResidentId], now: datetime
    ) -> list[Alert]:
        self._forget(about)
        evaluator = RiskEvaluator(self._known, self._entries, self._rules, now, secret=self._secret)
        for record in matched.records:
            evaluator.evaluate(tp, record)
        return self._told(evaluator)

    def _forget(self, residents: Iterable[ResidentId]) -> None:
        """Forget the alerts about residents whose case was settled since, as streams/screening/store does."""
        for resident in residents:
            known = self._known.setdefault(resident, Known())
            if known.alerted and known.settled and known.alerted.at <= known.settled:
                known.alerted = None

    def _told(self, evaluator: RiskEvaluator) -> list[Alert]:
        self.rescore |= evaluator.result.rescore
        return evaluator.result.alerts


@cache
def _subjects(secret: bytes) -> Subjects:
    """Return the tokens of numbers for a secret, cached over runs."""
    return Subjects(secret)


def _about(matched: MatchedBatch) -> Iterable[ResidentId]:
    for record in matched.records:
        for finding in record.findings:
            for resident, _ in finding.about:
                yield resident

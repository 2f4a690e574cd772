"""`core`: what the decisions cost alone, without Kafka, Redis or a loop: CPU time of this one process.

Of a signal: decoding and validating its record, finding whom it is about and what evidence it is, judging (risk with
its reasons, and whether casework is told). The register, the watchlist and what is known of each lie in memory.
"""

import functools
import gc
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import TopicPartition

from domain.casework import Rules, decide
from domain.policy import Policy, load
from schemas.casework.cases import Case
from schemas.casework.inputs import ResidentInput
from schemas.people.residents import Resident, ResidentId
from simulators.world.memory import Register, Suspects, finished
from streams.messaging.record import Raw
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.settings import POLICY
from streams.screening.evaluation import RiskEvaluator
from streams.screening.matching import MatchedBatch, Matcher
from streams.screening.records import add, quickly, read
from streams.screening.store import Known
from streams.screening.subjects import Subjects
from tests.tools.bench import cases, life
from tests.tools.bench.figures import Found, Given, figure
from tests.tools.bench.servers import SECRET

RECORDS, RECORDS_SHORT = 400, 100  # of 500 signals, a run
WARM_UP = 0.1  # of the records: what is made once is made then
CASES, ROUNDS = 2_000, 4
PRODUCT = {"schemas", "domain", "streams"}


@dataclass(slots=True)
class Costs:
    """CPU seconds by what they were spent on, of how many signals, and how often a resident was assessed."""

    decode: float = 0
    resolve: float = 0
    judge: float = 0
    signals: int = 0
    assessed: int = 0

    @property
    def us_per_signal(self) -> float:
        return (self.decode + self.resolve + self.judge) / self.signals * 1e6


class Screen:
    """A worker's screening with all that it asks of others in memory."""

    def __init__(self, register: Register, policy: Policy) -> None:
        self.costs = Costs()
        self._register, self._rules = register, policy.risk
        self._matcher = Matcher(register, Suspects(), Subjects(SECRET.encode()))
        self._entries: dict[ResidentId, Resident] = {}
        self._known: dict[ResidentId, Known] = {}

    def take(self, tp: TopicPartition, raw: Raw, now: datetime) -> None:
        """Screen one record, and book what each part took."""
        began = time.process_time()
        batch = read(tp, [], now)
        add(batch, tp, raw, now, quickly)
        decoded = time.process_time()
        matched = finished(self._matcher.match(tp, batch, self._rules, now))
        resolved = time.process_time()
        evaluator = self._evaluator(matched, now)
        for record in matched.records:
            evaluator.evaluate(tp, record)
        judged = time.process_time()
        self.costs.decode += decoded - began
        self.costs.resolve += resolved - decoded
        self.costs.judge += judged - resolved
        self.costs.signals += sum(each.total() for each in (batch.tally, matched.tally, evaluator.result.tally))
        self.costs.assessed += len(evaluator.known)

    def _evaluator(self, matched: MatchedBatch, now: datetime) -> RiskEvaluator:
        about = {who for record in matched.records for finding in record.findings for who, _ in finding.about}
        for entry in finished(self._register.standing(about)).values():
            self._entries[entry.id] = entry
            self._known.setdefault(entry.id, Known())
        here = {who: self._known[who] for who in about & self._known.keys()}
        return RiskEvaluator(here, self._entries, self._rules, now)


def policy() -> Policy:
    """Jilin's, as it is deployed."""
    return load(POLICY.read_text(encoding="utf-8"))


def screened(register: Register, policy: Policy, records: int) -> Costs:
    """Screen so many records once, with nothing remembered from an earlier run."""
    screen = Screen(register, policy)
    forget()
    offsets: defaultdict[TopicPartition, int] = defaultdict(int)
    now = datetime.now(UTC)
    for number, batch in enumerate(life.records(records)):
        if number == int(WARM_UP * records):
            screen.costs = Costs()
        record = batch.stamped(number, now)
        tp = TopicPartition(record.topic, record.partition)
        screen.take(tp, Raw(offsets[tp], record.value or b""), now)
        offsets[tp] += 1
    return screen.costs


def decided(inputs: Sequence[ResidentInput], policy: Policy) -> float:
    """µs of CPU that deciding on one input takes."""
    rules, there = Rules(policy, ()), dict[ResidentId, Case]()
    began = time.process_time()
    for message in inputs:
        after = decide(there.get(message.resident), message, rules, message.at).case
        if after is not None:
            there[message.resident] = after
    return (time.process_time() - began) / len(inputs) * 1e6


def forget() -> None:
    """Empty what the product's functions remember, so that a run finds it as a worker that has just started does."""
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and each.__module__.partition(".")[0] in PRODUCT:
            each.cache_clear()


def measure(given: Given) -> Found:
    """The section: runs of screening, then of casework, each over the same records and inputs."""
    records = given.count(RECORDS, RECORDS_SHORT)
    register, rules = Register(life.crowd()), policy()
    life.records(records)
    spare_the_collector()
    costs = [screened(register, rules, records) for _ in range(given.runs)]
    inputs = cases.told(CASES, ROUNDS, cases.morning(), rules, life.SEED).inputs
    return {
        "us_per_signal": figure([each.us_per_signal for each in costs], "µs of CPU"),
        "decode_us_per_signal": figure([each.decode / each.signals * 1e6 for each in costs], "µs of CPU"),
        "resolve_us_per_signal": figure([each.resolve / each.signals * 1e6 for each in costs], "µs of CPU"),
        "judge_us_per_signal": figure([each.judge / each.signals * 1e6 for each in costs], "µs of CPU"),
        "assessed_per_1000_signals": figure([each.assessed / each.signals * 1e3 for each in costs], "residents"),
        "us_per_case_input": figure([decided(inputs, rules) for _ in range(given.runs)], "µs of CPU"),
    }

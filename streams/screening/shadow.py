"""Evaluates a shadow policy beside the policy in force, on the same evidence.

Its alerts are written only to the topic `shadow`, and counted by day and level beside the real alerts of the same
signals. It never delays the real screening: it runs after the batch is published and counted, and its errors are only
logged. If a worker dies in between, the batch is counted for neither policy. Re-evaluations without a new signal are
not covered.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

from aiokafka import TopicPartition
from redis.asyncio import Redis

from domain.policy import PolicyError
from domain.policy.risk import RiskRules
from schemas.base import ANY_VERSION
from schemas.casework.inputs import Alert
from schemas.levels import Level
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Alerted
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import SHADOW, home
from streams.repositories.policies import Policies, UnknownPolicyError
from streams.runtime.clock import Clock
from streams.runtime.tasks import without_values
from streams.screening.evaluation import Evaluation, RecordMatches, RiskEvaluator
from streams.state.keys import SHADOW_COUNTS, key

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # longest time until a new shadow policy is noticed
AGAIN_SECONDS = 60.0  # until an unreadable one is read again: to look for a lost one, the whole topic is read
JILIN = timezone(timedelta(hours=8))
LIVE, SHADOWED = "live", "shadow"
_HASH = 16  # length of a policy's digest


@dataclass(frozen=True, slots=True)
class Count:
    """The number of alerts of one level on one day (in Beijing, YYYY-MM-DD), by the policy in force (`live`) and by the
    shadow policy (`shadow`).
    """

    day: str
    level: str
    live: int
    shadow: int


class Shadow:
    """Evaluates the records that a worker screens by the shadow policy as well, if one is set, and counts the alerts of
    both policies. It alerts nobody.
    """

    def __init__(self, redis: "Redis", producer: Producer, policies: Policies, clock: Clock, partitions: int) -> None:
        self._redis: Any = redis
        self._producer, self._policies, self._clock, self._partitions = producer, policies, clock, partitions
        self._looked: float | None = None
        self._rules: RiskRules | None = None
        self._unreadable: tuple[str, float] | None = None  # a policy's hash, and when it was read (monotonic seconds)

    async def fork(self, evaluator: RiskEvaluator) -> RiskEvaluator | None:
        """Return an evaluator with the shadow policy's rules and the same evidence. Call it before any evaluation.

        Returns None if no policy is in shadow, its text is stored nowhere or this version cannot read it (both are
        logged), or the evaluator has no resident. A new shadow policy is noticed within 1 s, and a text that is stored
        only later within AGAIN_SECONDS (60). Raises RedisError if Redis is unavailable.
        """
        if self._looked is None or time.monotonic() - self._looked >= LOOK_SECONDS:
            self._rules, self._looked = await self._read(), time.monotonic()
        return evaluator.fork(self._rules) if self._rules and evaluator.known else None

    async def record(
        self, lane: TopicPartition, shadow: RiskEvaluator | None, records: Sequence[RecordMatches], live: Evaluation
    ) -> None:
        """Evaluate the records by the shadow policy, publish its alerts to the topic `shadow`, and count both policies'
        alerts in Redis. Errors are logged, not raised.

        `shadow`: the evaluator that `fork` returned; with None, nothing is done. `live`: the results of the policy in
        force.
        """
        if shadow is None:
            return
        try:
            await self._load_alerted(shadow)
            for record in records:
                shadow.assess_record(lane, record)  # outcomes are counted once, by the live evaluator
            await self._publish(shadow.result, live)
        except Exception as error:
            told = without_values(error)
            log.error("the policy in shadow could not be scored on %s/%d: %s", lane.topic, lane.partition, told)  # noqa: TRY400 - a traceback has values

    async def _read(self) -> RiskRules | None:
        standing = await self._policies.in_shadow()
        if standing is None or standing.policy is None:
            return None
        if self._was_unreadable(standing.policy):
            return None
        try:
            return (await self._policies.get(standing.policy)).risk
        except (UnknownPolicyError, PolicyError) as error:
            log.warning("nothing is scored in shadow: %s", error)
            self._unreadable = standing.policy, time.monotonic()
            return None

    def _was_unreadable(self, policy: str) -> bool:
        """Return True if this policy could not be read within the last AGAIN_SECONDS."""
        if self._unreadable is None or self._unreadable[0] != policy:
            return False
        return time.monotonic() - self._unreadable[1] < AGAIN_SECONDS

    async def _load_alerted(self, shadow: RiskEvaluator) -> None:
        """Load the shadow policy's earlier alerts, except those about settled cases."""
        residents = list(shadow.known)
        async with self._redis.pipeline(transaction=False) as pipe:
            for resident in residents:
                pipe.hget(self._key(resident), resident)
            answers = await pipe.execute()
        for resident, raw in zip(residents, answers, strict=True):
            known = shadow.known[resident]
            alerted = _alerted(raw, self._rules)
            if alerted and (known.settled is None or alerted.at > known.settled):
                known.alerted = alerted

    async def _publish(self, shadow: Evaluation, live: Evaluation) -> None:
        policy = self._rules.policy if self._rules else None
        if policy is None:
            return
        records = [Record(SHADOW.name, alert.resident.encode(), _value(alert)) for alert in shadow.alerts]
        await self._producer.send_all(records)
        day = f"{self._clock.now().astimezone(JILIN):%Y-%m-%d}"
        counted = Counter(f"{policy}|{day}|{alert.danger.level}|{SHADOWED}" for alert in shadow.alerts)
        counted.update(f"{policy}|{day}|{alert.danger.level}|{LIVE}" for alert in live.alerts)
        async with self._redis.pipeline(transaction=False) as pipe:
            for resident, alerted in shadow.alerted.items():
                pipe.hset(self._key(resident), resident, f"{policy}{alerted.model_dump_json()}")
            for name, number in counted.items():
                pipe.hincrby(SHADOW_COUNTS, name, number)
            await pipe.execute()

    def _key(self, resident: ResidentId) -> str:
        return key("shadow-alerted", home(resident, self._partitions))


async def counts(redis: "Redis", policy: str) -> list[Count]:
    """Return the alert counts of a shadow policy, given by its hash; the latest day first, and within a day the highest
    level first; empty if none were counted. Raises RedisError if Redis is unavailable.
    """
    client: Any = redis
    found: dict[tuple[str, str], Counter[str]] = {}
    for name, number in (await client.hgetall(SHADOW_COUNTS)).items():
        whose_policy, day, level, whose = name.decode().split("|")
        if whose_policy == policy:
            found.setdefault((day, level), Counter())[whose] += int(number)
    return [
        Count(day, level, each[LIVE], each[SHADOWED])
        for (day, level), each in sorted(found.items(), key=lambda item: _place(*item[0]), reverse=True)
    ]


async def drop_counts(redis: "Redis", partitions: int) -> None:
    """Delete the counts and the stored alerts of all shadow policies from Redis. Raises RedisError if Redis is
    unavailable.
    """
    client: Any = redis
    await client.delete(SHADOW_COUNTS, *(key("shadow-alerted", partition) for partition in range(partitions)))


def _place(day: str, level: str) -> tuple[str, int]:
    return day, Level(level).rank


def _alerted(raw: bytes | None, rules: RiskRules | None) -> Alerted | None:
    if raw is None or rules is None or raw[:_HASH].decode() != rules.policy:
        return None
    return Alerted.model_validate_json(raw[_HASH:], extra=ANY_VERSION)


def _value(alert: Alert) -> bytes:
    return alert.model_dump_json().encode()

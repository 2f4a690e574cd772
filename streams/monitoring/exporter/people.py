"""Metrics of missed warnings and workload, read from all open cases and the rosters."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.core import Metric

from domain.desk.missed import Missed
from domain.visits.officers import load_of, on_duty
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.levels import Channel, Level
from streams.casework.auditor.auditor import GRACE_SECONDS
from streams.casework.auditor.sweep import needs_audit
from streams.installation import ExporterContext
from streams.monitoring.exporter.family import gauge
from streams.state.keys import key

SCAN = 500  # cases requested from Redis at once
RUNNING_OUT = timedelta(hours=6)  # half a shift to act before a stop-payment (48 hours, extended once at most) ends

RED = gauge("quanzu_red_not_contacted", "Red cases whose first contact is overdue")
STEPS_OVERDUE = gauge("quanzu_steps_overdue", "Steps of open cases that are more than 15 s overdue", "level")
RESULTS_OVERDUE = gauge("quanzu_results_overdue", "Dispatches whose result is overdue", "channel")
STEPS_HELD = gauge("quanzu_steps_on_hold", "Steps on hold at present", "level")
OLDEST = gauge("quanzu_oldest_overdue_seconds", "Delay of the oldest overdue step (wall-clock)")
RUNNING_OUT_STOPS = gauge("quanzu_stop_payments_running_out", "Stop-payments of open cases that end within six hours")
CLAIMED = gauge("quanzu_cases_claimed", "Open cases claimed by an operator")
OPERATORS = gauge("quanzu_operators_with_case", "Operators who have claimed a case")
MOST_CLAIMED = gauge("quanzu_operator_cases_max", "Most cases claimed by one operator")
ON_DUTY = gauge("quanzu_officers_on_duty", "People on a roster whose shift is running")
VISITS = gauge("quanzu_visits_under_way", "Visits assigned and not ended")
VISITING = gauge("quanzu_officers_with_visit", "Officers with an open visit")
MOST_VISITS = gauge("quanzu_officer_visits_max", "Most open visits of one officer")

FAMILIES = (
    RED, STEPS_OVERDUE, RESULTS_OVERDUE, STEPS_HELD, OLDEST, RUNNING_OUT_STOPS, CLAIMED, OPERATORS, MOST_CLAIMED,
    ON_DUTY, VISITS, VISITING, MOST_VISITS,
)  # fmt: skip


@dataclass(slots=True)
class _Walk:
    """The results of a scan of the cases so far."""

    missed: Missed
    claims: Counter[str] = field(default_factory=Counter)  # cases by operator; only totals are exported, no names
    running_out: int = 0

    def add(self, case: Case, now: datetime) -> None:
        """Add one case."""
        self.missed.add(case)
        if not case.open:
            return
        if case.claimed_by:
            self.claims[case.claimed_by] += 1
        for payment in (*case.payments, *case.traced):
            stop = payment.stop
            if stop and stop.until and stop.until - now <= RUNNING_OUT:
                self.running_out += 1


async def people(context: ExporterContext) -> list[Metric]:
    """Return the metrics of overdue steps and results, steps held back, claims, stop-payments that run out, and visits,
    read from all open cases and the rosters. The age of the oldest overdue step is in wall-clock seconds, 0 if none is
    overdue.

    100,000 cases take some 10 s of CPU. Raises RedisError if Redis is unavailable.
    """
    now = context.clock.now()
    walk = _Walk(Missed(now, timedelta(seconds=GRACE_SECONDS * context.clock.speed)))
    redis: Any = context.redis
    for partition in range(context.settings.partitions):
        async for _, raw in redis.hscan_iter(key("cases", partition), count=SCAN):
            if needs_audit(raw):
                walk.add(Case.model_validate_json(raw, extra=ANY_VERSION), now)
                await asyncio.sleep(0)
    look = walk.missed
    oldest = context.clock.wall_seconds(now - look.oldest) if look.oldest else 0.0
    return [
        RED.value(len(look.red)),
        STEPS_OVERDUE.filled({(level.value,): look.overdue[level] for level in Level}),
        RESULTS_OVERDUE.filled({(channel.value,): look.awaited[channel] for channel in Channel}),
        STEPS_HELD.filled({(level.value,): look.held[level] for level in Level}),
        OLDEST.value(oldest),
        RUNNING_OUT_STOPS.value(walk.running_out),
        CLAIMED.value(walk.claims.total()),
        OPERATORS.value(len(walk.claims)),
        MOST_CLAIMED.value(max(walk.claims.values(), default=0)),
        *await _officers(context, now),
    ]


async def _officers(context: ExporterContext, now: datetime) -> list[Metric]:
    officers = await context.rosters.officers()
    tasks = await context.rosters.all_tasks()
    load = {officer: len(mine) for officer, mine in load_of(tasks).items() if mine}
    return [
        ON_DUTY.value(sum(on_duty(officer, now) for officer in officers)),
        VISITS.value(sum(load.values())),
        VISITING.value(len(load)),
        MOST_VISITS.value(max(load.values(), default=0)),
    ]

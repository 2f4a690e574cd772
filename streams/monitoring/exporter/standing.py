"""Metrics of the state in Redis: partitions, deadlines, desk, auditor, feeds, policy. No worker needs to run
for them.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import Metric

from domain.calendar import local_date
from domain.feeds.silence import begin_of
from schemas.administration.security_events import SecurityEventKind
from schemas.people.public_reports import PublicReportState
from streams.casework.auditor.heartbeat import Beats
from streams.channels.operator_calls.incoming import read_call_backs
from streams.installation import ExporterContext
from streams.intake.feeds.book import FeedLog, FeedStore
from streams.messaging import sources
from streams.monitoring.exporter.family import Labels, counter, gauge
from streams.monitoring.exporter.tallies import metrics_of
from streams.repositories import holds
from streams.state.keys import DRAINING, SECURITY_COUNTS, key, milliseconds
from streams.state.server_identity import ASK_RUN, run_of

WHOLE = gauge(
    "quanzu_partition_whole",
    "1 if the partition's store is complete; otherwise its counters are not exported",
    "partition",
)
OWNED = gauge(
    "quanzu_partition_owned", "1 if a worker processes the partition, as owner or for a silent owner", "partition"
)
OVERDUE = gauge("quanzu_deadlines_overdue", "Deadlines that are due and not processed", "partition")
OUTBOX = gauge("quanzu_outbox_entries", "Decisions not confirmed to be in the journal", "partition")
QUEUE = gauge("quanzu_desk_waiting", "Cases that wait for an operator")
BEAT = gauge(
    "quanzu_audit_beat_timestamp_seconds", "Time of the auditor's last heartbeat, by the clock of Redis", "partition"
)
WALK = gauge("quanzu_audit_walk_seconds", "Duration of the auditor's last sweep", "partition")
FINDINGS = gauge("quanzu_audit_findings_open", "Violations that the auditor's last sweep could not repair", "partition")
FEED_AGE = gauge(
    "quanzu_feed_age_seconds", "Time since the last signal of a source was screened (wall-clock)", "source"
)
FEED_SILENT = gauge("quanzu_feed_silent", "1 while a feed outage of the source is active", "source")
DRAINED = gauge("quanzu_intake_closed", "1 while a person has closed intake")
POLICY = gauge("quanzu_policy_info", "1 for the digest of the policy in force", "policy")
POLICY_SINCE = gauge("quanzu_policy_in_force_timestamp_seconds", "When the policy in force was published")
HOLDS = gauge("quanzu_holds", "Holds in force: mutes, and the stop for all outgoing contact")
PAYERS_WAIT = gauge(
    "quanzu_payers_requests_oldest_seconds",
    "Age of the oldest open request to decide whether to alert a suspect's earlier payers (wall-clock)",
)
SECURITY = counter("quanzu_security_events_total", "Security events of the console since Redis was emptied", "kind")
PUBLIC_REPORTS = gauge("quanzu_public_reports", "Reports of the public page that are still kept, by state", "state")
CALL_BACKS_OPEN = gauge("quanzu_call_backs_open", "Callers whom nobody could serve, and who are to be called back")
CALL_BACKS_OLDEST = gauge("quanzu_call_backs_oldest_seconds", "Age of the oldest of them (wall-clock), 0 without one")
CLOCK_SPEED = gauge("quanzu_clock_speed", "Speed of the installation's clock; 1 except in a demo")

FAMILIES = (
    WHOLE, OWNED, OVERDUE, OUTBOX, QUEUE, BEAT, WALK, FINDINGS, FEED_AGE, FEED_SILENT, DRAINED, POLICY, POLICY_SINCE,
    HOLDS, PAYERS_WAIT, SECURITY, PUBLIC_REPORTS, CALL_BACKS_OPEN, CALL_BACKS_OLDEST, CLOCK_SPEED,
)  # fmt: skip


@dataclass(slots=True)
class _Store:
    """The values of all partitions. Each partition is read at one moment."""

    whole: dict[Labels, float] = field(default_factory=dict)
    owned: dict[Labels, float] = field(default_factory=dict)
    overdue: dict[Labels, float] = field(default_factory=dict)
    outbox: dict[Labels, float] = field(default_factory=dict)
    queue: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ledger: Counter[str] = field(default_factory=Counter)


async def partitions(context: ExporterContext) -> list[Metric]:
    """Return the metrics of each partition, and the totals since the installation began, which are counted in Redis
    (money in fen).

    While the store of a partition lacks data, the totals are left out: a decrease would look like a counter's reset.
    Raises RedisError if Redis is unavailable.
    """
    found = _Store()
    for partition in range(context.settings.partitions):
        await _partition(context, partition, found)
    told = [
        WHOLE.filled(found.whole),
        OWNED.filled(found.owned),
        OVERDUE.filled(found.overdue),
        OUTBOX.filled(found.outbox),
        QUEUE.value(found.queue),
    ]
    if all(found.whole.values()):
        signals = await context.screening.tallies()
        told += metrics_of(found.counts, found.ledger, signals, local_date(context.clock.now()))
    return told


async def _partition(context: ExporterContext, partition: int, found: _Store) -> None:
    redis: Any = context.redis
    name = (str(partition),)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.execute_command(*ASK_RUN)
        pipe.hmget(key("state", partition), "offset", "end", "run")
        pipe.hgetall(key("counts", partition))
        pipe.hgetall(key("ledger", partition))
        pipe.exists(key("owned", partition), key("covered", partition))
        pipe.zcount(key("deadlines", partition), "-inf", milliseconds(context.clock.now()))
        pipe.hlen(key("outbox", partition))
        pipe.zcard(key("queue", partition))
        info, (offset, end, run), counts, ledger, owned, overdue, outbox, queue = await pipe.execute()
    behind = offset is None or (end is not None and int(offset) < int(end) - 1)
    found.whole[name] = float(not behind and run is not None and run.decode() == run_of(info))
    found.owned[name], found.overdue[name], found.outbox[name] = float(bool(owned)), overdue, outbox
    found.queue += queue
    found.counts.update(_numbers(counts))
    found.ledger.update(_numbers(ledger))


async def watchers(context: ExporterContext) -> list[Metric]:
    """Return the metrics of the auditor, the feeds, the policy, holds, drains, payers' requests, security events,
    public reports, requests to call back and the clock's speed. Ages are in wall-clock seconds, times in seconds since
    1970.

    Raises RedisError if Redis is unavailable; UnknownPolicyError or PolicyError if the policy in force cannot be read,
    and OSError if that is the settings' file.
    """
    beats = await Beats(context.redis).read(range(context.settings.partitions))
    now = time.time()
    standing, live = await context.policies.in_force(), await context.policies.live()
    held = await holds.current_holds(context.redis, context.clock.now())
    waited = [
        context.clock.wall_seconds(context.clock.now() - each.at) for each in await context.payers_requests.open()
    ]
    backs = await read_call_backs(context.redis, context.clock.now())
    owed = [context.clock.wall_seconds(context.clock.now() - each.since) for each in backs]
    return [
        BEAT.filled({(str(beat.partition),): now - beat.age if beat.age is not None else 0 for beat in beats}),
        WALK.filled({(str(beat.partition),): beat.seconds for beat in beats}),
        FINDINGS.filled({(str(beat.partition),): beat.open_findings for beat in beats}),
        DRAINED.value(await context.redis.exists(DRAINING)),
        POLICY.filled({(live.hash,): 1}),
        POLICY_SINCE.value(standing.since.timestamp() if standing else 0),
        HOLDS.value(len(held)),
        PAYERS_WAIT.value(max(waited, default=0.0)),
        SECURITY.filled(
            {(kind,): count for kind, count in _numbers(await context.redis.hgetall(SECURITY_COUNTS)).items()},
            [(kind.value,) for kind in SecurityEventKind],
        ),
        PUBLIC_REPORTS.filled(
            {(state.value,): number for state, number in (await context.public_reports.count()).items()},
            [(state.value,) for state in PublicReportState],
        ),
        CALL_BACKS_OPEN.value(len(backs)),
        CALL_BACKS_OLDEST.value(max(owed, default=0.0)),
        CLOCK_SPEED.value(context.clock.speed),
        *_feeds(context, await FeedStore(context.redis, "").read()),
    ]


def _feeds(context: ExporterContext, book: FeedLog) -> Iterator[Metric]:
    """Yield the feeds' metrics.

    Of sources that share a label, the latest signal counts, and an alarm if any has one.
    """
    now = context.clock.now()
    silent: dict[Labels, float] = {}
    ages: dict[Labels, float] = {}
    for source in sorted(book.sources | book.silent.keys()):
        label = (sources.label(source),)
        silent[label] = max(silent.get(label, 0), float(source in book.silent))
        if (last := book.last(source)) is not None:
            age = max(0.0, context.clock.wall_seconds(now - begin_of(last)))
            ages[label] = min(ages.get(label, age), age)
    yield FEED_AGE.filled(ages)
    yield FEED_SILENT.filled(silent)


def _numbers(raw: dict[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in raw.items()}

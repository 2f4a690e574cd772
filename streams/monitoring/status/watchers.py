"""Troubles of the auditor, the feeds, the channels and dead letters, and of functions that people have stopped."""

import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
from redis.asyncio import Redis

from domain.feeds.silence import span
from domain.wording.codes import in_language
from schemas.base import ANY_VERSION, Partial
from schemas.casework.inputs import ContactResult
from schemas.casework.policies import InForce
from schemas.levels import Action, Channel, Result
from schemas.risk.fan_outs import PayersRequest
from streams.casework.auditor.heartbeat import BEAT_SECONDS, Beats
from streams.dead_letters.index import DeadLetterIndex
from streams.intake.drain_gate import Drain
from streams.intake.feeds.book import FeedLog, FeedStore
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import read_range
from streams.messaging.topics import PAYERS_REQUESTS
from streams.monitoring.status.page import Trouble, danger, listed, missed
from streams.repositories.payers_requests import waiting
from streams.repositories.policies import IN_FORCE
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import DRAINING, POLICIES

RECENT_SECONDS = 300.0  # wall-clock time within which results show the state of a channel
TAIL = 300  # last inputs of a partition that are searched for results
FEW = 3  # the least number of results to judge a channel by
MOST_FAIL, SOME_FAIL = 0.5, 0.2  # fractions of failed contacts
WALK_LATE_SECONDS = 300.0  # the auditor's sweep of 100,000 cases takes a minute
SKEW_SECONDS = 1.0
JUDGE_SECONDS = 30.0

_FAILED = (Result.FAILED, Result.IN_DOUBT)
_LOOKS = Partial({Channel.VISIT: "Is anybody on duty (the console's rosters), and the stations' gateway there?"})


class WatcherChecks:
    """Checks an installation's auditor, feeds and channels, and the functions that people have stopped.

    Each method yields the troubles of one kind, and none if all is well; it raises RedisError, KafkaError or ReadError
    if a server fails.
    """

    def __init__(self, settings: Settings, redis: "Redis", clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._redis: Any = redis

    async def drain(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) if a person has closed intake, else nothing. Raises RedisError if Redis fails."""
        if raw := await self._redis.get(DRAINING):
            drain = Drain.model_validate_json(raw, extra=ANY_VERSION)
            what = f"intake is closed since {drain.at:%Y-%m-%d %H:%M} UTC by {drain.by}: {drain.reason}"
            yield missed(
                "drained",
                f"{what}; feeds keep their signals",
                "Open it with `quanzu admin drain --end --by NAME` when all is done",
            )

    async def breaker(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) for each policy that is stopped now: the cases below red that it raised wait for a
        person. Nothing if none is stopped. Raises RedisError if Redis fails.
        """
        raw = await self._redis.hget(POLICIES, IN_FORCE)
        standing = InForce.model_validate_json(raw, extra=ANY_VERSION) if raw else None
        for policy, stop in standing.stopped.items() if standing else ():
            if stop.until > self._clock.now():
                what = f"policy {policy} was stopped at {stop.at:%Y-%m-%d %H:%M} UTC: {stop.reason}"
                do = "Look at the cases that hold " + stop.hold + " keeps back, then lift it; `quanzu policy status`"
                yield missed("policy-stopped", what, do)

    async def payers(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) if a person must still decide whether to alert the earlier payers of suspects,
        else nothing. Raises RedisError if Redis fails.
        """
        raw = await self._redis.hvals(PAYERS_REQUESTS.name)
        if found := waiting(PayersRequest.model_validate_json(each, extra=ANY_VERSION) for each in raw):
            payments = sum(request.payments for request in found)
            what = f"{len(found):,} suspects wait for a decision: who made {payments:,} earlier payments is not alerted"
            do = "A supervisor decides on the console's page /payers. After a day the earliest payments are forgotten"
            yield missed("payers-wait", f"{what}, the oldest for {span(self._clock.now() - found[0].at)}", do)

    async def feeds(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (MISSED) for each silent feed, the earliest detected first, and one (DANGER) if no worker
        has checked the feeds for over 30 s; nothing if all is well. Raises RedisError if Redis fails.
        """
        book = await FeedStore(self._redis, "").read()
        for silence in sorted(book.silent.values(), key=lambda each: each.at):
            since = f" (heard last {silence.since:%Y-%m-%d %H:%M:%S} UTC)" if silence.since else ""
            do = "Ask its sender. If it was stopped for good, take it out of QUANZU_FEEDS and QUANZU_API_KEYS"
            yield missed("feed-silent", f"{silence.words}{since}", do)
        if unjudged := _unjudged(book):
            yield danger("feeds-unwatched", unjudged, "Does a worker run? One of them listens for all")

    async def auditor(self) -> AsyncIterator[Trouble]:
        """Yield up to four troubles: partitions whose cases are not audited, and findings that need a person (MISSED);
        late audits, and clocks that differ from Redis's by over 1 s (DANGER). Nothing if all is well. Raises RedisError
        if Redis fails.
        """
        beats = await Beats(self._redis).read(range(self._settings.partitions))
        silent = [beat for beat in beats if beat.age is None or beat.age > BEAT_SECONDS]
        if silent:
            ages = [beat.age for beat in silent if beat.age is not None]
            since = (
                f"not beaten for {span(timedelta(seconds=max(ages)))}" if len(ages) == len(silent) else "never beaten"
            )
            what = f"partitions {listed(beat.partition for beat in silent)}: the auditor has {since}"
            do = "Start a worker, or see its log: a case that is stuck stays so"
            yield missed("auditor-silent", what, do)
        if late := [beat for beat in beats if beat not in silent and _walk_late(beat.walked)]:
            do = "Is the store very busy? See quanzu_audit_walk_seconds"
            yield danger("audit-late", f"no whole walk lately of {listed(beat.partition for beat in late)}", do)
        if found := sum(beat.open_findings for beat in beats):
            do = "The audit topic and the workers' logs name the cases: `quanzu case show ID`"
            yield missed("audit-findings", f"{found} findings of the auditor need a person", do)
        if skewed := [f"{beat.skew:+.1f} s" for beat in beats if abs(beat.skew) > SKEW_SECONDS]:
            do = "Set it by NTP: what a machine is wrong by, deadlines and receipts may be late by"
            yield danger("clocks-differ", f"clocks differ from Redis's: {listed(dict.fromkeys(skewed))}", do)

    async def channels(self) -> AsyncIterator[Trouble]:
        """Yield one trouble for each channel of whose contacts in the last 5 minutes 20 % or more failed: MISSED if
        half or more failed, else DANGER.

        Only the last 300 inputs of each partition are searched for results. A channel with fewer than three results is
        not judged. Raises KafkaError if Kafka fails, and ReadError if it deletes the inputs meanwhile.
        """
        results, why = await self._results()
        for channel, counted in results.items():
            total, failed = counted.total(), sum(counted[result] for result in _FAILED)
            if total < FEW or failed < SOME_FAIL * total:
                continue
            what = f"{channel}: {failed} of the last {total} contacts failed ({why[channel]})"
            look = _LOOKS.get(channel, "Is its gateway there, and its address right?")
            do = f"{look} Each is tried again, and a next step comes in its place"
            yield (missed if failed >= MOST_FAIL * total else danger)("channel-failing", what, do)

    def unset(self) -> list[Trouble]:
        """Return a list with one trouble (DANGER) that names the gateways whose addresses are not set.

        Empty if all are set, and with embedded servers, where workers get the addresses at their start.
        """
        urls = {"SMS": "sms", "VOICE": "voice", "BANK": "bank", "STATION": "station"}
        names = [
            f"QUANZU_{name}_URL" for name, field in urls.items() if getattr(self._settings, f"{field}_url") is None
        ]
        if not names or self._settings.embedded:
            return []
        do = "Set them, for the workers and here. A contact by a channel without one fails, and the next step follows"
        return [danger("gateway-not-set", f"not set here: {listed(names)}", do)]

    async def dead_letters(self) -> AsyncIterator[Trouble]:
        """Yield one trouble (DANGER) if dead letters are open, because signals may be among them; else nothing. Raises
        KafkaError if Kafka fails. Errors of the vault (CodecError) pass through.
        """
        letters = DeadLetterIndex(self._settings)
        await letters.refresh()
        if waiting := letters.open_by_source():
            named = listed(f"{source} {count:,}" for source, count in waiting.most_common())
            do = "`quanzu dead list` tells why; mend and send them again, or drop them with a reason"
            yield danger("dead-letters", f"{waiting.total():,} dead letters are open: {named}", do)

    async def _results(self) -> tuple[dict[Channel, Counter[Result]], dict[Channel, str]]:
        """Return by channel the number of recent contacts by result, and the most common reason of failure."""
        since = (time.time() - RECENT_SECONDS) * 1000
        results: defaultdict[Channel, Counter[Result]] = defaultdict(Counter)
        reasons: defaultdict[Channel, Counter[str]] = defaultdict(Counter)
        async for given in self._tail(since):
            result, channel = Result(given["result"]), Action(given["action"]).channel
            if result in (Result.SENT, *_FAILED):
                results[channel][result] += 1
            if result in _FAILED:
                reasons[channel][_why(given) or result.value] += 1
        return dict(results), {channel: counted.most_common(1)[0][0] for channel, counted in reasons.items()}

    async def _tail(self, since: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the contact results among the latest inputs written at or after `since` (ms since 1970)."""
        name = topics.CASE_INPUTS.name
        begin, end = await beginning_offsets(self._settings, name), await end_offsets(self._settings, name)
        for partition, last in end.items():
            first = max(begin[partition], last - TAIL)
            async for record in read_range(self._settings, name, partition, first, last - 1, opened=False):
                if record.timestamp >= since and b'"contact_result"' in (record.value or b""):
                    given = orjson.loads(record.value or b"{}")
                    if given.get("kind") == "contact_result":
                        yield given


def _walk_late(walked: float | None) -> bool:
    return walked is None or time.time() - walked > WALK_LATE_SECONDS


def _why(given: dict[str, Any]) -> str:
    """Return why a contact failed, as its channel reported it, or ""."""
    why = ContactResult.model_validate(given, extra=ANY_VERSION).why
    return in_language("en").sentence(why) if why else ""


def _unjudged(book: FeedLog) -> str:
    if not book.judged or time.time() - book.judged < JUDGE_SECONDS:
        return ""
    return f"nobody has listened to the feeds for {span(timedelta(seconds=time.time() - book.judged))}"

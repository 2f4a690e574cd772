"""Fan-outs: a new watchlist entry is evidence about all residents who paid it before. They are processed in slices.

The entry's own record processes the first slice. A slice after which more payments may follow writes a record for the
next slice before it is counted, so a crash loses none. A slice that is written twice is processed once, and its alerts
have the same ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast

from aiokafka import TopicPartition

from domain.ids import short_hash
from domain.policy.risk import RiskRules
from domain.risk import about_contact
from domain.risk.fan_out import chain, repeats
from schemas.people.residents import ResidentId
from schemas.risk.evidence import EarlierContact, Evidence, WatchEntry, WatchStatus
from schemas.risk.fan_outs import FanOut, PayersAnswered, PayersRequest
from schemas.risk.signals import Signal
from streams.messaging.producer import Record
from streams.screening.evaluation import RecordMatches, SignalMatch
from streams.screening.payers import Fanned, Payers, token_of
from streams.screening.records import Item, ReadBatch


class _Cause(NamedTuple):
    """Replaces the signal that began a fan-out, because only its arrival time matters to later slices."""

    arrived: datetime


class Answer(NamedTuple):
    """A person's decision about alerting payers (`given`).

    `counts`: True if it takes effect, because it is about the current watchlist entry.
    """

    given: PayersAnswered
    counts: bool


@dataclass(slots=True)
class Fanning:
    """The results of a batch's fan-outs.

    `said`: the evidence of slices; `following`: records of next slices; `done`: finished slices; `watched`: watchlist
    entries changed by a decision; `asked`: new requests for a decision; `overtaken`: ids of requests that are void
    because another entry replaced theirs; `answers`: the decisions in the batch.
    """

    said: list[RecordMatches] = field(default_factory=list)
    following: list[FanOut] = field(default_factory=list)
    done: list[FanOut] = field(default_factory=list)
    watched: list[WatchEntry] = field(default_factory=list)
    asked: list[PayersRequest] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def begin(self, item: Item, fanned: Fanned, now: datetime) -> None:
        """Add the results of an entry's first slice, which is in the entry's own record: the next slice, and a request
        for a decision if the entry needs one.

        `item`: the signal that made the entry; `fanned`: the entry's effect.
        """
        before, entry = fanned.before, fanned.entry
        if before and before.asked and not _same_question(before, entry):
            self.overtaken.append(before.asked.id)
        if entry.asked and not entry.asked.refused and (before is entry or not _same_question(before, entry)):
            self.asked.append(_request(item, fanned))
        if not said_before(fanned, item):
            self.follow(chain(entry), 1, entry, fanned.last, now, item.arrived)

    def follow(
        self, name: str, number: int, entry: WatchEntry, last: str | None, now: datetime, arrived: datetime
    ) -> None:
        """Add slice `number` of the fan-out `name` to `following`. Does nothing if `last` is None: the previous slice
        was the last.

        `last`: the payment (as stored in Redis) after which the slice begins; `now`: the time of the slice's record;
        `arrived`: when the signal that began the fan-out arrived.
        """
        if last is not None:
            self.following.append(FanOut(id=name, number=number, entry=entry, after=last, at=now, arrived=arrived))


class FanOuts:
    """Processes the slices of fan-outs, and persons' decisions about alerting the payers of a watchlist entry."""

    def __init__(self, payers: Payers) -> None:
        self.payers = payers

    async def go_on(self, batch: ReadBatch, rules: RiskRules, now: datetime) -> Fanning:
        """Process the slices and decisions among the batch's records, in the order of their offsets, and return their
        results.

        Decisions change watchlist entries in Redis; everything else is only returned. Raises RedisError if Redis is
        unavailable.
        """
        fanning = Fanning()
        for offset, record in sorted(batch.fan_outs.items()) if batch.fan_outs else ():
            if isinstance(record, FanOut):
                await self._slice(fanning, offset, record, rules, now)
            else:
                await self._answer(fanning, offset, record, rules, now)
        return fanning

    async def _slice(self, fanning: Fanning, offset: int, record: FanOut, rules: RiskRules, now: datetime) -> None:
        here = {(each.id, each.number) for each in fanning.done}
        (done,) = await self.payers.done([record])
        if record.number <= done or (record.id, record.number) in here:
            return
        fanning.done.append(record)
        found = await self.payers.following(record)
        if found.stands is not None and found.stands.standing is not record.entry.standing:
            return  # another entry replaced it and has its own fan-out
        entry = record.entry.model_copy(update={"asked": found.stands.asked}) if found.stands else record.entry
        evidence = about(entry, found.payers, rules)
        fanning.said.append(_said(offset, (record.id, record.number), record.at, record.arrived, evidence))
        fanning.follow(record.id, record.number + 1, record.entry, found.last, now, record.arrived)

    async def _answer(
        self, fanning: Fanning, offset: int, record: PayersAnswered, rules: RiskRules, now: datetime
    ) -> None:
        fanned = await self.payers.answer(record.subject, record.request, record.alert, rules)
        counts = fanned is not None and _counts(fanned, record)
        fanning.answers.append(Answer(record, counts))
        if fanned is None or not counts:
            return
        fanning.watched.append(fanned.entry)
        if record.alert:
            name = short_hash("answered", record.request)
            fanning.said.append(
                _said(offset, (name, 0), record.at, record.at, about(fanned.entry, fanned.payers, rules))
            )
            fanning.follow(name, 1, fanned.entry, fanned.last, now, record.at)


def record(tp: TopicPartition, told: FanOut | PayersAnswered) -> Record:
    """Return the Kafka record of a slice or a decision (`told`), for the lane and partition `tp`. Its key is the
    watchlist subject.
    """
    subject = told.entry.subject if isinstance(told, FanOut) else told.subject
    return Record(tp.topic, subject.encode(), told.model_dump_json().encode(), tp.partition)


def about(
    entry: WatchEntry, payers: Iterable[EarlierContact], rules: RiskRules
) -> Iterable[tuple[ResidentId, Evidence]]:
    """Yield the evidence that a watchlist entry makes of these payments to its account, or calls from its number, as
    (id of the resident who paid or was called, evidence).
    """
    token = token_of(entry.subject)
    for payer in payers:
        for member in about_contact(payer, token, entry, rules):
            yield payer.resident, member


def said_before(fanned: Fanned, item: Item) -> bool:
    """Return True if a fan-out of this entry would tell nothing new: the payers already have this evidence, from the
    previous entry or the current one, or a number is lifted that nobody had confirmed, so that there is no evidence to
    withdraw. Else return False.

    The payers have it already when a signal is repeated after a crash, or when an equivalent entry replaced the
    signal's entry.
    """
    before, entry = fanned.before, fanned.entry
    if entry.standing is WatchStatus.LIFTED and entry.subject.startswith("phone:"):
        decided = before is not None and before.standing in (WatchStatus.CONFIRMED, WatchStatus.LIFTED)
        if not decided:
            return True
    if before is None or before.standing is not entry.standing:
        return False
    if entry.uid != item.signal.uid:
        return standing_of(item.signal) is not entry.standing
    return repeats(entry, before)


def standing_of(signal: Signal) -> WatchStatus:
    """Return the status that a signal gives its suspect: that of its state for a watchlist signal, REPORTED for any
    other signal.
    """
    return WatchStatus(signal.state) if signal.kind == "watchlist" else WatchStatus.REPORTED


def _same_question(before: WatchEntry | None, entry: WatchEntry) -> bool:
    """Return True if the previous entry asked persons for the same decision: both requests have the same id."""
    return bool(before and before.asked and entry.asked and before.asked.id == entry.asked.id)


def _counts(fanned: Fanned, record: PayersAnswered) -> bool:
    """Return True if the decision takes effect: it changes the entry now, or had changed it before a crash."""
    before, entry = fanned.before, fanned.entry
    if entry is not before:
        return True
    if record.alert:
        return entry.asked is None and entry.standing is not WatchStatus.LIFTED
    return entry.asked is not None and entry.asked.id == record.request


def _said(
    offset: int,
    slice_of: tuple[str, int],
    at: datetime,
    arrived: datetime,
    evidence: Iterable[tuple[ResidentId, Evidence]],
) -> RecordMatches:
    # No signal: only its arrival is used, and it is not counted.
    item = Item(offset, 0, cast("Signal", _Cause(arrived)))
    return RecordMatches(offset, at, [SignalMatch(item, None, others=list(evidence), suspect=True)], slice_of)


def _request(item: Item, fanned: Fanned) -> PayersRequest:
    asked = fanned.entry.asked
    if asked is None:
        raise ValueError("nobody is asked about this entry")
    payments = fanned.paid.payments
    return PayersRequest(id=asked.id, entry=fanned.entry, source=item.signal.source, at=asked.before, payments=payments)

"""Validates signals from feeds and writes them to Kafka; used by HTTP intake and file intake.

A signal is accepted once Kafka has acknowledged it with acks=all. Accepted signals are counted here, by source.
"""

from collections import Counter as Count
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from prometheus_client import Counter
from pydantic import ValidationError

from domain.calendar import FAST_CLOCK
from domain.feeds.source_rights import NO_DECISIONS, SourceRights, refusal
from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.links import normal_link
from domain.risk.lanes import urgent
from schemas.administration.dead_letters import KEPT_BYTES
from schemas.errors import field_name
from schemas.risk import wire
from schemas.risk.signals import BATCH_LIMIT, CallEnd, Signal, signal_adapter
from streams.messaging import sources
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import SIGNALS, SIGNALS_URGENT, shard_of
from streams.runtime.settings import Settings

ACCEPTED = Counter("quanzu_signals_accepted", "Signals accepted by intake and written to Kafka", ["source"])

RECORD_BYTES = KEPT_BYTES - 1_000  # of a record's value, so that a dead letter holds it whole, also encrypted
MOST_FIELDS = 20  # more than any kind of signal has; checked first because each unknown field would be a fault
MOST_FAULTS = 8  # reported for one item: an answer must not be longer than its request
LONGEST_NUMBER = 128  # characters; the schema refuses longer numbers and ids
LONGEST_VALUE = 1_024  # characters, of a link; the schema refuses longer ones, so they are not normalized


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in an item of a request or file: the error (`what`), and how to correct it (`do`).

    Neither text contains the item's values, which may be personal data.
    """

    item: int  # the item's index, from 0
    field: str | None  # None: the item as a whole
    what: str
    do: str
    id: str | None = None  # the id that the sender gave, if it can be read

    def __str__(self) -> str:
        return f"{self.field or 'item'}: {self.what}. {self.do}"

    @property
    def why(self) -> str:
        """The error with its field, such as for the counts of a file: without how to correct it."""
        return f"{self.field}: {self.what}" if self.field else self.what


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Replaces an item that could not be parsed as a JSON object or row. `what`: the error; `do`: how to correct it."""

    what: str
    do: str = "Send it as a JSON object, each field once"


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of validation: the valid signals, each with its item's index, and the faults of the other items."""

    good: list[tuple[int, Signal]]
    faults: list[Fault]

    @property
    def signals(self) -> list[Signal]:
        """The valid signals, in the items' order."""
        return [signal for _, signal in self.good]


class Intake:
    """Writes signals to Kafka. Signals of one lane and partition are written together, in as few records as
    possible.
    """

    def __init__(self, producer: Producer, settings: Settings) -> None:
        self._producer = producer
        self._partitions = settings.partitions

    @property
    def producer(self) -> Producer:
        """The producer that writes the signals; file intake writes its dead letters with it."""
        return self._producer

    async def accept(self, signals: Sequence[Signal]) -> dict[str, int]:
        """Write the signals, and return the number accepted by source once Kafka has acknowledged all of them; empty
        without signals. Counts them in the metric.

        Waits while Kafka is unavailable; cancel to give up. Some signals may then have been written: send all of them
        again, because readers drop signals with a known id. Raises SendError if Kafka refuses a record permanently,
        CodecError or SettingsError if it cannot be encrypted, and RuntimeError if the producer is not started.
        """
        await self._producer.send_all(records_of(signals, self._partitions))
        accepted = Count(signal.source for signal in signals)
        for source, number in accepted.items():
            ACCEPTED.labels(sources.label(source)).inc(number)
        return dict(accepted)


def examine(items: Iterable[object], now: datetime, rights: SourceRights = NO_DECISIONS) -> Examined:
    """Return the valid signals and the faults of `items`, each with its item's index (from 0). An item may have several
    faults, 8 at most. Never raises.

    Valid signals get normalized numbers and `arrived` = `now`; the other party's telephone number and a link stay as
    they came if they cannot be normalized. A time `at` up to 5 minutes in the future becomes `now`; a later one is a
    fault, because it was misread, for example in another time zone. A signal of a kind that its source has no right to
    send is a fault; it is not accepted as a weaker kind, because its sender would not notice.
    """
    found = Examined([], [])
    for index, item in enumerate(items):
        signal = _permitted(index, _consistent(index, _examined(index, item, now)), rights)
        if isinstance(signal, list):
            found.faults.extend(replace(fault, id=_own_id(item)) for fault in signal)
        else:
            found.good.append((index, signal))
    return found


def subject(signal: Signal) -> str:
    """Return the value by which a signal's partition is chosen: the payer's account of a transfer, the called number of
    a call, the receiver's number of an SMS, the listed value of a watchlist signal, and the telephone number of an app
    signal or a report. So signals of one lane with the same value keep their order.
    """
    if signal.kind == "transfer":
        return signal.payer
    if signal.kind == "call":
        return signal.called
    if signal.kind == "sms":
        return signal.receiver
    if signal.kind == "watchlist":
        return signal.value
    return signal.phone


def records_of(signals: Iterable[Signal], partitions: int) -> list[Record]:
    """Return the Kafka records for `signals`, those of the urgent lane first. `partitions`: the number of partitions of
    the topics.

    The signals of one lane and partition keep their order; a record holds at most 500 signals and 599,000 bytes, or one
    longer signal. Empty without signals.
    """
    shards: defaultdict[tuple[str, int], list[Signal]] = defaultdict(list)
    for signal in signals:
        lane = SIGNALS_URGENT if urgent(signal) else SIGNALS
        shards[lane.name, shard_of(subject(signal), partitions)].append(signal)
    return [
        Record(lane, str(shard).encode(), value, shard)
        for (lane, shard), members in sorted(shards.items(), reverse=True)  # the urgent lane first
        for start in range(0, len(members), BATCH_LIMIT)
        for value in _values(members[start : start + BATCH_LIMIT])
    ]


def _values(signals: list[Signal]) -> Iterator[bytes]:
    value = wire.record(signals)
    if len(value) <= RECORD_BYTES or len(signals) == 1:
        yield value
        return
    half = len(signals) // 2
    yield from _values(signals[:half])
    yield from _values(signals[half:])


def _own_id(item: object) -> str | None:
    raw = item.get("id") if isinstance(item, dict) else None
    return raw if isinstance(raw, str) and len(raw) <= LONGEST_NUMBER and raw.isprintable() else None


def _examined(index: int, item: object, now: datetime) -> Signal | list[Fault]:
    if isinstance(item, Unreadable):
        return [Fault(index, None, item.what, item.do)]
    if not isinstance(item, dict):
        return [Fault(index, None, "not an object", "Send each signal as a JSON object")]
    if len(item) > MOST_FIELDS:
        return [Fault(index, None, f"over {MOST_FIELDS} fields", "Leave out fields that this kind of signal lacks")]
    spelt, faults = _spelt(index, item)
    if _is_number(item.get("at")):
        faults.append(Fault(index, "at", "a number, not a date and time", _TIME))
    spelt["arrived"] = now
    if not faults and (plain := wire.parse_item_fast(spelt)):
        return plain
    try:
        signal = signal_adapter.validate_python(spelt)
    except ValidationError as error:
        named = {fault.field for fault in faults}
        more = [_fault(index, detail) for detail in error.errors(include_url=False, include_input=False)]
        return (faults + [fault for fault in more if fault.field not in named])[:MOST_FAULTS]
    return faults or _of_now(index, signal, now)


def _of_now(index: int, signal: Signal, now: datetime) -> Signal | list[Fault]:
    """Return the signal, which lies in the future only if the sender's clock is a little fast: then it is of now."""
    if signal.at <= now:
        return signal
    if (ahead := signal.at - now) <= FAST_CLOCK:
        return signal.model_copy(update={"at": now})
    return [Fault(index, "at", f"lies {_span(ahead)} in the future", f"{_TIME}, or set the sender's clock")]


def _consistent(index: int, found: Signal | list[Fault]) -> Signal | list[Fault]:
    """Return what was found, but for a call whose end contradicts its other fields a fault: the seconds of a call are
    evidence of a talk.
    """
    if isinstance(found, list) or found.kind != "call" or found.ended is None:
        return found
    if found.ongoing:
        return [
            Fault(index, "ended", "the call goes on", "Leave ended out until the call is over, or ongoing after it")
        ]
    if found.ended is not CallEnd.ANSWERED and found.seconds:
        do = "Send 0, because seconds count from the answer on, or correct ended"
        return [Fault(index, "seconds", "the call was not answered", do)]
    return found


def _span(span: timedelta) -> str:
    """Return a time span in its largest unit, such as "8 hours"."""
    for unit, size in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if span >= 2 * size:
            return f"{span // size} {unit}"
    return f"{span // timedelta(seconds=1)} seconds"


def _is_number(value: object) -> bool:
    """Return True for a number, also as text. Read as a time, it would be seconds since 1970, which nobody means."""
    return isinstance(value, int | float) or (isinstance(value, str) and value.strip().lstrip("+-").isdecimal())


def _permitted(index: int, found: Signal | list[Fault], rights: SourceRights) -> Signal | list[Fault]:
    if isinstance(found, list) or (lacked := rights.lacking(found)) is None:
        return found
    field = "state" if found.kind == "watchlist" else "kind"
    return [Fault(index, field, *refusal(lacked))]


# --- normalized numbers -----------------------------------------------------------------------------------------------

_Spelling = Callable[[str], str]


def _as_it_came(spell: _Spelling, raw: str) -> str:
    """Return the number normalized, or unchanged if it is invalid.

    Used for the other party, which may have a name or a forged number. Only the subject needs a valid number.
    """
    try:
        return spell(raw)
    except ValueError:
        return raw


_any_phone = partial(_as_it_came, normal_phone)
_any_link = partial(_as_it_came, normal_link)

_SPELLINGS: dict[str, dict[str, _Spelling]] = {
    "transfer": {"payer": normal_account, "payee": normal_account},
    "call": {"caller": _any_phone, "called": normal_phone},
    "sms": {"sender": _any_phone, "receiver": normal_phone},
    "app": {"phone": normal_phone},
    "report": {
        "phone": normal_phone,
        "suspect_phone": _any_phone,
        "suspect_account": normal_account,
        "suspect_link": _any_link,
    },
    "watchlist account": {"value": normal_account},
    "watchlist phone": {"value": normal_phone},
    "watchlist link": {"value": normal_link},
}


def _spelt(index: int, item: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return a copy of the item with normalized numbers, and a fault for each invalid number. Values that are no text
    are left for the schema to check.
    """
    spelt, faults = dict(item), []
    for field, spell in _SPELLINGS.get(_kind(item), {}).items():
        raw = item.get(field)
        if isinstance(raw, str) and 0 < len(raw) <= LONGEST_VALUE:
            try:
                spelt[field] = spell(raw)
            except ValueError as error:
                faults.append(Fault(index, field, str(error), "Correct the number and send this item again"))
    return spelt, faults


def _kind(item: Mapping[str, Any]) -> str:
    kind = item.get("kind")
    return f"watchlist {item.get('subject')}" if kind == "watchlist" else str(kind)


# --- error texts ------------------------------------------------------------------------------------------------------

_KINDS = "Write transfer, call, sms, app, report or watchlist"
_WHOLE = "Write a whole number without a point or quotes; money is in fen (1 yuan = 100)"
_TIME = "Write it with its offset, such as 2026-03-01T11:12:00+08:00"
_DO = {
    "missing": "Add it",
    "extra_forbidden": "Leave it out, or correct its name",
    "union_tag_invalid": _KINDS,
    "union_tag_not_found": _KINDS,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "timezone_aware": _TIME,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
}
_WHAT = {
    "missing": "the field is missing",
    "extra_forbidden": "no such field in this kind of signal",
    "union_tag_invalid": "no such kind of signal",  # pydantic's own text would repeat what was sent
    "union_tag_not_found": "the field is missing",
    "datetime_from_date_parsing": "not a time",
    "datetime_parsing": "not a time",
}


def _fault(index: int, detail: Mapping[str, Any]) -> Fault:
    kind, where = detail["type"], detail["loc"]
    field = "kind" if kind.startswith("union_tag") else _name(where[1] if len(where) > 1 else None)
    what = _WHAT.get(kind) or str(detail["msg"]).removeprefix("Value error, ")
    return Fault(index, field, what, _DO.get(kind, "Correct it and send this item again"))


def _name(field: object) -> str | None:
    return field_name(field) if isinstance(field, str) else None

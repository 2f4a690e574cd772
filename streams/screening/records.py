"""Parses the records of the signal lanes into signals. Invalid input becomes dead letters."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
import orjson
from aiokafka import TopicPartition
from pydantic import Field, TypeAdapter, ValidationError

from domain.feeds.source_rights import SourceRights, refusal
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.base import ANY_VERSION, Token
from schemas.risk.evidence import ScreeningOutcome
from schemas.risk.fan_outs import FanOut, PayersAnswered
from schemas.risk.signals import BATCH_LIMIT, SentAgain, Signal, batch_adapter, signal_adapter
from schemas.risk.wire import parse_record_fast, record
from streams.messaging.codec import LOST, Unreadable, reason_of_letter
from streams.messaging.dead_letter_writer import reason
from streams.messaging.record import Raw
from streams.screening.payers import unpacked

UNKNOWN = "unknown"
TOO_DEEP = "nested too deep: a signal is an object of plain values"
_OF_FAN_OUTS = ("fan_out", "payers_answered")
_fan_out: TypeAdapter[FanOut | PayersAnswered] = TypeAdapter(
    Annotated[FanOut | PayersAnswered, Field(discriminator="kind")]
)
_token: TypeAdapter[str] = TypeAdapter(Token)


class Item(msgspec.Struct, frozen=True, gc=False):
    """One signal (`signal`), with the offset of its record and its index in that record (`number`, from 0)."""

    offset: int
    number: int
    signal: Signal

    @property
    def arrived(self) -> datetime:
        """When the signal arrived at intake; if that is unknown, the signal's own time."""
        return self.signal.arrived or self.signal.at


@dataclass(slots=True)
class ReadBatch:
    """The content of some records.

    `records`: each record's offset and signals; `letters`: dead letters to be written; `tally`: number of dead letters
    by `source|outcome`, less those that were resent; `again`: by offset, the dead letter that the record resends;
    `fan_outs`: by offset, the record's slice or decision.
    """

    records: list[tuple[int, list[Item]]]
    letters: list[DeadLetter]
    tally: Counter[str]
    again: dict[int, SentAgain]
    fan_outs: dict[int, FanOut | PayersAnswered] = field(default_factory=dict)


def read(tp: TopicPartition, raws: Sequence[Raw], at: datetime) -> ReadBatch:
    """Return the parsed content of records of the lane and partition `tp`. Invalid signals become dead letters of the
    time `at` (in `letters`); nothing is written.

    A valid record takes one validation; of an invalid one, each signal is validated separately.
    """
    batch = ReadBatch([], [], Counter(), {})
    for raw in raws:
        add(batch, tp, raw, at, partial(batch_adapter.validate_json, extra=ANY_VERSION))
    return batch


def quickly(record: bytes) -> list[Signal]:
    """Return the signals of a valid record, in order, parsed without pydantic if possible. The caller must not change
    them.

    Raises ValidationError if the record is not a valid batch of signals.
    """
    return parse_record_fast(record) or batch_adapter.validate_json(record, extra=ANY_VERSION)


def add(batch: ReadBatch, tp: TopicPartition, raw: Raw, at: datetime, whole: Callable[[bytes], list[Signal]]) -> None:
    """Add one more record, parsed into its signals, to the batch (which this changes). Invalid signals become dead
    letters of the batch, of the time `at`.

    `whole`: parses a valid record, and raises ValidationError for an invalid one.
    """
    try:
        signals = list(enumerate(whole(raw.value)))
    except ValidationError:
        signals = _one_by_one(tp, raw, at, batch)
    batch.records.append((raw.offset, [Item(raw.offset, number, signal) for number, signal in signals]))


def withhold(batch: ReadBatch, tp: TopicPartition, raw: Raw, at: datetime, rights: SourceRights) -> None:
    """Remove the signals that their sources may not send from the batch's last record, and add dead letters of the time
    `at` for them to the batch. `raw`: that record.

    Intake refuses such signals, but a feed with access to Kafka, or a process with other settings, may have written
    them. If the record resends a dead letter, the whole record is refused. Raises IndexError if the batch has no
    record.
    """
    offset, items = batch.records[-1]
    lacked = [(item, lack) for item in items if (lack := rights.lacking(item.signal))]
    if not lacked:
        return
    if batch.again.pop(offset, None) is not None:
        batch.records[-1] = (offset, [])
        refuse(batch, place_of(tp, offset, None), UNKNOWN, ". ".join(refusal(lacked[0][1])), raw.value, at)
        return
    batch.records[-1] = (offset, [item for item in items if rights.lacking(item.signal) is None])
    for item, lack in lacked:
        signal, place = item.signal, place_of(tp, offset, item.number)
        refuse(batch, place, signal.source, ". ".join(refusal(lack)), record([signal])[1:-1], at)


def refuse(batch: ReadBatch, place: RecordPlace, source: str, why: str, value: bytes, at: datetime) -> None:
    """Add a dead letter of the time `at` for a refused signal to the batch, and count it in its tally. `source`: of the
    signal; `why`: the reason; `value`: the refused bytes.
    """
    batch.letters.append(DeadLetter.of(source, place, reason_of_letter(place.topic, why, value), value, at))
    batch.tally[f"{source}|{ScreeningOutcome.DEAD_LETTERED}"] += 1


def once(batch: ReadBatch, counted: Mapping[str, int]) -> dict[str, int]:
    """Drop the records of the batch that resend a dead letter which another record has resent and counted before, and
    return the dead letters that the remaining records resend: by id, the offset of the record that counts.

    `counted`: by id of the dead letter, the offset of the record that counted it. Each returned letter reduces the
    count of dead letters in the batch's `tally` by one, if the letter was counted.
    """
    first = dict(counted)
    repeated = {offset for offset, again in batch.again.items() if first.setdefault(again.letter, offset) != offset}
    batch.records = [record for record in batch.records if record[0] not in repeated]
    for offset, again in batch.again.items():
        if again.tallied is not None and offset not in repeated:
            batch.tally[f"{again.tallied}|{ScreeningOutcome.DEAD_LETTERED}"] -= 1
    return {again.letter: offset for offset, again in batch.again.items() if offset not in repeated}


def place_of(tp: TopicPartition, offset: int, item: int | None) -> RecordPlace:
    """Return the place of a signal: topic, partition and offset of its record, and its index there (`item`, from 0;
    None: the whole record).
    """
    return RecordPlace(topic=tp.topic, partition=tp.partition, offset=offset, item=item)


def _one_by_one(tp: TopicPartition, raw: Raw, at: datetime, batch: ReadBatch) -> list[tuple[int, Signal]]:
    try:
        content = orjson.loads(raw.value)
    except orjson.JSONDecodeError as error:
        why = LOST if isinstance(raw.value, Unreadable) else f"not JSON: {error}"
        refuse(batch, place_of(tp, raw.offset, None), UNKNOWN, why, raw.value, at)
        return []
    if isinstance(content, dict) and content.get("kind") == "sent_again":
        return _sent_again(tp, raw, at, batch)
    if isinstance(content, dict) and content.get("kind") in _OF_FAN_OUTS:
        return _of_fan_out(tp, raw, at, batch)
    items = content if isinstance(content, list) else [content]
    if not 1 <= len(items) <= BATCH_LIMIT:  # a megabyte of empty items would be half a million dead letters
        why = f"{len(items):,} signals in one record: it holds 1 to {BATCH_LIMIT}"
        refuse(batch, place_of(tp, raw.offset, None), UNKNOWN, why, raw.value, at)
        return []
    signals = []
    for number, item in enumerate(items):
        try:
            value = orjson.dumps(item)
            signals.append((number, signal_adapter.validate_json(value, extra=ANY_VERSION)))
        except orjson.JSONEncodeError:  # it writes less nesting than it reads
            refuse(batch, place_of(tp, raw.offset, number), _source(item), TOO_DEEP, raw.value, at)
        except ValidationError as error:
            refuse(batch, place_of(tp, raw.offset, number), _source(item), reason(error), value, at)
    return signals


def _sent_again(tp: TopicPartition, raw: Raw, at: datetime, batch: ReadBatch) -> list[tuple[int, Signal]]:
    try:
        again = SentAgain.model_validate_json(raw.value, extra=ANY_VERSION)
    except ValidationError as error:
        refuse(batch, place_of(tp, raw.offset, None), UNKNOWN, reason(error), raw.value, at)
        return []
    batch.again[raw.offset] = again
    return list(enumerate(again.signals))


def _of_fan_out(tp: TopicPartition, raw: Raw, at: datetime, batch: ReadBatch) -> list[tuple[int, Signal]]:
    try:
        told = _fan_out.validate_json(raw.value, extra=ANY_VERSION)
        if isinstance(told, FanOut):
            unpacked(told.after)
        batch.fan_outs[raw.offset] = told
    except ValueError as error:
        why = reason(error) if isinstance(error, ValidationError) else "after: not a payment as it is kept"
        refuse(batch, place_of(tp, raw.offset, None), UNKNOWN, why, raw.value, at)
    return []


def _source(item: object) -> str:
    try:
        return _token.validate_python(item["source"] if isinstance(item, dict) else None)
    except (KeyError, ValidationError):
        return UNKNOWN

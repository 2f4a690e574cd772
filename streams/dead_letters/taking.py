"""Turns dead letters into records to write, with the code that accepts their kind, or says why this is impossible.

An item keeps its id. By the id, the case, the channel's dispatch log and the evidence recognize items that they already
have. So nothing counts twice, even if somebody else sends the same item meanwhile.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import ValidationError

from domain.dispatches import ids as dispatch_ids
from domain.feeds import bank_mapping
from domain.feeds.bank_rows import payment
from domain.feeds.cells import CellError
from domain.feeds.file_mapping import FileMappingError
from domain.feeds.source_rights import NO_DECISIONS, SourceRights
from schemas.administration.dead_letters import DeadLetter, LinePlace, RecordPlace
from schemas.casework.events import Dispatch
from schemas.casework.inputs import CaseInput, HoldChange, PolicyChange, input_adapter
from schemas.channels.bank_messages import ReportedFeedback
from schemas.risk import wire
from schemas.risk.signals import BATCH_LIMIT, SentAgain, Signal, batch_adapter
from streams.dead_letters.repaired import (
    HOW_TO_REPAIR,
    CannotSendError,
    Repair,
    items_of,
    lacks,
    one_object,
    repaired_call,
    repaired_cells,
    repaired_json,
    repaired_row,
)
from streams.intake.acceptor import examine
from streams.intake.files import row_id
from streams.intake.formats import FORMATS, Options, format_of
from streams.intake.formats.rows import RowError
from streams.messaging.dead_letter_writer import reason
from streams.messaging.producer import MAX_BYTES, Record
from streams.messaging.topics import CASE_INPUTS, DISPATCHES, LANES, OUTSIDE_INPUTS, SIGNALS, home, partition_of

LANE_NAMES = frozenset(lane.name for lane in LANES)
DISPATCH_NAMES = frozenset(topic.name for topic in DISPATCHES)
LARGEST_BYTES = MAX_BYTES - 1_000  # of a value: its key and Kafka's own fields are added


@dataclass(frozen=True, slots=True)
class Ready:
    """The record to write for a dead letter, and the `ids` of the items in it.

    `signals`: the signals that count as accepted now (rows of files; else empty).
    """

    record: Record
    ids: list[str]
    signals: list[Signal]


def ready(
    letter: DeadLetter, mended: Repair, partitions: int, now: datetime, rights: SourceRights = NO_DECISIONS
) -> Ready:
    """Return the record to write for a dead letter, after its repair (`mended`). Nothing is written.

    Raises CannotSendError if it is invalid after the repair, only its beginning is stored, the stored mapping of a
    bank's file is invalid, or dead letters of its topic cannot be sent again; MappingError if the mapping fails.
    """
    if not isinstance(mended, bytes) and letter.size and not letter.raw:
        raise CannotSendError(
            "its bytes cannot be read here. Send the whole of it, repaired, or use `quanzu dead send-again`"
        )
    if not isinstance(mended, bytes) and letter.size > len(letter.content):
        raise CannotSendError(
            f"only the first {len(letter.content):,} of {letter.size:,} bytes are kept. Write the whole of it to a "
            "file, repaired, and send that"
        )
    if isinstance(letter.where, LinePlace):
        return _row(letter, letter.where, mended, partitions, rights, now)
    if letter.where.topic in LANE_NAMES:
        return _signals(letter, letter.where, mended, rights, now)
    if letter.where.topic in (OUTSIDE_INPUTS.name, CASE_INPUTS.name):
        return _input(letter, letter.where, mended, partitions)
    if letter.where.topic in DISPATCH_NAMES:
        return _dispatch(letter, letter.where, mended, partitions)
    raise CannotSendError(f"nothing takes a letter of {letter.where.topic} in again: have its writer write it anew")


# --- signals ----------------------------------------------------------------------------------------------------------


def _signals(letter: DeadLetter, where: RecordPlace, mended: Repair, rights: SourceRights, now: datetime) -> Ready:
    items = items_of(repaired_json(letter.content, mended))
    if where.item is not None and len(items) != 1:
        raise CannotSendError(f"the letter is one signal, and these are {len(items)}")
    found = _examined([_named(item, letter.id, n, len(items)) for n, item in enumerate(items)], rights, now)
    return Ready(_again(letter, letter.source, found, where.topic, where.partition), _ids(found), [])


def _row(
    letter: DeadLetter, where: LinePlace, mended: Repair, partitions: int, rights: SourceRights, now: datetime
) -> Ready:
    reading = where.reading
    declared = reading is not None and (reading.mapping or reading.calls or reading.stix)
    if letter.source not in FORMATS and not declared:
        raise CannotSendError(f"no files of the format {letter.source} are taken in here")
    try:
        found = _examined([_row_item(letter, where, mended, now)], rights, now)
    except (RowError, CellError) as error:
        raise CannotSendError(f"{error}. {HOW_TO_REPAIR}") from None
    # The partition depends on the letter's id, not on the subject: so it is the same however the row is repaired, and
    # duplicates are recognized there.
    partition = partition_of(letter.id.encode(), partitions)
    return Ready(_again(letter, None, found, SIGNALS.name, partition), _ids(found), found)


def _row_item(letter: DeadLetter, where: LinePlace, mended: Repair, now: datetime) -> object:
    header, options = _reading(where, now)
    row = row_id(where.digest, where.line)
    if (bank := options.mapping) is not None:
        return payment(bank, repaired_cells(header, letter.content, bank, mended), row)
    form = format_of(letter.source, options)
    if options.calls is not None:
        line = repaired_call(options.calls, letter.content, mended)
    elif form.header:
        header, line = repaired_row(header, letter.content, mended)
    else:
        line = repaired_json(letter.content, mended)
    return form.open(header, options)(line, row)


def _named(item: object, letter: str, number: int, of: int) -> object:
    if not isinstance(item, dict) or not lacks(item, "id"):
        return item
    return item | {"id": letter if of == 1 else f"{letter}/{number}"}


def _examined(items: list[object], rights: SourceRights, now: datetime) -> list[Signal]:
    """Return the signals, validated as intake does. Raises CannotSendError if an item is invalid."""
    found = examine(items, now, rights)
    if found.faults:
        raise CannotSendError("; ".join(str(fault) for fault in found.faults[:10]))
    if not 1 <= len(found.good) <= BATCH_LIMIT:
        raise CannotSendError(f"{len(found.good)} signals: a letter holds 1 to {BATCH_LIMIT}")
    return found.signals


def _again(letter: DeadLetter, tallied: str | None, found: list[Signal], topic: str, partition: int) -> Record:
    signals = batch_adapter.validate_json(wire.record(found))
    value = SentAgain(letter=letter.id, tallied=tallied, signals=signals).model_dump_json().encode()
    if len(value) > LARGEST_BYTES:
        raise CannotSendError(f"{len(value):,} bytes: Kafka takes {LARGEST_BYTES:,} at most")
    return Record(topic, letter.id.encode(), value, partition)


def _ids(found: list[Signal]) -> list[str]:
    return [signal.uid for signal in found]


# --- inputs of cases, and dispatches ----------------------------------------------------------------------------------


def _input(letter: DeadLetter, where: RecordPlace, mended: Repair, partitions: int) -> Ready:
    fields = one_object(items_of(repaired_json(letter.content, mended)))
    named = {**fields, "id": f"dead:{letter.id}"} if lacks(fields, "id") else fields
    try:
        if where.topic == OUTSIDE_INPUTS.name and named.get("kind") == "bank_feedback":
            given: CaseInput = ReportedFeedback.model_validate_json(orjson.dumps(named))
        else:
            given = input_adapter.validate_json(orjson.dumps(named))
    except ValidationError as error:
        raise CannotSendError(f"{reason(error)}. {HOW_TO_REPAIR}") from None
    if isinstance(given, PolicyChange | HoldChange):  # each partition has its own copy of the change
        key, partition = "rules", where.partition
    else:
        key, partition = given.resident, home(given.resident, partitions)
    value = given.model_dump_json().encode()
    return Ready(Record(where.topic, key.encode(), value, partition), [given.id], [])


def _dispatch(letter: DeadLetter, where: RecordPlace, mended: Repair, partitions: int) -> Ready:
    try:
        given = Dispatch.model_validate_json(repaired_json(letter.content, mended))
        name = dispatch_ids.parse(given.id)
    except ValidationError as error:
        raise CannotSendError(f"{reason(error)}. {HOW_TO_REPAIR}") from None
    except ValueError as error:
        raise CannotSendError(f"id: {error}") from None
    told = (given.case, given.resident, given.step, given.attempt, given.channel)
    if told != (name.case, name.resident, name.step, name.attempt, name.channel):
        raise CannotSendError("the id tells of another case, step, attempt or channel than the dispatch does")
    value = given.model_dump_json().encode()
    return Ready(Record(where.topic, given.resident.encode(), value, home(given.resident, partitions)), [given.id], [])


def _reading(where: LinePlace, now: datetime) -> tuple[bytes, Options]:
    if where.reading is None:
        raise CannotSendError("the file's header is not kept with it. Take the mended rows in as a file")
    try:
        zone = ZoneInfo(where.reading.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise CannotSendError("the file's zone has no name. Take the mended rows in as a file") from None
    read = where.reading
    try:
        bank = bank_mapping.load(read.mapping, "the stored mapping") if read.mapping else None
    except FileMappingError as error:
        raise CannotSendError(f"{error}. Take the mended rows in as a file") from None
    options = Options(read.start, zone, bank, calls=read.calls, stix=read.stix, now=now)
    return base64.b64decode(where.reading.header), options

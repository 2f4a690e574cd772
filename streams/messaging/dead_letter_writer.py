"""Handling of unreadable records: those from outside become dead letters; our own are skipped, logged and counted."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from prometheus_client import Counter
from pydantic import ValidationError

from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.errors import field_name
from streams.messaging import sources
from streams.messaging.codec import reason_of_letter
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import DEAD_LETTERS
from streams.runtime.clock import Clock

WRITTEN = Counter("quanzu_dead_letters", "Dead letters written", ["source"])

MOST_FAULTS = 10  # reported for one record: the first ones matter for its repair


async def write(producer: Producer, letters: Sequence[DeadLetter]) -> None:
    """Write dead letters to their topic, count them in the metrics, and return when Kafka has acknowledged them.

    Waits while Kafka or the vault is unavailable. Raises SendError if Kafka refuses a dead letter permanently,
    CodecError if one cannot be encrypted, and AccessError if the vault denies access.
    """
    await producer.send_all([_record(letter) for letter in letters])
    for letter in letters:
        WRITTEN.labels(sources.label(letter.source)).inc()


class DeadLetters:
    """Writes records that were refused to the topic of dead letters."""

    def __init__(self, producer: Producer, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock

    async def record(
        self,
        topic: str,
        partition: int,
        offset: int,
        raw: bytes,
        why: Exception | str,
        source: str | None = None,
        item: int | None = None,
    ) -> None:
        """Write a refused record, or one item of it, as a dead letter. Returns when Kafka has acknowledged it.

        `raw`: the refused bytes; `item`: the item's index in the record, from 0, None for the complete record; `why`:
        the error or reason; `source`: where the record came from, None if unknown: then the topic's name. Waits while
        Kafka or the vault is unavailable. Raises ValidationError if `source` is not a valid name of a source, SendError
        if Kafka refuses the dead letter permanently, and CodecError if it cannot be encrypted.
        """
        where = RecordPlace(topic=topic, partition=partition, offset=offset, item=item)
        told = reason_of_letter(topic, reason(why), raw)
        await write(self._producer, [DeadLetter.of(source or topic, where, told, raw, self._clock.now())])


def reason(why: Exception | str) -> str:
    """Return a text with the reason for which a record was refused: the error's text; for a ValidationError, its first
    10 faults, each with its field, and the number of the others.

    The text of a ValidationError's faults does not repeat the record's values, because it is displayed and logged.
    """
    if not isinstance(why, ValidationError):
        return str(why)
    faults = why.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{_where(fault['loc'])}: {_said(fault['type'], fault['msg'])}" for fault in faults[:MOST_FAULTS]]
    return "; ".join([*told, f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else told)


def _where(loc: Sequence[int | str]) -> str:
    return ".".join(map(field_name, loc)) or "record"


def _said(kind: str, message: str) -> str:
    # This is the one message of pydantic that repeats the input.
    return "no such kind" if kind == "union_tag_invalid" else message.removeprefix("Value error, ")


def _record(letter: DeadLetter) -> Record:
    return Record(DEAD_LETTERS.name, letter.source.encode(), letter.model_dump_json().encode())


log = logging.getLogger(__name__)

PASSED_OVER = Counter("quanzu_records_passed_over", "Unreadable records of own topics that were skipped", ["topic"])

Read = TypeVar("Read")


def readable(topic: str, offset: int, read: Callable[[], Read]) -> Read | None:
    """Return the result of `read`. If it raises ValueError (the record is invalid), log and count that, and return
    None. Other errors of `read` pass through.

    `topic`, `offset`: the place of the record, for the log.
    """
    try:
        return read()
    except ValueError as error:
        PASSED_OVER.labels(topic).inc()
        log.error("%s, offset %d, cannot be read and is passed over: %s", topic, offset, reason(error))  # noqa: TRY400 - its traceback would show what the record holds
        return None

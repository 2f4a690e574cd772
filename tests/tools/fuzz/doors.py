"""The doors, in this process: each makes hostile inputs and gives them to the product's own entry function."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from pydantic import BaseModel, ValidationError

from schemas.channels.receipts import BankReceipt, SmsReceipt, StationReceipt, VoiceReceipt
from streams.intake.acceptor import Examined, examine, records_of
from streams.intake.parsing import BodyError, items_of_body, items_of_lines
from streams.messaging.dead_letter_writer import reason
from streams.messaging.record import Raw
from streams.screening.records import read
from tests.tools.fuzz import examples
from tests.tools.fuzz.book import Came, Outcome, Take
from tests.tools.fuzz.mutations import as_json, bent, several

PARTITIONS = 4
SIGNALS = TopicPartition("signals", 0)
RECEIPTS: dict[str, type[BaseModel]] = {
    "sms": SmsReceipt,
    "voice": VoiceReceipt,
    "bank": BankReceipt,
    "station": StationReceipt,
}


@dataclass(frozen=True, slots=True)
class Door:
    """`share`: of all inputs, so many in a thousand. `make` gives the same input for the same chance."""

    name: str
    share: int
    make: Callable[[random.Random], bytes]
    take: Take


def one_of(values: Sequence[Any]) -> Callable[[random.Random], bytes]:
    """JSON out of one of the examples."""
    return lambda chance: as_json(several(chance.choice(values), chance), chance)


def bodies(chance: random.Random) -> bytes:
    """One signal, or an array of them."""
    if chance.random() < 0.5:
        return as_json(several(chance.choice(examples.SIGNALS), chance), chance)
    return as_json(several(chance.choices(examples.SIGNALS, k=chance.randrange(1, 9)), chance), chance)


def lines(chance: random.Random) -> bytes:
    """NDJSON with all ends of lines."""
    items = [as_json(several(chance.choice(examples.SIGNALS), chance), chance) for _ in range(chance.randrange(1, 6))]
    return bent(chance.choice((b"\n", b"\n", b"\r\n", b"\r", b"\n\n")).join(items), chance, 0.1)


def _examined(found: Examined) -> Came:
    for record in records_of(found.signals, PARTITIONS):
        batch = read(SIGNALS, [Raw(0, record.value or b"")], examples.NOW)
        assert not batch.letters, "what intake took screening refuses"
    if found.faults:
        return Came(Outcome.REFUSED, "\n".join(map(str, found.faults[:50])))
    return Came(Outcome.ACCEPTED)


def take_body(body: bytes) -> Came:
    """As POST /signals reads it."""
    try:
        return _examined(examine(items_of_body(body), examples.NOW))
    except BodyError as error:
        return Came(Outcome.REFUSED, str(error))


def take_lines(body: bytes) -> Came:
    """As POST /signals reads NDJSON."""
    try:
        return _examined(examine(items_of_lines(body), examples.NOW))
    except BodyError as error:
        return Came(Outcome.REFUSED, str(error))


def take_record(value: bytes) -> Came:
    """As screening reads a record of the topic of signals."""
    batch = read(SIGNALS, [Raw(0, value)], examples.NOW)
    if batch.letters:
        return Came(Outcome.DEAD_LETTER, "\n".join(letter.why for letter in batch.letters))
    assert batch.records[0][1], "neither a signal nor a dead letter"
    return Came(Outcome.ACCEPTED)


def modelled(validate: Callable[[bytes], object]) -> Take:
    """What is read by a model alone, and refused by its reason."""

    def take(value: bytes) -> Came:
        try:
            validate(value)
        except ValidationError as error:
            return Came(Outcome.DEAD_LETTER, reason(error))
        return Came(Outcome.ACCEPTED)

    return take

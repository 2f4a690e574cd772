"""Dead letters: what came, from where, and why it was refused."""

import pytest
from pydantic import ValidationError

from schemas.administration.dead_letters import KEPT_BYTES, DeadLetter, LinePlace, RecordPlace, letter_adapter
from schemas.risk.signals import signal_adapter
from streams.messaging import topics
from streams.messaging.dead_letter_writer import DeadLetters, reason
from streams.messaging.producer import MAX_BYTES
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer


async def test_a_record_that_cannot_be_read_is_kept_as_it_came_with_its_place(settings: Settings) -> None:
    topics.create(settings)
    producer = make_producer(settings)
    await producer.start()
    try:
        await DeadLetters(producer, Clock()).record("case-inputs", 3, 17, b"\xff\x00", "not JSON")
    finally:
        await producer.stop()
    found = [
        (each.key, letter_adapter.validate_json(each.value or b"")) async for each in read_all(settings, "dead-letters")
    ]
    (letter,) = [letter for key, letter in found if key == b"case-inputs"]
    assert (letter.id, letter.why, letter.content) == ("case-inputs/3/17", "not JSON", b"\xff\x00")


def test_the_same_place_gives_the_same_letter_and_another_item_another() -> None:
    ids = [str(RecordPlace(topic="signals", partition=1, offset=2, item=item)) for item in (None, 0, 1)]
    assert ids == ["signals/1/2", "signals/1/2/0", "signals/1/2/1"]


def test_a_letter_of_something_huge_is_still_one_record() -> None:
    place = LinePlace(file="f.csv", digest="0" * 16, line=1)
    letter = DeadLetter.of("cdr", place, "x" * 5000, b"x" * 3_000_000, Clock().now())
    assert (len(letter.content), letter.size) == (KEPT_BYTES, 3_000_000)
    assert len(letter.model_dump_json()) < MAX_BYTES


@pytest.mark.parametrize(
    "item", [{"kind": "13900000000"}, {"kind": "call", "called": "13900000000", "seconds": "13900000000"}]
)
def test_a_reason_never_repeats_what_was_sent(item: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        signal_adapter.validate_python(item)
    assert reason(refused.value)
    assert "139" not in reason(refused.value)

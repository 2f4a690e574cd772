"""A record that nobody can read costs itself only: it is kept as a dead letter, and the line moves on."""

import pytest

from schemas.administration.dead_letters import DeadLetter
from schemas.levels import Action
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.topics import partition_of
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import scam_app

UNKNOWN = dict.fromkeys(topics.LANES, "unknown")  # the feed's name stands in a signal


@pytest.mark.parametrize(
    "topic",
    [*topics.LANES, topics.OUTSIDE_INPUTS, topics.CASE_INPUTS, *topics.DISPATCHES],
    ids=lambda topic: str(topic.name),
)
async def test_a_poison_record_goes_to_the_dead_letters_and_the_line_moves_on(line: Line, topic: topics.Topic) -> None:
    resident = await line.resident()
    poison = f'{{"kind": "poison for {topic.name}", \udcff'.encode("utf-8", "surrogateescape")
    settings = line.house.settings
    where = partition_of(resident.id.encode(), settings.partitions)
    await line.house.line.producer.send_all([Record(topic.name, b"x", poison, where)])
    await line.signal(scam_app(line, resident))
    await line.advance(minutes=5)
    line.expect(Action.SMS, resident, minutes=3)
    line.expect_nothing_else()
    letters = [DeadLetter.model_validate_json(value) for value in await line.dead_letters()]
    (letter,) = [letter for letter in letters if letter.content == poison]
    assert (letter.source, str(letter.where).partition("/")[0]) == (UNKNOWN.get(topic, topic.name), topic.name)

"""Holds: only one that is in force can be lifted."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from schemas.errors import UserError
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import topics
from streams.operations import rules
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.domain import builders

DATABASE = 11  # of Redis: this file's own
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def line(settings: Settings) -> AsyncIterator[Installation]:
    topics.create(settings)
    own = settings.model_copy(update={"redis": f"{str(settings.redis).rsplit('/', 1)[0]}/{DATABASE}"})
    line = Installation(own, ChannelSettings())
    await line.redis.flushdb()
    await line.producer.start()
    yield line
    await line.close()


async def test_a_hold_that_has_ended_cannot_be_lifted(line: Installation) -> None:
    now = line.clock.now()
    for name, until in (("ended", now - MINUTE), ("standing", now + MINUTE)):
        await line.redis.hset(key("holds", 0), name, builders.hold(name, until).model_dump_json())
    assert [hold.id for hold in await rules.holds_in_force(line)] == ["standing"]
    await rules.lift(line, "standing", "li", "the gateway is back", "release")
    with pytest.raises(UserError, match="no hold 'ended' is in force"):
        await rules.lift(line, "ended", "li", "the gateway is back", "drop")

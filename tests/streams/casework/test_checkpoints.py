"""A store that is built from a checkpoint and the journal after it is the one that the whole journal gives."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from agents.casework import Casework
from domain.consistency.checkpoints import Rejected
from domain.ids import reported_dispatch
from schemas.administration.checkpoints import CheckpointHead, CheckpointSlot
from schemas.casework.events import CaseEvent
from streams.casework.checkpoints.capture import AbandonedError
from streams.casework.checkpoints.heads import REJECTED, newest_checkpoint
from streams.casework.checkpoints.parts import head_key, part_key
from streams.casework.checkpoints.writing import CheckpointWriter
from streams.channels.settings import ChannelSettings
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.producer import Record
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.keys import NAMES, key
from streams.state.partition_state import TopicIds
from tests.streams.casework.test_rebuilding_cases import content
from tests.tools.bench.servers import real
from tests.tools.field import lives
from tests.tools.field.faults.rebuild import told

SEEDS = range(16)
MOST_PEOPLE, ROUNDS, AT_ONCE = 12, 6, 9
ALTERED: tuple[dict[str, Any], ...] = (
    {"parts": 1_000},
    {"cases": 1_000},
    {"partitions": 3},
    {"events": "another"},
    {"entry": "of another owner"},
    {"journal": 1_000_000},
)
NOT_COMPARED = {"state", "outbox", "unsure", "settling", "alerted"}


@pytest.fixture(scope="module")
def servers_of_this_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Kafka and Redis for this file; each test has a partition of its own."""
    with real(tmp_path_factory.mktemp("checkpoints"), partitions=len(SEEDS) + len(ALTERED) + 4) as made:
        topics.create(made)
        yield made


@pytest.fixture
async def line(servers_of_this_file: Settings) -> AsyncIterator[Installation]:
    opened = Installation(servers_of_this_file, ChannelSettings(), Clock())
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


class Life:
    """Random inputs of one partition, which the line is told of piece by piece."""

    def __init__(self, line: Installation, partition: int) -> None:
        self._line, self._partition, self._chance = line, partition, Random(partition)
        start = datetime.now(UTC) - timedelta(hours=23)  # a rebuild carries a day
        people = [lives.resident(self._chance) for _ in range(self._chance.randint(1, MOST_PEOPLE))]
        self._waiting: list[Any] = [lives.alert(person, start, self._chance) for person in people]
        self._waiting.insert(len(self._waiting) // 2, lives.mute(start))
        self._events: list[CaseEvent] = []
        self.rounds = 0

    @property
    def over(self) -> bool:
        return self.rounds >= ROUNDS

    async def goes_on(self, _: float = 0.0) -> None:
        """Tell of the next few inputs; after the last ones, of what follows from all of them."""
        if self.over:
            return
        number = self._chance.randint(1, AT_ONCE)
        now, self._waiting = self._waiting[:number], self._waiting[number:]
        self._events += await told(self._line, self._partition, now)
        if not self._waiting:
            self._waiting, self._events = list(lives.following(self._events, self._chance)), []
            self.rounds = self.rounds + 1 if self._waiting else ROUNDS


async def checkpoint(
    line: Installation, partition: int, slot: CheckpointSlot, rest: Callable[[float], Any] = asyncio.sleep
) -> CheckpointHead:
    return await CheckpointWriter(line.casework_context, page=3, rest=rest).write(partition, slot, lambda: True)


async def rebuilt(line: Installation, partition: int, *, whole: bool) -> dict[str, Any]:
    """The partition's store, lost and built again."""
    await line.redis.delete(*(key(name, partition) for name in NAMES))
    recovery = Casework(line.casework_context).recovery
    await recovery.rebuild(partition, whole=whole)
    await recovery.restore(partition)
    assert await line.store.is_whole(partition)
    found = await content(line.redis, partition)
    return {**found, "offset": await line.store.offset(partition)}


def rejections() -> dict[Rejected, float]:
    """How often a rebuild of this process could not begin at a checkpoint, by the reason."""
    return {reason: REJECTED.labels(reason)._value.get() for reason in Rejected}


def compared(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in NOT_COMPARED}


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_checkpoint_and_the_rest_give_the_store_of_the_whole_journal(line: Installation, seed: int) -> None:
    """The checkpoint begins at any point of a random journal, and inputs are decided while it is written."""
    life, chance = Life(line, seed), Random(f"checkpoints {seed}")
    for _ in range(chance.randint(1, 12)):
        await life.goes_on()
    heads = [await checkpoint(line, seed, CheckpointSlot.FIRST, life.goes_on)]
    if chance.random() < 0.5:
        heads.append(await checkpoint(line, seed, CheckpointSlot.SECOND, life.goes_on))
    rest = chance.choice((0, 3, 1000))
    while rest and not life.over:
        await life.goes_on()
        rest -= 1
    live = {**await content(line.redis, seed), "offset": await line.store.offset(seed)}
    assert await newest_checkpoint(line.settings, TopicIds(line.settings, line.redis), seed) == heads[-1]
    rejected = rejections()
    built = await rebuilt(line, seed, whole=False)
    assert rejections() == rejected, "the checkpoint was used"
    folded = await rebuilt(line, seed, whole=True)
    assert compared(built) == compared(folded) == compared(live)
    assert_what_is_sent_again(heads[-1], built, folded)


def assert_what_is_sent_again(head: CheckpointHead, built: dict[str, Any], folded: dict[str, Any]) -> None:
    """All that was published before the checkpoint need not be published again."""
    built_outbox, outbox = built.get("outbox", {}), folded.get("outbox", {})
    assert built_outbox.items() <= outbox.items()
    assert all(int(name.split(b"/")[0]) <= head.offset for name in outbox.keys() - built_outbox.keys())
    # The whole journal also marks what its channel has reported, if another dispatch of the same entry still waits.
    reported = {reported_dispatch(name.decode()) for name in built["applied"]}
    missing = {name.decode() for name in folded.get("unsure", set()) - built.get("unsure", set())}
    assert missing <= reported, "what may have been sent is known"


async def two_checkpoints(line: Installation, partition: int) -> list[CheckpointHead]:
    life = Life(line, partition)
    for _ in range(4):
        await life.goes_on()
    heads = [await checkpoint(line, partition, CheckpointSlot.FIRST)]
    for _ in range(3):
        await life.goes_on()
    return [*heads, await checkpoint(line, partition, CheckpointSlot.SECOND)]


async def write_head(line: Installation, head: CheckpointHead, value: bytes | None) -> None:
    record = Record(topics.CHECKPOINTS.name, head_key(head.slot), value, head.partition)
    await line.producer.send_all([record])


@pytest.mark.parametrize("number", range(len(ALTERED)))
async def test_a_checkpoint_that_cannot_be_used_gives_way_to_the_one_before(
    line: Installation, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    partition = len(SEEDS) + number
    first, second = await two_checkpoints(line, partition)
    altered = second.model_copy(update=ALTERED[number])
    await write_head(line, second, altered.model_dump_json().encode())
    before = sum(rejections().values())
    built = await rebuilt(line, partition, whole=False)
    assert sum(rejections().values()) > before
    folded = await rebuilt(line, partition, whole=True)
    assert compared(built) == compared(folded)
    assert_what_is_sent_again(first, built, folded)
    used = f"partition {partition} was built from its checkpoint of {first.at}, input {first.offset}"
    assert used in [record.getMessage() for record in caplog.records]


async def test_parts_that_are_damaged_are_not_used_and_the_journal_is_folded(line: Installation) -> None:
    partition = len(SEEDS) + len(ALTERED)
    first, second = await two_checkpoints(line, partition)
    await write_head(line, first, b"no head")
    place = (await end_offsets(line.settings, topics.CHECKPOINTS.name))[partition]
    part = Record(topics.CHECKPOINTS.name, part_key(second.slot, 0), b"no part", partition)
    await line.producer.send_all([part])
    await write_head(line, second, second.model_copy(update={"last": place}).model_dump_json().encode())
    before = rejections()[Rejected.DAMAGED]
    built = await rebuilt(line, partition, whole=False)
    assert rejections()[Rejected.DAMAGED] == before + 2
    assert compared(built) == compared(await rebuilt(line, partition, whole=True))


async def test_who_no_longer_owns_the_partition_completes_no_checkpoint(line: Installation) -> None:
    partition = len(SEEDS) + len(ALTERED) + 1
    await Life(line, partition).goes_on()
    with pytest.raises(AbandonedError, match="deposed"):
        await CheckpointWriter(line.casework_context).write(partition, CheckpointSlot.FIRST, lambda: False)
    assert await newest_checkpoint(line.settings, TopicIds(line.settings, line.redis), partition) is None


async def test_a_store_that_was_lost_meanwhile_gets_no_head(line: Installation) -> None:
    partition = len(SEEDS) + len(ALTERED) + 2
    await Life(line, partition).goes_on()

    async def lose(_: float) -> None:
        await line.store.clear(partition)

    with pytest.raises(AbandonedError, match="not_whole"):
        await checkpoint(line, partition, CheckpointSlot.FIRST, lose)
    assert await newest_checkpoint(line.settings, TopicIds(line.settings, line.redis), partition) is None


async def test_an_operators_rebuild_withdraws_the_checkpoints(line: Installation) -> None:
    partition = len(SEEDS) + len(ALTERED) + 3
    _, second = await two_checkpoints(line, partition)
    ids = TopicIds(line.settings, line.redis)
    assert await newest_checkpoint(line.settings, ids, partition) == second
    await Casework(line.casework_context).upkeep.rebuild(partition, lambda done, of: None)
    assert await newest_checkpoint(line.settings, ids, partition) is None
    again = await checkpoint(line, partition, CheckpointSlot.FIRST)
    assert await newest_checkpoint(line.settings, ids, partition) == again

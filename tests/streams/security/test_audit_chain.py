"""The audit's chains on a real log and a real Redis: several writers at once, some broken off, and tampered lines."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from domain.access.audit_chain import Line, audit_ring, verify
from domain.access.key_rings import KeyPurpose
from schemas.administration.audit import AuditEntry, Head
from streams.messaging import topics
from streams.messaging.producer import MAX_BYTES, Producer, Record, SendError
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.embedded import Embedded
from streams.runtime.settings import Settings
from streams.security import audit, audit_log
from streams.security.audit_chains import Heads
from streams.security.audit_log import Wanted
from streams.security.encrypted_kafka import make_producer
from streams.security.installation_keys import ring
from streams.state.case_store import connect
from streams.state.keys import AUDIT_HEADS
from tests.tampering import TAMPERINGS

CLOCK = Clock()
TAMPERED = 1000


class Room:
    """Processes that write, each with a producer of its own."""

    def __init__(self, settings: Settings, heads: Heads) -> None:
        self.settings, self.heads = settings, heads
        self.producers: list[Producer] = []

    async def process(self) -> Producer:
        producer = make_producer(self.settings, heads=self.heads)
        await producer.start()
        self.producers.append(producer)
        return producer

    async def lines(self) -> list[Line]:
        return [Line(each.offset, each.key, each.value) async for each in read_all(self.settings, topics.AUDIT.name)]

    async def faults(self, kept: list[Head] | None = None) -> list[str]:
        """What is wrong, in words."""
        return [fault.words for fault in (await audit_log.verified(self.settings, self.heads, kept or [])).faults]


def said(by: str, act: str = "look-case", on: str = "case-1", reason: str = "") -> AuditEntry:
    return AuditEntry(at=CLOCK.now(), by=by, act=act, on=on, reason=reason)


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Servers of the test's own: what other tests wrote on the topic would be no chain."""
    with Embedded(tmp_path_factory.mktemp("audit")) as servers:
        settings = servers.settings(Settings())
        topics.create(settings)
        yield settings


@pytest.fixture
async def room(own: Settings) -> AsyncIterator[Room]:
    redis = connect(own)
    made = Room(own, Heads(redis))
    yield made
    for producer in made.producers:
        await producer.stop()
    await redis.aclose()


async def test_what_several_processes_write_at_once_is_whole_and_of_a_thousand_tamperings_all_are_found(
    room: Room,
) -> None:
    writers = [await room.process() for _ in range(3)]
    chance = Random(7)

    async def work(name: str, producer: Producer) -> None:
        for number in range(25):
            await audit.write(producer, [said(name, on=f"case-{number}") for _ in range(chance.choice((1, 1, 2)))])

    people = [work(f"person-{n}", writers[n % len(writers)]) for n in range(6)]
    await asyncio.gather(*people)
    for producer in writers:
        await audit.bind(producer, CLOCK.now())
    assert await room.faults() == []
    heads, lines = await room.heads.all(), await room.lines()
    key, found, done = audit_ring(ring(room.settings, KeyPurpose.AUDIT)), Counter[str](), Counter[str]()
    assert (len(heads), verify(lines, key, heads).faults) == (3, ())
    for number in range(TAMPERED):
        tamper = TAMPERINGS[number % len(TAMPERINGS)]
        done[tamper.__name__] += 1
        found[tamper.__name__] += bool(verify(tamper(chance, lines), key, heads).faults)
    print(f"a real topic of {len(lines)} lines: tamperings {done.total()}, found {found.total()}: {dict(found)}")
    assert found == done


async def test_whoever_is_broken_off_while_a_line_is_sent_leaves_no_gap_and_no_number_twice(room: Room) -> None:
    producer = await room.process()
    for turns in range(25):
        writing = asyncio.create_task(audit.write(producer, [said("broken-off", on=f"try-{turns}")]))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await audit.write(producer, [said("afterwards", on=f"try-{turns}")])
    assert await room.faults() == []
    written = [AuditEntry.model_validate_json(line.value or b"") for line in await room.lines()]
    assert {entry.on for entry in written if entry.by == "afterwards"} == {f"try-{n}" for n in range(25)}


async def test_an_act_that_kafka_refuses_is_told_and_the_chain_goes_on(room: Room) -> None:
    producer = await room.process()
    too_long = Record(topics.CASE_INPUTS.name, b"r", b"x" * (MAX_BYTES + 1), 0)
    with pytest.raises(SendError):
        await audit.write(producer, [said("a")], [too_long])
    await audit.write(producer, [said("b")])
    assert await room.faults() == []
    assert len(await room.lines()) == 2


async def test_what_an_entry_tells_of_is_written_with_it(room: Room) -> None:
    producer = await room.process()
    await audit.write(producer, [said("a")], [Record(topics.CASE_INPUTS.name, b"r", b"{}", 1)])
    inputs = [each.value async for each in read_all(room.settings, topics.CASE_INPUTS.name)]
    assert (inputs, len(await room.lines())) == ([b"{}"], 1)


async def test_a_reason_is_stored_without_the_numbers_of_anybody_whoever_writes_it(room: Room) -> None:
    await audit.write(await room.process(), [said("a", reason="来电 13900000001")])
    (line,) = await room.lines()
    assert AuditEntry.model_validate_json(line.value or b"").reason == "来电 *******0001"
    assert await room.faults() == []


async def test_a_new_process_names_the_chains_before_it_so_that_none_can_be_left_out(room: Room) -> None:
    first = await room.process()
    await audit.write(first, [said("a"), said("b")])
    second = await room.process()
    await audit.write(second, [said("c")])
    opening = AuditEntry.model_validate_json((await room.lines())[-1].value or b"").link
    assert opening is not None
    assert [(head.chain, head.number, head.offset) for head in opening.heads] == [
        (audit.chain_of(first).end.chain, 2, 1)
    ]
    left = [line._replace(offset=place) for place, line in enumerate((await room.lines())[2:])]
    key = audit_ring(ring(room.settings, KeyPurpose.AUDIT))
    assert verify(left, key).faults[0].chain == audit.chain_of(first).end.chain


async def test_a_redis_that_was_emptied_and_a_head_that_is_forged_hold_nobody_up(room: Room) -> None:
    producer = await room.process()
    await audit.write(producer, [said("a")])
    await room.heads._redis.delete(AUDIT_HEADS)
    await room.heads._redis.hset(AUDIT_HEADS, "x", b"{}")
    await audit.write(producer, [said("b")])
    assert await room.faults() == []
    assert [head.number for head in await room.heads.all()] == [2]


async def test_heads_put_aside_tell_of_a_tail_that_is_gone_and_of_a_line_put_in(room: Room) -> None:
    producer = await room.process()
    await audit.write(producer, [said("a")])
    kept = await room.heads.all()
    forged = kept[0].model_copy(update={"number": 9})
    assert "was not made with this key" in (await room.faults([forged]))[0]
    assert await room.faults(kept) == []
    entry = said("nobody").model_dump_json().encode()
    await producer.send_all([Record(topics.AUDIT.name, b"nobody", entry, 0)])
    assert "in no chain" in (await room.faults(kept))[0]


async def test_the_newest_lines_come_first_page_by_page_and_only_those_that_are_meant(room: Room) -> None:
    producer = await room.process()
    began = CLOCK.now()
    await audit.write(producer, [said("a", on=f"case-{n}") for n in range(7)])
    await audit.write(producer, [said("b", act="claim", on="case-1", reason="mine")])
    first = await audit_log.newest(room.settings, Wanted(by="a"), 3)
    second = await audit_log.newest(room.settings, Wanted(by="a"), 9, first.before)
    assert [told.entry.on for told in (*first.lines, *second.lines)] == [f"case-{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert (first.left, second.before) == (False, None)
    about = await audit_log.newest(room.settings, Wanted(on="case-1", act="cla", since=began), 9)
    assert [told.entry.reason for told in about.lines] == ["mine"]
    assert (await audit_log.newest(room.settings, Wanted(among=frozenset({"b"})), 9)).lines == about.lines
    assert (await audit_log.newest(room.settings, Wanted(until=began), 9)).lines == []

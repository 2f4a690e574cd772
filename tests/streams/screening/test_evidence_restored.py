"""A Redis that was lost is filled with all evidence, and goes on at once: the retained signals come after."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from aiokafka import TopicPartition
from kafka import TopicPartition as Partition

from domain.risk import bounded, merged
from schemas.risk.evidence import Evidence
from schemas.risk.signals import App, AppKind, Call, NumberClass, SentAgain, Signal, TransferState
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.monitoring.report import conserved
from streams.runtime.settings import Settings
from streams.screening import evidence_log
from streams.screening.positions import Positions, of_lane
from streams.screening.store import EvidenceStore, Known
from streams.state.keys import key
from tests.domain.builders import policy
from tests.streams.screening.screening_line import (
    ANNA,
    BERT,
    BULK,
    NOW,
    PHONES,
    Line,
    call,
    minutes_ago,
    on,
    packed,
    running,
    sms,
    transfer,
    watch,
)
from tests.streams.screening.test_evidence_kept import FEW, drawn
from tests.tools.installation_keys import KEYS
from tests.tools.servers.kafka import Kafka
from tests.tools.servers.redis import RedisServer

DAY = 24 * 60  # minutes
SOON = NOW + timedelta(minutes=2)  # the line's clock goes on
URGENT = TopicPartition(topics.SIGNALS_URGENT.name, 0)
LETTER = "signals/0/0/0"
BROKEN = b'[{"source": "carrier", "kind": "call", "id": "c1"}]'


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


def app(days: float, uid: str = "a1", who: str = ANNA) -> App:
    return App(
        source="carrier",
        id=uid,
        at=minutes_ago(days * DAY),
        phone=PHONES[who],
        app_kind=AppKind.INVESTMENT,
        target="a.example",
    )


def from_abroad(uid: str = "c9", who: str = ANNA) -> Call:
    return call(who, uid, ago=1, number_class=NumberClass.OVERSEAS)


def again(letter: str = LETTER, uid: str = "c1") -> bytes:
    return SentAgain(letter=letter, tallied="carrier", signals=[call(uid=uid)]).model_dump_json().encode()


@pytest.mark.timeout(120)
async def test_who_saw_a_scam_app_eight_days_ago_is_yellow_with_a_call_from_abroad_after_a_wipe(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka") as kafka, RedisServer(tmp_path / "redis") as redis:
        settings = Settings(
            kafka=kafka.address,
            redis=redis.url,
            replication=1,
            secret="the key of a test",
            keys=KEYS,
            app_id="screening",
        )
        async with on(settings) as line:
            await line.screen([app(8)])
            await line.redis.flushall()
            with kafka.admin() as admin:  # seven days have passed
                admin.delete_records({Partition(BULK.topic, 0): 1})
            line.screening = line.another()
            await line.screen([from_abroad()])
            assert (await line.levels())[-1] == "yellow"


async def test_an_urgent_signal_is_screened_at_once_while_retained_bulk_waits(line: Line) -> None:
    for number in range(5):
        await line.screen(*([sms(BERT, f"s{number}-{each}", ago=3000)] for each in range(60)))
    await line.screen([app(8)])
    before = await line.tally()
    await line.lose()
    await line.screen([from_abroad()], lane=topics.SIGNALS_URGENT)
    assert (await line.levels())[-1] == "yellow"
    assert await line.tally() == {"raised": 1}
    await line.screen([sms(BERT)])
    assert await line.tally() == {"raised": 2}
    await line.screen_owed()
    assert await line.tally() == before | {"raised": before["raised"] + 2}
    assert await line.redis.hlen(key("owed", 0)) == 0


async def test_nobody_is_alerted_again_of_what_casework_was_told_before_the_loss(line: Line) -> None:
    await line.screen([call()], [sms()], [app(2)])
    told = await line.alerts()
    await line.lose()
    await line.screen([sms(uid="s2")])
    await line.screen_owed()
    for partition in range(line.settings.partitions):
        await line.screening.rescore(partition, SOON)
    assert await line.alerts() == told


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("lane", topics.LANES)
async def test_who_paid_before_the_loss_is_found_though_the_account_is_confirmed_before_he_is_back(
    line: Line, where: int, lane: topics.Topic
) -> None:
    await line.screen([transfer()])
    await line.lose()
    await line.screen([watch()], partition=where, lane=lane)
    assert await line.levels() == []
    await line.screen_owed()
    for partition in range(line.settings.partitions):
        await line.screening.rescore(partition, SOON)
    assert await line.levels() == ["orange"]
    await line.lose()
    assert "bank:t1~suspect_payee" in await line.evidence()


async def test_who_paid_is_found_though_the_store_is_lost_again_before_they_are_evaluated(line: Line) -> None:
    await line.screen([transfer()])
    await line.lose()
    await line.screen([watch()])
    await line.screen_owed()  # the evidence is on its topic now, and the resident is due
    await line.lose()
    await line.screen_owed()
    await rescored(line)
    assert await line.levels() == ["orange"]


async def test_who_was_evaluated_without_what_an_older_store_lacks_is_evaluated_again(line: Line) -> None:
    await line.screen([app(8)])
    older = f"{key('evidence', home(ANNA, line.settings.partitions))}:{ANNA}"
    await line.redis.delete(older, key("alerted", home(ANNA, line.settings.partitions)))
    await line.screen([from_abroad()])
    assert (await line.levels())[-1] == "blue"
    await line.screening.state.restore()
    await rescored(line)
    assert (await line.levels())[-1] == "yellow"


async def test_what_was_written_to_a_store_that_leads_no_more_is_added_when_it_is_screened_again(line: Line) -> None:
    await line.screen([app(8)])
    where = home(ANNA, line.settings.partitions)
    await line.lose()
    await line.redis.delete(f"{key('evidence', where)}:{ANNA}", key("alerted", where))
    await line.screen([from_abroad()])
    assert (await line.levels())[-1] == "blue"
    await line.screen_owed()
    await rescored(line)
    assert (await line.levels())[-1] == "yellow"


@pytest.mark.parametrize("listed", [True, False])
async def test_whoever_was_dissuaded_before_the_loss_is_not_alerted_of_what_was_known_then(
    line: Line, listed: bool
) -> None:
    if listed:
        await line.screen([watch()])
    await line.screen([call(seconds=2400, ago=45), transfer(ago=3, new_payee=True)])
    assert len(before := await line.levels()) >= 1
    await line.settle(SOON)
    await line.lose()
    await line.settle(SOON)  # casework has restored its cases
    await line.screen_owed()
    due = [await line.screening.state.evidence.due(each, SOON, 10) for each in range(line.settings.partitions)]
    assert not any(due)
    assert await line.levels() == before


async def test_old_evidence_is_not_written_to_its_topic_once_more_by_what_is_screened_again(line: Line) -> None:
    await line.screen([app(31)])  # older than half of what is kept: a new signal would write it again
    assert await line.evidence() != {}
    await line.lose()
    before = await records_of(line, topics.EVIDENCE)
    await line.screen_owed()
    assert await records_of(line, topics.EVIDENCE) == before


async def records_of(line: Line, topic: topics.Topic) -> int:
    return len([record async for record in read_all(line.settings, topic.name)])


async def test_who_is_due_now_is_not_put_off_until_their_call_has_lasted_longer(line: Line) -> None:
    store, rules, where = line.screening.state.evidence, line.policy.risk, home(ANNA, line.settings.partitions)
    later = NOW + timedelta(minutes=30)
    await store.add_late({ANNA: []}, rules, NOW)
    await store.remember({}, {ANNA: later})
    due = await store.due(where, NOW, 10)
    assert list(due) == [ANNA]
    await store.rescored(where, due, {ANNA: later})
    assert (await store.due(where, NOW, 10), list(await store.due(where, later, 10))) == ({}, [ANNA])
    await store.add_late({ANNA: []}, rules, NOW)
    await store.rescored(where, await store.due(where, later, 10), {})
    assert await store.due(where, later, 10) == {}


async def rescored(line: Line) -> None:
    for partition in range(line.settings.partitions):
        await line.screening.rescore(partition, SOON)


async def test_who_paid_before_the_loss_is_found_by_an_account_confirmed_after_he_is_back(line: Line) -> None:
    await line.screen([transfer()])
    await line.lose()
    await line.screen_owed()
    await line.screen([watch()])
    assert await line.levels() == ["orange"]


async def test_a_letter_sent_again_before_and_after_the_loss_counts_once(line: Line) -> None:
    await line.screen(BROKEN, again())
    await line.lose()
    await line.screen(again())
    await line.screen_owed()
    tallies = await line.screening.state.tallies()
    assert conserved({"carrier": 1}, tallies)
    assert sum(tallies["carrier"].values()) == 1


async def test_a_call_that_went_on_as_the_store_was_lost_is_alerted_when_it_passes_30_minutes(line: Line) -> None:
    await line.screen([call(ago=10, ongoing=True)], lane=topics.SIGNALS_URGENT)
    await line.lose()
    await line.screen_owed()
    for partition in range(line.settings.partitions):
        await line.screening.rescore(partition, NOW + timedelta(minutes=21))
    assert await line.levels() == ["yellow", "orange"]


async def test_whoever_began_before_the_loss_does_not_count_in_the_store_that_was_filled_since(line: Line) -> None:
    positions = Positions(line.redis, line.settings.partitions)
    await line.screen([call()])
    began, owed = await positions.position(BULK), None
    for _ in range(2):
        await line.lose()
        before, owed = owed, await positions.owed(BULK)
        assert owed is not None
    assert (await positions.position(BULK)).offset == began.offset
    assert not await positions.count(BULK, began, 1, Counter())
    assert before is not None
    assert not await positions.count_owed(BULK, before, 0, Counter())
    assert await line.tally() == {}
    await line.screen_owed()
    assert await line.tally() == {"raised": 1}


async def test_what_was_not_acked_before_the_loss_is_not_owed(line: Line) -> None:
    (raw,) = await line.write(b"broken")
    await line.lose()
    assert await line.redis.hlen(key("owed", 0)) == 0
    assert await line.tally() == {"dead_lettered": 1}
    await line.screening.lanes.screen(BULK, [raw])
    assert await line.tally() == {"dead_lettered": 1}


async def test_what_the_group_never_acked_is_counted_in_an_older_store_without_waiting_for_a_record(line: Line) -> None:
    (first,) = await line.write(packed(call()))
    await line.screening.lanes.screen(BULK, [first])
    (second,) = await line.write(packed(sms()))
    await line.redis.set(of_lane("screened-in", BULK), "another Redis")
    await line.screening.lanes.catch_up([BULK])
    assert await line.tally() == {"raised": 2}
    await line.screening.lanes.screen(BULK, [second])
    assert await line.tally() == {"raised": 2}


async def test_what_another_owner_acked_between_two_looks_is_counted_without_waiting_for_a_record(line: Line) -> None:
    """That owner had counted it in a Redis that was no longer the primary."""
    await line.screen([call()])
    await line.screening.lanes.catch_up([BULK], generation=6)
    await line.commit(BULK, await line.write(packed(sms())))
    await line.screening.lanes.catch_up([BULK], generation=8)
    await line.screen_owed()
    assert await line.tally() == {"raised": 2}


def life(chance: Random, number: int) -> list[Signal]:
    """A record of one to three signals; some come more than once."""
    who, uid, ago = chance.choice([ANNA, BERT]), f"u{chance.randrange(12)}", 60 + number % 7 * 300
    kinds: list[Signal] = [
        call(who, uid, ago=ago),
        sms(who, uid, ago=ago),
        app(1 + number % 9, uid, who),
        transfer(who, uid, ago=ago),
        watch(uid, ago=ago),
        transfer(who, uid, ago=ago, new_payee=True, state=TransferState.PENDING),
        sms("+8619900000099", uid, ago=ago),
    ]
    return [chance.choice(kinds) for _ in range(chance.randint(1, 3))]


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_lost_when_each_signal_is_counted_once_and_all_evidence_is_there(
    line: Line, seed: int
) -> None:
    chance, accepted = Random(seed), 0
    for number in range(30):
        deed = chance.choice(["screen", "screen", "screen", "urgent", "owed", "lose", "another"])
        if deed in ("screen", "urgent"):
            record = life(chance, number)
            accepted += len(record)
            lane = topics.SIGNALS if deed == "screen" else topics.SIGNALS_URGENT
            await line.screen(record, partition=chance.randrange(2), lane=lane)
        elif deed == "owed":
            await asyncio.gather(*(line.screening.rescreening.screen_owed([BULK, URGENT]) for _ in range(2)))
        elif deed == "lose":
            before = await line.evidence(), await line.evidence(BERT)
            await line.lose()
            assert (await line.evidence(), await line.evidence(BERT)) == before
        else:
            line.screening = line.another()
    await line.screen_owed()
    assert sum((await line.tally()).values()) == accepted
    levels = {who: await line.levels(who) for who in (ANNA, BERT)}
    for told in levels.values():
        assert len(told) < 12


@pytest.mark.parametrize("seed", range(5))
async def test_the_records_of_evidence_are_put_back_to_the_same_set_in_any_order_and_however_often(
    line: Line, seed: int
) -> None:
    chance, store = Random(seed), EvidenceStore(line.redis, line.settings.partitions)
    members = [drawn(chance) for _ in range(60)]
    states: dict[str, Evidence] = merged({}, members)  # of one id and state there is one record
    records = [
        record
        for member in states.values()
        for record in evidence_log.evidence_records({ANNA: [member]}, {ANNA: Known()}, FEW, NOW, 4)
    ]
    older = [Record(each.topic, each.key, each.value, each.partition) for each in chance.sample(records, 20)]
    lain = [*records, *older]
    chance.shuffle(lain)
    await line.producer.send_all(lain)
    for _ in range(2):
        await evidence_log.restore(line.settings, store, FEW, NOW, None, used=False)
    found = {member.id: member for member in await store.of(ANNA)}
    assert found == bounded(merged({}, states.values()), FEW, NOW)


async def test_a_set_that_was_put_back_is_kept_no_longer_than_it_would_have_been(line: Line) -> None:
    rules, days = policy().risk, 40
    store = EvidenceStore(line.redis, line.settings.partitions)
    written = round((await line.redis.time())[0] * 1000 - timedelta(days=days).total_seconds() * 1000)
    await store.put_back({ANNA: [drawn(Random(1))]}, {}, {ANNA: written}, rules, NOW, used=False)
    left = await line.redis.pttl(f"{key('evidence', home(ANNA, line.settings.partitions))}:{ANNA}")
    assert abs(left / 1000 - (rules.keep - timedelta(days=days)).total_seconds()) < 60


def test_members_of_a_resident_who_is_heard_of_again_are_written_again_before_the_topic_drops_them() -> None:
    rules = policy().risk
    old, new = (drawn(Random(seed)).model_copy(update={"id": f"x{seed}~app_loan"}) for seed in (3, 4))
    old, new = old.model_copy(update={"at": NOW - timedelta(days=31)}), new.model_copy(update={"at": NOW})
    known = {ANNA: Known({old.id: old})}
    found = {record.value for record in evidence_log.evidence_records({ANNA: [new]}, known, rules, NOW, 4)}
    assert found == {each.model_dump_json(exclude_defaults=True).encode() for each in (old, new)}
    young = old.model_copy(update={"at": NOW - timedelta(days=29)})
    known = {ANNA: Known({young.id: young})}
    assert len(list(evidence_log.evidence_records({ANNA: [new]}, known, rules, NOW, 4))) == 1

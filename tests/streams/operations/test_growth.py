"""An installation with open and finished cases on a real Kafka and Redis grows from 2 to 5 partitions."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from aiokafka import TopicPartition

from agents.casework import Casework
from schemas.administration.partition_counts import GrowthPhase, PartitionCount
from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Webhook
from schemas.levels import Level
from streams.casework.deadlines import Deadlines
from streams.channels.webhooks import new_id
from streams.installation import Installation
from streams.messaging import case_inputs, topics
from streams.messaging.consumers import started_consumer
from streams.messaging.offsets import end_offsets, offset_at
from streams.messaging.partition_count import PartitionCountError, check_count, stored_count
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.monitoring.report import journal_events
from streams.operations.growth import broker, running
from streams.operations.growth.copies import Copier, GrowthError, staging
from streams.operations.growth.moved_keys import KeyRule, key_rule
from streams.operations.growth.readiness import require_ready
from streams.operations.growth.steps import IN_PLACE, REMADE, GrownInstallation
from streams.runtime.settings import Settings
from streams.state.keys import DRAINING, Beside, LaneName, StateName, key, milliseconds
from streams.state.shared_state import OtherInstallationError
from tests.domain.builders import alert, payment
from tests.tools.bench.servers import real
from tests.tools.field.grown import (
    AT,
    Content,
    assert_same,
    built,
    content,
    fill,
    journal_of,
    kept_in_redis_alone,
    now,
    opened,
    people,
)

PEOPLE, EVENTS = 300, 9
START_SECONDS = 240.0  # on a machine with much other work
NEW = 5


class StoppedError(Exception):
    """The run ends here, as if it had been killed."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("QUANZU_RECEIPTS_SECRET", os.environ.get("QUANZU_RECEIPTS_SECRET", ""))
    with real(tmp_path, partitions=2) as made:
        yield made


async def drained(settings: Settings, number: int = PEOPLE) -> Content:
    """Fill the installation, and leave it as an operator does who wants it to grow."""
    await asyncio.to_thread(topics.create, settings)
    await fill(settings, number, EVENTS)
    await built(settings)
    async with opened(settings) as line:
        await kept_in_redis_alone(line, [told.resident for told in people(number)])
        return await content(line)


async def grown(settings: Settings, stop_after: int | None = None) -> list[str]:
    """Run the command; `stop_after`: until so many steps are done. Returns what it told."""
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == stop_after:
            raise StoppedError

    await running.grow_partitions(settings, NEW, "operator-1", "a test", tell)
    return told


async def goes_on(settings: Settings, journal: dict[str, list[str]]) -> None:
    """What fell due fires, a signal about somebody with an open case joins that case, and both survive a rebuild."""
    told = next(people(1))  # the first one's case is open
    async with opened(settings) as line:
        work = Casework(line.casework_context)
        fired = Deadlines(line.store, line.producer, line.clock)
        given = alert(Level.RED, payment("bank:new"), at=now()).model_copy(update={"resident": told.resident})
        await line.producer.send_all([case_inputs.record(given, home(told.resident, NEW))])
        entries = []
        for partition in range(NEW):
            await fired.fire(partition)
            entries += await work.upkeep.cover(partition)
        events = [each for each in entries if isinstance(each, CaseEvent)]
        assert {each.case.id for each in events if each.input == given.id} == {f"{told.resident}-1"}
        due = {each.case.resident for each in events if each.input_kind == "deadline"}
        assert due
        assert all(each.partition == home(each.case.resident, NEW) for each in events)
        stored = await content(line)
    rebuilt = await built(settings)
    assert rebuilt.hashes["cases"] == stored.hashes["cases"]
    assert rebuilt.sums["ledger"] == stored.sums["ledger"]
    after = await journal_of(settings)
    assert all(after[name][: len(events)] == events for name, events in journal.items())
    assert sum(map(len, after.values())) == sum(map(len, journal.values())) + len(events)


async def test_an_installation_that_is_interrupted_after_every_step_has_the_same_cases_in_five_partitions(
    settings: Settings,
) -> None:
    before = await drained(settings)
    journal = await journal_of(settings)
    runs = 0
    while True:
        try:
            told = await grown(settings, stop_after=1)
        except StoppedError:
            runs += 1
        else:
            assert told == []
            break
        if runs == 3:
            with pytest.raises(PartitionCountError, match="grows from 2 to 5 partitions, and that is not finished"):
                async with opened(settings):
                    pass
    assert runs == 2 + 2 * len(REMADE) + 2
    with pytest.raises(PartitionCountError, match="has 5 partitions, and QUANZU_PARTITIONS is 2"):
        check_count(settings)
    new = settings.model_copy(update={"partitions": NEW})
    assert topics.check(new) == []
    assert not broker.topics_present(new, [staging(topic.name) for topic in REMADE])
    after = await built(new)
    assert_same(before, after)
    assert await journal_of(new) == journal
    for partition in range(NEW):  # a look at a case opened after the first ones does not begin at offset 0
        assert await offset_at(new, topics.CASE_EVENTS.name, partition, milliseconds(AT) + 1_000) > 0
    await goes_on(new, journal)
    assert await running.grow_partitions(new, NEW, "operator-1", "again", lambda _: None) == GrownInstallation(
        None, NEW
    )


async def test_a_growth_is_refused_before_the_installation_is_drained_and_taken_back_before_it_switches(
    settings: Settings,
) -> None:
    before = await drained(settings)
    async with opened(settings) as line:
        await line.redis.delete(DRAINING)
        with pytest.raises(GrowthError, match="intake is open"):
            await grown(settings)
        await line.redis.set(DRAINING, json.dumps({}))
        await line.redis.hset(key("outbox", 1), "1/x", "{}")
        with pytest.raises(GrowthError, match="the store of partition 1 is not complete"):
            await grown(settings)
        await line.redis.delete(key("outbox", 1))
    assert await stored_count(settings) is None
    with pytest.raises(StoppedError):
        await grown(settings, stop_after=3)
    count = await stored_count(settings)
    assert count is not None
    assert count.growth is not None
    assert count.growth.phase is GrowthPhase.COPYING
    assert await running.abort_growth(settings, "operator-1", "a test")
    assert not await running.abort_growth(settings, "operator-1", "a test")
    assert topics.check(settings) == []
    assert not broker.topics_present(settings, [staging(topic.name) for topic in REMADE])
    async with opened(settings) as line:
        assert_same(before, await content(line))
        await line.redis.set("partitions:{whole}", 3)
        with pytest.raises(OtherInstallationError, match="was filled for 3 partitions"):
            await line.shared.ensure()
        await line.redis.delete("partitions:{whole}")
        with pytest.raises(OtherInstallationError, match="does not say for how many partitions"):
            await line.shared.ensure()
    acts = [json.loads(record.value or b"")["act"] async for record in read_all(settings, "audit")]
    assert acts[-1] == "partitions-grow-aborted"


async def test_a_run_that_was_suspended_while_another_finished_the_growth_touches_nothing_afterwards(
    settings: Settings,
) -> None:
    before = await drained(settings, 30)
    told: list[str] = []

    def suspended(text: str) -> None:  # nothing of this run goes on before the other one has finished
        told.append(text)
        if len(told) == 2 + len(REMADE) + 1:  # the first topic is made anew
            with ThreadPoolExecutor(1) as beside:
                beside.submit(asyncio.run, grown(settings)).result()

    with pytest.raises(GrowthError, match="this run was suspended"):
        await running.grow_partitions(settings, NEW, "operator-1", "a test", suspended)
    assert told[-1] == "case-events made anew"
    assert await stored_count(settings) == PartitionCount(partitions=NEW)
    new = settings.model_copy(update={"partitions": NEW})
    assert topics.check(new) == []
    assert_same(before, await built(new))


async def test_a_growth_that_could_not_delete_its_copies_is_not_over_and_deletes_them_when_it_is_run_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drained(settings, 30)

    def unreachable(*_: object) -> None:
        raise StoppedError

    with monkeypatch.context() as broken:
        broken.setattr(broker, "delete", unreachable)
        with pytest.raises(StoppedError):
            await grown(settings)
    with pytest.raises(PartitionCountError, match="that is not finished"):
        check_count(settings)
    copies = [staging(topic.name) for topic in REMADE]
    assert broker.topics_present(settings, copies) == set(copies)
    assert await grown(settings) == ["5 partitions are in force"]
    assert not broker.topics_present(settings, copies)


async def test_events_not_yet_sent_to_a_webhook_are_waited_for_but_not_those_of_a_deleted_one(
    settings: Settings,
) -> None:
    await drained(settings, 30)
    await committed(settings, f"{settings.app_id}-{new_id()}", {0: 0})  # of a webhook that was deleted
    await committed(settings, f"{settings.app_id}-west", {0: 0})  # of another installation
    ends = await end_offsets(settings, topics.CASE_EVENTS.name)
    made = Webhook(
        id=new_id(),
        url="https://example.org/",
        secrets=["-"],
        paused=True,
        made_at=AT - timedelta(hours=1),
        made_by="a",
    )
    group = f"{settings.app_id}-{made.id}"
    async with opened(settings) as line:
        assert (await require_ready(settings, line.redis)).groups == [settings.app_id]
        await line.webhooks.put(made)
        await committed(settings, group, {0: ends[0]})
        with pytest.raises(GrowthError, match=f"{ends[1]} records .*Webhook {made.id} is paused: resume or delete it"):
            await require_ready(settings, line.redis)
        await committed(settings, group, ends)
        assert (await require_ready(settings, line.redis)).groups == [settings.app_id, group]


async def committed(settings: Settings, group: str, offsets: dict[int, int]) -> None:
    """Let a group stand at these offsets of the journal's partitions."""
    places = {TopicPartition(topics.CASE_EVENTS.name, partition): offset for partition, offset in offsets.items()}
    async with started_consumer(settings, group_id=group) as consumer:
        consumer.assign(list(places))
        await consumer.commit(places)


async def test_a_topic_is_not_deleted_when_its_copy_lacks_records(settings: Settings) -> None:
    await drained(settings, 30)
    with pytest.raises(StoppedError):
        await grown(settings, stop_after=2 + len(REMADE))  # the copies are complete
    held = sum((await end_offsets(settings, topics.CASE_EVENTS.name)).values())
    broker.make_anew(settings, staging(topics.CASE_EVENTS.name), NEW, {})
    with pytest.raises(GrowthError, match=r"growing\.case-events has 0 records"):
        await grown(settings)
    assert sum((await end_offsets(settings, topics.CASE_EVENTS.name)).values()) == held


async def test_an_input_that_a_console_of_before_wrote_meanwhile_is_passed_on_to_its_new_partition(
    settings: Settings,
) -> None:
    await drained(settings, 30)
    who = next(told.resident for told in people(30) if home(told.resident, 2) != home(told.resident, NEW))
    given = alert(Level.RED, payment("bank:late"), at=now()).model_copy(update={"resident": who})
    with pytest.raises(StoppedError):
        await grown(settings, stop_after=2 + len(REMADE) + 1)  # the journal is made anew
    async with Copier(settings, topics.CASE_INPUTS.name, 2) as stale:
        await stale.add(home(who, 2), who.encode(), given.model_dump_json().encode(), milliseconds(now()))
        await stale.finish()
    with pytest.raises(GrowthError, match="1 inputs were written to case-inputs meanwhile"):
        await grown(settings)
    await grown(settings)
    new = settings.model_copy(update={"partitions": NEW})
    await built(new)
    events = [each.event for each in await journal_events(new) if each.event.input == given.id]
    assert [each.partition for each in events] == [home(who, NEW)]
    async with opened(new) as line:
        assert (await content(line)).misplaced == []


async def test_a_worker_of_the_new_number_fills_the_store_and_goes_on_and_one_of_the_old_number_does_not_start(
    settings: Settings, tmp_path: Path
) -> None:
    await drained(settings, 30)
    await grown(settings)
    new = settings.model_copy(update={"partitions": NEW})
    old, told = worker(settings, tmp_path / "old.log"), next(people(1))
    assert await asyncio.to_thread(old.wait, START_SECONDS) == 1
    assert "the installation has 5 partitions" in (tmp_path / "old.log").read_text()
    running_now = worker(new, tmp_path / "new.log")
    try:
        async with opened(new) as line:
            await until(lambda: _whole(line), START_SECONDS)
            given = alert(Level.RED, payment("bank:new"), at=now()).model_copy(update={"resident": told.resident})
            await line.producer.send_all([case_inputs.record(given, home(told.resident, NEW))])
            await until(lambda: _decided(new, given.id), START_SECONDS)
            assert [record async for record in read_all(new, topics.DEAD_LETTERS.name)] == []
    finally:
        running_now.kill()
        running_now.wait()
    events = [each.event for each in await journal_events(new)]
    ours = [event for event in events if event.commit.log == 1]
    assert {event.case.id for event in ours if event.input == given.id} == {f"{told.resident}-1"}
    assert any(event.input_kind == "deadline" for event in ours)
    assert all(event.partition == home(event.case.resident, NEW) for event in ours)


def worker(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    """A worker as a process of its own; nobody answers at its providers' addresses."""
    ours = {f"QUANZU_{name}_URL": "http://127.0.0.1:9" for name in ("SMS", "VOICE", "BANK", "STATION")}
    environment = {**os.environ, **settings.environment(), **ours}
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, "-m", "quanzu", "worker"], env=environment, stdout=out, stderr=out)


async def _whole(line: Installation) -> bool:
    return all([await line.store.is_whole(partition) for partition in range(NEW)])


async def _decided(settings: Settings, name: str) -> bool:
    events = [each.event for each in await journal_events(settings)]
    return any(event.input == name for event in events) and any(event.input_kind == "deadline" for event in events)


async def until(true: Callable[[], Awaitable[bool]], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await true():
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"it is not so after {seconds:.0f} s")


def test_each_topic_by_resident_is_either_made_anew_or_gets_more_partitions() -> None:
    family = {topic.name for topic in topics.ALL if topic.family}
    assert {topic.name for topic in (*REMADE, *IN_PLACE)} == family
    assert not set(REMADE) & set(IN_PLACE)
    kept = {topic.name for topic in topics.ALL if topic.family and (topic.kept is None or topic.compacted)}
    stale = {topics.CHECKPOINTS.name}  # those of another number of partitions are not used: the journal has all
    assert {topic.name for topic in REMADE} == kept - stale, "what is kept for longer than it is processed moves"


def test_what_only_redis_has_is_moved_and_what_a_signal_partition_has_stays() -> None:
    names = (*get_args(StateName), *get_args(Beside), *get_args(LaneName))
    rules = {name: key_rule(name) for name in names}
    assert {name for name, rule in rules.items() if rule is KeyRule.DELETE} == {
        *(set(get_args(StateName)) - {"settled", "alerted", "lost"}),  # built from the journal
        *("residents", "phones", "accounts", "idhashes", "accounts-by-token", "watch", "suspects"),  # from topics
        *("boarded", "owned", "covered", "auditing", "audited", "lease", "fan-out"),  # of processes that run
    }

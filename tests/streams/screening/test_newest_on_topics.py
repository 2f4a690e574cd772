"""The newest state of a watchlist entry and of evidence is the last one on its topic, also if a worker stood still
between writing to Redis and to the topic: compaction keeps nothing else, and a lost Redis is restored from it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

import streams.screening.steps
from schemas.risk.evidence import Evidence, EvidenceKind, WatchEntry, WatchStatus
from schemas.risk.signals import Signal, TransferState, WatchState
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.cooperative import at_once
from streams.screening.evidence_log import evidence_records
from streams.screening.store import Known
from streams.state.leader import Exempt
from streams.state.shared_state import EmptiedError, Shared
from tests.channel_rig import until
from tests.domain.builders import policy
from tests.streams.screening.screening_line import (
    ANNA,
    LANES,
    MULE,
    NOW,
    Line,
    minutes_ago,
    packed,
    report,
    running,
    sms,
    transfer,
    watch,
)
from tests.streams.state.test_late_records import CutProducer

LANE = topics.SIGNALS_URGENT


def urgent(partition: int) -> TopicPartition:
    return TopicPartition(topics.SIGNALS_URGENT.name, partition)


def stands_still(step: Callable[..., Coroutine[Any, Any, None]]) -> tuple[Any, asyncio.Event, asyncio.Event]:
    """The step behind a gate; an event that it was reached; and the gate."""
    reached, gate = asyncio.Event(), asyncio.Event()

    async def slow(*args: object) -> None:
        reached.set()
        await gate.wait()
        await step(*args)

    return slow, reached, gate


async def overtaken(line: Line, reached: asyncio.Event, gate: asyncio.Event, first: Signal, second: Signal) -> None:
    """Let the line's worker stand still with `first`, and another one screen `second` meanwhile."""
    slow = await line.write(packed(first), partition=0, lane=topics.SIGNALS_URGENT)
    task = asyncio.create_task(line.screening.lanes.screen(urgent(0), slow))
    await reached.wait()
    fast = await line.write(packed(second), partition=1, lane=topics.SIGNALS_URGENT)
    await line.another().lanes.screen(urgent(1), fast)
    gate.set()
    await task


async def test_a_confirmation_is_last_on_the_watchlists_topic_though_an_older_report_came_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        slow, reached, gate = stands_still(line.screening.publish_watchlist)
        monkeypatch.setattr(line.screening, "publish_watchlist", slow)
        await overtaken(line, reached, gate, report(ANNA, suspect=MULE), watch("w1"))
        written = [each async for each in read_all(line.settings, topics.WATCHLIST.name)]
        latest = {each.key: WatchEntry.model_validate_json(each.value or b"") for each in written}
        assert [each.standing for each in latest.values()] == [WatchStatus.CONFIRMED]


async def test_withdrawn_evidence_is_last_on_its_topic_though_the_payment_came_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        await line.screen([watch("w1", ago=30)], partition=2, lane=topics.SIGNALS_URGENT)
        slow, reached, gate = stands_still(line.screening.publish_alerts)
        monkeypatch.setattr(line.screening, "publish_alerts", slow)
        payment, lifted = transfer(ANNA, state=TransferState.ATTEMPTED), watch("w2", ago=0, state=WatchState.LIFTED)
        await overtaken(line, reached, gate, payment, lifted)
        written = [each async for each in read_all(line.settings, topics.EVIDENCE.name)]
        latest = {each.key: each.value or b"" for each in written if not (each.key or b"").endswith(b"-alerted")}
        assert {Evidence.model_validate_json(value).withdrawn for value in latest.values()} == {True}


@pytest.mark.parametrize("cancelled", [False, True])
async def test_withdrawn_evidence_is_last_on_its_topic_though_the_payment_is_screened_again_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """The payment lacks the evidence that its payee is listed. While a worker that screens it again is cut from Kafka,
    or loses its partition there, another one takes the payee off the list.
    """
    async with running(tmp_path) as line:
        await line.screen([transfer(ANNA, state=TransferState.ATTEMPTED)])
        await line.lose()
        await line.screen([watch("w1", ago=1)], partition=1, lane=topics.SIGNALS_URGENT)
        cut = CutProducer(line.settings)
        await cut.start()
        monkeypatch.setattr(line.screening, "_producer", cut)
        task = asyncio.create_task(line.screen_owed())
        await until(lambda: bool(cut.given))
        if cancelled:
            task.cancel()
            await asyncio.wait([task])
        lifted = await line.write(packed(watch("w2", ago=0, state=WatchState.LIFTED)), partition=2)
        await line.another().lanes.screen(TopicPartition(topics.SIGNALS.name, 2), lifted)
        cut.healed.set()
        await asyncio.gather(*([] if cancelled else [task]), *cut.given)
        await until(lambda: not cut._following_up)
        await cut.stop()
        written = [each async for each in read_all(line.settings, topics.EVIDENCE.name)]
        found = [
            Evidence.model_validate_json(each.value or b"") for each in written if b"-alerted" not in (each.key or b"")
        ]
        of_payee = [each.withdrawn for each in found if each.id.endswith("~suspect_payee")]
        assert False in of_payee
        assert of_payee[-1]


async def test_a_confirmation_stays_last_though_the_report_of_a_worker_that_was_cancelled_comes_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker loses its partition while it is cut from Kafka. Its producer keeps the record."""
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        cut = CutProducer(line.settings)
        await cut.start()
        monkeypatch.setattr(line.screening, "_producer", cut)
        slow = await line.write(packed(report(ANNA, suspect=MULE)), partition=0, lane=topics.SIGNALS_URGENT)
        task = asyncio.create_task(line.screening.lanes.screen(urgent(0), slow))
        await until(lambda: bool(cut.given))
        task.cancel()
        await asyncio.wait([task])
        fast = await line.write(packed(watch("w1")), partition=1, lane=topics.SIGNALS_URGENT)
        await line.another().lanes.screen(urgent(1), fast)
        cut.healed.set()
        await until(lambda: not cut._following_up)
        await asyncio.gather(*cut.given)
        await cut.stop()
        written = [each async for each in read_all(line.settings, topics.WATCHLIST.name)]
        standings = [WatchEntry.model_validate_json(each.value or b"").standing for each in written]
        assert WatchStatus.REPORTED in standings
        assert standings[-1] is WatchStatus.CONFIRMED


async def standings(line: Line) -> list[WatchStatus]:
    """Of the watchlist entries on their topic, the first ones first."""
    written = [each async for each in read_all(line.settings, topics.WATCHLIST.name)]
    return [WatchEntry.model_validate_json(each.value or b"").standing for each in written]


async def test_a_confirmation_is_last_though_redis_was_lost_before_the_older_report_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker has taken over the report of the one that stands still, and acknowledged it."""
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        slow, reached, gate = stands_still(line.screening.publish_watchlist)
        monkeypatch.setattr(line.screening, "publish_watchlist", slow)
        told, other = await line.write(packed(report(ANNA, suspect=MULE)), lane=LANE), line.another()
        task = asyncio.create_task(line.screening.lanes.screen(urgent(0), told))
        await reached.wait()
        await other.lanes.screen(urgent(0), told)
        await line.commit(urgent(0), told)
        await other.lanes.screen(urgent(1), await line.write(packed(watch("w1")), partition=1, lane=LANE))
        await line.redis.flushall()
        gate.set()
        await task
        await until(lambda: not line.producer._following_up)
        assert (await standings(line))[-2:] == [WatchStatus.REPORTED, WatchStatus.CONFIRMED]


class Deposed(Exempt):
    """The Redis leads so many times that somebody asks, and then no more."""

    def __init__(self, times: int) -> None:
        self.left = times

    def current(self) -> str | None:
        return None

    async def names(self, run: str) -> bool:
        self.left -= 1
        return self.left >= 0


@pytest.mark.parametrize(("times", "written"), [(0, []), (1, [WatchStatus.CONFIRMED])])
async def test_a_batch_is_not_counted_in_a_redis_that_leads_no_more(
    tmp_path: Path, times: int, written: list[WatchStatus]
) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        worker = line.another(leader := Deposed(times))
        raws, position = await line.write(packed(watch("w1")), lane=LANE), worker.state.positions.position
        begun = await position(urgent(0), begin=True)
        assert not await worker.process(urgent(0), raws, begun, line.policy.risk, at_once)
        assert (await position(urgent(0))).offset == begun.offset
        assert await standings(line) == written
        leader.left = 9


async def test_a_redis_that_leads_no_more_is_not_asked_what_is_newer(tmp_path: Path) -> None:
    """Another one leads, and may know a state that is newer still."""
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        worker = line.another(leader := Deposed(1))
        raws, position = await line.write(packed(watch("w1")), lane=LANE), worker.state.positions.position
        assert not await worker.process(
            urgent(0), raws, await position(urgent(0), begin=True), line.policy.risk, at_once
        )
        lifted = await line.write(packed(watch("w2", ago=0, state=WatchState.LIFTED)), partition=1, lane=LANE)
        await line.another().lanes.screen(urgent(1), lifted)
        await until(lambda: leader.left < -3)  # it was asked again, in vain
        assert await standings(line) == [WatchStatus.CONFIRMED, WatchStatus.LIFTED]
        leader.left = 9
        await until(lambda: not line.producer._following_up)
        assert await standings(line) == [WatchStatus.CONFIRMED, WatchStatus.LIFTED, WatchStatus.LIFTED]


async def test_nothing_is_put_right_for_a_batch_that_is_not_counted_and_has_written_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        worker, tp = line.another(Deposed(1)), urgent(0)
        raws, begun = await line.write(packed(sms("+8613900000000")), lane=LANE), worker.state.positions
        assert not await worker.process(tp, raws, await begun.position(tp, begin=True), line.policy.risk, at_once)
        assert not line.producer._following_up


async def test_owed_records_are_screened_again_only_in_a_redis_that_leads_and_is_restored(tmp_path: Path) -> None:
    """Another Redis lacks evidence that the topic has, and an older state of it would become the last there."""
    async with running(tmp_path) as line:
        await line.screen([transfer(ANNA)])
        await line.lose()
        owing = line.screening.state.positions.owing
        await line.another(Deposed(0)).rescreening.screen_owed(LANES)
        assert await owing(LANES)
        await Shared(line.settings, line.redis, [], lease_seconds=0).check_again()
        with pytest.raises(EmptiedError):
            await line.screening.rescreening.screen_owed(LANES)
        assert await owing(LANES)
        await line.screening.lanes._shared.ensure()
        await line.screen_owed()
        assert not await owing(LANES)


async def test_late_evidence_of_a_redis_that_leads_no_more_is_not_the_last_word(tmp_path: Path) -> None:
    """A worker stands still while it screens owed records again. Meanwhile another Redis leads, which may know newer
    evidence: a task asks that one.
    """
    async with running(tmp_path) as line:
        await line.screen([transfer(ANNA, state=TransferState.ATTEMPTED)])
        await line.lose()
        await line.screen([watch("w1", ago=1)], partition=1, lane=LANE)
        leader = Deposed(1)
        with pytest.raises(EmptiedError):
            await line.another(leader).rescreening.screen_owed(LANES)
        assert line.producer._following_up
        leader.left = 9
        await until(lambda: not line.producer._following_up)


@pytest.mark.parametrize(("step", "left"), [("load_evidence", 1), ("publish_dead_letters", 1), ("none", 2)])
async def test_a_worker_that_stood_still_writes_no_evidence_of_a_batch_that_another_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, left: int
) -> None:
    """The other one has counted it. `none`: this worker looks at nothing, as it does if it did not stand still."""
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        await line.screen([watch("w1", ago=30)], partition=2, lane=LANE)
        monkeypatch.setattr(streams.screening.steps, "STOOD_STILL_SECONDS", 60.0 if step == "none" else -1.0)
        gated = "publish_dead_letters" if step == "none" else step
        real, reached, gate = getattr(line.screening, gated), asyncio.Event(), asyncio.Event()

        async def slow(*given: Any) -> Any:  # noqa: ANN401 - as the step takes and returns them
            reached.set()
            await gate.wait()
            return await real(*given)

        monkeypatch.setattr(line.screening, gated, slow)
        told = await line.write(packed(transfer(ANNA, state=TransferState.ATTEMPTED)), lane=LANE)
        task = asyncio.create_task(line.screening.lanes.screen(urgent(0), told))
        await reached.wait()
        await line.another().lanes.screen(urgent(0), told)
        gate.set()
        await task
        assert len(await of_suspect(line)) == left
        await until(lambda: not line.producer._following_up)


async def test_what_a_batch_that_is_not_counted_has_written_for_another_record_is_put_right(tmp_path: Path) -> None:
    """A payment that is older than the known one has no record of its own: that of the known one is written once more,
    and might come after a newer one.
    """
    async with running(tmp_path) as line:
        await Shared(line.settings, line.redis, [], lease_seconds=0).ensure()
        await line.screen([watch("w1", ago=30)], partition=2, lane=LANE)
        await line.screen([transfer(ANNA, state=TransferState.SETTLED)], partition=1, lane=LANE)
        worker = line.another(leader := Deposed(1))
        told = await line.write(packed(transfer(ANNA, state=TransferState.PENDING)), lane=LANE)
        begun = await worker.state.positions.position(urgent(0), begin=True)
        assert not await worker.process(urgent(0), told, begun, line.policy.risk, at_once)
        assert [each.state for each in await of_suspect(line)] == [TransferState.SETTLED] * 2
        assert line.producer._following_up
        leader.left = 9
        await until(lambda: not line.producer._following_up)


def test_evidence_that_is_known_in_a_later_state_is_written_in_that_state() -> None:
    """Its worker may be killed before it has looked what is newer, and the batch that screens the same signals again
    may not tell of this piece.
    """
    kind = EvidenceKind.SUSPECT_PAYEE
    paid = Evidence(id=f"t1~{kind}", kind=kind, at=NOW, partition=0, offset=3, transfer="t1", watch_at=minutes_ago(5))
    later, rules = paid.model_copy(update={"watch_at": NOW, "withdrawn": True}), policy().risk
    other = later.model_copy(update={"offset": 7})

    def written(new: Evidence, old: Evidence) -> list[Evidence]:
        known = {ANNA: Known({old.id: old})}
        found = evidence_records({ANNA: [new]}, known, rules, NOW, 4)
        return [Evidence.model_validate_json(each.value or b"") for each in found]

    assert written(paid, later) == [later]
    assert written(later, paid) == [later]
    assert written(paid, paid) == [paid]
    assert written(paid, other) == []  # the record that brought it writes it


async def of_suspect(line: Line) -> list[Evidence]:
    """Of the evidence on its topic, that of payments to a suspect, the first written first."""
    written = [each async for each in read_all(line.settings, topics.EVIDENCE.name)]
    found = [each.value or b"" for each in written if not (each.key or b"").endswith(b"-alerted")]
    return [each for each in map(Evidence.model_validate_json, found) if each.id.endswith("~suspect_payee")]

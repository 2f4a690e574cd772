"""An account that very many have paid: its entry reaches all of them in slices, or waits for a person."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.fan_outs import FanOut, PayersAnswered, PayersRequest, RequestState
from schemas.risk.signals import TransferState, WatchState
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.repositories.payers_requests import PayersRequests
from streams.screening.payers import SLICE
from tests.streams.screening.fan_outs import KilledError, go_on, killed_after, many_paid, paid, payer, told
from tests.streams.screening.screening_line import MULE, NOW, Line, packed, running, watch

ALLOWED = 500  # payers_without_asking of the policy


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with running(tmp_path) as line:
        yield line


async def slices(line: Line) -> list[FanOut]:
    """The slices' records on the lane."""
    return [
        FanOut.model_validate_json(record.value or b"")
        async for record in read_all(line.settings, topics.SIGNALS.name)
        if b'"kind":"fan_out"' in (record.value or b"")
    ]


async def requests(line: Line) -> list[PayersRequest]:
    return await PayersRequests(line.settings, line.redis, line.producer).all()


async def answer(line: Line, alert: bool) -> None:
    """As the console writes a person's answer."""
    (request,) = await requests(line)
    given = PayersAnswered(
        request=request.id, subject=request.entry.subject, alert=alert, by="li.hui", at=NOW, reason="已核实"
    )
    where = request.entry.topic, b"", given.model_dump_json().encode(), request.entry.partition
    await line.producer.send_all([Record(*where)])
    await go_on(line)


async def test_who_paid_is_reached_in_slices_each_a_record_of_the_lane(line: Line) -> None:
    numbers = range(2 * SLICE + 50)
    await many_paid(line, numbers, MULE)
    await line.screen([watch()])
    assert len(await line.alerts()) == SLICE
    await go_on(line)
    assert told(await line.alerts()) == dict.fromkeys((payer(number).id for number in numbers), 1)
    assert [each.number for each in await slices(line)] == [1, 2]
    assert (await line.tally())["raised"] == 1


async def test_a_worker_killed_at_any_step_of_a_slice_loses_no_payer_and_doubles_none(line: Line) -> None:
    taken = 0
    for steps in count():
        numbers, mule = range(steps * 1_000, steps * 1_000 + 2 * SLICE + 1), f"99000001{steps:04d}"
        await many_paid(line, numbers, mule)
        await line.screen([watch(f"w{steps}", value=mule)])
        async with killed_after(line, steps or None) as (worker, fuse):
            with suppress(KilledError):
                await worker.lanes.cover(0)
        await go_on(line)
        told_of = told(await line.alerts())
        assert {payer(number).id: 1 for number in numbers}.items() <= told_of.items(), steps
        taken = taken or fuse.taken
        if steps > taken:
            break
    assert taken > 10


async def test_a_slice_that_was_written_twice_goes_on_once(line: Line) -> None:
    await many_paid(line, range(2 * SLICE + 1), MULE)
    await line.screen([watch()])
    (first,) = await slices(line)
    await line.write(first.model_dump_json().encode(), first.model_dump_json().encode())
    await go_on(line)
    assert sorted(each.number for each in await slices(line)) == [1, 1, 1, 2]
    assert set(told(await line.alerts()).values()) == {1}


@pytest.mark.parametrize("after", ["x", "a|b|c|d|e|f|g|h|i", "|" * 8])
async def test_a_slice_that_cannot_be_read_is_a_dead_letter(line: Line, after: str) -> None:
    entry = WatchEntry(subject="account:x", standing=WatchStatus.CONFIRMED, at=NOW)
    given = FanOut(id="x", number=1, entry=entry, after=after, at=NOW, arrived=NOW).model_dump_json()
    await line.screen(given.encode(), b'{"kind":"payers_answered"}')
    assert len(await line.dead_letters()) == 2


async def test_a_payment_that_comes_between_two_slices_is_not_missed(line: Line) -> None:
    await many_paid(line, range(SLICE + 1), MULE)
    await line.residents.put([payer(number) for number in (901, 902)])
    await line.screen([watch()])
    await line.write(packed(paid(901, MULE, ago=4_000)), packed(paid(902, MULE, ago=0)))
    await go_on(line)
    assert told(await line.alerts()) == dict.fromkeys((payer(n).id for n in (*range(SLICE + 1), 901, 902)), 1)


async def test_a_fan_out_ends_when_its_suspect_is_lifted_meanwhile(line: Line) -> None:
    await many_paid(line, range(2 * SLICE + 1), MULE)
    await line.screen([watch()])
    await line.screen([watch("w2", ago=0.5, state=WatchState.LIFTED)])
    await go_on(line)
    assert len(await line.alerts()) == SLICE


async def test_an_entry_that_would_alert_too_many_waits_and_alerts_all_once_a_person_says_so(line: Line) -> None:
    numbers = range(ALLOWED + 1)
    await many_paid(line, numbers, MULE)
    await line.screen([watch()])
    await go_on(line)
    assert await line.alerts() == []
    (request,) = await requests(line)
    assert (request.state, request.payments, request.source) == (RequestState.ASKED, ALLOWED + 1, "police")
    await answer(line, alert=True)
    assert told(await line.alerts()) == dict.fromkeys((payer(number).id for number in numbers), 1)
    (request,) = await requests(line)
    assert (request.state, request.answered_by, request.reason) == (RequestState.ALERTED, "li.hui", "已核实")


async def test_who_pays_after_the_entry_is_alerted_at_once_while_the_others_wait(line: Line) -> None:
    await many_paid(line, range(ALLOWED + 1), MULE)
    await line.screen([watch()])
    await line.residents.put([payer(number) for number in (901, 902)])
    await line.screen([paid(901, MULE, ago=-1)], [paid(902, MULE, ago=30)])  # the latter was told of late
    assert list(told(await line.alerts())) == [payer(901).id]
    await answer(line, alert=True)
    assert told(await line.alerts()).keys() == {payer(number).id for number in (*range(ALLOWED + 1), 901, 902)}


async def test_a_refusal_holds_for_what_only_repeats_the_entry_and_a_graver_one_asks_anew(line: Line) -> None:
    await many_paid(line, range(ALLOWED + 1), MULE)
    await line.screen([watch()])
    await answer(line, alert=False)
    await answer(line, alert=True)  # too late: who was first stays
    await line.screen([watch("w2", ago=0.5)])
    assert await line.alerts() == []
    (request,) = await requests(line)
    assert request.state is RequestState.REFUSED
    await line.screen([watch("w3", ago=0.4, state=WatchState.LIFTED)], [watch("w4", ago=0.3)])
    assert sorted(each.state for each in await requests(line)) == ["asked", "refused"]


async def test_lifting_the_suspect_closes_the_question(line: Line) -> None:
    await many_paid(line, range(ALLOWED + 1), MULE)
    await line.screen([watch()])
    await line.screen([watch("w2", ago=0.5, state=WatchState.LIFTED)])
    await go_on(line)
    (request,) = await requests(line)
    assert request.state is RequestState.OVERTAKEN
    assert await line.alerts() == []


async def test_payers_are_counted_not_payments(line: Line) -> None:
    """Three states of a payment are three records of it."""
    await many_paid(line, range(SLICE), MULE)
    for state in (TransferState.ATTEMPTED, TransferState.PENDING):
        await line.screen([paid(number, MULE, ago=60 + number // 7, state=state) for number in range(SLICE)])
    await line.screen([watch()])
    await go_on(line)
    assert await requests(line) == []
    assert told(await line.alerts()).keys() == {payer(number).id for number in range(SLICE)}


@pytest.mark.parametrize("answered_first", [False, True])
async def test_a_lost_store_still_asks_and_alerts_nobody_by_itself(line: Line, answered_first: bool) -> None:
    """The payers are put back beside what comes now: neither order of that and the answer misses one."""
    await many_paid(line, range(ALLOWED + 1), MULE)
    await line.screen([watch()])
    await line.redis.flushall()
    asked = PayersRequests(line.settings, line.redis, line.producer)
    await asked.restore()
    await line.screening.lanes.catch_up([])
    await go_on(line)
    await line.screen([paid(0, "990000000777")])
    assert await line.alerts() == []
    if answered_first:
        await answer(line, alert=True)
        await line.screen_owed()
    else:
        await line.screen_owed()
        assert await line.alerts() == []
        await answer(line, alert=True)
    for partition in range(line.settings.partitions):
        while await line.screening.rescore(partition, NOW + timedelta(hours=1)):
            pass
    assert len(told(await line.alerts())) == ALLOWED + 1


async def test_a_fan_out_to_thousands_alerts_each_once(line: Line) -> None:
    numbers = range(5_200)
    await many_paid(line, numbers, MULE)
    await line.screen([watch()])
    await answer(line, alert=True)
    assert told(await line.alerts()) == dict.fromkeys((payer(number).id for number in numbers), 1)
    assert len(await slices(line)) == len(numbers) // SLICE
    entry = WatchEntry.model_validate_json((await slices(line))[-1].entry.model_dump_json())
    assert entry.asked is None

"""From a dispatch to a provider and back: one contact, whatever happened to the worker or the provider."""

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from agents.dispatch import channel_of
from agents.sms import SmsProvider
from schemas.casework.cases import CaseState
from schemas.casework.events import Dispatch
from schemas.casework.inputs import ContactResult
from schemas.codes.channels import TimeOver
from schemas.levels import Result
from streams.channels.dispatch_log import Claimed
from streams.channels.provider import Answer, Identified, Kind, Order
from streams.messaging.topics import partition_of
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.channel_rig import Rig, new_resident, rigged, until
from tests.dispatched import NOW, dispatch_for

WORKER = Path(__file__).with_name("carrying_worker.py")


async def carry(rig: Rig, *dispatches: Dispatch) -> None:
    outgoing = await rig.worker()
    await channel_of(SmsProvider(outgoing), outgoing).carry(dispatches)


def start(rig: Rig, dispatch: Dispatch, kind: Kind) -> subprocess.Popen[bytes]:
    """A worker in a process of its own, which carries the dispatch out."""
    told = {
        "TEST_DISPATCH": dispatch.model_dump_json(),
        "PYTHONPATH": str(WORKER.parents[3]),
        "QUANZU_SMS_KIND": kind.value,
        "QUANZU_PROVIDER_SECONDS": "30",
        "QUANZU_CLOCK": str(rig.clock),
    }
    return subprocess.Popen([sys.executable, str(WORKER)], env={**os.environ, **rig.settings.environment(), **told})


def contacts(rig: Rig, dispatch: Identified) -> int:
    return sum(contact.dispatch == dispatch.id for contact in rig.providers.carrier.book)


async def test_two_workers_with_the_same_dispatch_make_one_contact(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        await asyncio.gather(carry(rig, dispatch, dispatch), carry(rig, dispatch))
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == ["sent"]


async def test_a_process_does_not_repeat_what_it_has_finished_when_redis_forgets_that(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        outgoing = await rig.worker()
        channel = channel_of(SmsProvider(outgoing), outgoing)
        await channel.carry([dispatch])
        await rig.redis.flushdb()
        await rig.decided(dispatch)  # an image from before the contact: the case is there, its contact's mark is not
        await channel.carry([dispatch])
        assert contacts(rig, dispatch) == 1


async def test_a_process_does_not_repeat_a_contact_whose_mark_an_image_lacks(settings: Settings) -> None:
    """The image was taken after the claim and before the request, and restored before the answer."""
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        outgoing = await rig.worker()
        entry = f"{key('dispatch', outgoing.book.partition(dispatch.resident))}:{dispatch.id}"

        class Restored(SmsProvider):
            async def send(self, dispatch: Identified, order: Order) -> Answer:
                answer = await super().send(dispatch, order)
                if contacts(rig, dispatch) == 1:
                    await rig.redis.set(entry, "1:another ")
                return answer

        await channel_of(Restored(outgoing), outgoing).carry([dispatch])
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == ["in_doubt"]


@pytest.mark.parametrize(
    ("kind", "result"), [(Kind.IDEMPOTENT, "sent"), (Kind.ASKABLE, "sent"), (Kind.NEITHER, "in_doubt")]
)
async def test_a_worker_killed_between_sending_and_the_answer_contacts_nobody_twice(
    settings: Settings, kind: Kind, result: str
) -> None:
    async with rigged(settings, kind, seconds=0.6) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        await rig.fault(rig.providers.carrier_url, "late_answer", seconds=60)
        process = start(rig, dispatch, kind)
        try:
            await until(lambda: contacts(rig, dispatch) == 1, 20)
        finally:
            process.kill()
            process.wait()
        where = partition_of(dispatch.resident.encode(), rig.settings.partitions)
        await rig.redis.pexpire(f"{key('lease', where)}:{dispatch.id}", 300)  # as if the lease's time had passed
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == [result]


async def test_a_worker_stopped_in_time_gives_the_lease_back(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        await rig.fault(rig.providers.carrier_url, "late_answer", seconds=60)
        task = asyncio.create_task(carry(rig, dispatch))
        await until(lambda: contacts(rig, dispatch) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(2):
            await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == ["sent"]


@pytest.mark.parametrize(
    ("kind", "result"), [(Kind.IDEMPOTENT, "sent"), (Kind.ASKABLE, "sent"), (Kind.NEITHER, "in_doubt")]
)
async def test_an_answer_that_comes_too_late_is_no_reason_to_contact_again(
    settings: Settings, kind: Kind, result: str
) -> None:
    async with rigged(settings, kind, seconds=0.4) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        await rig.fault(rig.providers.carrier_url, "late_answer", seconds=5)
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == [result]


async def test_a_provider_that_refuses_and_recovers_makes_exactly_one_contact(settings: Settings) -> None:
    async with rigged(settings) as rig:
        rig.channels = rig.channels.model_copy(update={"sms_refusals": "500"})
        resident = (await rig.resident()).id
        await rig.fault(rig.providers.carrier_url, "error", times=2)
        for attempt in (1, 2, 3, 3):
            await carry(rig, await rig.decided(dispatch_for(resident, attempt=attempt)))
        assert len(rig.providers.carrier.book) == 1
        assert await rig.results(resident) == ["failed", "failed", "sent"]


async def test_a_provider_that_is_away_is_reported_at_once(settings: Settings) -> None:
    async with rigged(settings) as rig:
        rig.settings = rig.settings.model_copy(update={"sms_url": "http://127.0.0.1:9"})
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        async with asyncio.timeout(2):
            await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["failed"]


async def test_what_comes_too_late_is_not_sent(settings: Settings) -> None:
    async with rigged(settings) as rig:
        late = NOW - timedelta(seconds=1)
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id, not_after=late))
        await carry(rig, dispatch)
        (told,) = await rig.inputs(dispatch.resident)
        assert isinstance(told, ContactResult)
        assert (told.result, told.why) == (Result.NOT_SENT, TimeOver())
        assert rig.providers.carrier.book == []


async def test_nothing_goes_out_once_the_resident_is_dissuaded(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id), state=CaseState.DISSUADED)
        await carry(rig, dispatch)
        assert rig.providers.carrier.book == []
        assert await rig.results(dispatch.resident) == ["not_sent"]


async def test_a_dispatch_waits_for_the_store_that_is_being_built_anew(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = dispatch_for((await rig.resident()).id)
        where = partition_of(dispatch.resident.encode(), rig.settings.partitions)
        task = asyncio.create_task(carry(rig, dispatch))
        await asyncio.wait({task}, timeout=0.4)
        assert rig.providers.carrier.book == []
        await rig.decided(dispatch)
        await task
        assert contacts(rig, dispatch) == 1
        assert await rig.redis.exists(f"{key('lease', where)}:{dispatch.id}") == 0


async def test_what_was_reported_is_not_sent_again_after_redis_was_wiped(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        await carry(rig, dispatch)
        where = partition_of(dispatch.resident.encode(), rig.settings.partitions)
        await rig.redis.delete(
            f"{key('dispatch', where)}:{dispatch.id}"
        )  # and the journal's fold brings the applied ids back
        await rig.redis.zadd(key("applied", where), {f"{dispatch.id}:sent": 1})
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1


async def test_a_resident_without_a_telephone_is_reported_and_not_a_reason_to_stop(settings: Settings) -> None:
    async with rigged(settings) as rig:
        unknown = await rig.decided(dispatch_for(new_resident().id))
        known = await rig.decided(dispatch_for((await rig.resident()).id))
        await carry(rig, unknown, known)
        assert await rig.results(known.resident) == ["sent"]
        assert await rig.results(unknown.resident) == ["failed"]


async def test_two_tasks_of_one_worker_with_the_same_dispatch_make_one_contact(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        outgoing = await rig.worker()
        channel = channel_of(SmsProvider(outgoing), outgoing)
        await asyncio.gather(channel.carry([dispatch]), channel.carry([dispatch]))
        assert contacts(rig, dispatch) == 1
        assert await rig.results(dispatch.resident) == ["sent"]


@pytest.mark.parametrize(
    ("kind", "result", "count"),
    [(Kind.IDEMPOTENT, "sent", 1), (Kind.ASKABLE, "sent", 1), (Kind.NEITHER, "in_doubt", 0)],
)
async def test_what_a_rebuilt_store_cannot_vouch_for_is_handled_as_maybe_sent(
    settings: Settings, kind: Kind, result: str, count: int
) -> None:
    async with rigged(settings, kind) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        where = partition_of(dispatch.resident.encode(), rig.settings.partitions)
        await rig.redis.sadd(key("unsure", where), dispatch.id)
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == count
        assert await rig.results(dispatch.resident) == [result]


async def test_a_channel_waits_until_a_rebuilt_store_has_applied_all_that_is_on_the_log(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        where = partition_of(dispatch.resident.encode(), rig.settings.partitions)
        await rig.redis.hset(key("state", where), "end", 2)  # it stands at 0: the last one is 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 0
        await rig.redis.hset(key("state", where), "offset", 1)
        await carry(rig, dispatch)
        assert contacts(rig, dispatch) == 1


async def test_a_worker_whose_lease_was_lost_meanwhile_does_not_send(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        mine, other = (await rig.worker()).book, (await rig.worker()).book
        before = await mine.claim(dispatch)
        assert isinstance(before, Claimed)
        assert await mine.claim_is_valid(dispatch, before.fence)
        await mine.release(dispatch, before.fence)
        after = await other.claim(dispatch)
        assert isinstance(after, Claimed)
        assert not await mine.claim_is_valid(dispatch, before.fence)
        assert not await mine.mark_sending(dispatch, before.fence)
        assert await other.mark_sending(dispatch, after.fence)


async def test_a_channel_that_is_drained_ends_what_it_began_and_begins_nothing_more(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        begun, waiting = [await rig.decided(dispatch_for((await rig.resident()).id)) for _ in range(2)]
        outgoing = await rig.worker()
        channel = channel_of(SmsProvider(outgoing), outgoing)
        await rig.fault(rig.providers.carrier_url, "late_answer", seconds=0.5)
        carrying = asyncio.create_task(channel.carry([begun]))
        await until(lambda: contacts(rig, begun) == 1, 20)
        draining = asyncio.create_task(channel.drain())
        await asyncio.sleep(0)
        other = asyncio.create_task(channel.carry([waiting]))
        await draining
        assert await rig.results(begun.resident) == ["sent"]
        assert contacts(rig, waiting) == 0
        for task in (carrying, other):  # neither has ended: what was not begun must not be acked
            assert not task.done()
            task.cancel()


async def test_who_comes_to_a_drained_channel_with_a_cancellation_that_was_swallowed_ends_all_the_same(
    settings: Settings,
) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        waiting = await rig.decided(dispatch_for((await rig.resident()).id))
        outgoing = await rig.worker()
        channel = channel_of(SmsProvider(outgoing), outgoing)
        await channel.drain()
        begun = asyncio.Event()

        async def swallowing() -> None:
            with suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.Event().wait()
            await channel.carry([waiting])

        task = asyncio.create_task(swallowing())
        await begun.wait()
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([task])
        assert task.cancelled()
        assert contacts(rig, waiting) == 0


async def test_a_step_that_falls_while_its_contact_is_prepared_is_not_made(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await rig.decided(dispatch_for((await rig.resident()).id))
        outgoing = await rig.worker()

        class Slow(SmsProvider):
            async def prepare(self, wanted: Dispatch) -> Order | Answer:
                await rig.decided(dispatch, state=CaseState.DISSUADED)
                return await super().prepare(wanted)

        await channel_of(Slow(outgoing), outgoing).carry([dispatch])
        assert contacts(rig, dispatch) == 0
        assert await rig.results(dispatch.resident) == ["not_sent"]

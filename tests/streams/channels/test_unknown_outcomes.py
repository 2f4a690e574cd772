"""A provider that acts and then fails: its outcome is unknown, and nobody is contacted twice, or it is counted."""

import asyncio
import time
from datetime import datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY

from agents.dispatch import channel_of
from agents.sms import SmsProvider
from domain.dispatches.validity import perhaps_carried_out
from schemas.casework.events import Dispatch
from schemas.codes.channels import NoGateway, ProviderAnswered
from schemas.levels import Result
from simulators.providers.base import ACTS_THEN, CUT
from streams.channels.provider import Answer, Gateway, Identified, Kind, Order, UnknownOutcomeError
from streams.channels.signing import Signer
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.channel_rig import Rig, rigged, until
from tests.dispatched import NOW, dispatch_for

KNOWING = (Kind.IDEMPOTENT, Kind.ASKABLE)  # kinds by which it can be found out, or made sure of


async def carry(rig: Rig, *dispatches: Dispatch) -> None:
    outgoing = await rig.worker()
    await channel_of(SmsProvider(outgoing), outgoing).carry(dispatches)


async def next_dispatch(rig: Rig, not_after: datetime | None = None) -> Dispatch:
    return await rig.decided(dispatch_for((await rig.resident()).id, not_after=not_after))


def contacts(rig: Rig) -> int:
    return len(rig.providers.carrier.book)


def in_doubt() -> float:
    return REGISTRY.get_sample_value("quanzu_dispatches_total", {"channel": "sms", "result": "in_doubt"}) or 0.0


@pytest.mark.parametrize("fault", [*ACTS_THEN, CUT])
@pytest.mark.parametrize("kind", KNOWING)
async def test_a_provider_that_acts_and_then_fails_has_contacted_once_and_is_reported_as_sent(
    settings: Settings, kind: Kind, fault: str
) -> None:
    async with rigged(settings, kind) as rig:
        dispatch = await next_dispatch(rig)
        await rig.fault(rig.providers.carrier_url, fault)
        await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["sent"]
        assert contacts(rig) == 1


@pytest.mark.parametrize("fault", [*ACTS_THEN, CUT])
async def test_with_a_provider_that_gives_no_way_to_know_it_is_in_doubt_and_counted(
    settings: Settings, fault: str
) -> None:
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch, before = await next_dispatch(rig), in_doubt()
        await rig.fault(rig.providers.carrier_url, fault)
        await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["in_doubt"]
        assert (contacts(rig), in_doubt() - before) == (1, 1)


@pytest.mark.parametrize("kind", KNOWING)
async def test_a_provider_that_acts_and_answers_500_for_ten_seconds_has_contacted_once(
    settings: Settings, kind: Kind
) -> None:
    async with rigged(settings, kind) as rig:
        dispatch = await next_dispatch(rig, not_after=NOW + timedelta(minutes=1))
        await rig.fault(rig.providers.carrier_url, "act_then_500", times=1000)
        await rig.fault(rig.providers.carrier_url, "asked_500", times=1000)
        carrying = asyncio.create_task(carry(rig, dispatch))
        await asyncio.sleep(10)
        assert not carrying.done()
        rig.providers.carrier.faults.clear()
        async with asyncio.timeout(8):
            await carrying
        assert await rig.results(dispatch.resident) == ["sent"]
        assert contacts(rig) == 1


@pytest.mark.parametrize("kind", KNOWING)
async def test_what_cannot_be_found_out_before_its_result_is_owed_is_in_doubt_and_counted(
    settings: Settings, kind: Kind
) -> None:
    async with rigged(settings, kind) as rig:
        before = in_doubt()
        dispatch = await next_dispatch(rig, not_after=rig.clock.now() + timedelta(seconds=2))
        await rig.fault(rig.providers.carrier_url, "act_then_500", times=1000)
        await rig.fault(rig.providers.carrier_url, "asked_500", times=1000)
        async with asyncio.timeout(10):
            await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["in_doubt"]
        assert (contacts(rig), in_doubt() - before) == (1, 1)


async def test_what_a_provider_declares_as_a_refusal_was_not_done_and_is_reported_at_once(settings: Settings) -> None:
    async with rigged(settings) as rig:
        rig.channels = rig.channels.model_copy(update={"sms_refusals": "429, 503"})
        dispatch = await next_dispatch(rig)
        await rig.fault(rig.providers.carrier_url, "error", status=503)
        await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["failed"]
        assert contacts(rig) == 0


async def test_a_provider_that_can_be_asked_and_has_not_got_it_is_asked_again_before_it_counts_as_failed(
    settings: Settings,
) -> None:
    async with rigged(settings, Kind.ASKABLE, seconds=0.5) as rig:
        dispatch = await next_dispatch(rig)
        await rig.fault(rig.providers.carrier_url, "late_act", seconds=0.8)  # acts after the channel has given it up
        await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["sent"]
        assert contacts(rig) == 1
        other = await next_dispatch(rig)
        await rig.fault(rig.providers.carrier_url, "error")
        await carry(rig, other)
        assert await rig.results(other.resident) == ["failed"]


async def test_a_dispatch_whose_mark_an_older_redis_has_lost_is_asked_for_before_it_is_sent(settings: Settings) -> None:
    async with rigged(settings, Kind.ASKABLE) as rig:
        dispatch = await next_dispatch(rig)
        await carry(rig, dispatch)
        keys = [key async for key in rig.redis.scan_iter(f"*{dispatch.id}*")]
        assert keys
        await rig.redis.delete(*keys)
        await until(lambda: perhaps_carried_out(dispatch, rig.clock.now()))
        await carry(rig, dispatch)
        assert contacts(rig) == 1
        assert await rig.results(dispatch.resident) == ["sent", "sent"]


async def test_one_that_is_out_of_date_is_reported_as_not_sent_only_by_a_store_that_lacks_no_commit(
    settings: Settings,
) -> None:
    """A restored image lacks the mark of a request; once the worker sees that it is older, the store says so."""
    async with rigged(settings, Kind.NEITHER) as rig:
        dispatch = await next_dispatch(rig, not_after=rig.clock.now() - timedelta(seconds=2))
        await until(lambda: perhaps_carried_out(dispatch, rig.clock.now()))
        asked: list[int] = []

        async def is_current(partition: int) -> bool:
            asked.append(partition)
            if len(asked) == 2:  # what casework does once it finds the store behind its journal
                await rig.redis.sadd(key("unsure", partition), dispatch.id)
            return len(asked) > 2

        outgoing = await rig.worker(is_current)
        await channel_of(SmsProvider(outgoing), outgoing).carry([dispatch])
        assert await rig.results(dispatch.resident) == ["in_doubt"]
        assert asked == [outgoing.book.partition(dispatch.resident)] * 3


async def test_a_refusal_of_the_second_request_does_not_make_the_first_undone(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await next_dispatch(rig, not_after=rig.clock.now() + timedelta(seconds=2))
        await rig.fault(rig.providers.carrier_url, CUT)
        carrying = asyncio.create_task(carry(rig, dispatch))
        await until(lambda: contacts(rig) == 1)
        await rig.fault(rig.providers.carrier_url, "error", status=409, times=1000)
        await carrying
        assert await rig.results(dispatch.resident) == ["in_doubt"]


async def test_one_whose_outcome_is_unknown_holds_no_slot_that_another_waits_for(settings: Settings) -> None:
    async with rigged(settings) as rig:
        rig.channels = rig.channels.model_copy(update={"channel_concurrency": 1})
        unknown, other = await next_dispatch(rig), await next_dispatch(rig)
        outgoing = await rig.worker()

        class Failing(SmsProvider):
            async def send(self, dispatch: Identified, order: Order) -> Answer:
                if dispatch is unknown:
                    raise UnknownOutcomeError(ProviderAnswered(500))
                return await super().send(dispatch, order)

        channel = channel_of(Failing(outgoing), outgoing)
        waiting = asyncio.create_task(channel.carry([unknown]))
        await asyncio.wait([waiting], timeout=1)
        async with asyncio.timeout(2):
            await channel.carry([other])
        assert await rig.results(other.resident) == ["sent"]
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_whoever_covers_for_another_leaves_an_unknown_outcome_to_the_owner(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await next_dispatch(rig)
        outgoing = await rig.worker()
        await rig.fault(rig.providers.carrier_url, "act_then_500", times=1000)
        async with asyncio.timeout(3):
            await channel_of(SmsProvider(outgoing), outgoing).carry([dispatch], patient=False)
        assert await rig.results(dispatch.resident) == []
        rig.providers.carrier.faults.clear()
        await carry(rig, dispatch)
        assert await rig.results(dispatch.resident) == ["sent"]
        assert contacts(rig) == 1


async def test_without_an_address_a_gateway_that_is_asked_says_that_nothing_was_sent() -> None:
    dispatch = dispatch_for("r" + "a" * 16)
    async with httpx.AsyncClient() as client:
        gateway = Gateway(client, None, Kind.ASKABLE, Signer("sms", {"sms": (b"a key",)}, time.time))
        assert await gateway.ask(dispatch, Order("/sms", {})) == Answer(Result.FAILED, NoGateway())

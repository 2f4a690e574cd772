"""A carrier's link: questions that it cannot ask, or that the carrier does not answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from domain.carriers.account import CarrierAccount
from domain.carriers.segments import Alphabet
from streams.gateways.sms import carrier as carriers
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.connection import LostError
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.pdu import Pdu, ShortMessage
from tests.streams.gateways.sms.wire import speaking, welcome


@contextlib.asynccontextmanager
async def linked(account: CarrierAccount) -> AsyncIterator[CarrierLink]:
    """Yield the link of a carrier once it is bound."""
    ready = asyncio.Event()

    async def deliver(_unit: Unit) -> bool:
        return True

    link = CarrierLink(account, "secret", None, deliver, ready.set)
    running = asyncio.create_task(link.run())
    try:
        await ready.wait()
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def delivered(pdu: Pdu) -> Pdu:
    return pdu.answer(body=b"A1\0\0\x02\0")


async def test_a_message_that_is_answered_with_a_system_error_is_in_doubt() -> None:
    message = ShortMessage("10690000", "+8610000000001", b"hi", Alphabet.GSM7, False, "")
    async with speaking(lambda pdu: pdu.answer(0x08)) as account, linked(account) as link:
        with pytest.raises(LostError):
            await link.submit(message)
        assert link.bound


async def test_a_question_with_an_id_that_cannot_be_written_gives_no_answer() -> None:
    async with speaking(delivered) as account, linked(account) as link:
        assert await link.query("\u52dd") is None
        assert await link.query("\xe9A1") == 2


async def test_a_carrier_that_answers_no_question_keeps_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "QUERY_SECONDS", 0.1, raising=False)
    async with speaking(lambda _: None) as account, linked(account) as link, asyncio.timeout(5):
        assert await link.query("A1") is None
        assert link.bound


@pytest.mark.parametrize(("steady", "least", "most"), [(30.0, 3, 6), (0.0, 15, 100)])
async def test_a_carrier_that_ends_each_session_is_bound_ever_more_seldom_until_one_lasts(
    monkeypatch: pytest.MonkeyPatch, steady: float, least: int, most: int
) -> None:
    monkeypatch.setattr(carriers, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(carriers, "STEADY_SECONDS", steady, raising=False)
    binds = 0

    def greet(bind: Pdu) -> Sequence[Pdu]:
        nonlocal binds
        binds += 1
        return welcome(bind)

    async with speaking(delivered, greeting=greet, leaves=True) as account, linked(account):
        async with asyncio.timeout(20):
            while binds < least:  # noqa: ASYNC110 - it is told to nobody
                await asyncio.sleep(0.01)
        if steady:
            await asyncio.sleep(0.3)
    assert binds <= most

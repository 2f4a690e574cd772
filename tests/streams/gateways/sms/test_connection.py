"""A connection to a carrier: which silence ends it, and what it costs."""

import asyncio
import itertools
import tracemalloc

import pytest

from streams.gateways.sms import connection as connections
from streams.gateways.sms.connection import LostError
from streams.gateways.sms.pdu import Command, Pdu, query
from tests.streams.gateways.sms.wire import bound, speaking

NUMBERS, MOST_BYTES = 100_000, 100_000


def taken(pdu: Pdu) -> Pdu:
    return pdu.answer(body=b"A1\0")


async def test_the_numbers_of_requests_need_no_memory_however_many_were_sent() -> None:
    async with speaking(taken) as account, bound(account) as connection:
        tracemalloc.start()
        try:
            last = next(itertools.islice(connection._sequence, NUMBERS, None))
            assert tracemalloc.get_traced_memory()[0] < MOST_BYTES
        finally:
            tracemalloc.stop()
        assert last > NUMBERS


async def test_after_the_largest_number_of_a_request_comes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LARGEST_SEQUENCE", 3)
    async with speaking(taken) as account, bound(account) as connection:
        answers = [await connection.request(Command.SUBMIT_SM, b"") for _ in range(4)]
        assert [each.sequence for each in answers] == [2, 3, 1, 2]  # the bind had the first


async def test_a_question_without_an_answer_ends_no_connection_but_a_message_without_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "UNANSWERED_SECONDS", 0.3)
    async with speaking(lambda _: None, enquire_seconds=0.05) as account, bound(account) as connection:
        question = asyncio.create_task(connection.request(Command.QUERY_SM, query("A1", "10690000")))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await connection.closed.wait()
        with pytest.raises(LostError):
            await connection.request(Command.SUBMIT_SM, b"")
        with pytest.raises(LostError):
            await question

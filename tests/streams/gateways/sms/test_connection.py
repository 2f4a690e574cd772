"""A connection to a carrier: which silence ends it, and what it costs."""

import asyncio
import contextlib
import itertools
import socket
import tracemalloc
from collections.abc import AsyncIterator, Sequence

import pytest

from streams.gateways.sms import connection as connections
from streams.gateways.sms.connection import Connection, Deliver, LostError
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.pdu import Command, Pdu, PduError, query, read_pdu
from tests.streams.gateways.sms.wire import bound, carrier_account, delivery, speaking, welcome

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


@pytest.mark.parametrize("refused", [False, True])
async def test_a_delivery_before_the_carrier_has_accepted_the_account_is_not_taken(refused: bool) -> None:
    def greet(bind: Pdu) -> Sequence[Pdu]:
        return [delivery(), bind.answer(0x0E, b"\0") if refused else bind.answer(body=b"\0")]

    found: list[Unit] = []

    async def deliver(unit: Unit) -> bool:
        found.append(unit)
        return True

    async with speaking(taken, greeting=greet) as account:
        with pytest.raises(PduError, match="a delivery before"):
            await Connection.opened(account, "secret", None, deliver)
        await asyncio.sleep(0.05)
    assert found == []


async def test_a_delivery_in_one_piece_with_the_answer_to_the_bind_is_taken() -> None:
    found: asyncio.Queue[Unit] = asyncio.Queue()

    async def deliver(unit: Unit) -> bool:
        await found.put(unit)
        return True

    async with speaking(taken, greeting=lambda bind: [*welcome(bind), delivery()]) as account, asyncio.timeout(5):
        connection = await Connection.opened(account, "secret", None, deliver)
        assert (await found.get()).command == Command.DELIVER_SM
        await connection.close()


@contextlib.asynccontextmanager
async def between(deliver: Deliver) -> AsyncIterator[tuple[Connection, socket.socket]]:
    """Yield a connection without a bind, and the carrier's end of it."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    connection = Connection(*await asyncio.open_connection(sock=ours), carrier_account(), deliver)
    connection._start(connection._read())
    try:
        yield connection, theirs
    finally:
        await connection.close()
        theirs.close()


async def test_a_carrier_that_does_not_read_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.2, raising=False)
    monkeypatch.setattr(connections, "LINK_SECONDS", 0.2)

    async def deliver(_unit: Unit) -> bool:
        return True

    questions = b"".join(Pdu(Command.ENQUIRE_LINK, 1).encoded() for _ in range(50_000)) + delivery().encoded() * 20_000
    async with between(deliver) as (connection, theirs), asyncio.timeout(20):
        loop = asyncio.get_running_loop()
        flood = asyncio.create_task(loop.sock_sendall(theirs, questions))
        await connection.closed.wait()
        assert connection._writer.transport.get_write_buffer_size() < 500_000
        assert len(connection._tasks) <= 2_001
        await asyncio.gather(flood, return_exceptions=True)
        while connection._writer.transport.get_write_buffer_size():  # noqa: ASYNC110 - it is told to nobody
            await asyncio.sleep(0.01)


async def test_a_delivery_that_nobody_foresaw_is_answered_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def deliver(_unit: Unit) -> bool:
        raise OverflowError("+8610000000001")

    async with between(deliver) as (_connection, theirs), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(sock=theirs.dup())
        writer.write(delivery().encoded() * 3)
        answers = [await read_pdu(reader) for _ in range(3)]
        writer.close()
    assert {each.status for each in answers} == {0x64}  # to be delivered again later
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        "carrier c0: a delivery failed: it is to be delivered again (OverflowError); 0 more since the last such line"
    ]

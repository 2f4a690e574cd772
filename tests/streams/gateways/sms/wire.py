"""A carrier on this machine that speaks SMPP and answers as a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from domain.carriers.account import CarrierAccount
from streams.gateways.sms.connection import Connection
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.pdu import Command, Pdu, read_pdu

Reply = Callable[[Pdu], Pdu | None]
"""Returns the answer to a submit_sm or query_sm; None: the carrier says nothing."""
Greeting = Callable[[Pdu], Sequence[Pdu]]
"""Returns what the carrier sends after a bind_transceiver, in one piece."""


def welcome(bind: Pdu) -> Sequence[Pdu]:
    """Accept the account."""
    return [bind.answer(body=b"\0")]


def delivery(text: bytes = b"hi", parameters: bytes = b"") -> Pdu:
    """Return the deliver_sm of a message from a telephone that nobody has."""
    addresses = b"\0" + b"\1\1" + b"8610000000001\0" + b"\0\1" + b"10690000\0"
    body = addresses + bytes([0, 0, 0]) + b"\0\0" + bytes([0, 0, 3, 0, len(text)]) + text + parameters
    return Pdu(Command.DELIVER_SM, 7, body=body)


@contextlib.asynccontextmanager
async def speaking(
    reply: Reply, *, enquire_seconds: float = 10, greeting: Greeting = welcome, leaves: bool = False
) -> AsyncIterator[CarrierAccount]:
    """Listen while the context is open; yields the account of the carrier, which takes any password. `leaves`: it ends
    each session after its greeting.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                pdu = await read_pdu(reader)
                if pdu.command == Command.BIND_TRANSCEIVER:
                    writer.write(b"".join(each.encoded() for each in greeting(pdu)))
                    if leaves:
                        break
                    continue
                told = reply(pdu) if pdu.command in (Command.SUBMIT_SM, Command.QUERY_SM) else pdu.answer(body=b"\0")
                if told is not None:
                    writer.write(told.encoded())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = carrier_account().model_copy(update={"port": port, "enquire_seconds": enquire_seconds})
    async with server:
        yield account


def carrier_account(name: str = "c0") -> CarrierAccount:
    """Return the account of a carrier that nobody is."""
    made = {"name": name, "host": "127.0.0.1", "port": 1, "tls": False, "system_id": "quanzu", "password_file": "none"}
    return CarrierAccount.model_validate(made | {"sender": "10690000"})


@contextlib.asynccontextmanager
async def bound(account: CarrierAccount) -> AsyncIterator[Connection]:
    """Bind to a carrier while the context is open; its deliveries are accepted."""

    async def deliver(_unit: Unit) -> bool:
        return True

    connection = await Connection.opened(account, "secret", None, deliver)
    try:
        yield connection
    finally:
        await connection.close()

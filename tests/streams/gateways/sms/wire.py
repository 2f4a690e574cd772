"""A carrier on this machine that speaks SMPP and answers as a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from domain.carriers.account import CarrierAccount
from streams.gateways.sms.connection import Connection
from streams.gateways.sms.pdu import Command, Pdu, read_pdu

Reply = Callable[[Pdu], Pdu | None]
"""Returns the answer to a submit_sm or query_sm; None: the carrier says nothing."""


@contextlib.asynccontextmanager
async def speaking(reply: Reply, *, enquire_seconds: float = 10) -> AsyncIterator[CarrierAccount]:
    """Listen while the context is open; yields the account of the carrier, which takes any password."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                pdu = await read_pdu(reader)
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

    async def deliver(_pdu: Pdu) -> int:
        return 0

    connection = await Connection.opened(account, "secret", None, deliver)
    try:
        yield connection
    finally:
        await connection.close()

"""One bound connection to a carrier: requests with their answers, and what the carrier sends by itself."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self

from domain.carriers.account import CarrierAccount
from streams.gateways.sms.pdu import Command, Pdu, PduError, bind_body, read_pdu
from streams.runtime.tasks import wanted

CONNECT_SECONDS = 10.0
LINK_SECONDS = 5.0  # within which a carrier answers enquire_link
UNANSWERED_SECONDS = 30.0  # a message without an answer for so long: the connection is given up
_LARGEST_SEQUENCE = 0x7FFF_FFFF  # SMPP 3.4, 3.2
_MOST_AT_ONCE = 2_000  # deliveries that wait for the disk
_UNKNOWN_COMMAND, TEMPORARY = 0x03, 0x64  # ESME_RINVCMDID; ESME_RX_T_APPN: deliver it again later

Deliver = Callable[[Pdu], Awaitable[int]]
"""Takes a deliver_sm, and returns the status to answer, once what it says is stored."""


class BindError(ConnectionError):
    """Raised if the carrier refuses the bind. `status`: its command_status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the carrier refused the bind with status 0x{status:08X}")
        self.status = status


class NotWrittenError(ConnectionError):
    """Raised if a request was certainly not written, because the connection had ended before."""


class LostError(ConnectionError):
    """Raised if the connection ended after a request was written, before its answer: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request without an answer yet. `since`: when it was written, by the monotonic clock."""

    command: Command
    since: float
    answer: asyncio.Future[Pdu]


class Connection:
    """A bound connection. Made by `opened`; `closed` is set when it has ended, for whatever reason."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: CarrierAccount, deliver: Deliver
    ) -> None:
        self._reader, self._writer, self._account, self._deliver = reader, writer, account, deliver
        self._sequence = _sequence_numbers()
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = asyncio.Event()

    @classmethod
    async def opened(cls, account: CarrierAccount, password: str, tls: ssl.SSLContext | None, deliver: Deliver) -> Self:
        """Connect and bind as transceiver.

        Raises BindError if the carrier refuses, PduError if it does not speak SMPP, OSError or TimeoutError if it
        cannot be reached within 10 s.
        """
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(account.host, account.port, ssl=tls)
        self = cls(reader, writer, account, deliver)
        self._start(self._read())
        try:
            await self._bind(password)
        except BaseException:
            await self.close()
            raise
        self._start(self._keep())
        return self

    async def _bind(self, password: str) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            body = bind_body(self._account.system_id, password, self._account.system_type)
            answer = await self.request(Command.BIND_TRANSCEIVER, body)
        if answer.status:
            raise BindError(answer.status)

    async def request(self, command: Command, body: bytes) -> Pdu:
        """Send a request and return its answer.

        Raises NotWrittenError if it was certainly not sent, LostError if it may have been carried out.
        """
        if self.closed.is_set() or self._writer.is_closing():
            raise NotWrittenError("the connection has ended")
        sequence = next(self._sequence)
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = _Waiting(command, time.monotonic(), answer)
        try:
            self._writer.write(Pdu(command, sequence, body=body).encoded())
            return await answer
        finally:
            self._waiting.pop(sequence, None)

    async def close(self, *, unbind: bool = False) -> None:
        """End the connection; `unbind`: after taking leave. Requests under way raise LostError."""
        if unbind and not self.closed.is_set():
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(LINK_SECONDS):
                    await self.request(Command.UNBIND, b"")
        self._end()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self) -> None:
        self.closed.set()
        self._writer.close()
        for each in self._waiting.values():
            if not each.answer.done():
                each.answer.set_exception(LostError("the connection ended before the answer"))

    async def _read(self) -> None:
        try:
            while wanted() and not self.closed.is_set():
                await self._take(await read_pdu(self._reader))
        except (asyncio.IncompleteReadError, PduError, OSError):
            pass
        finally:
            self._end()

    async def _take(self, pdu: Pdu) -> None:
        if pdu.is_response:
            waiting = self._waiting.get(pdu.sequence)
            if waiting and not waiting.answer.done():
                waiting.answer.set_result(pdu)
        elif pdu.command == Command.DELIVER_SM:
            self._start(self._delivered(pdu))  # not awaited: the answers to messages must not wait for the disk
        elif pdu.command == Command.UNBIND:
            self._writer.write(pdu.answer().encoded())
            self._end()
        elif pdu.command == Command.ENQUIRE_LINK:
            self._writer.write(pdu.answer().encoded())
        else:
            nack = Pdu(Command.GENERIC_NACK, pdu.sequence, _UNKNOWN_COMMAND)
            self._writer.write(nack.encoded())

    async def _delivered(self, pdu: Pdu) -> None:
        status = await self._deliver(pdu) if len(self._tasks) < _MOST_AT_ONCE else TEMPORARY
        if not self._writer.is_closing():
            self._writer.write(pdu.answer(status, b"\0").encoded())

    async def _keep(self) -> None:
        """Notice a carrier that has gone without a word, or that leaves messages without an answer.

        Other requests have a time of their own: many carriers answer no query_sm, and what is on the wire would be in
        doubt with the connection.
        """
        while wanted() and not self.closed.is_set():
            await asyncio.sleep(self._account.enquire_seconds)
            sent = [each.since for each in self._waiting.values() if each.command is Command.SUBMIT_SM]
            oldest = min(sent, default=time.monotonic())
            try:
                async with asyncio.timeout(LINK_SECONDS):
                    await self.request(Command.ENQUIRE_LINK, b"")
            except (ConnectionError, TimeoutError):
                oldest = 0.0
            if time.monotonic() - oldest > UNANSWERED_SECONDS:
                self._end()


def _sequence_numbers() -> Iterator[int]:
    """Yield 1 to the largest number, again and again. Not itertools.cycle, which keeps each number that it gave."""
    while True:
        yield from range(1, _LARGEST_SEQUENCE + 1)

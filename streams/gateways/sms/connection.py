"""One bound connection to a carrier: requests with their answers, and the units that the carrier sends on its own."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self

from domain.carriers.account import CarrierAccount
from domain.carriers.protocols import CarrierProtocol
from streams.gateways.sms.cmpp import CmppDialect
from streams.gateways.sms.delivery_faults import DeliveryFaults
from streams.gateways.sms.dialect import Dialect, Unit
from streams.gateways.sms.gateway_metrics import DeliveryFault
from streams.gateways.sms.pdu import PduError
from streams.gateways.sms.smpp import SmppDialect
from streams.runtime.tasks import wanted

CONNECT_SECONDS = 10.0
LINK_SECONDS = 5.0  # within which a carrier answers enquire_link or CMPP_ACTIVE_TEST
UNREAD_SECONDS = 10.0  # within which a carrier takes what is written to it
UNANSWERED_SECONDS = 30.0  # a message without an answer for so long: the connection is given up
_LARGEST_SEQUENCE = 0x7FFF_FFFF  # SMPP 3.4, 3.2; CMPP has more
_MOST_AT_ONCE = 2_000  # deliveries that wait for the disk

Deliver = Callable[[Unit], Awaitable[bool]]
"""Takes what a carrier delivers, and returns whether it is stored; if not, the carrier is asked to deliver it again."""


def dialect_of(account: CarrierAccount) -> Dialect:
    """Return the dialect for a carrier's account: SMPP, or CMPP in the account's version."""
    return SmppDialect(account) if account.protocol is CarrierProtocol.SMPP else CmppDialect(account)


class NotWrittenError(ConnectionError):
    """A request was certainly not sent, because the connection had ended before."""


class LostError(ConnectionError):
    """A request was sent, and its outcome is unknown: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request without an answer yet. `since`: when it was written, by the monotonic clock."""

    command: int
    since: float
    answer: asyncio.Future[Unit]


class Connection:
    """A bound connection, made by `opened`. `closed` is set when it has ended for any reason."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: CarrierAccount, deliver: Deliver
    ) -> None:
        self._reader, self._writer, self._account, self._deliver = reader, writer, account, deliver
        self.dialect = dialect_of(account)
        self._sequence = _sequence_numbers()
        self._waiting: dict[int, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults = DeliveryFaults()
        self.closed = asyncio.Event()

    @classmethod
    async def opened(cls, account: CarrierAccount, password: str, tls: ssl.SSLContext | None, deliver: Deliver) -> Self:
        """Connect and log in, to send and to receive. Returns the open connection, whose units delivered by the carrier
        are passed to `deliver`. Connecting and logging in may take 10 s each.

        Raises BindError if the carrier refuses or does not prove itself, PduError if it does not speak the protocol,
        TimeoutError if it takes too long, and OSError (LostError among them) if it cannot be reached or ends the
        connection. `tls`: None: not encrypted.
        """
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(account.host, account.port, ssl=tls)
        self = cls(reader, writer, account, deliver)
        try:
            await self._bind(password)
        except BaseException:
            await self.close()
            raise
        self._start(self._read())
        self._start(self._keep())
        return self

    async def _bind(self, password: str) -> None:
        login, sequence = self.dialect.login(password, time.time()), next(self._sequence)
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._write(self.dialect.request(login.command, sequence, login.body))
            answer = await self._login_answer(sequence)
        login.check(answer)

    async def _login_answer(self, sequence: int) -> Unit:
        """Return the answer to the login. Nothing is taken before: it is not known yet who is at the other end.

        Raises PduError if a delivery comes first.
        """
        while True:
            try:
                unit = await self.dialect.read(self._reader)
            except asyncio.IncompleteReadError:
                raise LostError("the connection ended before the answer") from None
            if unit.is_response and unit.sequence == sequence:
                return unit
            if unit.command == self.dialect.commands.deliver:
                raise PduError("a delivery before the answer to the login")

    async def request(self, command: int, body: bytes) -> Unit:
        """Send a request and return its answer. There is no time limit, but a connection ends if a submitted message
        has no answer for over 30 s. For other requests, the caller sets a limit.

        Raises NotWrittenError if it was certainly not sent, LostError if the connection ended before the answer: it may
        have been carried out.
        """
        if self.closed.is_set() or self._writer.is_closing():
            raise NotWrittenError("the connection has ended")
        sequence = next(self._sequence)
        answer: asyncio.Future[Unit] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = _Waiting(command, time.monotonic(), answer)
        try:
            self._writer.write(self.dialect.request(command, sequence, body).encoded())
            return await answer
        finally:
            self._waiting.pop(sequence, None)

    async def close(self, *, unbind: bool = False) -> None:
        """End the connection. Requests that wait for an answer raise LostError. `unbind`: first send UNBIND (CMPP:
        TERMINATE), and wait up to 5 s for its answer.
        """
        if unbind and not self.closed.is_set():
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(LINK_SECONDS):
                    await self.request(self.dialect.commands.leave, b"")
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
        if not self.closed.is_set():  # what a carrier does not read is not kept for ever
            asyncio.get_running_loop().call_later(LINK_SECONDS, self._writer.transport.abort)
        self.closed.set()
        self._writer.close()
        for each in self._waiting.values():
            if not each.answer.done():
                each.answer.set_exception(LostError("the connection ended before the answer"))

    async def _read(self) -> None:
        try:
            while wanted() and not self.closed.is_set():
                await self._take(await self.dialect.read(self._reader))
        except (asyncio.IncompleteReadError, PduError, OSError):
            pass
        finally:
            self._end()

    async def _take(self, unit: Unit) -> None:
        commands = self.dialect.commands
        if unit.is_response:
            waiting = self._waiting.get(unit.sequence)
            if waiting and not waiting.answer.done():
                waiting.answer.set_result(unit)
        elif unit.command == commands.deliver and len(self._tasks) < _MOST_AT_ONCE:
            self._start(self._delivered(unit))  # not awaited: the answers to messages must not wait for the disk
        elif unit.command == commands.deliver:
            await self._write(self.dialect.answer(unit, stored=False))
        elif unit.command in (commands.link, commands.leave):
            await self._write(self.dialect.answer(unit))
            if unit.command == commands.leave:
                self._end()
        elif refusal := self.dialect.unknown(unit):
            await self._write(refusal)

    async def _delivered(self, unit: Unit) -> None:
        try:
            stored = await self._deliver(unit)
        except Exception as error:  # whatever a carrier sends ends no task without an answer
            stored = False
            self._faults.note(self._account.name, DeliveryFault.FAILED, error)
        await self._write(self.dialect.answer(unit, stored=stored))

    async def _write(self, unit: Unit) -> None:
        """Write a unit. End the connection if the carrier does not read: its answers would fill the memory."""
        if self._writer.is_closing():
            return
        self._writer.write(unit.encoded())
        try:
            async with asyncio.timeout(UNREAD_SECONDS):
                await self._writer.drain()
        except (TimeoutError, OSError):
            self._end()

    async def _keep(self) -> None:
        """Send an enquire_link every `enquire_seconds`, until the connection is closed.

        End the connection if the carrier does not answer it, or leaves a message (submit_sm) unanswered for over
        UNANSWERED_SECONDS.

        Other requests do not end the connection: they have their own time limits, many carriers answer no query_sm, and
        messages in progress would then be in doubt.
        """
        commands = self.dialect.commands
        while wanted() and not self.closed.is_set():
            await asyncio.sleep(self._account.enquire_seconds)
            sent = [each.since for each in self._waiting.values() if each.command == commands.submit]
            oldest = min(sent, default=time.monotonic())
            try:
                async with asyncio.timeout(LINK_SECONDS):
                    await self.request(commands.link, b"")
            except (ConnectionError, TimeoutError):
                oldest = 0.0
            if time.monotonic() - oldest > UNANSWERED_SECONDS:
                self._end()


def _sequence_numbers() -> Iterator[int]:
    """Yield 1 to the largest number, again and again. Not itertools.cycle, which keeps each number that it gave."""
    while True:
        yield from range(1, _LARGEST_SEQUENCE + 1)

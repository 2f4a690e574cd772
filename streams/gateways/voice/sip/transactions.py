"""Client transactions (RFC 3261, section 17.1): over UDP, a request is repeated until it is answered."""

import asyncio
import contextlib
from collections.abc import Callable

from aiosipua.headers import CSeq, stringify_cseq
from aiosipua.message import SipRequest, SipResponse

from streams.gateways.voice.sip.connection import TrunkConnection, TrunkUnreachableError

T1, T2 = 0.5, 4.0  # seconds: the estimate of a round trip, and the longest interval of a repeated request
TIMEOUT = 64 * T1
NO_RESPONSE = 0  # made up here: no answer of the trunk at all. A 408 comes from behind it
SERVICE_UNAVAILABLE = 503

Answered = Callable[[SipResponse], None]


class InviteTransaction:
    """An INVITE in progress.

    `final`: a future with its first final answer; the answer's status is NO_RESPONSE if none came within 32 s, and 503
    if the connection was lost meanwhile. `rung`: True once a provisional answer came: then the INVITE can be cancelled.

    `early`: called with each provisional answer; `confirmed`: called with every 2xx answer, because each must be
    acknowledged: a repeated one too, and those of other telephones that answered the same call.
    """

    def __init__(self, connection: TrunkConnection, request: SipRequest, early: Answered, confirmed: Answered) -> None:
        self._connection, self.request, self._early, self._confirmed = connection, request, early, confirmed
        self.final: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()
        self.rung = False  # a provisional answer came: it can be cancelled
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Send the request, and over UDP again at growing intervals (0.5 s at first) until it is answered or 32 s have
        passed.

        Raises TrunkUnreachableError if there is no connection.
        """
        self._connection.send(self.request)
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        self._timer = loop.call_later(T1 if not self._connection.reliable else TIMEOUT, self._repeat, T1)

    def receive(self, response: SipResponse) -> None:
        """Handle an answer to this INVITE: stop repeating the request; call `early` for a provisional and `confirmed`
        for a 2xx answer; send the ACK for a refusal (300 or above). The first final answer becomes the result of
        `final`, even if its ACK cannot be sent: then TrunkUnreachableError is raised.
        """
        self._stop()
        if response.status_code < 200:
            if not self._refused:
                self.rung = True
                self._early(response)
            return
        try:
            self._acknowledge(response)
        except TrunkUnreachableError:  # a repeated answer is acknowledged again
            self._finish(response)
            raise
        self._finish(response)

    def _acknowledge(self, response: SipResponse) -> None:
        if response.status_code >= 300:
            self._refused = True
            self._connection.send(refusal_ack(self.request, response))
        else:
            self._confirmed(response)

    def _finish(self, response: SipResponse) -> None:
        if not self.final.done():
            self.final.set_result(response)

    def _repeat(self, interval: float) -> None:
        loop = asyncio.get_running_loop()
        if self.final.done():
            return
        if loop.time() - self._began >= TIMEOUT:
            self._connection.renew(self._began)
            self.final.set_result(_no_response())
            return
        try:
            self._connection.send(self.request)
        except TrunkUnreachableError:
            self.final.set_result(SipResponse(status_code=SERVICE_UNAVAILABLE, reason_phrase="no connection"))
            return
        left = TIMEOUT - (loop.time() - self._began)
        self._timer = loop.call_later(min(2 * interval, left), self._repeat, 2 * interval)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Transactions:
    """The client transactions of a connection: requests that wait for their answers. An answer is matched by the branch
    of its Via header and its method.
    """

    def __init__(self, connection: TrunkConnection) -> None:
        self._connection = connection
        self._invites: dict[str, InviteTransaction] = {}
        self._others: dict[tuple[str, str], asyncio.Future[SipResponse]] = {}

    def invite(self, request: SipRequest, early: Answered, confirmed: Answered) -> InviteTransaction:
        """Send an INVITE and return its transaction (see InviteTransaction).

        Raises TrunkUnreachableError if there is no connection.
        """
        transaction = InviteTransaction(self._connection, request, early, confirmed)
        transaction.start()
        self._invites[_branch(request)] = transaction
        return transaction

    def forget(self, transaction: InviteTransaction) -> None:
        """Schedule the deletion of an INVITE's transaction in 32 s, when no repeated answer can come any more.

        Returns at once.
        """
        asyncio.get_running_loop().call_later(TIMEOUT, self._invites.pop, _branch(transaction.request), None)

    async def insist(self, request: SipRequest) -> SipResponse:
        """Send a request that ends a call, and return its final answer. Without a connection, try again every 0.5 s.
        The answer's status is 0 (NO_RESPONSE) if none came within 32 s, also without a connection.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                while True:
                    try:
                        return await self._asked(request)
                    except TrunkUnreachableError:
                        await asyncio.sleep(T1)
        return _no_response()

    async def ask(self, request: SipRequest) -> SipResponse:
        """Send a request other than INVITE and ACK, and return its final answer. The answer's status is 0 (NO_RESPONSE)
        if none came within 32 s, and 503 without a connection.
        """
        try:
            return await self._asked(request)
        except TrunkUnreachableError:
            return SipResponse(status_code=SERVICE_UNAVAILABLE, reason_phrase="no connection")

    def receive(self, response: SipResponse) -> None:
        """Pass an answer to its transaction. An answer without a transaction is dropped. Raises TrunkUnreachableError
        if the ACK for an answer to an INVITE cannot be sent.
        """
        cseq = response.cseq
        method, branch = (cseq.method if cseq else ""), _branch(response)
        if method == "INVITE":
            if (invite := self._invites.get(branch)) is not None:
                invite.receive(response)
        elif (waiting := self._others.get((branch, method))) and not waiting.done() and response.status_code >= 200:
            waiting.set_result(response)

    async def _asked(self, request: SipRequest) -> SipResponse:
        """Return the final answer; its status is NO_RESPONSE if none came within 32 s.

        Raises TrunkUnreachableError if there is no connection.
        """
        began = asyncio.get_running_loop().time()
        key = (_branch(request), request.method)
        waiting = self._others[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._repeated(request, waiting)
        except TimeoutError:
            self._connection.renew(began)
            return _no_response()
        finally:
            self._others.pop(key, None)

    async def _repeated(self, request: SipRequest, waiting: "asyncio.Future[SipResponse]") -> SipResponse:
        interval = T1
        while not waiting.done():
            self._connection.send(request)
            await asyncio.wait([waiting], timeout=TIMEOUT if self._connection.reliable else interval)
            interval = min(2 * interval, T2)
        return waiting.result()


def refusal_ack(invite: SipRequest, response: SipResponse) -> SipRequest:
    """Return the ACK to send for an INVITE that `response` refuses; it belongs to the same transaction (RFC 3261,
    17.1.1.3).
    """
    ack = SipRequest(method="ACK", uri=invite.uri)
    _copy(invite, ack, "Via", "From", "Call-ID", "Max-Forwards", "Route")
    ack.headers.set_single("To", response.get_header("to") or invite.get_header("to") or "")
    _sequence(invite, ack)
    return ack


def cancel_of(invite: SipRequest) -> SipRequest:
    """Return the CANCEL request to send for an INVITE, with the same branch (RFC 3261, 9.1)."""
    cancel = SipRequest(method="CANCEL", uri=invite.uri)
    _copy(invite, cancel, "Via", "From", "To", "Call-ID", "Max-Forwards", "Route")
    _sequence(invite, cancel)
    return cancel


def _no_response() -> SipResponse:
    return SipResponse(status_code=NO_RESPONSE, reason_phrase="no answer of the trunk")


def _sequence(invite: SipRequest, made: SipRequest) -> None:
    number = invite.cseq.seq if invite.cseq else 1
    made.headers.set_single("CSeq", stringify_cseq(CSeq(seq=number, method=made.method)))


def _copy(source: SipRequest, target: SipRequest, *names: str) -> None:
    for name in names:
        for value in source.get_header_values(name):
            target.headers.append(name, value)


def _branch(message: SipRequest | SipResponse) -> str:
    via = message.via
    return (via[0].branch or "") if via else ""

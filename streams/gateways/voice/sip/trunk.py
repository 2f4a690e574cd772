"""The trunk: registration, or regular questions whether it works, and calls both ways."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from aiosipua.auth import SipDigestAuth, answer_challenge
from aiosipua.message import SipRequest, SipResponse
from aiosipua.utils import generate_call_id, generate_tag

from streams.gateways.voice.sip.connection import TrunkAddress, TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.dialog import CallDialog
from streams.gateways.voice.sip.incoming import CallTaker, IncomingLeg, is_complete
from streams.gateways.voice.sip.leg import CHALLENGED, CallLeg
from streams.gateways.voice.sip.requests import DialogParties, contact_of, make_request, make_response
from streams.gateways.voice.sip.transactions import NO_RESPONSE, TIMEOUT, Transactions
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # after a refused registration, or a trunk that does not answer
ASK_SECONDS = 30.0
CLOSE_SECONDS = 3.0  # for the end of the registration
LEAST_EXPIRES = 30
INTERVAL_TOO_BRIEF = 423


@dataclass(frozen=True, slots=True)
class TrunkAccount:
    """Our account at the trunk.

    `caller`: the centre's number, which every call shows; `domain`: of the SIP addresses; `login`: for the trunk's
    challenges; `expires`: lifetime of a registration in seconds, 0: no registration.
    """

    caller: str
    domain: str
    login: SipDigestAuth | None = None
    expires: int = 0


class Trunk:
    """The SIP trunk. It registers again in time, or asks regularly whether the trunk works, and places and takes
    calls.

    `incoming`: decides on each call of the trunk to this side; None: all are refused.
    """

    def __init__(self, address: TrunkAddress, account: TrunkAccount) -> None:
        self._account = account
        self._connection = TrunkConnection(address, self._receive)
        self._transactions = Transactions(self._connection)
        self._legs: dict[str, CallDialog] = {}
        self._answered: dict[tuple[str, str], SipResponse] = {}
        self._tag, self._call_id = generate_tag(), generate_call_id("quanzu")
        self._running: asyncio.Task[None] | None = None
        self._number = 0
        self._own = f"sip:{account.caller}@{account.domain}"
        self._ready = False
        self.incoming: CallTaker | None = None

    @property
    def up(self) -> bool:
        """True if calls can be placed now: connected, and registered or, without registration, the last question was
        answered.
        """
        return self._ready and self._connection.up.is_set()

    @property
    def host(self) -> str:
        """The local IP address of the connection to the trunk."""
        return self._connection.local[0]

    async def open(self) -> None:
        """Connect, and start a background task that registers, or asks whether the trunk works. `up` shows when it can
        be used. Over UDP, raises OSError if the port cannot be opened.
        """
        await self._connection.open()
        self._running = asyncio.create_task(self._attend_on())

    async def close(self) -> None:
        """End the registration, within 3 s, and close the connection."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self.up and self._account.expires:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._ask(self._register(0))
        self._ready = False
        await self._connection.close()

    def leg(self, number: str, *, is_number: bool = True) -> CallLeg:
        """Return a new call to `number`, which is not dialled yet: use its `dial`, and call `release` when it has
        ended. `is_number`: False if `number` is the user part of a SIP address and no telephone number.
        """
        callee = f"sip:{number}@{self._account.domain}" + (";user=phone" if is_number else "")
        leg = CallLeg(
            self._connection, self._transactions, self._own, callee, self._account.caller, self._account.login
        )
        self._legs[leg.call_id] = leg
        return leg

    def release(self, leg: CallDialog) -> None:
        """Close a call that has ended. For another 32 s, requests of the trunk in it are still answered."""
        leg.close()
        asyncio.get_running_loop().call_later(TIMEOUT, self._legs.pop, leg.call_id, None)

    def _receive(self, message: SipRequest | SipResponse) -> None:
        if isinstance(message, SipResponse):
            self._transactions.receive(message)
            return
        via = message.via
        key = ((via[0].branch or "") if via else "", message.method)
        response = self._answered.get(key) or self._take(message)
        if response is not None:
            self._answered[key] = response
            asyncio.get_running_loop().call_later(TIMEOUT, self._answered.pop, key, None)
            self._connection.send(response)

    def _take(self, request: SipRequest) -> SipResponse | None:
        """Return the answer to a request of the trunk; None if there is none, or the call sends it itself."""
        leg = self._legs.get(request.call_id or "")
        if isinstance(leg, IncomingLeg) and leg.is_of_invite(request):
            return leg.receive_again(request)
        if leg is not None and leg.fits(request):
            return leg.receive(request)
        match request.method:
            case "ACK":
                return None
            case "OPTIONS":
                return make_response(request, 200, "OK", self._tag)
            case "INVITE" if leg is None and not (request.to_addr and request.to_addr.tag):
                return self._called(request)
            case _:
                return make_response(request, 481, "Call/Transaction Does Not Exist", self._tag)

    def _called(self, invite: SipRequest) -> SipResponse | None:
        """Decide on a new call of the trunk. Returns the refusal, or None if the call is taken."""
        if self.incoming is None:
            return make_response(invite, 403, "Forbidden", self._tag)
        if not is_complete(invite):
            return make_response(invite, 400, "Bad Request", self._tag)
        leg = IncomingLeg(self._connection, self._transactions, invite, self._account.caller)
        if leg.required:
            response = make_response(invite, 420, "Bad Extension", self._tag)
            response.headers.set_single("Unsupported", ", ".join(leg.required))
            return response
        if (refusal := self.incoming(leg)) is not None:
            return make_response(invite, refusal.status, refusal.reason, self._tag)
        self._legs[leg.call_id] = leg
        leg.ring()
        return None

    async def _attend_on(self) -> None:
        while wanted():
            self._connection.made.clear()
            # A new connection is registered, and asked, at once: nothing comes any more of what the old one was asked.
            rounds = [asyncio.create_task(self._attend_once()), asyncio.create_task(self._connection.made.wait())]
            try:
                await asyncio.wait(rounds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in rounds:
                    each.cancel()
                await asyncio.gather(*rounds, return_exceptions=True)

    async def _attend_once(self) -> None:
        try:
            pause = await self._attend()
        except Exception as error:
            log.error("the trunk could not be asked (%s)", type(error).__name__)  # noqa: TRY400 - no numbers
            pause = RETRY_SECONDS
        await asyncio.sleep(pause)

    async def _attend(self) -> float:
        """Register, or without registration send OPTIONS, and record if the trunk is up.

        Returns the seconds until the next time.
        """
        account = self._account
        try:
            response = await self._ask(self._register(account.expires) if account.expires else self._options())
        except TrunkUnreachableError:
            response = SipResponse(status_code=503)
        was, status = self._ready, response.status_code
        # Any answer to OPTIONS shows that the trunk lives, but not that of a connection that is lost.
        self._ready = 200 <= status < 300 if account.expires else status not in (NO_RESPONSE, 408, 503)
        if self._ready != was:
            log.warning("the trunk is %s (SIP %d)", "up" if self._ready else "down", status)
        if not self._ready:
            return RETRY_SECONDS
        return max(_granted(response, account.expires), LEAST_EXPIRES) * 0.8 if account.expires else ASK_SECONDS

    async def _ask(self, request: SipRequest) -> SipResponse:
        response = await self._transactions.ask(request)
        if response.status_code not in CHALLENGED or self._account.login is None:
            return response
        made = answer_challenge(self._account.login, response, response.status_code, request.method, request.uri)
        if made is None:
            return response
        again = self._options() if request.method == "OPTIONS" else self._register(_expires(request))
        again.headers.set_single(*made)
        return await self._transactions.ask(again)

    def _register(self, expires: int) -> SipRequest:
        request = self._new("REGISTER")
        request.headers.set_single("Contact", contact_of(self._connection, self._account.caller))
        request.headers.set_single("Expires", str(expires))
        return request

    def _options(self) -> SipRequest:
        return self._new("OPTIONS")

    def _new(self, method: str) -> SipRequest:
        self._number += 1
        remote = self._own if method == "REGISTER" else f"sip:{self._account.domain}"
        parties = DialogParties(self._call_id, self._own, self._tag, remote, "", f"sip:{self._account.domain}")
        return make_request(method, parties, self._number, self._connection)


def _expires(request: SipRequest) -> int:
    return int(request.get_header("expires") or 0)


def _granted(response: SipResponse, wanted_seconds: int) -> int:
    """Return the seconds of a registration: of its contact, else of the answer, else as wanted."""
    contact = response.contact
    given = (contact[0].params.get("expires") if len(contact) == 1 else None) or response.get_header("expires")
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 10 else wanted_seconds

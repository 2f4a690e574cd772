"""One outgoing call: from its INVITE to its BYE (RFC 3261, sections 12 and 13)."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from aiosipua.auth import SipDigestAuth, answer_challenge
from aiosipua.headers import stringify_uri
from aiosipua.message import SipRequest, SipResponse
from aiosipua.utils import generate_call_id, generate_tag

from streams.gateways.voice.sip.connection import TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.requests import DialogParties, contact_of, make_request, make_response
from streams.gateways.voice.sip.transactions import SERVICE_UNAVAILABLE, InviteTransaction, Transactions, cancel_of

CHALLENGED = (401, 407)
TERMINATED = 487
CANCEL_SECONDS = 5.0  # for the answer to a cancelled INVITE
SDP = "application/sdp"
MOST_INFO = 1024  # bytes of an INFO with a key: longer ones are not read
_SIGNAL = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9A-D*#])[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DialResult:
    """The final answer to an INVITE. `gave_up`: it rang for too long; `reason`: the Reason header; `sdp`: the answer to
    our offer, "" if there is none.
    """

    status: int
    reason: str = ""
    sdp: str = ""
    gave_up: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether somebody, or something, took the call."""
        return 200 <= self.status < 300 and not self.gave_up


@dataclass(slots=True)
class LegEvents:
    """What is noticed while a call lasts. `early`: is called with the session description of an early answer;
    `pressed`: with a key that came as a SIP INFO; `moved`: with a new session description of the called side; `ended`:
    is set when the called side has ended the call.
    """

    early: Callable[[str], None] = lambda _: None
    pressed: Callable[[str], None] = lambda _: None
    moved: Callable[[str], None] = lambda _: None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class CallLeg:
    """An outgoing call over the trunk. `caller`, `callee`: their SIP URIs; `user`: of our contact."""

    def __init__(
        self,
        connection: TrunkConnection,
        transactions: Transactions,
        caller: str,
        callee: str,
        user: str,
        login: SipDigestAuth | None,
    ) -> None:
        self._connection, self._transactions, self._user, self._login = connection, transactions, user, login
        call_id = generate_call_id("quanzu")
        self._parties = DialogParties(call_id, caller, generate_tag(), callee, "", callee)
        self._number = 0
        self._offer = ""
        self._confirmed = self._given_up = self._cancelled = False
        self._closing: set[asyncio.Future[SipResponse]] = set()
        self.events = LegEvents()

    @property
    def call_id(self) -> str:
        """The Call-ID, by which the trunk's requests find this call."""
        return self._parties.call_id

    async def dial(self, offer: str, seconds: float) -> DialResult:
        """Call, and return the final answer; give up if nobody has answered after `seconds`.

        Answers a challenge of the trunk once. Without a connection to the trunk the status is 503: nothing was sent.
        """
        self._offer = offer
        try:
            async with asyncio.timeout(seconds) as limit:
                response = await self._final_answer()
        except TrunkUnreachableError:
            response = SipResponse(status_code=SERVICE_UNAVAILABLE)
        except TimeoutError:
            if not limit.expired():
                raise
            if not self._invited.final.done():
                await self._give_up()
                return DialResult(TERMINATED, gave_up=True)
            response = self._invited.final.result()  # it came in the moment in which the time was over
        except asyncio.CancelledError:
            await self._abandon()
            raise
        if not 200 <= response.status_code < 300:
            self._given_up = True  # another telephone that answers now is hung up on
        return DialResult(response.status_code, response.get_header("reason") or "", response.text)

    async def hang_up(self) -> None:
        """End an answered call, unless the called side already has."""
        if self._confirmed and not self.events.ended.is_set():
            self.events.ended.set()
            await self._transactions.ask(self._next("BYE", self._parties))

    def close(self) -> None:
        """End all reactions to the call: what the trunk still sends in it finds nobody. Late answers are hung up on."""
        self._given_up = True
        self.events = LegEvents()
        self.events.ended.set()

    def receive(self, request: SipRequest) -> SipResponse | None:
        """Take a request of the trunk in this call, and return the answer; None for an ACK."""
        match request.method:
            case "ACK":
                return None
            case "BYE":
                self.events.ended.set()
                return self._answer(request, 200, "OK")
            case _ if self.events.ended.is_set():
                return self._answer(request, 481, "Call/Transaction Does Not Exist")
            case "INVITE" | "UPDATE":
                return self._renegotiated(request)
            case "INFO":
                if len(request.body) <= MOST_INFO and (found := _SIGNAL.search(request.text)):
                    self.events.pressed(found[1])
                return self._answer(request, 200, "OK")
            case "OPTIONS":
                return self._answer(request, 200, "OK")
            case _:
                return self._answer(request, 405, "Method Not Allowed")

    def fits(self, request: SipRequest) -> bool:
        """Return whether a request has both tags of this call."""
        sender, recipient = request.from_addr, request.to_addr
        return bool(
            sender and recipient and recipient.tag == self._parties.local_tag and sender.tag == self._parties.remote_tag
        )

    def _invite(self, credentials: dict[str, str]) -> InviteTransaction:
        request = self._next("INVITE", self._parties)
        request.headers.set_single("Contact", contact_of(self._connection, self._user))
        request.headers.set_single("Content-Type", SDP)
        for name, value in credentials.items():
            request.headers.set_single(name, value)
        request.text = self._offer
        transaction = self._transactions.invite(request, partial(self._rings, request), self._taken)
        self._invited = transaction
        transaction.final.add_done_callback(lambda _: self._transactions.forget(transaction))
        return transaction

    def _credentials(self, invite: InviteTransaction, response: SipResponse) -> dict[str, str]:
        if self._login is None:
            return {}
        made = answer_challenge(self._login, response, response.status_code, "INVITE", invite.request.uri)
        return dict([made]) if made else {}

    async def _final_answer(self) -> SipResponse:
        invite = self._invite({})
        response = await asyncio.shield(invite.final)
        if response.status_code in CHALLENGED and (credentials := self._credentials(invite, response)):
            response = await asyncio.shield(self._invite(credentials).final)
        return response

    async def _give_up(self) -> None:
        self._given_up, invite = True, self._invited
        if invite.rung:
            self._cancelled = True
            await self._transactions.ask(cancel_of(invite.request))
            await asyncio.wait([invite.final], timeout=CANCEL_SECONDS)
        if not invite.final.done():
            invite.final.set_result(SipResponse(status_code=TERMINATED))

    async def _abandon(self) -> None:
        """End the call of a task that is cancelled, whether or not it was answered in this moment."""
        self._given_up, invite = True, self._invited
        if self._confirmed:
            await asyncio.shield(self.hang_up())
        elif invite.rung and not invite.final.done():
            self._cancelled = True
            self._connection.send(cancel_of(invite.request))

    def _rings(self, invite: SipRequest, response: SipResponse) -> None:
        if self._given_up and not self._cancelled:  # an INVITE can be cancelled only once it rings
            self._cancelled = True
            self._end(cancel_of(invite))
        if response.body and response.content_type == SDP:
            self.events.early(response.text)

    def _taken(self, response: SipResponse) -> None:
        """Acknowledge a 2xx. A second telephone that answers too, and an answer after giving up, are hung up on."""
        parties = self._parties_of(response)
        self._connection.send(self._ack(parties, response))
        known = self._confirmed and parties.remote_tag == self._parties.remote_tag  # a repeated answer
        if (self._given_up or self._confirmed) and not known:
            self._end(self._next("BYE", parties))
        elif not self._confirmed:
            self._confirmed, self._parties = True, parties

    def _end(self, request: SipRequest) -> None:
        asked = asyncio.ensure_future(self._transactions.ask(request))
        self._closing.add(asked)
        asked.add_done_callback(self._closing.discard)

    def _parties_of(self, response: SipResponse) -> DialogParties:
        to, contact = response.to_addr, response.contact
        routes = tuple(reversed(response.get_header_values("record-route")))
        target = stringify_uri(contact[0].uri) if contact else self._parties.target
        return replace(self._parties, remote_tag=(to and to.tag) or "", target=target, routes=routes)

    def _ack(self, parties: DialogParties, response: SipResponse) -> SipRequest:
        number = response.cseq.seq if response.cseq else self._number
        return make_request("ACK", parties, number, self._connection)

    def _next(self, method: str, parties: DialogParties) -> SipRequest:
        self._number += 1
        return make_request(method, parties, self._number, self._connection)

    def _renegotiated(self, request: SipRequest) -> SipResponse:
        """Answer a new offer, such as of a session timer or after a transfer in the network, with our own session."""
        response = self._answer(request, 200, "OK")
        if request.contact:
            self._parties = replace(self._parties, target=stringify_uri(request.contact[0].uri))
        if request.body and request.content_type == SDP:
            self.events.moved(request.text)
        if request.method == "INVITE" or request.body:
            response.headers.set_single("Content-Type", SDP)
            response.text = self._offer
        return response

    def _answer(self, request: SipRequest, status: int, reason: str) -> SipResponse:
        response = make_response(request, status, reason, self._parties.local_tag)
        response.headers.set_single("Contact", contact_of(self._connection, self._user))
        return response

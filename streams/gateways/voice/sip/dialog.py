"""A call's dialog after its INVITE, whoever began it: the other end's requests, and the BYE (RFC 3261, section 12)."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aiosipua.headers import stringify_uri
from aiosipua.message import SipRequest, SipResponse

from streams.gateways.voice.media.session import directed
from streams.gateways.voice.sip.connection import TrunkConnection
from streams.gateways.voice.sip.requests import DialogParties, contact_of, make_request, make_response
from streams.gateways.voice.sip.transactions import Transactions

SDP = "application/sdp"
MOST_INFO = 1024  # bytes of an INFO with a key: longer ones are not read
_SIGNAL = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9A-D*#])[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class LegEvents:
    """The events of a call.

    `early`: called with the session description of an early answer, before the call is answered or given up; `pressed`:
    with a key sent as a SIP INFO; `moved`: with a new session description of the other side, returns the direction of
    ours (sendrecv if None), and raises ValueError if nothing can be agreed; `ended`: set when the other side has ended
    the call.
    """

    early: Callable[[str], None] = lambda _: None
    pressed: Callable[[str], None] = lambda _: None
    moved: Callable[[str], str | None] = lambda _: None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class CallDialog:
    """The dialog of a call. `parties`: its ends; `user`: the user part of our contact URI."""

    def __init__(
        self, connection: TrunkConnection, transactions: Transactions, parties: DialogParties, user: str
    ) -> None:
        self._connection, self._transactions, self._parties, self._user = connection, transactions, parties, user
        self._number = 0
        self._offer, self._description, self._version = "", "", 0  # this side's first and latest session description
        self._offers = False  # the other side has asked for an offer, and its ACK has the answer
        self._confirmed = self._given_up = False
        self._closing: set[asyncio.Future[SipResponse]] = set()
        self.events = LegEvents()

    @property
    def call_id(self) -> str:
        """The call's Call-ID header, by which the trunk's requests are matched with the call."""
        return self._parties.call_id

    async def hang_up(self) -> None:
        """End an answered call with a BYE, and wait for its answer up to 32 s; a connection that is lost may be made
        again meanwhile. Does nothing if the call was not answered, or has ended.
        """
        if self._confirmed and not self.events.ended.is_set():
            self.events.ended.set()
            await self._transactions.insist(self._next("BYE", self._parties))

    def close(self) -> None:
        """Ignore all further requests of the trunk in this call: its events have no listener any more. If the call is
        answered later, it is hung up.
        """
        self._given_up = True
        self.events = LegEvents()
        self.events.ended.set()

    def receive(self, request: SipRequest) -> SipResponse | None:
        """Handle a request of the trunk in this call, such as a BYE, and call the matching one of `events`. Returns the
        answer to send; None for an ACK, which has no answer.
        """
        match request.method:
            case "ACK":
                self._take_answer(request)
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
                    self.events.pressed(found[1].upper())
                return self._answer(request, 200, "OK")
            case "OPTIONS":
                return self._answer(request, 200, "OK")
            case _:
                return self._answer(request, 405, "Method Not Allowed")

    def fits(self, request: SipRequest) -> bool:
        """Return True if a request belongs to this call's dialog: its From and To tags are the call's."""
        sender, recipient = request.from_addr, request.to_addr
        return bool(
            sender and recipient and recipient.tag == self._parties.local_tag and sender.tag == self._parties.remote_tag
        )

    def _end(self, request: SipRequest) -> None:
        asked = asyncio.ensure_future(self._transactions.insist(request))
        self._closing.add(asked)
        asked.add_done_callback(self._closing.discard)

    def _next(self, method: str, parties: DialogParties) -> SipRequest:
        self._number += 1
        return make_request(method, parties, self._number, self._connection)

    def _renegotiated(self, request: SipRequest) -> SipResponse:
        """Return the answer to a new offer, for example for a hold, by a session timer or after a transfer in the
        network: 488 if nothing can be agreed, and then nothing changes.

        Without an offer it makes one, that of the first INVITE. The other side's new address is used from now on.
        """
        direction: str | None = None
        if offers := bool(request.body and request.content_type == SDP):
            try:
                direction = self.events.moved(request.text)
            except ValueError:
                return self._answer(request, 488, "Not Acceptable Here")
        response = self._answer(request, 200, "OK")
        if request.contact:
            self._parties = replace(self._parties, target=stringify_uri(request.contact[0].uri))
        if request.method == "INVITE" or offers:
            self._offers = not offers
            response.headers.set_single("Content-Type", SDP)
            response.text = self._described(direction or "sendrecv")
        return response

    def _described(self, direction: str) -> str:
        """Return this side's session description, with a new version if its direction has changed."""
        if directed(self._offer, direction, self._version) != self._description:
            self._version += 1
            self._description = directed(self._offer, direction, self._version)
        return self._description

    def _take_answer(self, ack: SipRequest) -> None:
        """Use the answer to an offer of ours in a 200. One that cannot be used changes nothing."""
        if self._offers and ack.body and ack.content_type == SDP and not self.events.ended.is_set():
            self._offers = False
            with contextlib.suppress(ValueError):
                self.events.moved(ack.text)

    def _answer(self, request: SipRequest, status: int, reason: str) -> SipResponse:
        response = make_response(request, status, reason, self._parties.local_tag)
        response.headers.set_single("Contact", contact_of(self._connection, self._user))
        return response

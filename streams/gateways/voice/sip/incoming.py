"""One incoming call, from its INVITE to its BYE (RFC 3261, sections 13.3 and 17.2.1)."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiosipua.headers import stringify_uri
from aiosipua.message import SipRequest, SipResponse
from aiosipua.utils import generate_tag

from streams.gateways.voice.sip.connection import TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.dialog import SDP, CallDialog
from streams.gateways.voice.sip.requests import DialogParties
from streams.gateways.voice.sip.transactions import T1, T2, TIMEOUT, Transactions

_USER = re.compile(r"^sips?:([^@;:>\s]{1,64})(?:[;:][^@]*)?@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SipRefusal:
    """The final answer to an INVITE that is not taken."""

    status: int
    reason: str


CallTaker = Callable[["IncomingLeg"], SipRefusal | None]
"""Decides on a new call: None if it is taken. Called for each INVITE, so it must not wait."""

NOT_FOUND = SipRefusal(404, "Not Found")
BUSY_HERE = SipRefusal(486, "Busy Here")
NO_SERVICE = SipRefusal(503, "Service Unavailable")
UNACCEPTABLE = SipRefusal(488, "Not Acceptable Here")


class IncomingLeg(CallDialog):
    """A call of the trunk to this side. `invite`: its INVITE, with From, To, Contact and Call-ID; `user`: the user part
    of our contact URI.
    """

    def __init__(self, connection: TrunkConnection, transactions: Transactions, invite: SipRequest, user: str) -> None:
        sender, recipient = invite.from_addr, invite.to_addr
        assert sender and recipient and invite.contact  # noqa: S101, PT018 - `is_complete`
        parties = DialogParties(
            invite.call_id or "",
            stringify_uri(recipient.uri),
            generate_tag(),
            stringify_uri(sender.uri),
            sender.tag or "",
            stringify_uri(invite.contact[0].uri),
            tuple(invite.get_header_values("record-route")),
        )
        super().__init__(connection, transactions, parties, user)
        self._invite, self._latest = invite, self._answer(invite, 100, "Trying")
        self._acknowledged = asyncio.Event()

    @property
    def dialled(self) -> str:
        """The user part of the SIP address that was called (the URI of the INVITE), without parameters; "" if it has
        none, or one longer than 64 characters, or is no SIP address.
        """
        found = _USER.match(self._invite.uri)
        return found[1] if found else ""

    @property
    def asserted(self) -> Sequence[str]:
        """The P-Asserted-Identity headers: addresses that the network vouches for (RFC 3325); empty without any."""
        return self._invite.get_header_values("p-asserted-identity")

    @property
    def sender(self) -> str:
        """The SIP URI in the From header, as the calling side gives it."""
        return self._parties.remote

    @property
    def offered(self) -> str:
        """The session description of the INVITE, "" if this side must offer one."""
        return self._invite.text if self._invite.body and self._invite.content_type == SDP else ""

    @property
    def required(self) -> Sequence[str]:
        """The SIP extensions in the Require header, without which the calling side does not want the call."""
        given = self._invite.get_header_values("require")
        return [name for each in given for name in map(str.strip, each.split(",")) if name]

    @property
    def is_answered(self) -> bool:
        """True once this side has answered the call, also after its end."""
        return self._confirmed

    def ring(self) -> None:
        """Send 180 Ringing, so that the calling side waits for an answer. Does nothing without a connection."""
        self._send(self._answer(self._invite, 180, "Ringing"))

    async def accept(self, described: str, direction: str) -> bool:
        """Answer the call with this side's session description. Returns True once the calling side has confirmed it;
        False if the call has ended or was answered before, or is not confirmed within 32 s: it is hung up then.

        `direction`: sendrecv, sendonly, recvonly or inactive.
        """
        if self.events.ended.is_set() or self._confirmed:
            return False
        self._confirmed = True
        self._offer = self._description = described
        self._offers = not self.offered
        response = self._answer(self._invite, 200, "OK")
        response.headers.set_single("Content-Type", SDP)
        response.text = self._described(direction)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT):
                await self._until_acknowledged(response)
        if not self._acknowledged.is_set():
            await self.hang_up()
        return self._acknowledged.is_set() and not self.events.ended.is_set()

    def refuse(self, refusal: SipRefusal) -> None:
        """Send a refusal as the final answer. Does nothing if the call was answered, or has ended."""
        if not self._confirmed and not self.events.ended.is_set():
            self.events.ended.set()
            self._send(self._answer(self._invite, refusal.status, refusal.reason))

    async def hang_up(self) -> None:
        """End the call: with a BYE if it was answered, whose answer is awaited for up to 32 s, else with the refusal
        503.
        """
        self.refuse(NO_SERVICE)
        await super().hang_up()

    def receive(self, request: SipRequest) -> SipResponse | None:
        """Handle a request of the trunk in this call, such as a BYE. Returns the answer to send; None for an ACK, which
        has no answer.
        """
        if request.method == "ACK":
            self._acknowledged.set()
        if request.method == "BYE" and not self._confirmed and not self.events.ended.is_set():
            self._send(self._answer(self._invite, 487, "Request Terminated"))  # the INVITE must have a final answer
        return super().receive(request)

    def is_of_invite(self, request: SipRequest) -> bool:
        """Return True if a request is this call's INVITE once more, or its CANCEL: its Via header has the INVITE's
        branch.
        """
        return request.method in ("INVITE", "CANCEL") and _branch(request) == _branch(self._invite) != ""

    def receive_again(self, request: SipRequest) -> SipResponse | None:
        """Handle a request for which `is_of_invite` is True. A repeated INVITE gets the latest answer, which is sent
        here: returns None. A CANCEL ends a call that was not answered: returns the answer to send.
        """
        if request.method == "INVITE":
            self._send(self._latest)
            return None
        if not self._confirmed and not self.events.ended.is_set():
            self.events.ended.set()
            self._send(self._answer(self._invite, 487, "Request Terminated"))
        return self._answer(request, 200, "OK")

    async def _until_acknowledged(self, response: SipResponse) -> None:
        interval = T1
        while not self._acknowledged.is_set() and not self.events.ended.is_set():
            self._send(response)
            waits = [asyncio.create_task(each.wait()) for each in (self._acknowledged, self.events.ended)]
            try:
                await asyncio.wait(waits, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
            interval = min(2 * interval, T2)

    def _send(self, response: SipResponse) -> None:
        self._latest = response
        with contextlib.suppress(TrunkUnreachableError):
            self._connection.send(response)


def is_complete(invite: SipRequest) -> bool:
    """Return True if an INVITE has what a call needs: From with its tag, To, Contact, Call-ID and a branch."""
    sender = invite.from_addr
    return bool(
        sender and sender.tag and invite.to_addr and invite.contact and invite.call_id and invite.cseq
    ) and bool(_branch(invite))


def _branch(request: SipRequest) -> str:
    via = request.via
    return (via[0].branch or "") if via else ""

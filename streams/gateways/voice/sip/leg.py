"""One outgoing call, from its INVITE to its BYE (RFC 3261, sections 12 and 13)."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from aiosipua.auth import SipDigestAuth, answer_challenge
from aiosipua.headers import stringify_uri
from aiosipua.message import SipRequest, SipResponse
from aiosipua.utils import generate_call_id, generate_tag

from streams.gateways.voice.sip.connection import TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.dialog import SDP, CallDialog
from streams.gateways.voice.sip.requests import DialogParties, contact_of, make_request
from streams.gateways.voice.sip.transactions import (
    NO_RESPONSE,
    SERVICE_UNAVAILABLE,
    InviteTransaction,
    Transactions,
    cancel_of,
)

CHALLENGED = (401, 407)
TERMINATED = 487
RINGS = (180, 183)  # not 100: it says only that the trunk has the INVITE
CANCEL_SECONDS = 5.0  # for the answer to a cancelled INVITE


@dataclass(frozen=True, slots=True)
class DialResult:
    """The final answer to an INVITE.

    `status`: its SIP status; 0 if the trunk sent no answer at all, 503 also without a connection to the trunk, 487 also
    if the call was given up; `reason`: its Reason header, "" without one; `sdp`: the session description that answers
    our offer, "" if it has none; `gave_up`: True if the call was given up because it was not answered for too long;
    `rang`: True if the telephone rang, or its network said that the call goes on.
    """

    status: int
    reason: str = ""
    sdp: str = ""
    gave_up: bool = False
    rang: bool = False

    @property
    def is_answered(self) -> bool:
        """True if the call was answered (status 2xx) and not given up, by a person or a machine."""
        return 200 <= self.status < 300 and not self.gave_up


class CallLeg(CallDialog):
    """An outgoing call over the trunk.

    `caller`, `callee`: their SIP URIs; `user`: the user part of our contact URI; `login`: for the trunk's challenges.
    """

    def __init__(
        self,
        connection: TrunkConnection,
        transactions: Transactions,
        caller: str,
        callee: str,
        user: str,
        login: SipDigestAuth | None,
    ) -> None:
        parties = DialogParties(generate_call_id("quanzu"), caller, generate_tag(), callee, "", callee)
        super().__init__(connection, transactions, parties, user)
        self._login, self._cancelled, self._rang = login, False, False

    async def dial(self, offer: str, seconds: float) -> DialResult:
        """Send the INVITE with the session description `offer`, answer one challenge of the trunk, and return the final
        answer. If nobody has answered after `seconds`, the call is given up: status 487, or 0 if the trunk has not even
        said that it has the call; `gave_up` is True.

        The status is 503 without a connection to the trunk, and 0 if the trunk sent no answer within 32 s. If the task
        is cancelled, the call is ended.
        """
        self._offer = self._description = offer
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
                status = TERMINATED if self._invited.rung else NO_RESPONSE
                return DialResult(status, gave_up=True, rang=self._rang)
            response = self._invited.final.result()  # it came in the moment in which the time was over
        except asyncio.CancelledError:
            await self._abandon()
            raise
        if not 200 <= response.status_code < 300:
            self._given_up = True  # another telephone that answers now is hung up on
        return DialResult(response.status_code, response.get_header("reason") or "", response.text, rang=self._rang)

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
            self._end(cancel_of(invite.request))
            await asyncio.wait([invite.final], timeout=CANCEL_SECONDS)
        if not invite.final.done():
            invite.final.set_result(SipResponse(status_code=TERMINATED))

    async def _abandon(self) -> None:
        """End the call after its task was cancelled: hang up if it was answered, else send CANCEL if it rings.

        If nothing has rung, the INVITE is not repeated; should it ring later, it is cancelled then.
        """
        self._given_up, invite = True, self._invited
        if self._confirmed:
            await asyncio.shield(self.hang_up())
        elif not invite.final.done():
            if invite.rung:
                self._cancelled = True
                self._end(cancel_of(invite.request))
            invite.final.set_result(SipResponse(status_code=TERMINATED))

    def _rings(self, invite: SipRequest, response: SipResponse) -> None:
        if self._given_up and not self._cancelled:  # an INVITE can be cancelled only once it rings
            self._cancelled = True
            self._end(cancel_of(invite))
        self._rang = self._rang or response.status_code in RINGS
        # A late one, of another telephone that rang too, must not move the sound of the call.
        wanted = not self._confirmed and not self._given_up
        if wanted and response.body and response.content_type == SDP:
            self.events.early(response.text)

    def _taken(self, response: SipResponse) -> None:
        """Acknowledge a 2xx answer.

        The first one begins the call, even if its ACK cannot be sent. An answer of a second telephone, or one that
        comes after giving up, is hung up on.
        """
        parties = self._parties_of(response)
        ack = self._ack(parties, response)
        known = self._confirmed and parties.remote_tag == self._parties.remote_tag  # a repeated answer
        if (self._given_up or self._confirmed) and not known:
            self._end(self._next("BYE", parties))
        elif not self._confirmed:
            self._confirmed, self._parties = True, parties
        self._connection.send(ack)  # last, as it may raise; the BYE above is sent by a task that begins later

    def _parties_of(self, response: SipResponse) -> DialogParties:
        to, contact = response.to_addr, response.contact
        routes = tuple(reversed(response.get_header_values("record-route")))
        target = stringify_uri(contact[0].uri) if contact else self._parties.target
        return replace(self._parties, remote_tag=(to and to.tag) or "", target=target, routes=routes)

    def _ack(self, parties: DialogParties, response: SipResponse) -> SipRequest:
        number = response.cseq.seq if response.cseq else self._number
        return make_request("ACK", parties, number, self._connection)

"""An operator's call between two trunks that are lists of messages: the test plays both, and the disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosipua.auth import SipDigestAuth
from aiosipua.message import SipMessage, SipRequest, SipResponse

from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.session import offer
from streams.gateways.voice.operators.conversation import ConversationRules, OperatorConversation
from streams.gateways.voice.operators.ledger import CallChange
from streams.gateways.voice.operators.party import PartyAddress
from streams.gateways.voice.sip.connection import TrunkAddress, TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.dialog import CallDialog
from streams.gateways.voice.sip.requests import DialogParties, make_request
from streams.gateways.voice.sip.transactions import Transactions
from streams.gateways.voice.sip.trunk import Trunk, TrunkAccount

PORTS = (26000, 26999)
MEDIA_PORT = 25_998  # of the far telephones: nobody listens


@dataclass
class ListedConnection:
    """A connection that keeps what is sent. `lost`: nothing can be sent now."""

    reliable: bool = True
    transport: str = "TLS"
    local: tuple[str, int] = ("127.0.0.1", 5061)
    sent: list[SipRequest | SipResponse] = field(default_factory=list)
    lost: bool = False

    def send(self, message: SipRequest | SipResponse) -> None:
        if self.lost:
            raise TrunkUnreachableError
        self.sent.append(message)

    def renew(self, since: float) -> None:
        """Nothing to make again."""


class ScriptedTrunk(Trunk):
    """A trunk whose answers the test gives."""

    def __init__(self, *, reliable: bool = True) -> None:
        super().__init__(TrunkAddress("127.0.0.1", 5061, "tls"), TrunkAccount("96110", "d", SipDigestAuth("u", "p")))
        self.line = ListedConnection(reliable)
        connection: TrunkConnection = self.line  # type: ignore[assignment]  # it has what is used
        self._connection, self._transactions = connection, Transactions(connection)

    @property
    def up(self) -> bool:
        return True

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to close."""

    def requests(self, method: str) -> list[SipRequest]:
        """The requests that were sent, the oldest first."""
        return [each for each in self.line.sent if isinstance(each, SipRequest) and each.method == method]

    async def request(self, method: str, seconds: float = 5.0) -> SipRequest:
        """Wait for a request, and return the latest one."""
        async with asyncio.timeout(seconds):
            while not self.requests(method):  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.005)
        return self.requests(method)[-1]

    def answer(self, request: SipRequest, status: int, sdp: str = "", tag: str = "far") -> None:
        """Answer a request."""
        lines = [f"{name}: {request.get_header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        to = request.get_header("To") or ""
        lines.append(f"To: {to}" if "tag=" in to else f"To: {to};tag={tag}")
        kind = ["Content-Type: application/sdp"] if sdp else []
        head = [f"SIP/2.0 {status} X", *lines, "Contact: <sip:u@127.0.0.1>", *kind, f"Content-Length: {len(sdp)}"]
        response = SipMessage.parse("\r\n".join([*head, "", sdp]).encode())
        assert isinstance(response, SipResponse)
        self._transactions.receive(response)

    async def pick_up(self, sdp: str = "") -> None:
        """Answer the INVITE as soon as it comes."""
        self.answer(await self.request("INVITE"), 200, sdp or offer("127.0.0.1", MEDIA_PORT, None))

    def ask(self, method: str, body: str = "", number: int = 1) -> SipResponse | None:
        """A request of the far side in the latest call; returns the answer."""
        leg = self.latest
        own, remote = leg._parties.local_tag, leg._parties.remote_tag
        parties = DialogParties(leg.call_id, "sip:1@d", remote, "sip:96110@d", own, "sip:96110@d")
        request = make_request(method, parties, number, self._connection)
        if body:
            request.headers.set_single("Content-Type", "application/sdp")
            request.text = body
        return leg.receive(request)

    @property
    def latest(self) -> CallDialog:
        """The latest call."""
        return list(self._legs.values())[-1]


@dataclass
class ScriptedCall:
    """A call under way. `changes`: what was written; `disk`: what a write awaits first."""

    operator: ScriptedTrunk = field(default_factory=ScriptedTrunk)
    resident: ScriptedTrunk = field(default_factory=ScriptedTrunk)
    changes: list[CallChange] = field(default_factory=list)
    disk: Callable[[CallChange], Awaitable[None]] | None = None
    clock: MediaClock = field(default_factory=MediaClock)

    async def changed(self, to: CallChange) -> None:
        if self.disk is not None:
            await self.disk(to)
        self.changes.append(to)

    def conversation(self, rules: ConversationRules) -> OperatorConversation:
        """The call, not begun yet."""
        sides = PartyAddress(self.operator, "2001", False, False, PORTS)
        return OperatorConversation(
            "wang", sides, PartyAddress(self.resident, "1", True, False, PORTS), self.clock, rules, self.changed
        )


@asynccontextmanager
async def holding(
    call: ScriptedCall, rules: ConversationRules
) -> AsyncIterator[tuple[OperatorConversation, "asyncio.Task[None]"]]:
    """Carry out a call; it is cancelled at the end of the block."""
    talk = call.conversation(rules)
    task = asyncio.create_task(talk.run())
    try:
        yield talk, task
    finally:
        task.cancel()
        for trunk in (call.operator, call.resident) * 2:  # so that no BYE waits
            await asyncio.sleep(0.01)
            for bye in trunk.requests("BYE"):
                trunk.answer(bye, 200)
        await asyncio.gather(task, return_exceptions=True)

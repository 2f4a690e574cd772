"""SIP signalling at its edges, with a trunk that is a list of messages: no call is left without an end."""

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial

import pytest
from aiosipua.message import SipMessage, SipRequest, SipResponse

from domain.carriers.voice import without_answer
from schemas.channels.receipts import CallState
from streams.gateways.voice.caller import _not_answered
from streams.gateways.voice.sip import transactions as module
from streams.gateways.voice.sip import trunk as trunks
from streams.gateways.voice.sip.connection import TrunkAddress, TrunkConnection, TrunkUnreachableError
from streams.gateways.voice.sip.leg import CallLeg, DialResult
from streams.gateways.voice.sip.requests import DialogParties, make_request
from streams.gateways.voice.sip.transactions import Transactions
from streams.gateways.voice.sip.trunk import Trunk, TrunkAccount


@dataclass
class ListedTrunk:
    """A connection that keeps what is sent. `lost`: nothing can be sent now."""

    reliable: bool = True
    transport: str = "TLS"
    local: tuple[str, int] = ("127.0.0.1", 5061)
    sent: list[SipRequest] = field(default_factory=list)
    renewed: int = 0
    lost: bool = False

    def send(self, message: SipRequest) -> None:
        if self.lost:
            raise TrunkUnreachableError
        self.sent.append(message)

    def renew(self, since: float) -> None:
        self.renewed += 1

    @property
    def methods(self) -> list[str]:
        return [message.method for message in self.sent]


class Line:
    """A call over the listed trunk."""

    def __init__(self) -> None:
        self.trunk = ListedTrunk()
        connection: TrunkConnection = self.trunk  # type: ignore[assignment]  # it has what is used
        self.transactions = Transactions(connection)
        self.connection = connection
        self.leg = CallLeg(connection, self.transactions, "sip:96110@d", "sip:1@d", "96110", None)

    def answer(self, status: int, tag: str = "a", number: int = 0) -> None:
        request = self.trunk.sent[number]
        lines = [f"{name}: {request.get_header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        to = f"To: {request.get_header('To')};tag={tag}"
        text = "\r\n".join([f"SIP/2.0 {status} X", *lines, to, "Contact: <sip:u@127.0.0.1>", "", ""])
        response = SipMessage.parse(text.encode())
        assert isinstance(response, SipResponse)
        self.transactions.receive(response)

    async def ask(self, method: str, body: str = "", kind: str = "application/sdp") -> int:
        """A request of the trunk in the call; the status of the answer."""
        own, remote = self.leg._parties.local_tag, self.leg._parties.remote_tag
        parties = DialogParties(self.leg.call_id, "sip:1@d", remote, "sip:96110@d", own, "sip:96110@d")
        request = make_request(method, parties, 1, self.connection)
        request.headers.set_single("Content-Type", kind)
        request.text = body
        response = self.leg.receive(request)
        assert response is not None
        return response.status_code


@pytest.fixture
async def line() -> Line:
    return Line()


async def answered(line: Line) -> DialResult:
    task = asyncio.create_task(line.leg.dial("o", 5))
    await asyncio.sleep(0)
    line.answer(200)
    return await task


async def test_an_answer_in_the_moment_in_which_the_time_is_over_is_taken(line: Line) -> None:
    task = asyncio.create_task(line.leg.dial("o", 0.1))
    await asyncio.sleep(0)
    line.answer(180)

    def late() -> None:
        time.sleep(0.05)  # the end of the time becomes due in this step of the loop
        line.answer(200)

    asyncio.get_running_loop().call_later(0.08, late)
    assert (await task).is_answered
    await line_ends(line)


async def line_ends(line: Line) -> None:
    ending = asyncio.create_task(line.leg.hang_up())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert line.trunk.methods.count("BYE") == 1
    line.answer(200, number=line.trunk.methods.index("BYE"))
    await ending


async def test_a_telephone_that_answers_after_a_refusal_is_hung_up_on(line: Line) -> None:
    task = asyncio.create_task(line.leg.dial("o", 5))
    await asyncio.sleep(0)
    line.answer(486, "a")
    assert (await task).status == 486
    line.answer(200, "b")
    await asyncio.sleep(0.01)
    assert line.trunk.methods == ["INVITE", "ACK", "ACK", "BYE"]


async def test_a_refusal_counts_even_if_it_cannot_be_acknowledged(line: Line) -> None:
    task = asyncio.create_task(line.leg.dial("o", 5))
    await asyncio.sleep(0)
    line.trunk.lost = True
    with pytest.raises(TrunkUnreachableError):
        line.answer(486)
    assert (await task).status == 486


async def test_an_answered_call_whose_answer_cannot_be_acknowledged_is_hung_up_later(line: Line) -> None:
    task = asyncio.create_task(line.leg.dial("o", 5))
    await asyncio.sleep(0)
    line.trunk.lost = True
    with pytest.raises(TrunkUnreachableError):
        line.answer(200)
    assert (await task).is_answered
    line.trunk.lost = False
    await line_ends(line)


async def test_a_silent_trunk_is_no_answer_of_a_person_and_is_connected_to_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.05)
    result = await line.leg.dial("o", 5)
    assert without_answer(result.status).state is CallState.FAILED
    assert line.trunk.renewed == 1
    line.answer(200)  # the trunk was only slow: the call is ended
    await asyncio.sleep(0.01)
    assert line.trunk.methods == ["INVITE", "ACK", "BYE"]


@pytest.mark.parametrize(("status", "state"), [(None, CallState.FAILED), (100, CallState.NO_ANSWER)])
async def test_a_call_given_up_is_no_answer_of_a_person_if_the_trunk_sent_nothing(
    line: Line, status: int | None, state: CallState
) -> None:
    task = asyncio.create_task(line.leg.dial("o", 0.05))
    await asyncio.sleep(0)
    if status:
        line.answer(status)
        asyncio.get_running_loop().call_later(0.1, partial(line.answer, 487))
    ending = _not_answered(await task, 45)
    assert ending.state is state
    assert "rang" not in ending.detail


@pytest.mark.parametrize("status", [100, 180])
async def test_a_call_given_up_before_it_rang_is_cancelled_once_when_it_rings(line: Line, status: int) -> None:
    assert (await line.leg.dial("o", 0.05)).gave_up
    assert line.trunk.methods == ["INVITE"]
    line.answer(status)
    line.answer(180)
    await asyncio.sleep(0.01)
    assert line.trunk.methods == ["INVITE", "CANCEL"]


async def test_a_call_that_is_answered_while_its_task_is_cancelled_is_hung_up(line: Line) -> None:
    task = asyncio.create_task(line.leg.dial("o", 5))
    await asyncio.sleep(0)
    line.answer(200)
    task.cancel()
    await asyncio.sleep(0.01)
    assert line.trunk.methods == ["INVITE", "ACK", "BYE"]
    line.answer(200, number=2)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_call_that_has_ended_takes_no_new_session(line: Line) -> None:
    await answered(line)
    moved: list[str] = []
    line.leg.events.moved = moved.append
    assert await line.ask("INVITE", "first") == 200
    assert await line.ask("BYE") == 200
    assert await line.ask("INVITE", "second") == 481
    line.leg.close()
    assert await line.ask("UPDATE", "third") == 481
    assert await line.ask("BYE") == 200
    assert moved == ["first"]


async def test_an_info_of_empty_lines_is_read_at_once_and_a_key_is_found(line: Line) -> None:
    await answered(line)
    keys: list[str] = []
    line.leg.events.pressed = keys.append
    began = time.process_time()
    assert await line.ask("INFO", "\n" * 60_000, "application/dtmf-relay") == 200
    assert time.process_time() - began < 0.5
    assert await line.ask("INFO", "Signal= 2\r\nDuration=160\r\n", "application/dtmf-relay") == 200
    assert keys == ["2"]
    assert await line.ask("INFO", "Signal=a\r\nDuration=160\r\n", "application/dtmf-relay") == 200
    assert keys == ["2", "A"]


@pytest.mark.parametrize("expires", ["²", "9" * 5000])
def test_a_registration_without_a_readable_time_is_as_long_as_wanted(expires: str) -> None:
    response = SipResponse(status_code=200)
    response.headers.set_single("Expires", expires)
    assert trunks._granted(response, 600) == 600


@pytest.mark.parametrize("end", [b"\r", b"\n"])
async def test_a_message_whose_line_ends_with_cr_or_lf_alone_is_left_out(end: bytes) -> None:
    received: list[object] = []
    connection = TrunkConnection(TrunkAddress("127.0.0.1", 5060, "udp"), received.append)
    head = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nCall-ID: 1"
    connection.take(head + end + b"P-Asserted-Identity: <tel:+8619900001234>\r\n\r\n")
    assert received == []
    connection.take(head + b"\r\nContent-Length: 3\r\n\r\na" + end + b"b")
    assert len(received) == 1


async def test_a_trunk_is_asked_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunks, "RETRY_SECONDS", 0.01)
    trunk = Trunk(TrunkAddress("127.0.0.1", 9, "udp"), TrunkAccount("96110", "127.0.0.1"))
    asked: list[int] = []

    async def ask(request: SipRequest) -> SipResponse:
        asked.append(1)
        if len(asked) == 1:
            raise ValueError("hostile")
        return SipResponse(status_code=200)

    monkeypatch.setattr(trunk, "_ask", ask)
    await trunk.open()
    async with asyncio.timeout(5):
        while not trunk.up:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.01)
    await trunk.close()


@pytest.mark.parametrize("body", [False, True], ids=["silent", "half a message"])
async def test_a_half_open_connection_is_made_again_and_the_trunk_asked_at_once(
    monkeypatch: pytest.MonkeyPatch, body: bool
) -> None:
    monkeypatch.setattr("streams.gateways.voice.sip.connection.BODY_SECONDS", 0.1 if body else 10.0, raising=False)
    monkeypatch.setattr(module, "TIMEOUT", 20.0 if body else 0.1)
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if len(heads) == 1:
            if body:
                writer.write(b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 10\r\n\r\nhalf")
            await reader.read()
            writer.close()
            return
        lines = [line for line in heads[-1].split(b"\r\n") if line.split(b":")[0] in (b"Via", b"From", b"To", b"CSeq")]
        writer.write(b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""]))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    trunk = Trunk(TrunkAddress("127.0.0.1", port, "tcp"), TrunkAccount("96110", "127.0.0.1"))
    await trunk.open()
    try:
        async with asyncio.timeout(4):
            while not trunk.up:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.01)
    finally:
        await trunk.close()
        server.close()
    assert len(heads) == 2

"""A gateway that takes calls: reports of them come in, and operators are made ready."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from aiosipua.message import SipMessage, SipRequest, SipResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.channels.incoming_calls import IncomingCallReport, IncomingCallState
from streams.channels.signing import SignedMessage, verify
from streams.gateways.voice.media.session import offer
from streams.runtime.embedded import free_port
from streams.runtime.serving import serving
from tests.streams.gateways.voice.centre import KEY, running_gateway
from tests.streams.gateways.voice.operators.desk import CONSOLE_KEY, Desk, configured
from tests.streams.gateways.voice.operators.scripted import MEDIA_PORT, ScriptedTrunk

CALLER = "+8619900001234"
ENDED = IncomingCallState.ENDED


@dataclass
class IncomingLine(Desk):
    """Reports of incoming calls, oldest first. `port`: at which the trunk reaches the gateway."""

    incoming: list[IncomingCallReport] = field(default_factory=list)
    refused: int = 0  # reports to answer with 503
    port: int = 0

    async def receive_incoming(self, request: Request) -> Response:
        body = await request.body()
        verify([KEY], request.headers, SignedMessage("voice", request.url.path, body), time.time())
        if self.refused:
            self.refused -= 1
            return JSONResponse({"reason": "later"}, 503)
        self.incoming.append(IncomingCallReport.model_validate_json(body))
        return JSONResponse({"taken": True})

    async def ready(self, login: str = "wang", *, ready: bool = True) -> int:
        """Let an operator take calls, or not; the status."""
        told = {"operator": login, "ready": ready}
        return await self._post("/operator-ready", secrets.token_hex(8), told, CONSOLE_KEY)

    async def told(self, state: IncomingCallState, seconds: float = 30, *, held: bool = False) -> IncomingCallReport:
        """Wait for a report with a state, and return the latest one."""
        async with asyncio.timeout(seconds):
            while not (found := [each for each in self.incoming if each.state is state and each.held is held]):  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.02)
        return found[-1]

    async def ends(self, count: int, seconds: float = 30) -> list[IncomingCallReport]:
        """Wait for the ends of so many calls."""
        async with asyncio.timeout(seconds):
            while len(self.ended_calls) < count:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.02)
        return self.ended_calls

    @property
    def ended_calls(self) -> list[IncomingCallReport]:
        """The reports that came and say that a call has ended."""
        return [each for each in self.incoming if each.state is ENDED]

    def course(self) -> list[str]:
        """The states that were reported, each once in a row."""
        told = [each.state.value for each in self.incoming]
        return [state for place, state in enumerate(told) if not place or told[place - 1] != state]


@asynccontextmanager
async def incoming_line() -> AsyncIterator[IncomingLine]:
    """Run the receiver of reports."""
    line = IncomingLine()
    routes = [
        Route("/receipts/operator-calls", line.receive, methods=["POST"]),
        Route("/receipts/incoming-calls", line.receive_incoming, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", access_log=False, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "test") as address:
        line.address = f"{address}/receipts/operator-calls"
        yield line


def taking_calls(
    folder: Path, line: IncomingLine, trunk_port: int, exchange_port: int, more: str = "", speech: str = ""
) -> Path:
    """Write a gateway's configuration with incoming calls. `more`: lines of [incoming]; `speech`: of [speech]."""
    line.port = free_port()
    file = configured(folder, line, trunk_port, exchange_port)
    reports = line.address.replace("operator-calls", "incoming-calls")
    text = file.read_text("utf-8").replace("[trunk]\n", f"[trunk]\nlocal_port = {line.port}\n")
    tables = f'[incoming]\nnumbers = ["96110"]\nreports_url = "{reports}"\nno_mailbox = true\n{more}\n'
    file.write_text(text + tables + (f"[speech]\n{speech}\n" if speech else ""), "utf-8")
    return file


@asynccontextmanager
async def answered_by(line: IncomingLine, file: Path) -> AsyncIterator[None]:
    """Run the gateway; wang is ready."""
    async with running_gateway(line.gateway, file):
        assert await line.ready() == 202
        yield


class CallingTrunk(ScriptedTrunk):
    """A trunk that calls the gateway: the test plays the caller."""

    def call(
        self, name: str = "1", to: str = "96110", caller: str = "19900001234", sdp: str | None = None, more: str = ""
    ) -> bytes:
        """Send an INVITE, and return it, so that it can be sent again."""
        body = offer("127.0.0.1", MEDIA_PORT, None) if sdp is None else sdp
        lines = [
            f"INVITE sip:{to}@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{name}",
            f"From: <sip:{caller}@d>;tag=caller{name}",
            f"To: <sip:{to}@d>",
            f"Call-ID: call{name}",
            "CSeq: 1 INVITE",
            "Contact: <sip:c@127.0.0.1>",
            *([more] if more else []),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        sent = "\r\n".join([*lines, "", body]).encode()
        self.receive(sent)
        return sent

    def ask_in(self, name: str, method: str, branch: str = "", number: int = 1, sdp: str = "") -> None:
        """A request of the caller in a call; with `branch` it is of the INVITE itself."""
        own = self.answers(name)[-1].to_addr
        assert own is not None
        tag = "" if method == "CANCEL" else f";tag={own.tag}"
        lines = [
            f"{method} sip:96110@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/TLS 127.0.0.1;branch={branch or 'z9hG4bK' + secrets.token_hex(4)}",
            f"From: <sip:19900001234@d>;tag=caller{name}",
            f"To: <sip:96110@d>{tag}",
            f"Call-ID: call{name}",
            f"CSeq: {number} {method}",
            *(["Content-Type: application/sdp"] if sdp else []),
            f"Content-Length: {len(sdp)}",
        ]
        self.receive("\r\n".join([*lines, "", sdp]).encode())

    def receive(self, data: bytes) -> None:
        """Pass a message of the caller to the gateway."""
        message = SipMessage.parse(data)
        assert isinstance(message, SipRequest)
        self._receive(message)

    def answers(self, name: str) -> list[SipResponse]:
        """The answers to the INVITE of a call, the oldest first."""
        sent = [each for each in self.line.sent if isinstance(each, SipResponse) and each.call_id == f"call{name}"]
        return [each for each in sent if each.cseq and each.cseq.method == "INVITE"]

    async def answered(self, name: str = "1", status: int = 200, sdp: str = "") -> SipResponse:
        """Wait for an answer to a call; a 200 is acknowledged, with `sdp`."""
        async with asyncio.timeout(10):
            while not (found := [each for each in self.answers(name) if each.status_code == status]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        if status == 200:
            self.ask_in(name, "ACK", sdp=sdp)
        return found[0]

    async def hung_up(self, name: str = "1") -> None:
        """Wait for the BYE of a call, and answer it."""
        async with asyncio.timeout(15):
            while not (found := [each for each in self.requests("BYE") if each.call_id == f"call{name}"]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        self.answer(found[-1], 200)

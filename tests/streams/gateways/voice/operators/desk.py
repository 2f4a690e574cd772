"""The console's side of operators' calls: signed orders go out, and signed reports come in."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.channels.operator_calls import OperatorCallReport, OperatorCallState
from streams.channels.signing import SignedMessage, sign, verify
from streams.runtime.serving import serving
from tests.streams.gateways.voice.centre import KEY, NUMBER, Centre, written

CONSOLE_KEY = b"fedcba9876543210fedcba9876543210"
PHONE = "19900001234"  # the user part of every baresip here


@dataclass
class Desk:
    """Reports that came, oldest first; `address`: where to; `refuse`: reports to answer with 503."""

    address: str = ""
    gateway: Centre = field(default_factory=Centre)
    reports: list[OperatorCallReport] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    refuse: int = 0

    async def receive(self, request: Request) -> Response:
        body = await request.body()
        verify([KEY], request.headers, SignedMessage("voice", request.url.path, body), time.time())
        if self.refuse:
            self.refuse -= 1
            return JSONResponse({"reason": "later"}, 503)
        self.reports.append(OperatorCallReport.model_validate_json(body))
        self.came.append(time.monotonic())
        return JSONResponse({"input": None})

    async def call(
        self,
        call: str,
        operator: str = "wang",
        to: str = f"{NUMBER}234",
        key: bytes = CONSOLE_KEY,
        *,
        when_up: bool = True,
    ) -> int:
        """Order a call; the status. `when_up`: ask again for up to 20 s while the gateway answers 503, which it does
        until it has asked the trunk and the exchange.
        """
        until = time.monotonic() + 20 * when_up
        order = {"operator": operator, "to": to, "case": "r-1"}
        while (status := await self._post("/operator-calls", call, order, key)) == 503 and time.monotonic() < until:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0.1)
        return status

    async def act(
        self,
        call: str,
        act: str,
        act_id: str = "",
        third: Mapping[str, str] | None = None,
        colleague: str = "",
        operator: str = "",
        recording: Mapping[str, object] | None = None,
    ) -> int:
        """Do something during a call; the status. `operator`: who does it, "": who talked by the latest report."""
        talks = [each.operator for each in self.reports if each.call == call]
        told: dict[str, object] = {"call": call, "operator": operator or (talks[-1] if talks else "wang"), "act": act}
        told |= {"third": third} if third else {}
        told |= {"colleague": colleague} if colleague else {}
        told |= {"recording": recording} if recording else {}
        return await self._post("/operator-call-acts", act_id or secrets.token_hex(8), told, CONSOLE_KEY)

    async def phones(self) -> httpx.Response:
        """Ask who has a telephone."""
        signed = sign(
            CONSOLE_KEY, SignedMessage("voice", "/operator-phones", b"", "GET"), time.time(), secrets.token_hex(12)
        )
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.get(f"{self.gateway.gateway}/operator-phones", headers=signed)

    async def until(self, state: OperatorCallState, seconds: float = 40, held: bool = False) -> OperatorCallReport:
        """Wait for a report with a state."""
        async with asyncio.timeout(seconds):
            while True:
                found = [each for each in self.reports if each.state is state and each.held is held]
                if found:
                    return found[-1]
                await asyncio.sleep(0.02)

    async def ended(self, seconds: float = 40) -> OperatorCallReport:
        """Wait for the end of the call."""
        return await self.until(OperatorCallState.ENDED, seconds)

    def states(self) -> list[str]:
        """The states that were reported, each once in a row."""
        told = [each.state.value for each in self.reports]
        return [state for place, state in enumerate(told) if not place or told[place - 1] != state]

    async def _post(self, path: str, key: str, told: Mapping[str, object], signing: bytes) -> int:
        body = orjson.dumps(told)
        signed = sign(signing, SignedMessage("voice", path, body), time.time(), secrets.token_hex(12))
        headers = {"Idempotency-Key": key, "Content-Type": "application/json", **signed}
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.post(self.gateway.gateway + path, content=body, headers=headers)).status_code


@asynccontextmanager
async def reported_to() -> AsyncIterator[Desk]:
    """Run the receiver of reports."""
    desk = Desk()
    app = Starlette(routes=[Route("/receipts/operator-calls", desk.receive, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "test") as address:
        desk.address = f"{address}/receipts/operator-calls"
        yield desk


def configured(
    folder: Path, desk: Desk, trunk_port: int, exchange_port: int, trunk: str = "", media: str = "", more: str = ""
) -> Path:
    """Write a gateway's configuration with operators' telephones. `trunk`: lines of both tables that replace plain UDP;
    `more`: further lines of [operators].
    """
    secret = folder / "console-secret"
    secret.write_bytes(CONSOLE_KEY)
    secret.chmod(0o600)
    srtp = "required" if media else "off"
    tables = f"""
[operators]
address = "127.0.0.1:{exchange_port}"
caller = "96110"
{trunk or 'transport = "udp"'}
srtp = "{srtp}"
secret_file = "console-secret"
reports_url = "{desk.address}"
{more}
[operators.phones]
wang = "{PHONE}"
li = "19900005678"
"""
    return written(folder, trunk_port, "http://127.0.0.1:1/receipts/voice", trunk, tables, media)

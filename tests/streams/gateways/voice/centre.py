"""Quanzu's side of the voice gateway: signed orders go out, and signed receipts come in."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streams.channels.signing import SignedMessage, sign, verify
from streams.gateways.voice.process import check_voice_gateway, voice_gateway
from streams.runtime.serving import serving

KEY = b"0123456789abcdef0123456789abcdef"
NUMBER = "+8619900001"
SCRIPT = "您好，这里是反诈专线96110。尾号1234的机主，核验码是567890。请按1，请按2，请按9。"


@dataclass
class Centre:
    """Receipts that came, by dispatch; `gateway`: the address of the gateway; `hangs`: dispatches whose receipts are
    not noted, and get no answer before `answers` is set.
    """

    gateway: str = ""
    receipts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refuse: int = 0  # receipts to answer with 503
    hangs: set[str] = field(default_factory=set)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, request: Request) -> Response:
        body = await request.body()
        verify([KEY], request.headers, SignedMessage("voice", request.url.path, body), time.time())
        if self.refuse:
            self.refuse -= 1
            return JSONResponse({"reason": "later"}, 503)
        told = orjson.loads(body)
        if told["dispatch"] in self.hangs:
            await self.answers.wait()
            return JSONResponse({"reason": "later"}, 503)
        self.receipts.setdefault(told["dispatch"], []).append(told)
        return JSONResponse({"input": "x"})

    async def order(self, dispatch: str, to: str, script: str = SCRIPT, key: bytes = KEY) -> httpx.Response:
        """Send an order as the channel does."""
        body = orjson.dumps({"to": to, "script": script, "language": "zh", "action": "robot_call"})
        signed = sign(key, SignedMessage("voice", "/calls", body), time.time(), secrets.token_hex(12))
        async with httpx.AsyncClient(timeout=30) as client:
            headers = {"Idempotency-Key": dispatch, "Content-Type": "application/json", **signed}
            return await client.post(f"{self.gateway}/calls", content=body, headers=headers)

    async def ask(self, dispatch: str) -> int:
        """Ask about an order; the status."""
        path = f"/calls/{dispatch}"
        signed = sign(KEY, SignedMessage("voice", path, b"", "GET"), time.time(), secrets.token_hex(12))
        async with httpx.AsyncClient(timeout=30) as client:
            return (await client.get(self.gateway + path, headers=signed)).status_code

    async def receipt(self, dispatch: str, seconds: float = 30) -> dict[str, Any]:
        """Wait for the receipt of an order."""
        async with asyncio.timeout(seconds):
            while dispatch not in self.receipts:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0.02)
        return self.receipts[dispatch][0]


@asynccontextmanager
async def centre_with_receipts() -> AsyncIterator[tuple[Centre, str]]:
    """Run the receiver of receipts, and yield it with the address for receipts."""
    centre = Centre()
    app = Starlette(routes=[Route("/receipts/voice", centre.receive, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    async with serving(config, "127.0.0.1", 0, "test") as address:
        yield centre, f"{address}/receipts/voice"


def written(folder: Path, port: int, receipts: str, trunk: str = "", tables: str = "", media: str = "") -> Path:
    """Write a gateway's configuration. `trunk`: lines of its table that replace the plain UDP of loopback."""
    secret = folder / "secret"
    secret.write_bytes(KEY)
    secret.chmod(0o600)
    file = folder / "voice.toml"
    file.write_text(
        f"""
[trunk]
address = "127.0.0.1:{port}"
caller = "96110"
{trunk or 'transport = "udp"'}
[numbers]
allowed = ["+86199"]
strip = "+86"
[media]
{media or 'srtp = "off"'}
rtp_ports = [24000, 24999]
[orders]
port = 0
secret_file = "secret"
[receipts]
url = "{receipts}"
[storage]
file = "voice.sqlite"
{tables}
""",
        "utf-8",
    )
    return file


@asynccontextmanager
async def running_gateway(centre: Centre, file: Path, stop_seconds: float = 0.0) -> AsyncIterator[None]:
    """Run a gateway in this process."""
    async with voice_gateway(*check_voice_gateway(file), stop_seconds=stop_seconds) as address:
        centre.gateway = address
        yield

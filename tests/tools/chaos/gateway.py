"""The SMS gateway of a round: orders go through it to a carrier by jSMPP, over connections that can be cut.

In front of the gateway, a tap writes down each order. The carrier writes down what was on the wire. Both together tell
which dispatch each message belongs to, without a word of the gateway's own.
"""

import asyncio
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.levels import Action
from simulators.providers import serving
from simulators.providers.base import Contact, CutAnswer
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import SignedMessage, sign
from streams.runtime.clock import Clock
from streams.runtime.embedded import free_port
from tests.tools.gateway.rig import Wired, carrier_process, configuration, wire_log
from tests.tools.servers.process import Process
from tests.tools.servers.proxy import Proxy

PROGRAM = "tests.tools.chaos.gateway_process"
QUICK = "query_seconds = 2\n"  # each thirteenth receipt never comes
CARRIER = "tls = false\nenquire_seconds = 2\n"
ANSWER_SECONDS = 30.0  # longer than a worker waits
STILL_SECONDS = 60.0  # without news at the end, what is missing is lost
LOOK_SECONDS = 0.2
_TAKEN, _DOUBT = 200, 504
_WITH_HEADER, _UCS2, _UCS2_MARK = 0x40, 0x08, 0x0C
UNKNOWN = "no dispatch"  # of a message on the wire that nobody ordered


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as the tap saw it. `at`: when it came first, in the province's time."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    action: str
    at: datetime


@dataclass(slots=True)
class SmsGateway:
    """The gateway and its carrier. `before_gateway`, `before_carrier`, `before_receipts`: the connections that can be
    cut: from Quanzu's workers, to the carrier, and from the gateway to Quanzu.
    """

    folder: Path
    carrier: Process
    gateway: Process
    carrier_port: int
    before_gateway: Proxy
    before_carrier: Proxy
    before_receipts: Proxy
    clock: Clock
    key: bytes = field(repr=False)
    client: httpx.AsyncClient = field(repr=False)
    orders: dict[str, Ordered] = field(default_factory=dict)  # by dispatch, the earliest first

    @property
    def url(self) -> str:
        """Where workers send orders."""
        return f"http://127.0.0.1:{self.before_gateway.port}"

    def mark(self, name: str) -> Path:
        """The file by which the carrier behaves so for as long as it exists (see Smsc.java)."""
        return self.folder / f"{name}-{self.carrier_port}"

    async def ready(self) -> None:
        """Return once the gateway is connected to its carrier."""
        while True:
            try:
                if (await self.client.get(f"{self._own}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(LOOK_SECONDS)

    async def settled(self) -> set[str]:
        """Wait until each order that the gateway took is on the wire or in doubt. Returns those in doubt; what is
        neither within STILL_SECONDS stays out, and breaks a law.
        """
        moved, left, doubts = time.monotonic(), -1, set[str]()
        while time.monotonic() < moved + STILL_SECONDS:
            on_the_wire = {contact.dispatch for contact in self.contacts()}
            standing = {name: await self._standing(name) for name in self.orders.keys() - on_the_wire}
            doubts = {name for name, status in standing.items() if status == _DOUBT}
            waiting = sum(status not in (_DOUBT, httpx.codes.NOT_FOUND) for status in standing.values())
            if not waiting:
                break
            if waiting != left:
                moved, left = time.monotonic(), waiting
            await asyncio.sleep(LOOK_SECONDS)
        return doubts

    def contacts(self) -> list[Contact]:
        """What the carrier had on the wire, each message as the act of the dispatch that ordered it."""
        return list(matched(self.orders, wire_log(self.folder), self.clock))

    def held_up(self) -> dict[str, float]:
        """By dispatch, the wall seconds between its order and the last message on the wire."""
        return {
            each.dispatch: self.clock.wall_seconds(datetime.fromisoformat(each.at) - self.orders[each.dispatch].at)
            for each in self.contacts()
            if each.dispatch in self.orders
        }

    async def tap(self, request: Request) -> Response:
        """Pass a request on to the gateway, and write its order down."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return CutAnswer()
        if request.method == "POST":
            order = orjson.loads(body)
            made = Ordered(order["to"], order["text"], order["action"], self.clock.now())
            self.orders.setdefault(request.headers[KEY_HEADER], made)
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        try:
            answer = await self.client.request(
                request.method, self._own + request.url.path, content=body, headers=kept, timeout=ANSWER_SECONDS
            )
        except httpx.HTTPError:
            return CutAnswer()
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    @property
    def _own(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    async def _standing(self, dispatch: str) -> int:
        """The gateway's answer to a question about an order: 200, it has it; 504, in doubt; 404, it never got it."""
        path = f"/sms/{dispatch}"
        signed = sign(self.key, SignedMessage("sms", path, b"", "GET"), time.time(), secrets.token_hex(12))
        try:
            return (await self.client.get(self._own + path, headers=signed)).status_code
        except httpx.HTTPError:
            return 0


@asynccontextmanager
async def sms_gateway(
    folder: Path, receipts: str, key: bytes, clock: Clock, wrongs: Sequence[str]
) -> AsyncIterator[SmsGateway]:
    """Run a carrier and a gateway to it, which reports to `receipts`; they are on their way when it yields (see
    `SmsGateway.ready`). `folder`: is made; `key`: of orders and receipts; `wrongs`: mutations of the gateway.
    """
    await asyncio.to_thread(folder.mkdir)
    intake, port, carrier_port = urlsplit(receipts), free_port(), free_port()
    with ExitStack() as stack:
        before_carrier = stack.enter_context(Proxy(carrier_port))
        before_receipts = stack.enter_context(Proxy(intake.port or 80))
        reported = intake._replace(netloc=f"127.0.0.1:{before_receipts.port}").geturl()
        carrier = await asyncio.to_thread(carrier_process, folder, [carrier_port], delay=300)
        config = configuration(folder, port, reported, [before_carrier.port], QUICK, CARRIER, key)
        command = [sys.executable, "-m", PROGRAM, str(config), *wrongs]
        root = {"PYTHONPATH": str(Path(__file__).parents[3])}
        gateway = Process("sms-gateway", command, folder / "gateway.log", port, root)
        stack.callback(carrier.kill)
        stack.callback(gateway.stop)
        carrier.start()
        gateway.start()
        async with httpx.AsyncClient() as client:
            made: list[SmsGateway] = []
            path = "/sms/{key:path}"

            async def tap(request: Request) -> Response:
                return await made[0].tap(request)

            async with serving(Starlette(routes=[Route("/sms", tap, methods=["POST"]), Route(path, tap)])) as tapped:
                before_gateway = stack.enter_context(Proxy(urlsplit(tapped).port or 80))
                ways = before_gateway, before_carrier, before_receipts
                made.append(SmsGateway(folder, carrier, gateway, carrier_port, *ways, clock, key, client))
                yield made[0]


def matched(orders: dict[str, Ordered], wired: Sequence[Wired], clock: Clock) -> Iterator[Contact]:
    """Yield each message on the wire as the act of the dispatch that ordered it: of equal orders, of the first that has
    none yet; of the last, if each has one: it was on the wire twice.
    """
    acts: Counter[str] = Counter()
    for each in wired:
        if (text := first_text(each)) is None:
            continue
        number = each.phone.removeprefix("+")
        fitting = [
            name
            for name, order in orders.items()
            if order.phone.removeprefix("+") == number and order.text.startswith(text)
        ]
        name = next((name for name in fitting if not acts[name]), fitting[-1] if fitting else UNKNOWN)
        acts[name] += 1
        action = orders[name].action if fitting else Action.SMS
        yield Contact(name, action, each.phone, _moment(each, clock), text)


def first_text(each: Wired) -> str | None:
    """Return the text of a message's first segment; None for a later one."""
    content = each.content
    if each.esm_class & _WITH_HEADER:
        header, content = content[1 : content[0] + 1], content[content[0] + 1 :]
        if header[-1] != 1:  # the segment's number comes last (3GPP TS 23.040, 9.2.3.24.1)
            return None
    return content.decode("utf-16-be" if each.coding & _UCS2_MARK == _UCS2 else "ascii")


def _moment(each: Wired, clock: Clock) -> str:
    since = int(each.more) / 1000 - clock.wall_start
    return (clock.sim_start + timedelta(seconds=since * clock.speed)).isoformat()

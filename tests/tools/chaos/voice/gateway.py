"""The voice gateway of a round, and its trunk by sipp. All connections between them and Quanzu can be cut.

Taps write down each order and each receipt, and sipp each call. Together they tell what became of a dispatch, without a
word of the gateway's own but for what it calls in doubt.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson

from simulators.providers.base import Contact
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import SignedMessage, sign
from streams.runtime.clock import Clock
from streams.runtime.embedded import free_port
from tests.tools.chaos.voice.calls import NO_CALL, CallStory, Dialled, Ordered, dialled, matched
from tests.tools.chaos.voice.tap import Tapped, http_tap
from tests.tools.gateway.sipp import by_last_digit, refusing_every
from tests.tools.servers.process import Process
from tests.tools.servers.proxy import Proxy

PROGRAM = "tests.tools.chaos.voice.process"
REFUSALS = {"1": 486, "2": 480, "3": 603}  # by the number's last digit; the others answer and listen
BUSY = 486
STILL_SECONDS = 60.0  # without news at the end, what is missing is lost
LOOK_SECONDS = 0.2
_TAKEN, _DOUBT = 200, 500
_CONFIGURATION = """
log_level = "INFO"
[trunk]
address = "127.0.0.1:{trunk}"
transport = "tcp"
caller = "96110"
[numbers]
allowed = ["+86", "+82", "+44", "+1"]
strip = "+"
[media]
srtp = "off"
rtp_ports = [14000, 14999]
[orders]
port = {port}
secret_file = "secret"
[receipts]
url = "{receipts}"
[storage]
file = "voice.sqlite"
[calls]
concurrent = 100
per_second = 50.0
ring_seconds = 5.0
longest_seconds = 5.0
repeat = 1
key_seconds = 0.0
[speech]
words_per_minute = 300
"""


@dataclass(slots=True)
class VoiceGateway:
    """The gateway and its trunk. `busy_trunk`: in place of `trunk`, refuses every call as busy; `before_gateway`,
    `before_trunk`, `before_receipts`: the connections that can be cut: from Quanzu's workers, to the trunk, and from
    the gateway to Quanzu; `orders`: by dispatch, the earliest first.
    """

    folder: Path
    gateway: Process
    trunk: Process
    busy_trunk: Process
    before_gateway: Proxy
    before_trunk: Proxy
    before_receipts: Proxy
    clock: Clock
    client: httpx.AsyncClient = field(repr=False)
    key: bytes = field(repr=False)
    orders: dict[str, Ordered] = field(repr=False)

    @property
    def url(self) -> str:
        """Where workers send orders."""
        return f"http://127.0.0.1:{self.before_gateway.port}"

    async def ready(self) -> None:
        """Return once the gateway has heard from its trunk."""
        while True:
            try:
                if (await self.client.get(f"{self._own}/readyz")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(LOOK_SECONDS)

    async def settled(self) -> list[CallStory]:
        """Wait until each order that the gateway took is reported or in doubt, at most until STILL_SECONDS pass without
        news. Returns what became of each.
        """
        moved, left = time.monotonic(), -1
        standing: dict[str, int] = {}
        while time.monotonic() < moved + STILL_SECONDS:
            standing = {name: await self._standing(name) for name, order in self.orders.items() if not order.told}
            waiting = sum(status not in (_DOUBT, httpx.codes.NOT_FOUND) for status in standing.values())
            if not waiting:
                break
            if waiting != left:
                moved, left = time.monotonic(), waiting
            await asyncio.sleep(LOOK_SECONDS)
        calls: dict[str, list[Dialled]] = {}
        for name, call in matched(self.orders, self._dialled()):
            calls.setdefault(name, []).append(call)
        return [
            CallStory(
                name,
                tuple(call.status for call in calls.get(name, ())),
                frozenset(order.told),
                taken=standing.get(name, _TAKEN) == _TAKEN,
                doubt=standing.get(name) == _DOUBT,
                given_up=any(call.given_up for call in calls.get(name, ())),
            )
            for name, order in self.orders.items()
        ]

    def contacts(self) -> list[Contact]:
        """What the trunk had on the wire, each call as the act of the dispatch that ordered it."""
        nobody = Ordered("", "", "robot_call", 0.0)
        return [
            Contact(name, order.action, f"+{call.number}", self._moment(call.at), order.script)
            for name, call in matched(self.orders, self._dialled())
            for order in [self.orders.get(name, nobody) if name != NO_CALL else nobody]
        ]

    def ordered(self, tapped: Tapped) -> None:
        """Note an order that comes by."""
        if tapped.method == "POST":
            told = orjson.loads(tapped.body)
            made = Ordered(told["to"], told["script"], told["action"], time.time())
            self.orders.setdefault(tapped.headers[KEY_HEADER.lower()], made)

    def reported(self, tapped: Tapped) -> None:
        """Note a receipt that comes by."""
        told = orjson.loads(tapped.body)
        if (order := self.orders.get(told["dispatch"])) is not None:
            order.told.add(told["result"])
            order.ended = min(order.ended, time.time())

    def _dialled(self) -> list[Dialled]:
        logs = [self.folder / f"{trunk.name}.messages" for trunk in (self.trunk, self.busy_trunk)]
        return [call for log in logs if log.exists() for call in dialled(log.read_text("utf-8", "replace"))]

    def _moment(self, at: float) -> str:
        since = at - self.clock.wall_start
        return (self.clock.sim_start + timedelta(seconds=since * self.clock.speed)).isoformat()

    @property
    def _own(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    async def _standing(self, dispatch: str) -> int:
        """The gateway's answer to a question about an order: 200, it has it; 500, in doubt; 404, it never got it; 0:
        no answer.
        """
        path = f"/calls/{dispatch}"
        signed = sign(self.key, SignedMessage("voice", path, b"", "GET"), time.time(), secrets.token_hex(12))
        try:
            return (await self.client.get(self._own + path, headers=signed)).status_code
        except httpx.HTTPError:
            return 0


@asynccontextmanager
async def chaos_voice_gateway(
    folder: Path, receipts: str, key: bytes, clock: Clock, wrongs: Sequence[str]
) -> AsyncIterator[VoiceGateway]:
    """Run a trunk and a gateway to it, which reports to `receipts`; they are on their way when it yields (see
    `VoiceGateway.ready`). `folder`: is made; `key`: of orders and receipts; `wrongs`: mutations of the gateway.
    """
    await asyncio.to_thread(folder.mkdir)
    intake, port, trunk_port = urlsplit(receipts), free_port(), free_port()
    made: list[VoiceGateway] = []
    async with AsyncExitStack() as stack:
        before_trunk = stack.enter_context(Proxy(trunk_port))
        client = await stack.enter_async_context(httpx.AsyncClient())
        heard = await stack.enter_async_context(
            http_tap(f"{intake.scheme}://{intake.netloc}", lambda each: made[0].reported(each))
        )
        before_receipts = stack.enter_context(Proxy(urlsplit(heard).port or 80))
        url = intake._replace(netloc=f"127.0.0.1:{before_receipts.port}").geturl()
        (folder / "secret").write_bytes(key)
        (folder / "secret").chmod(0o600)
        config = folder / "voice.toml"
        config.write_text(_CONFIGURATION.format(trunk=before_trunk.port, port=port, receipts=url), "utf-8")
        command = [sys.executable, "-m", PROGRAM, str(config), *wrongs]
        root = {"PYTHONPATH": str(Path(__file__).parents[4])}
        gateway = Process("voice-gateway", command, folder / "gateway.log", port, root)
        trunk = _trunk(folder, "trunk", trunk_port, by_last_digit(REFUSALS))
        busy = _trunk(folder, "busy-trunk", trunk_port, refusing_every(BUSY))
        stack.callback(trunk.kill)
        stack.callback(busy.kill)
        stack.callback(gateway.stop)
        trunk.start()
        gateway.start()
        tapped = await stack.enter_async_context(
            http_tap(f"http://127.0.0.1:{port}", lambda each: made[0].ordered(each))
        )
        before_gateway = stack.enter_context(Proxy(urlsplit(tapped).port or 80))
        ways = before_gateway, before_trunk, before_receipts
        made.append(VoiceGateway(folder, gateway, trunk, busy, *ways, clock, client, key, {}))
        yield made[0]


def _trunk(folder: Path, name: str, port: int, scenario: str) -> Process:
    """Return sipp's process over TCP, not started. Its log of messages goes on when it is started again."""
    file = folder / f"{name}.xml"
    file.write_text(scenario, "utf-8")
    command = [
        *("sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(port), "-t", "t1", "-aa", "-nostdin"),
        *("-mp", str(20_000 + port % 10_000 * 2), "-cp", str(free_port())),
        *("-trace_msg", "-message_file", str(folder / f"{name}.messages"), "-message_overwrite", "false"),
        *("-trace_err", "-error_file", str(folder / f"{name}.errors"), "-error_overwrite", "false"),
    ]
    return Process(name, command, folder / f"{name}.log", port)

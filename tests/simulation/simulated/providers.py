"""The providers of the simulation: they act, answer, refuse, hang, and act and then fail; and they keep a book.

Each request crosses the network to the provider and back. An idempotent provider acts once for each key; one that can
be asked tells whether it has a key; one that is neither acts whenever it is told to.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from schemas.levels import Result
from streams.channels.provider import KEY_HEADER
from tests.simulation.laws.observed import Contact, Promise, Request
from tests.simulation.simulated.network import CutError
from tests.simulation.simulated.province import LIES, PROVINCE, UNREADABLE, OtherProvince

if TYPE_CHECKING:
    from tests.simulation.simulated.loop import Node
    from tests.simulation.simulated.world import World

CHANNELS = ("sms", "phone", "visit", "payment")
URLS = {channel: f"https://{channel}" for channel in CHANNELS}
ANSWERS_SECONDS = 600.0  # longer than anybody waits
SLOW_SECONDS = 0.3
LATE_SECONDS = 3.0  # longer than a lease lasts in the simulation
LATE_ASKABLE_SECONDS = 0.9  # one that can be asked knows by then: within two of the provider's times to answer
STATUS = {"500": 500, "500_after": 500, "503_after": 503, "408_after": 408, "429_after": 429, "429": 429}
FAULTS = (*STATUS, "cut_before", "cut_after", "away", "hang", "hang_after", "late", "slow")
_FIRST = frozenset({"500_after", "503_after", "408_after", "429_after", "cut_after", "hang_after", "slow", ""})
PROVINCE_FAULTS = (*FAULTS, *LIES)  # what the other province's next requests may meet
_CLEAR = (httpx.codes.OK, httpx.codes.CONFLICT)  # the second only from the other province

# What is told later of a contact, by channel, and how often.
RECEIPTS: dict[str, tuple[tuple[Result | None, int], ...]] = {
    "sms": ((Result.DELIVERED, 6), (Result.UNDELIVERED, 1), (Result.WRONG_NUMBER, 1), (None, 2)),
    "phone": (
        (Result.ACKNOWLEDGED, 3),
        (Result.HUNG_UP, 2),
        (Result.BUSY, 2),
        (Result.NO_ANSWER, 2),
        (Result.WANTS_OPERATOR, 1),
        (None, 2),
    ),
}


class Providers:
    """All providers of a schedule. `promises`: what each channel's promises."""

    def __init__(self, world: World, promises: dict[str, Promise]) -> None:
        self._world, self.promises, self.province = world, promises, OtherProvince(world)
        self.faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self.contacts: list[Contact] = []
        self.requests: list[Request] = []
        self._has: set[str] = set()
        self.under_way = 0

    def client(self, node: Node) -> httpx.AsyncClient:
        """A process' client: what it sends comes here."""

        async def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return await self._handle(node, request)
            return await self._noted(node, request)

        return httpx.AsyncClient(transport=httpx.MockTransport(handle), trust_env=False)

    async def _noted(self, node: Node, request: httpx.Request) -> httpx.Response:
        """Note when a request leaves, and when its answer is back. One whose sender dies never ends."""
        number, clear = len(self.requests), False
        self.requests.append(Request(request.headers[KEY_HEADER], request.url.host, node.name, self._world.true()))
        try:
            answer = await self._handle(node, request)
            clear = answer.status_code in _CLEAR and UNREADABLE.encode() not in answer.content
            return answer
        finally:
            if not node.dead:
                self.requests[number] = replace(self.requests[number], ended=self._world.true(), clear=clear)

    async def _handle(self, node: Node, request: httpx.Request) -> httpx.Response:
        channel = request.url.host
        network = self._world.network
        try:
            await network.cross(node, (node.name, channel), ANSWERS_SECONDS)
            status, body = await self._answer(channel, request)
            await network.cross(node, (channel, node.name), ANSWERS_SECONDS)
        except CutError:
            raise httpx.ReadError("cut off", request=request) from None
        return httpx.Response(status, json=body)

    async def _answer(self, channel: str, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        if request.method == "GET":
            return self._asked(request.url.path.split("/", 2)[-1])
        key, order = request.headers[KEY_HEADER], orjson.loads(request.content)
        fault = self.faults[channel].popleft() if self.faults[channel] else ""
        if fault:
            self._world.tell(channel, f"{fault} at {key}")
        # A case that it has taken it cannot refuse: it hears what is new, and answers with its number.
        refused = fault == "refuses" and str(order["offer"]) not in self.province.taken
        if fault in _FIRST or (fault in LIES and not refused):
            self._act(channel, key, order)
        return await self._failing(channel, fault, key, order, request)

    async def _failing(
        self, channel: str, fault: str, key: str, order: dict[str, Any], request: httpx.Request
    ) -> tuple[int, dict[str, Any]]:
        match fault:
            case "away":
                raise httpx.ConnectError("away", request=request)
            case "cut_before" | "cut_after":
                raise httpx.ReadError("cut off", request=request)
            case "hang" | "hang_after":
                await asyncio.sleep(ANSWERS_SECONDS)
            case "late":
                askable = self.promises[channel] is Promise.ASKABLE
                delay = (LATE_ASKABLE_SECONDS if askable else LATE_SECONDS) * self._world.random.random()
                self._world.stalls.append((self._world.true(), self._world.true() + delay))
                self._world.loop.outside(delay, self._act, channel, key, order)
                await asyncio.sleep(ANSWERS_SECONDS)
            case "slow":
                await asyncio.sleep(SLOW_SECONDS)
            case _:
                pass  # it answers at once, with its status
        if channel == PROVINCE and fault not in STATUS:
            return self.province.answer(fault, order)
        return STATUS.get(fault, 200), {}

    def _asked(self, key: str) -> tuple[int, dict[str, Any]]:
        return (200, {}) if key in self._has else (404, {})

    def _act(self, channel: str, key: str, order: dict[str, Any]) -> None:
        """Do what is asked, and write it down. A second request with a key does nothing at an idempotent provider."""
        if channel == PROVINCE:
            acted = self.province.take(key, order)
        else:
            acted = not (self.promises[channel] is Promise.IDEMPOTENT and key in self._has)
        self._has.add(key)
        self.contacts.append(Contact(key, channel, self._world.true(), acted))
        self._world.tell(channel, f"{'does' if acted else 'is asked again for'} {key}")
        if acted:
            self._told_later(channel, key, order)

    def _told_later(self, channel: str, key: str, order: dict[str, Any]) -> None:
        chances = RECEIPTS.get(channel, ())
        if not chances:
            return
        results, weights = zip(*chances, strict=True)
        result = self._world.random.choices(results, weights)[0]
        if result is not None:
            delay = 0.3 + 2.5 * self._world.random.random()
            self._world.loop.outside(delay, self._world.receipt, key, str(order.get("action")), result)

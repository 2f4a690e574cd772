"""The network between simulated processes and servers: how long a message takes, and which ways are cut.

Each way is cut by itself. A message on a cut way waits, as TCP sends it again and again: it arrives late if the way is
healed before its sender gives up.
"""

import asyncio
from collections import Counter
from random import Random

from tests.simulation.simulated.loop import PART, Node, SimLoop, pause

Way = tuple[str, str]
"""From whom to whom, by name."""

SLOW = 0.15  # of the messages take some time; the others arrive as soon as the loop gets to them
LONGEST = 0.02


class CutError(Exception):
    """The message did not get through before its sender gave up."""


class Network:
    """All ways of one schedule."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self._loop, self._random = loop, random
        self._cut: dict[Way, int] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self.over = False
        self.counted: Counter[tuple[str, str]] | None = (
            None  # messages by process and part of it, while they are counted
        )

    def cut(self, way: Way) -> None:
        """Let nothing more pass on this way. Two cuts of a way are healed by two heals."""
        self._cut[way] = self._cut.get(way, 0) + 1

    def heal(self, way: Way) -> None:
        """Undo one cut; what waited goes on."""
        left = self._cut.pop(way, 0) - 1
        if left > 0:
            self._cut[way] = left
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def open(self, way: Way) -> bool:
        """Whether messages pass on this way now."""
        return way not in self._cut

    def delay(self) -> float:
        """How long the next message takes."""
        drawn = self._random.random()
        return 0.0 if drawn >= SLOW else LONGEST * (drawn / SLOW) ** 3

    def crossing(self, node: Node, to: str) -> None:
        """A process sends something (`to`: to whom) or is answered: a boundary at which a trap may spring."""
        node.crossings += 1
        if self.counted is not None:
            self.counted[node.name, PART.get()] += 1
        if not node.traps:
            return
        part = PART.get()
        for trap in node.traps:
            trap.count(part, to)
        sprung = [trap for trap in node.traps if trap.left <= 0]
        node.traps = [trap for trap in node.traps if trap.left > 0]
        for trap in sprung:
            trap.spring()

    async def cross(self, node: Node, way: Way, seconds: float) -> None:
        """Return when the message has arrived. Raises CutError when it has not after `seconds`."""
        if self.over:
            raise CutError(way)
        self.crossing(node, way[1])
        delay = self.delay()
        if delay:
            await asyncio.sleep(delay)
        else:
            await pause()
        if way in self._cut:
            await self._healed(way, seconds)

    async def _healed(self, way: Way, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while way in self._cut:
                    healed = self._loop.create_future()
                    self._waiting.append(healed)
                    await healed
        except TimeoutError:
            raise CutError(way) from None


class Link:
    """A process' way to a server and back, with the error that the server's real client raises in the end."""

    def __init__(self, network: Network, node: Node, server: str, seconds: float, error: type[Exception]) -> None:
        self._network, self._node, self.server = network, node, server
        self._seconds, self._error = seconds, error

    async def out(self) -> None:
        """The request has arrived at the server."""
        await self._cross((self._node.name, self.server))

    async def back(self) -> None:
        """The answer has arrived."""
        await self._cross((self.server, self._node.name))

    async def _cross(self, way: Way) -> None:
        try:
            await self._network.cross(self._node, way, self._seconds)
        except CutError:
            raise self._error(f"no answer from {self.server} in {self._seconds:g} s") from None

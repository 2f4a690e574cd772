"""What a called telephone does at the simulated Asterisk, and what Asterisk makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.tools.gateway.asterisk.snapshots import CAUSES, PeerChannel

NORMAL = 16
Send = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Callee:
    """A called telephone. `rings`: seconds until it answers or refuses; `cause`: Q.850 with which it refuses, None: it
    answers; `status`: of SIP, which newer versions of Asterisk report too; `keys`: (seconds after the answer, key);
    `talks`: (from, to) in seconds after the answer; `hangs_up`: seconds after the answer, None: never; `progress`:
    what the network reports before, "RINGING", "PROGRESS" (sound only) or "" (it is silent).
    """

    rings: float = 0.05
    cause: int | None = None
    status: int | None = None
    keys: tuple[tuple[float, str], ...] = ()
    talks: tuple[tuple[float, float], ...] = ()
    hangs_up: float | None = None
    progress: str = "RINGING"


NEVER = Callee(rings=1e6)


class Line:
    """One call to a telephone. `send(type, **fields)`: sends an event about the channel to its applications.
    `free`: its thread downloads nothing at the moment; while it does, it reads no key and no hang-up of either side.
    """

    def __init__(self, channel: PeerChannel, callee: Callee, is_active: Callable[[str], bool], send: Send) -> None:
        self.channel, self._callee, self._is_active, self._send = channel, callee, is_active, send
        self.gone, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def dial(self, app: str, seconds: float) -> tuple[int, int | None]:
        """Ring, and be answered or not. Return (cause, SIP status) when the call is over, whoever ended it."""
        await self._dialled("")
        if self._callee.progress == "RINGING":
            await self._change("Ringing")
        if self._callee.progress:
            await self._dialled(self._callee.progress)
        if await self._is_gone(min(self._callee.rings, seconds)):
            return NORMAL, None
        if self._callee.rings > seconds:
            return 0, None  # Asterisk's own limit, of which it names no cause
        if self._callee.cause is not None:
            await self._dialled("BUSY" if self._callee.cause == 17 else "CHANUNAVAIL")
            return self._callee.cause, self._callee.status
        await self._change("Up")
        await self._dialled("ANSWER")
        if not self._is_active(app):
            return NORMAL, None  # Stasis ends at once without a WebSocket of the application
        self.channel.stasis = app
        await self._send("StasisStart", args=[], channel=self.channel.shape())
        await self._talk()
        return NORMAL, None

    async def _talk(self) -> None:
        doing = [asyncio.ensure_future(each) for each in (self._press(), self._speak())]
        try:
            if not await self._is_gone(self._callee.hangs_up):
                await self._send("ChannelHangupRequest", cause=NORMAL, channel=self.channel.shape())
        finally:
            for task in doing:
                task.cancel()
            await asyncio.gather(*doing, return_exceptions=True)

    async def _press(self) -> None:
        began = asyncio.get_running_loop().time()
        for seconds, digit in self._callee.keys:
            await asyncio.sleep(began + seconds - asyncio.get_running_loop().time())
            await self.free.wait()
            shape = self.channel.shape()
            await self._send("ChannelDtmfReceived", digit=digit, duration_ms=120, channel=shape)

    async def _speak(self) -> None:
        began = asyncio.get_running_loop().time()
        for start, end in self._callee.talks:
            await asyncio.sleep(began + start - asyncio.get_running_loop().time())
            if "TALK_DETECT(set)" not in self.channel.functions:
                continue
            pause = float(self.channel.functions["TALK_DETECT(set)"].split(",")[0] or 2500) / 1000
            await self._send("ChannelTalkingStarted", channel=self.channel.shape())
            await asyncio.sleep(began + end + pause - asyncio.get_running_loop().time())
            duration = int((end - start) * 1000)
            await self._send("ChannelTalkingFinished", duration=duration, channel=self.channel.shape())

    async def _change(self, state: str) -> None:
        self.channel.state = state
        await self._send("ChannelStateChange", channel=self.channel.shape())

    async def _dialled(self, status: str) -> None:
        await self._send(
            "Dial", dialstatus=status, forward="", dialstring=self.channel.device, peer=self.channel.shape()
        )

    async def _is_gone(self, seconds: float | None) -> bool:
        """Wait for seconds (None: without limit). True if the channel was hung up meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        except TimeoutError:
            pass
        await self.free.wait()
        return self.gone.is_set()


def destroyed(cause: int, status: int | None) -> dict[str, Any]:
    """Return the fields of ChannelDestroyed that tell why."""
    told: dict[str, Any] = {"cause": cause, "cause_txt": CAUSES.get(cause, "Unknown")}
    return told if status is None else {**told, "tech_cause": status}

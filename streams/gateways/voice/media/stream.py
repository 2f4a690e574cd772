"""The sound of one call: a packet is sent every 20 ms, and packets of the called side are read."""

import asyncio
import contextlib
import secrets
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pylibsrtp import Error, Policy, Session

from streams.gateways.voice.media.g711 import FRAME
from streams.gateways.voice.media.session import MediaPlan

HEADER = struct.Struct("!BBHII")
VERSION = 0x80
EVENTS = "0123456789*#ABCD"  # RFC 4733, table 3
MARKER = 0x80


@dataclass(slots=True)
class StreamEars:
    """Who listens: `sound` is called with each packet of sound, `pressed` with each key that came as an event."""

    sound: Callable[[bytes], None] = lambda _: None
    pressed: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class PacketCounts:
    """Packets `sent`, `received` and `refused`: of strangers, or with a wrong SRTP signature."""

    sent: int = 0
    received: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Playing:
    frames: Sequence[bytes] = ()
    next: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class RtpStream(asyncio.DatagramProtocol):
    """Sends what `play` is given, else silence; `key`: of this end's SRTP, None without."""

    def __init__(self, key: bytes | None) -> None:
        self.ears, self.counts = StreamEars(), PacketCounts()
        self._key = key
        self._out = _session(key, Policy.SSRC_ANY_OUTBOUND) if key else None
        self._in: Session | None = None
        self._plan: MediaPlan | None = None
        self._sequence, self._time = secrets.randbits(15), secrets.randbits(31)
        self._source = secrets.randbits(32)
        self._playing = _Playing()
        self._transport: asyncio.DatagramTransport | None = None
        self._events: deque[int] = deque(maxlen=8)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a datagram endpoint

    def agree(self, plan: MediaPlan) -> None:
        """Send to where the called side hears, from the next packet on. Called again after a new answer."""
        if plan.key and (self._plan is None or self._plan.key != plan.key):
            self._in = _session(plan.key, Policy.SSRC_ANY_INBOUND)
        self._plan = plan

    async def play(self, frames: Sequence[bytes]) -> None:
        """Play packets of the agreed law; returns when the last one was sent, or another `play` or `stop` came."""
        self.stop()
        self._playing = playing = _Playing(frames)
        await playing.done.wait()

    def stop(self) -> None:
        """Send silence from now on."""
        self._playing.done.set()
        self._playing = _Playing()

    def tick(self) -> None:
        """Send the next packet. Called every 20 ms."""
        if self._plan is None or self._transport is None or self._transport.is_closing():
            return
        playing = self._playing
        if playing.next < len(playing.frames):
            payload = playing.frames[playing.next]
            playing.next += 1
            if playing.next == len(playing.frames):
                playing.done.set()
        else:
            payload = self._plan.law.quiet
        marker = MARKER if not self.counts.sent else 0
        packet = HEADER.pack(VERSION, marker | self._plan.law.payload_type, self._sequence, self._time, self._source)
        data = packet + payload
        self._transport.sendto(self._out.protect(data) if self._out else data, self._plan.remote)
        self._sequence, self._time = (self._sequence + 1) & 0xFFFF, (self._time + FRAME) & 0xFFFFFFFF
        self.counts.sent += 1

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a packet of the called side. Those from another address, or not protected as agreed, are dropped."""
        plan = self._plan
        if plan is None or addr[0] != plan.remote[0]:
            self.counts.refused += 1
            return
        if self._key:
            data = self._unprotected(data)
        if len(data) < HEADER.size:
            self.counts.refused += 1
            return
        first, second, _, time, _ = HEADER.unpack_from(data)
        payload = _payload(data, first)
        if first >> 6 != VERSION >> 6 or payload is None:
            self.counts.refused += 1
            return
        self.counts.received += 1
        kind = second & ~MARKER
        if kind == plan.keys_payload:
            self._event(payload, time)
        elif kind == plan.law.payload_type:
            self.ears.sound(payload)

    def error_received(self, exc: Exception) -> None:
        """Ignore an unreachable port: the called side may open it later, or the call ends by SIP."""

    def close(self) -> None:
        """Stop, and free the port."""
        self.stop()
        if self._transport is not None:
            self._transport.close()

    def _unprotected(self, data: bytes) -> bytes:
        """Return the packet without SRTP, or nothing if its signature is wrong or it was repeated."""
        try:
            return self._in.unprotect(data) if self._in is not None else b""
        except Error:
            return b""

    def _event(self, payload: bytes, time: int) -> None:
        """Report a key once: each of its packets has the time of the first one."""
        if len(payload) >= 4 and payload[0] < len(EVENTS) and time not in self._events:
            self._events.append(time)
            self.ears.pressed(EVENTS[payload[0]])


async def open_rtp_stream(host: str, ports: tuple[int, int], key: bytes | None) -> tuple[RtpStream, int]:
    """Return a stream on a free even port of `ports`, and that port. Raises OSError if none is free."""
    loop = asyncio.get_running_loop()
    first, last = ports
    count = (last - first) // 2 + 1
    start = secrets.randbelow(count)
    for tried in range(count):
        port = first + 2 * ((start + tried) % count)
        with contextlib.suppress(OSError):
            _, stream = await loop.create_datagram_endpoint(lambda: RtpStream(key), local_addr=(host, port))
            return stream, port
    raise OSError("no RTP port is free: widen [media] rtp_ports")


def _payload(data: bytes, first: int) -> bytes | None:
    """Return an RTP packet's payload, or None if it is malformed (RFC 3550, 5.1)."""
    start = HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:  # an extension
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data) - (data[-1] if first & 0x20 else 0)  # padding
    return data[start:end] if start <= end else None


def _session(key: bytes, kind: int) -> Session:
    return Session(Policy(key=key, ssrc_type=kind))

"""The sound of one call: sends a packet every 20 ms, and reads the packets of the called side."""

import asyncio
import contextlib
import secrets
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pylibsrtp import Error, Policy, Session

from streams.gateways.voice.media.g711 import FRAME
from streams.gateways.voice.media.keys import EVENT_PACKETS, KEY_PAUSE, KEY_VOLUME, MOST_KEYS, KeyPacket, key_tones
from streams.gateways.voice.media.session import MediaPlan

HEADER = struct.Struct("!BBHII")
VERSION = 0x80
EVENTS = "0123456789*#ABCD"  # RFC 4733, table 3
MARKER = 0x80
LOCK_SECONDS = 2.0  # without a packet: then another source may take over, as after a transfer in the network


@dataclass(slots=True)
class StreamEars:
    """The listeners of a stream.

    `sound`: called with the payload of each sound packet; `pressed`: with each key that came as an event.
    """

    sound: Callable[[bytes], None] = lambda _: None
    pressed: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class PacketCounts:
    """Numbers of packets `sent`, `received` and `refused` (from another address, malformed, or with a wrong SRTP
    signature).
    """

    sent: int = 0
    received: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Playing:
    frames: Sequence[bytes] = ()
    next: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class RtpStream(asyncio.DatagramProtocol):
    """Sends keys, the packets given to `play`, what `source` has, and otherwise silence.

    `key`: of this side's SRTP, None: packets are not encrypted. `source`: returns the payload of the next packet, coded
    as agreed, or None for silence.
    """

    def __init__(self, key: bytes | None) -> None:
        self.ears, self.counts = StreamEars(), PacketCounts()
        self.source: Callable[[], bytes | None] = lambda: None
        self._key = key
        self._out = _session(key, Policy.SSRC_ANY_OUTBOUND) if key else None
        self._in: Session | None = None
        self._plan: MediaPlan | None = None
        self._locked: tuple[int, int] | None = None  # without SRTP: the port and source of the first packet
        self._locked_at = 0.0
        self._sequence, self._time = secrets.randbits(15), secrets.randbits(31)
        self._source = secrets.randbits(32)
        self._playing = _Playing()
        self._event_time = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._events: deque[int] = deque(maxlen=8)
        self._keys: deque[KeyPacket] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the UDP port over which packets are sent. Called by asyncio when the port is open."""
        self._transport = transport  # type: ignore[assignment]  # of a datagram endpoint

    @property
    def plan(self) -> MediaPlan | None:
        """The agreed way to exchange sound; None before one was agreed."""
        return self._plan

    def agree(self, plan: MediaPlan) -> None:
        """Use this plan from the next packet on: where packets are sent, and how they are coded and encrypted.

        Call it again after each answer: without SRTP, packets are taken only from the port and synchronisation source
        of the first one that comes then, until none has come for 2 s, so that nobody else on this machine is heard.
        """
        self._locked = None
        if plan.key and (self._plan is None or self._plan.key != plan.key):
            self._in = _session(plan.key, Policy.SSRC_ANY_INBOUND)
        self._plan = plan

    async def play(self, frames: Sequence[bytes]) -> None:
        """Send these payloads, one packet every 20 ms, in place of what was being played. Returns when the last one was
        sent, or when `stop` or another `play` has ended it; at once without payloads.
        """
        self.stop()
        if not frames:
            return
        self._playing = playing = _Playing(frames)
        await playing.done.wait()

    def stop(self) -> None:
        """End what `play` sends: its callers return, and `source` or silence is sent from now on."""
        self._playing.done.set()
        self._playing = _Playing()

    def tick(self) -> None:
        """Send the next packet: of a key, of `play`, of `source`, or silence. Nothing is sent before a plan was agreed,
        or while the called side wants no sound. Called every 20 ms.
        """
        if self._plan is None or self._transport is None or self._transport.is_closing():
            return
        if not self._plan.we_send:
            self._time = (self._time + FRAME) & 0xFFFFFFFF
            return
        if self._keys:
            self._send_key(self._keys.popleft())
            return
        self._send(self._plan.law.payload_type, self._payload(self._plan), self._time, marker=not self.counts.sent)
        self._time = (self._time + FRAME) & 0xFFFFFFFF

    def press(self, digit: str) -> None:
        """Queue a key (0-9, A-D, * or #) to be sent next: as an event (RFC 4733) if the called side takes events, else
        as tones. The key is dropped before a plan was agreed, and while 6 to 8 keys wait already. Raises ValueError for
        another sign.
        """
        if self._plan is None or len(self._keys) > MOST_KEYS * len(EVENT_PACKETS):
            return
        if self._plan.keys_payload is None:
            self._keys.extend(
                KeyPacket(self._plan.law.payload_type, frame) for frame in key_tones(digit, self._plan.law)
            )
        else:
            if len(digit) != 1:  # `index` would find a part of EVENTS
                raise ValueError("this is no key of a telephone")
            code, kind = EVENTS.index(digit), self._plan.keys_payload
            packets = [struct.pack("!BBH", code, end | KEY_VOLUME, length) for end, length in EVENT_PACKETS]
            self._keys.extend(KeyPacket(kind, packet, place) for place, packet in enumerate(packets))
        self._keys.extend([KeyPacket(self._plan.law.payload_type, self._plan.law.quiet)] * KEY_PAUSE)

    def _payload(self, plan: MediaPlan) -> bytes:
        playing = self._playing
        if playing.next < len(playing.frames):
            payload = playing.frames[playing.next]
            playing.next += 1
            if playing.next == len(playing.frames):
                playing.done.set()
            return payload
        return self.source() or plan.law.quiet

    def _send_key(self, packet: KeyPacket) -> None:
        """Send one packet of a key. All packets of an event have the time of the first one (RFC 4733, 2.5.1.2)."""
        of_event = packet.place is not None
        if packet.place == 0:
            self._event_time = self._time
        when = self._event_time if of_event else self._time
        self._send(packet.payload_type, packet.payload, when, marker=packet.place == 0)
        self._time = (self._time + FRAME) & 0xFFFFFFFF

    def _send(self, kind: int, payload: bytes, when: int, *, marker: bool) -> None:
        assert self._transport is not None and self._plan is not None  # noqa: S101, PT018 - of `tick`
        data = HEADER.pack(VERSION, MARKER * marker | kind, self._sequence, when, self._source) + payload
        self._transport.sendto(self._out.protect(data) if self._out else data, self._plan.remote)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.counts.sent += 1

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Read a packet of the called side, and pass its sound or key to `ears`. Packets from another address,
        malformed ones, and those not encrypted as agreed are counted as refused and dropped.
        """
        plan = self._plan
        if plan is None or addr[0] != plan.remote[0]:
            self.counts.refused += 1
            return
        if self._key:
            data = self._unprotected(data)
        if len(data) < HEADER.size:
            self.counts.refused += 1
            return
        first, second, _, when, source = HEADER.unpack_from(data)
        payload = _payload(data, first)
        if first >> 6 != VERSION >> 6 or payload is None or not self._is_from(addr[1], source):
            self.counts.refused += 1
            return
        self.counts.received += 1
        kind = second & ~MARKER
        if kind == plan.keys_payload:
            self._event(payload, when)
        elif kind == plan.law.payload_type:
            self.ears.sound(payload)

    def _is_from(self, port: int, source: int) -> bool:
        """Return True if a packet is of the called side; SRTP has shown it already."""
        if self._key:
            return True
        now = time.monotonic()
        if self._locked is None or now - self._locked_at > LOCK_SECONDS:
            self._locked = (port, source)
        if self._locked != (port, source):
            return False
        self._locked_at = now
        return True

    def error_received(self, exc: Exception) -> None:
        """Ignore an unreachable port: the called side may open it later; otherwise SIP ends the call."""

    def close(self) -> None:
        """Stop sending, and free the port."""
        self.stop()
        if self._transport is not None:
            self._transport.close()

    def _unprotected(self, data: bytes) -> bytes:
        """Return the packet without SRTP, or nothing if its signature is wrong or it was repeated."""
        try:
            return self._in.unprotect(data) if self._in is not None else b""
        except Error:
            return b""

    def _event(self, payload: bytes, when: int) -> None:
        """Report a key once: each of its packets has the time of the first one."""
        if len(payload) >= 4 and payload[0] < len(EVENTS) and when not in self._events:
            self._events.append(when)
            self.ears.pressed(EVENTS[payload[0]])


async def open_rtp_stream(host: str, ports: tuple[int, int], key: bytes | None) -> tuple[RtpStream, int]:
    """Open a stream on a random free even UDP port of `host`, and return (the stream, its port). `ports`: the first and
    last port to use; `key`: of this side's SRTP, None: packets are not encrypted.

    Raises OSError if no port is free.
    """
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

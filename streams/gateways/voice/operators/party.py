"""One side of a call with an operator: its SIP call and its sound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from streams.gateways.voice.media.answer import answer_to
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.hearing import ToneKeys
from streams.gateways.voice.media.session import MediaPlan, MediaRefusedError, agreed, new_srtp_key, offer
from streams.gateways.voice.media.stream import RtpStream, open_rtp_stream
from streams.gateways.voice.sip.dialog import CallDialog
from streams.gateways.voice.sip.incoming import IncomingLeg
from streams.gateways.voice.sip.leg import CallLeg, DialResult
from streams.gateways.voice.sip.trunk import Trunk
from streams.runtime.tasks import wanted

SILENCE_SECONDS = 30.0  # without a packet. Telephones send one every 20 ms, and some fewer while nobody speaks
HELD_SILENCE_SECONDS = 600.0  # the same while this side has put the call on hold
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PartyAddress:
    """The address of a side to call. `trunk`: the carrier's, or the exchange of the desk; `number`: in the form that
    the trunk wants; `is_number`: False for the user part of a SIP address; `secure`: with SRTP; `ports`: the first and
    last UDP port for sound.
    """

    trunk: Trunk
    number: str
    is_number: bool
    secure: bool
    ports: tuple[int, int]


class CallParty:
    """A side of a call. `stream`: its sound; `secure`: with SRTP."""

    def __init__(self, leg: CallDialog, stream: RtpStream, clock: MediaClock, *, secure: bool) -> None:
        self._leg, self.stream, self._clock, self._secure = leg, stream, clock, secure
        self.tones: ToneKeys | None = None  # of a side that sends keys as tones only
        self._hanging_up: asyncio.Task[None] | None = None
        leg.events.moved = self._moved

    @property
    def leg(self) -> CallDialog:
        """The SIP call of this side."""
        return self._leg

    @property
    def plan(self) -> MediaPlan | None:
        """The agreed way to exchange sound; None before one was agreed."""
        return self.stream.plan

    async def falls_silent(self) -> None:
        """Return when no packet has come from this side for 30 s, or for 600 s while it has put the call on hold: its
        telephone or network is gone.
        """
        loop = asyncio.get_running_loop()
        received, since = self.stream.counts.received, loop.time()
        while wanted() and loop.time() - since < (HELD_SILENCE_SECONDS if self._is_held else SILENCE_SECONDS):
            await asyncio.sleep(LOOK_SECONDS)
            if self.stream.counts.received != received:
                received, since = self.stream.counts.received, loop.time()

    def hang_up(self) -> "asyncio.Task[None]":
        """Send no more sound, and begin to end the call: with a BYE if it was answered, with a refusal if it is an
        incoming call that was not. Returns the task of that, which ends when the other end has confirmed, after 32 s at
        the latest.
        """
        self._clock.remove(self.stream)
        if self._hanging_up is None:
            self._hanging_up = asyncio.create_task(self._leg.hang_up())
        return self._hanging_up

    @property
    def _is_held(self) -> bool:
        return self.plan is not None and not self.plan.they_send

    def _moved(self, text: str) -> str:
        """Use a session description, and return the direction of this side's answer. Raises MediaRefusedError."""
        plan = agreed(text, secure=self._secure)
        self._use(plan)
        return plan.direction

    def _use(self, plan: MediaPlan) -> None:
        self.stream.agree(plan)
        self.tones = ToneKeys(plan.law) if plan.keys_payload is None else None
        self._clock.add(self.stream)


class DialledParty(CallParty):
    """A side that this gateway calls. Made by `open_party`."""

    def __init__(self, leg: CallLeg, stream: RtpStream, offered: str, clock: MediaClock, *, secure: bool) -> None:
        super().__init__(leg, stream, clock, secure=secure)
        self._dialled, self._offered = leg, offered
        leg.events.early = self._moved_if_possible

    async def dial(self, seconds: float) -> DialResult:
        """Call this side, and return the final answer; gives up after `seconds`. If this task is cancelled, the call is
        ended.

        Raises MediaRefusedError if the sound of an answered call cannot be used: hang up then.
        """
        result = await self._dialled.dial(self._offered, seconds)
        if result.is_answered:
            if result.sdp or self.plan is None:
                self._moved(result.sdp)
            else:
                self.stream.agree(self.plan)  # it came early already
        return result

    def _moved_if_possible(self, text: str) -> None:
        with contextlib.suppress(MediaRefusedError):
            self._moved(text)


class CallingParty(CallParty):
    """A side that calls the centre. Made by `open_caller`."""

    def __init__(self, leg: IncomingLeg, stream: RtpStream, port: int, clock: MediaClock, key: bytes | None) -> None:
        super().__init__(leg, stream, clock, secure=key is not None)
        self._calling, self._port, self._key = leg, port, key

    async def accept(self, host: str) -> bool:
        """Take the call. `host`: this side's IP address for sound. Returns True once the caller's telephone has
        confirmed; False if the caller is gone, or it does not confirm within 32 s.

        Raises MediaRefusedError if the sound cannot be agreed. The call is not answered then, unless the caller has
        offered no sound and does not use this side's offer: hang up in that case.
        """
        if not self._calling.offered:
            taken = await self._calling.accept(offer(host, self._port, self._key), "sendrecv")
            if taken and self.plan is None:
                raise MediaRefusedError("the caller does not answer this side's offer of sound")
            return taken
        answer = answer_to(self._calling.offered, host, self._port, self._key)
        self._use(answer.plan)
        return await self._calling.accept(answer.text, answer.plan.direction)


@asynccontextmanager
async def open_party(address: PartyAddress, clock: MediaClock) -> AsyncIterator[DialledParty]:
    """Context manager: open the port for a side, and yield the side, which is not called yet: use its `dial`. After the
    block its call has ended, and its port is free. Raises OSError if no port is free.
    """
    key = new_srtp_key() if address.secure else None
    stream, port = await open_rtp_stream(address.trunk.host, address.ports, key)
    leg = address.trunk.leg(address.number, is_number=address.is_number)
    party = DialledParty(leg, stream, offer(address.trunk.host, port, key), clock, secure=address.secure)
    async with _held(party, address.trunk, clock):
        yield party


@asynccontextmanager
async def open_caller(
    leg: IncomingLeg, trunk: Trunk, ports: tuple[int, int], clock: MediaClock, *, secure: bool
) -> AsyncIterator[CallingParty]:
    """Context manager: yield the side of a call that has called the centre. Entering the block does not answer the
    call; use its `accept`. After the block the call has ended, and its port is free.

    `ports`: the first and last UDP port for sound; `secure`: True to use SRTP. Raises OSError, before the call is
    answered, if no port is free.
    """
    key = new_srtp_key() if secure else None
    stream, port = await open_rtp_stream(trunk.host, ports, key)
    party = CallingParty(leg, stream, port, clock, key)
    async with _held(party, trunk, clock):
        yield party


@asynccontextmanager
async def _held(party: CallParty, trunk: Trunk, clock: MediaClock) -> AsyncIterator[None]:
    """Context manager: end the party's call after the block, and then free its port."""
    try:
        yield
    finally:
        try:
            await asyncio.shield(party.hang_up())
        finally:  # the port is free only now: a later call would hear what still comes
            clock.remove(party.stream)
            party.stream.close()
            trunk.release(party.leg)

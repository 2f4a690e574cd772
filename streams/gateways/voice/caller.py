"""Carries out one call: dials, plays the message, listens for a key, and returns how the call ended."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.carriers.voice import (
    CallEnding,
    Heard,
    after_answer,
    offered_keys,
    q850_cause,
    ring_timeout,
    without_answer,
)
from domain.carriers.voice_mailbox import Answerer, MailboxRules, SoundFrame, who_answered
from schemas.channels.receipts import CallState
from streams.gateways.voice import gateway_metrics
from streams.gateways.voice.configuration import VoiceConfiguration
from streams.gateways.voice.ledger import CallOrder
from streams.gateways.voice.media.clock import MediaClock
from streams.gateways.voice.media.g711 import Samples
from streams.gateways.voice.media.hearing import ToneKeys, heard
from streams.gateways.voice.media.session import MediaPlan, MediaRefusedError, agreed, new_srtp_key, offer
from streams.gateways.voice.media.stream import RtpStream, open_rtp_stream
from streams.gateways.voice.sip.leg import CallLeg, DialResult
from streams.gateways.voice.sip.transactions import NO_RESPONSE
from streams.gateways.voice.sip.trunk import Trunk
from streams.gateways.voice.voices import SpeechError, SpokenMessage, Voices

log = logging.getLogger(__name__)

LISTEN_FRAMES = 200  # 4 s: after that the mailbox guess is no longer asked for
JUDGE_EVERY = 5  # packets


@dataclass(frozen=True, slots=True)
class CallParts:
    """The objects that all calls of a gateway share. `sip_trunk`: None if no calls go over one; `rules`: for telling a
    mailbox from a person.
    """

    configuration: VoiceConfiguration
    sip_trunk: Trunk | None
    clock: MediaClock
    voices: Voices
    rules: MailboxRules = field(default_factory=MailboxRules)

    @property
    def trunk(self) -> Trunk:
        """The SIP trunk. Raises RuntimeError if there is none: the configuration then has no calls that need it."""
        if self.sip_trunk is None:
            raise RuntimeError("there is no SIP trunk")
        return self.sip_trunk


async def place_call(parts: CallParts, order: CallOrder, number: str) -> CallEnding:
    """Dial `number` (in the form that the trunk wants) once, play the order's message, and return how the call ended.
    If the task is cancelled, the call is ended too.

    Failures are results too: FAILED, without dialling, if the message cannot be spoken or no port is free; FAILED also
    if the call is answered and its sound cannot be used.
    """
    try:
        message = await parts.voices.speak(order.script, order.language)
    except SpeechError as error:
        log.error("a message cannot be said: %s", error)  # noqa: TRY400 - the text says it all
        return CallEnding(CallState.FAILED, str(error))
    gateway_metrics.SPOKEN.labels(message.source).inc()
    secure = parts.configuration.media.srtp == "required"
    key = new_srtp_key() if secure else None
    try:
        stream, port = await open_rtp_stream(parts.trunk.host, parts.configuration.media.rtp_ports, key)
    except OSError as error:
        return CallEnding(CallState.FAILED, str(error))
    leg = parts.trunk.leg(number)
    try:
        conversation = _Conversation(parts, leg, stream, offered_keys(order.id), secure=secure)
        return await conversation.run(message, offer(parts.trunk.host, port, key))
    finally:
        parts.clock.remove(stream)
        stream.close()
        parts.trunk.release(leg)


class _Conversation:
    """One call under way."""

    def __init__(
        self, parts: CallParts, leg: CallLeg, stream: RtpStream, keys: frozenset[str], *, secure: bool
    ) -> None:
        self._parts, self._leg, self._stream, self._secure = parts, leg, stream, secure
        self._keys = keys
        self._rules, self._calls = parts.rules, parts.configuration.calls
        self._frames: list[SoundFrame] = []
        self._answerer: asyncio.Future[Answerer] = asyncio.get_running_loop().create_future()
        self._pressed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answered_at: float | None = None
        self._plan: MediaPlan | None = None
        self._tones: ToneKeys | None = None
        self._played = 0
        leg.events.early, leg.events.moved = self._agree_if_possible, self._agree
        leg.events.pressed = stream.ears.pressed = self._press
        stream.ears.sound = self._hear

    async def run(self, message: SpokenMessage, offered: str) -> CallEnding:
        """Dial and talk. Returns how the call ended; ends it also if this task is cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        result = await self._leg.dial(offered, self._calls.ring_seconds)
        gateway_metrics.SETUP.observe(loop.time() - began)
        if not result.is_answered:
            return _not_answered(result, self._calls.ring_seconds)
        self._answered_at = loop.time()
        try:
            if result.sdp or self._plan is None:
                self._agree(result.sdp)
            else:
                self._stream.agree(self._plan)  # it came early already
            await self._talk(message.samples)
        except MediaRefusedError as error:
            return CallEnding(CallState.FAILED, str(error))
        finally:
            hung_up = self._leg.events.ended.is_set()
            await asyncio.shield(self._leg.hang_up())
        mailbox = self._guess() is Answerer.MAILBOX
        key = self._pressed.result() if self._pressed.done() else None
        return after_answer(Heard(key, mailbox, loop.time() - self._answered_at, self._played, hung_up))

    async def _talk(self, samples: Samples) -> None:
        """Play the message until a key is pressed, the called side hangs up, or it was played often enough."""
        assert self._plan is not None  # noqa: S101 - agreed before
        frames = await asyncio.to_thread(self._plan.law.frames, samples)  # 0.1 s that would be heard in other calls
        ended = asyncio.ensure_future(self._leg.events.ended.wait())
        saying = asyncio.ensure_future(self._say(frames))
        try:
            waits: list[asyncio.Future[Any]] = [ended, saying, self._pressed]
            longest = self._calls.longest_seconds
            await asyncio.wait(waits, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, saying):
                task.cancel()
            await asyncio.gather(ended, saying, return_exceptions=True)
            self._stream.stop()

    async def _say(self, frames: Sequence[bytes]) -> None:
        """Wait for the guess of who answered, then play the message and wait for a key: `repeat` times to a person; to
        a mailbox once, or not at all, by the configuration.
        """
        who = await self._wait_for_answerer()
        if who is Answerer.MAILBOX and self._calls.on_mailbox == "hang_up":
            return
        for time in range(1 if who is Answerer.MAILBOX else self._calls.repeat):
            if time:
                await asyncio.sleep(self._calls.pause_seconds)
            await self._stream.play(frames)
            self._played += 1
        await asyncio.sleep(self._calls.key_seconds)

    async def _wait_for_answerer(self) -> Answerer:
        """Return the guess of who answered as soon as it is made; UNDECIDED if none is made in time.

        Waits at most 2 s longer than the allowed silence at first, and not longer than LISTEN_FRAMES of 20 ms.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(LISTEN_FRAMES * 0.02, self._rules.silence_at_first + 2)):
                return await asyncio.shield(self._answerer)
        return Answerer.UNDECIDED

    def _guess(self) -> Answerer:
        return self._answerer.result() if self._answerer.done() else Answerer.UNDECIDED

    def _agree(self, text: str) -> str:
        """Use a session description, and return the direction of this side's answer. Raises MediaRefusedError."""
        self._plan = plan = agreed(text, secure=self._secure)
        self._stream.agree(plan)
        self._tones = ToneKeys(plan.law) if plan.keys_payload is None else None
        self._parts.clock.add(self._stream)
        return plan.direction

    def _agree_if_possible(self, text: str) -> None:
        """Use a session description that came before the answer. An unusable one changes nothing."""
        with contextlib.suppress(MediaRefusedError):
            self._agree(text)

    def _press(self, digit: str) -> None:
        if self._answered_at is not None and digit in self._keys and not self._pressed.done():
            self._pressed.set_result(digit)

    def _hear(self, payload: bytes) -> None:
        if self._answered_at is None or self._plan is None:
            return
        if self._tones is not None and (digit := self._tones.hear(payload)):
            self._press(digit)
        if self._answerer.done() or len(self._frames) >= LISTEN_FRAMES:
            return
        self._frames.append(heard(self._plan.law.decode(payload)))
        if len(self._frames) % JUDGE_EVERY == 0:
            who = who_answered(self._frames, self._rules)
            if who is not Answerer.UNDECIDED:
                self._answerer.set_result(who)


def _not_answered(result: DialResult, seconds: float) -> CallEnding:
    if result.gave_up and result.status != NO_RESPONSE:
        return ring_timeout(seconds, result.rang)
    return without_answer(result.status, q850_cause(result.reason))
